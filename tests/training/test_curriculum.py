"""Easy damage first: the stages of a training, told to the data workers while it runs."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from frdm_engine.damage import PRESETS as RECIPES
from frdm_engine.data.clips import ClipLibrary
from frdm_engine.data.patches import PatchStream, Stage
from frdm_engine.model.denoiser import FilmRestorer
from frdm_engine.training.loop import Schedule, Training
from frdm_engine.training.presets import PRESETS, Preset

CPU = torch.device("cpu")
MODEL: dict[str, Any] = {"width": 8, "features": 8, "prompt_dim": 16, "limits": {"small_side": 48}}
TINY = Preset(model=MODEL, patch=64, frames=1, rate=3e-3, warmup=1)
EASY = Stage(0.25, (RECIPES["light"],))
STAGES = (EASY, Stage(0.5, (RECIPES["medium"],)))


@pytest.mark.parametrize(("progress", "stage"), [(0.0, 0), (0.24, 0), (0.25, 1), (0.49, 1), (0.5, 2), (1.0, 2)])
def test_progress_tells_the_stage(progress: float, stage: int, stream: Callable[[], PatchStream]) -> None:
    made = stream()
    made.curriculum = STAGES
    assert made.advance(progress) == made.stage == stage


def test_without_a_training_the_last_stage_is_drawn_from(stream: Callable[[], PatchStream]) -> None:
    made = stream()
    made.curriculum = STAGES
    assert made.stage == len(STAGES)


def test_a_stage_draws_from_its_own_recipes(stream: Callable[[], PatchStream], footage: Path) -> None:
    """What comes out at each stage is what a stream with those recipes alone gives."""
    library = ClipLibrary.open(footage)
    staged, light = stream(), stream()
    staged.curriculum, light.recipes = (EASY,), EASY.recipes

    def drawn(of: PatchStream) -> torch.Tensor:
        return of.batch(library, None, np.random.default_rng(3)).small.window

    staged.advance(0.0)
    assert torch.equal(drawn(staged), drawn(light))
    staged.advance(1.0)
    assert torch.equal(drawn(staged), drawn(stream()))
    assert not torch.equal(drawn(staged), drawn(light))


class _Stages(PatchStream):
    """Yields the stage that a worker sees."""

    def __iter__(self) -> Iterator[Any]:
        while True:
            yield self.stage


def test_workers_hear_of_progress(footage: Path) -> None:
    made = _Stages(
        root=footage,
        classes=("free",),
        cache=None,
        recipes=(RECIPES["heavy"],),
        seed=0,
        radius=2,
        small_side=48,
        curriculum=STAGES,
    )
    made.advance(0.0)
    drawn = iter(DataLoader(made, batch_size=None, num_workers=1, prefetch_factor=1))
    assert next(drawn) == 0
    made.advance(1.0)
    assert len(STAGES) in [next(drawn) for _ in range(4)]  # those fetched ahead are of the stage before


def test_the_training_goes_through_its_stages(tmp_path: Path, stream: Callable[[], PatchStream]) -> None:
    made, seen = Training(tmp_path, TINY, device=CPU), []

    def report(line: dict[str, float]) -> None:
        seen.append(line["stage"])
        signal.raise_signal(signal.SIGINT)

    staged = stream()
    staged.curriculum = STAGES
    for minutes in (0.0, 4.0, 9.0):
        made.minutes = minutes
        made.run(staged, Schedule(minutes=5, total_minutes=10, log_every=1), workers=0, report=report)
    assert seen == [0, 1, 2]
    assert [json.loads(line)["stage"] for line in (tmp_path / "log.jsonl").read_text().splitlines()] == seen


def test_a_run_begun_from_weights_is_known_as_such_when_it_goes_on(tmp_path: Path) -> None:
    FilmRestorer(**MODEL).save_pretrained(tmp_path / "given")
    for name, weights in (("trained", tmp_path / "given"), ("fresh", None)):
        made = Training(tmp_path / name, TINY, device=CPU, weights=weights)
        made.save()
        assert made.pretrained == Training(tmp_path / name, TINY, device=CPU).pretrained == (weights is not None)


@pytest.mark.parametrize("name", PRESETS)
def test_stages_come_in_order_and_leave_most_of_the_training_to_the_recipes(name: str) -> None:
    ends = [stage.until for stage in PRESETS[name].curriculum]
    assert ends == sorted(set(ends))
    assert 0 < ends[0] <= ends[-1] <= 0.5
    assert all(stage.recipes for stage in PRESETS[name].curriculum)
