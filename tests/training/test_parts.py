"""One part alone: the low-resolution pass, also anew, or all but that; the rest stays as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from frdm_engine.damage import PRESETS as DAMAGE
from frdm_engine.data.patches import PatchStream
from frdm_engine.errors import CheckpointError
from frdm_engine.model.checkpoint import load
from frdm_engine.model.denoiser import FilmRestorer
from frdm_engine.training.loop import BROAD, Training
from frdm_engine.training.presets import Preset
from frdm_engine.training.state import write_model
from tests.training.runs import CPU, LONG, MODEL, TINY, after, same

ALONE = replace(TINY.only_broad(), rate=3e-3, warmup=1)


def test_alone_the_low_resolution_pass_learns_and_all_else_stays(tmp_path: Path, small_ones: PatchStream) -> None:
    write_model(tmp_path / "given", FilmRestorer(**MODEL))
    given = load(tmp_path / "given").model.state_dict()
    made = Training(tmp_path / "run", ALONE, device=CPU, weights=tmp_path / "given")
    lines: list[dict[str, float]] = []
    count = after(4)

    def report(line: dict[str, float]) -> None:
        lines.append(line)
        count(line)

    made.run(small_ones, LONG, workers=0, report=report)
    for name, value in made.model.state_dict().items():
        assert torch.equal(value, given[name]) is not name.startswith(BROAD), name
    kept = load(tmp_path / "run" / "last").model.state_dict()
    assert all(torch.equal(kept[name], value) for name, value in given.items() if not name.startswith(BROAD))
    assert all(line["small"] > 0 and not {"image", "dirt_psnr"} & set(line) for line in lines)
    assert any(line["stain_psnr_before"] < 60 for line in lines)
    again = Training(tmp_path / "run", ALONE, device=CPU)
    same(again._tensors(), made._tensors())
    assert again._rate(5.0, LONG) == pytest.approx(made._rate(5.0, LONG))


def test_the_low_resolution_pass_begins_anew_with_norms_and_all_else_stays(
    tmp_path: Path, small_ones: PatchStream
) -> None:
    write_model(tmp_path / "given", FilmRestorer(**MODEL))
    given = load(tmp_path / "given").model.state_dict()
    anew = replace(TINY.only_broad(anew=True), warmup=1)
    made = Training(tmp_path / "run", anew, device=CPU, weights=tmp_path / "given")
    made.run(small_ones, LONG, workers=0, report=after(3))
    kept = load(tmp_path / "run" / "last").model
    assert kept.config.normed
    others = {name: value for name, value in kept.state_dict().items() if not name.startswith(BROAD)}
    assert others.keys() == {name for name in given if not name.startswith(BROAD)}
    assert all(torch.equal(value, given[name]) for name, value in others.items())
    kernel = f"{BROAD}before.0.0.first.weight"
    assert not torch.equal(kept.state_dict()[kernel], given[kernel])
    for preset in (anew, TINY.only_broad()):  # it goes on as it is, and so does what begins from it
        again = Training(tmp_path / "run", preset, device=CPU)
        same(again._tensors(), made._tensors())
    further = Training(tmp_path / "more", TINY, device=CPU, weights=tmp_path / "run" / "last")
    assert torch.equal(further.model.state_dict()[kernel], kept.state_dict()[kernel])
    plain = Training(
        tmp_path / "plain", replace(TINY, model=MODEL | {"normed": True}), device=CPU, weights=tmp_path / "given"
    )
    assert not plain.preset.model["normed"]


LOCAL = TINY.only_local()


@pytest.mark.parametrize(
    ("begun", "other", "said"),
    [(ALONE, TINY, "with --only broad"), (TINY, ALONE, "without --only"), (LOCAL, ALONE, "with --only local")],
)
def test_a_run_of_one_part_is_gone_on_with_as_that_alone(
    begun: Preset, other: Preset, said: str, tmp_path: Path
) -> None:
    Training(tmp_path, begun, device=CPU).save()
    with pytest.raises(CheckpointError, match=rf"was begun {said}; .*--from"):
        Training(tmp_path, other, device=CPU)


def test_without_the_low_resolution_pass_all_else_learns(tmp_path: Path, repeated: PatchStream) -> None:
    write_model(tmp_path / "given", FilmRestorer(**MODEL))
    given = load(tmp_path / "given").model.state_dict()
    made = Training(tmp_path / "run", replace(LOCAL, rate=3e-3, warmup=1), device=CPU, weights=tmp_path / "given")
    made.run(repeated, LONG, workers=0, report=after(3))
    changed = {name for name, value in made.model.state_dict().items() if not torch.equal(value, given[name])}
    assert changed
    assert not any(name.startswith(BROAD) for name in changed)
    assert {name.split(".")[0] for name in changed} == {name.split(".")[0] for name in given} - {BROAD.rstrip(".")}
    again = Training(tmp_path / "run", LOCAL, device=CPU)
    same(again._tensors(), made._tensors())


def test_no_small_frame_is_drawn_for_nothing() -> None:
    assert (LOCAL.broad, LOCAL.frames, LOCAL.patches) == (0, TINY.frames, TINY.patches)
    assert LOCAL.recipes == TINY.recipes


def test_strong_stains_come_first() -> None:
    stages = [*(stage.recipes for stage in ALONE.curriculum), ALONE.recipes]
    density = [max(recipe.stains.density[1] for recipe in recipes) for recipes in stages]
    assert density == sorted(density, reverse=True)
    assert density[0] == pytest.approx(3 * density[-1])
    assert [recipe.stains for recipe in ALONE.recipes] == [
        DAMAGE[name].stains for name in ("medium", "archive-mixed", "archive-mixed")
    ]
    assert [stage.until for stage in ALONE.curriculum] == sorted({stage.until for stage in ALONE.curriculum})
