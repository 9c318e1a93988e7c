"""Modules switched off one at a time, from one start; and a training that goes wrong keeps its last good state."""

from __future__ import annotations

import copy
import json
import re
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from frdm_engine.data.patches import PatchStream
from frdm_engine.errors import CheckpointError, SettingError, TrainingError
from frdm_engine.model.checkpoint import load
from frdm_engine.model.denoiser import FilmRestorer
from frdm_engine.training.loop import Report, Schedule, Training, facts_of
from frdm_engine.training.presets import SWITCHES, Preset

CPU = torch.device("cpu")
MODEL: dict[str, Any] = {"width": 8, "features": 8, "prompt_dim": 16, "limits": {"small_side": 48}}
TINY = Preset(model=MODEL, patch=64, frames=1, rate=3e-3, warmup=1)
LONG = Schedule(minutes=10, total_minutes=10, log_every=1)


def once() -> Report:
    def report(line: dict[str, float]) -> None:
        signal.raise_signal(signal.SIGINT)

    return report


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole model to begin with."""
    folder = tmp_path_factory.mktemp("models") / "given"
    FilmRestorer(**MODEL).save_pretrained(folder)
    return folder


# Modules


def test_an_unknown_module_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(SettingError, match="--without 'fusion' is no module; choose from frame_fusion, global_prompt"):
        TINY.without(["frequency", "fusion"])


def test_a_preset_tells_what_it_leaves_out() -> None:
    assert TINY.off == TINY.without([]).off == ()
    assert TINY.without(["frequency", "frame_fusion"]).off == ("frame_fusion", "frequency")


@pytest.mark.parametrize("switch", SWITCHES)
def test_trainings_without_a_module_begin_with_the_weights_that_fit(switch: str, given: Path, tmp_path: Path) -> None:
    made = Training(tmp_path, TINY.without([switch]), device=CPU, weights=given)
    whole, own = load_file(given / "diffusion_pytorch_model.safetensors"), made.model.state_dict()
    for name, value in own.items():
        assert torch.equal(value, whole[name]), name
    parts: dict[str, tuple[str, ...]] = {
        "global_prompt": ("denoiser.prompt.",),
        "frequency": ("denoiser.frequency.",),
        "global_residual": ("low_resolution.", "hints."),
    }
    dropped = parts.get(switch)
    left = set(whole) - set(own)
    assert left == ({name for name in whole if name.startswith(dropped)} if dropped else set())
    assert bool(left) == (dropped is not None)


@pytest.mark.parametrize("switch", SWITCHES)
def test_the_model_of_a_run_carries_its_switches(
    switch: str, given: Path, tmp_path: Path, repeated: PatchStream
) -> None:
    made = Training(tmp_path, TINY.without([switch]), device=CPU, weights=given)
    made.run(repeated, LONG, workers=0, report=once())
    assert json.loads((tmp_path / "last" / "config.json").read_text())[switch] is False
    config = load(tmp_path / "last").model.config
    assert [config[name] for name in SWITCHES] == [name != switch for name in SWITCHES]


@pytest.mark.parametrize(("began", "goes_on"), [((), SWITCHES[3:]), (SWITCHES[3:], ()), (SWITCHES[:1], SWITCHES[3:])])
def test_other_switches_are_refused_even_where_all_tensors_fit(
    began: tuple[str, ...], goes_on: tuple[str, ...], tmp_path: Path
) -> None:
    Training(tmp_path, TINY.without(began), device=CPU).save()
    with pytest.raises(CheckpointError, match=rf"{re.escape(str(tmp_path))} was begun with.*another run folder"):
        Training(tmp_path, TINY.without(goes_on), device=CPU)
    assert Training(tmp_path, TINY.without(began), device=CPU).preset.off == began


@pytest.mark.parametrize("other", [{"width": 16}, {"frequency": False}], ids=str)
def test_weights_that_lack_what_the_preset_has_are_refused(other: dict[str, Any], tmp_path: Path) -> None:
    FilmRestorer(**(MODEL | other)).save_pretrained(tmp_path / "other")
    with pytest.raises(CheckpointError, match=r"does not fit in .* another preset"):
        Training(tmp_path / "run", TINY, device=CPU, weights=tmp_path / "other")


# Trainings that go wrong


def spoilt(repeated: PatchStream) -> PatchStream:
    """The same stream with a truth that is not a number."""
    made: Any = copy.copy(repeated)
    patches = made.made.patches
    made.made = replace(made.made, patches=replace(patches, broad=torch.full_like(patches.broad, torch.nan)))
    assert isinstance(made, PatchStream)
    return made


def test_a_loss_that_is_not_finite_ends_the_run_and_keeps_the_state_before(
    tmp_path: Path, repeated: PatchStream
) -> None:
    made = Training(tmp_path, TINY, device=CPU)
    made.run(repeated, LONG, workers=0, report=once())
    files = ("state.json", "state-1.safetensors", "last/diffusion_pytorch_model.safetensors")
    before = {name: (tmp_path / name).read_bytes() for name in files}
    with pytest.raises(TrainingError, match=r"step 2 has a loss of nan .*step 1 is kept.*another --seed"):
        made.run(spoilt(repeated), LONG, workers=0, report=once())
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    again = Training(tmp_path, TINY, device=CPU)
    again.run(repeated, LONG, workers=0, report=once())
    assert facts_of(tmp_path)["step"] == 2


def test_a_run_that_goes_wrong_at_once_says_that_nothing_was_saved(tmp_path: Path, repeated: PatchStream) -> None:
    with pytest.raises(TrainingError, match=r"step 1 has a loss of nan .*nothing was saved yet"):
        Training(tmp_path, TINY, device=CPU).run(spoilt(repeated), LONG, workers=0, report=once())
    assert not (tmp_path / "state.json").exists()


def test_weights_that_are_not_finite_are_never_saved(tmp_path: Path) -> None:
    made = Training(tmp_path, TINY, device=CPU)
    made.save()
    before = (tmp_path / "state-0.safetensors").read_bytes()
    with torch.no_grad():
        made.model.get_parameter("denoiser.leave.weight").fill_(torch.inf)
    with pytest.raises(TrainingError, match=r"denoiser\.leave\.weight is not finite"):
        made.save()
    assert (tmp_path / "state-0.safetensors").read_bytes() == before


def test_a_save_leaves_no_drafts_and_clears_those_of_a_kill(tmp_path: Path) -> None:
    (tmp_path / "last.part").mkdir()
    (tmp_path / "last.part" / "torn").write_text("half")
    (tmp_path / "state-7.safetensors.part").write_text("half")
    made = Training(tmp_path, TINY, device=CPU)
    made.save()
    made.save()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["last", "state-0.safetensors", "state.json"]
    assert sorted(path.name for path in (tmp_path / "last").iterdir()) == [
        "config.json",
        "diffusion_pytorch_model.safetensors",
    ]
    assert load(tmp_path / "last").sha256
