"""What a run writes: whole or not at all, and never a model that went wrong."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from frdm_engine.data.patches import Batch, PatchStream
from frdm_engine.errors import OutputError, TrainingError
from frdm_engine.model.checkpoint import load
from frdm_engine.model.denoiser import FilmRestorer
from frdm_engine.training.loop import Schedule, Training
from frdm_engine.training.presets import Preset
from frdm_engine.training.state import facts_of, read_state, write_model, write_state

CPU = torch.device("cpu")
MODEL: dict[str, Any] = {"width": 8, "features": 8, "prompt_dim": 16, "limits": {"small_side": 48}}
TINY = Preset(model=MODEL, patch=64, frames=1, warmup=1, later=0.0)
LONG = Schedule(minutes=10, total_minutes=10, log_every=1, save_every=0.0)


class Spoilt(PatchStream):
    """Yields whole batches, then one whose truth is not finite."""

    made: Batch
    whole: int

    def __iter__(self) -> Iterator[Batch]:
        for _ in range(self.whole):
            yield self.made
        broad = torch.full_like(self.made.patches.broad, float("nan"))
        yield replace(self.made, patches=replace(self.made.patches, broad=broad))


def spoilt(repeated: PatchStream, batch: Batch, *, whole: int) -> Spoilt:
    made = Spoilt.__new__(Spoilt)
    vars(made).update(vars(repeated))
    made.made, made.whole = batch, whole
    return made


def test_a_loss_that_is_not_finite_ends_the_run_and_is_not_saved(
    tmp_path: Path, repeated: PatchStream, batch: Batch
) -> None:
    made = Training(tmp_path, TINY, device=CPU)
    with pytest.raises(TrainingError, match=r"step 3 has a loss of nan .*; step 2 is kept\. Go on .* --seed"):
        made.run(spoilt(repeated, batch, whole=2), LONG, workers=0, report=lambda line: None)
    assert all(value.isfinite().all() for value in made.model.state_dict().values())
    assert facts_of(tmp_path)["step"] == 2
    assert all(value.isfinite().all() for value in read_state(tmp_path)[1].values())
    load(tmp_path / "last")
    assert Training(tmp_path, TINY, device=CPU).step == 2


def test_a_first_step_that_goes_wrong_leaves_no_state(tmp_path: Path, repeated: PatchStream, batch: Batch) -> None:
    made = Training(tmp_path, TINY, device=CPU)
    with pytest.raises(TrainingError, match=r"step 1 has a loss of nan .*; nothing was saved yet"):
        made.run(spoilt(repeated, batch, whole=0), LONG, workers=0, report=lambda line: None)
    assert list(tmp_path.iterdir()) == []


def test_weights_that_are_not_finite_are_not_saved(tmp_path: Path, repeated: PatchStream) -> None:
    made = Training(tmp_path, TINY, device=CPU)
    made.save()
    before = (tmp_path / "state-0.safetensors").read_bytes()

    def spoil(line: dict[str, float]) -> None:
        with torch.no_grad():
            next(made.model.parameters()).fill_(float("inf"))
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(TrainingError, match=r"model\..* is not finite after step 1; step 0 is kept"):
        made.run(repeated, replace(LONG, save_every=5.0), workers=0, report=spoil)
    assert facts_of(tmp_path)["step"] == 0
    assert (tmp_path / "state-0.safetensors").read_bytes() == before


def test_a_state_is_on_the_disk_before_it_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[tuple[str, str]] = []
    replace_file, sync = os.replace, os.fsync

    def replaced(old: Path, new: Path) -> None:
        order.append(("rename", Path(new).name))
        replace_file(old, new)

    def synced(handle: int) -> None:
        order.append(("sync", Path(os.readlink(f"/proc/self/fd/{handle}")).name))
        sync(handle)

    monkeypatch.setattr(os, "replace", replaced)
    monkeypatch.setattr(os, "fsync", synced)
    write_state(tmp_path, {"step": 7, "minutes": 1.0}, {"a": torch.ones(2)})
    assert order == [
        ("sync", "state-7.safetensors.part"),
        ("rename", "state-7.safetensors"),
        ("sync", "state.json.part"),
        ("rename", "state.json"),
        ("sync", tmp_path.name),
    ]


def test_a_kill_while_a_state_is_written_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the step is the same, so that the names are."""
    write_state(tmp_path, {"step": 1, "minutes": 1.0}, {"a": torch.ones(2)})

    def killed(old: Path, new: Path) -> None:
        raise KeyboardInterrupt

    for step in (1, 2):
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", killed)
            with pytest.raises(KeyboardInterrupt):
                write_state(tmp_path, {"step": step, "minutes": 9.0}, {"a": torch.zeros(2)})
        facts, tensors = read_state(tmp_path)
        assert (facts["step"], facts["minutes"]) == (1, 1.0)
        assert torch.equal(tensors["a"], torch.ones(2))
    write_state(tmp_path, {"step": 3, "minutes": 3.0}, {"a": torch.zeros(2)})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state-3.safetensors", "state.json"]


def test_a_model_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = FilmRestorer(**MODEL), FilmRestorer(**MODEL)
    write_model(tmp_path / "last", first)
    before = load(tmp_path / "last").sha256
    with monkeypatch.context() as patch:

        def full(path: Path, **options: object) -> None:
            (Path(path)).mkdir()
            (Path(path) / "diffusion_pytorch_model.safetensors").write_bytes(b"torn")
            raise OSError(28, "No space left on device")

        patch.setattr(second, "save_pretrained", full)
        with pytest.raises(OutputError, match=r"last cannot be written .*No space left.* is kept"):
            write_model(tmp_path / "last", second)
    assert load(tmp_path / "last").sha256 == before
    write_model(tmp_path / "last", second)
    assert load(tmp_path / "last").sha256 != before
    assert [path.name for path in tmp_path.iterdir()] == ["last"]
