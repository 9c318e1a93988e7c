"""Lessons for a scout, and what it learns from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from frdm_engine.diffusion.noise import gaussian
from frdm_engine.errors import CheckpointError, TrainingError
from frdm_engine.model.checkpoint import Loaded, load
from frdm_engine.model.denoiser import FilmRestorer
from frdm_engine.model.scout import Scout
from frdm_engine.restore.restorer import Restorer
from frdm_engine.training.scouting import FILE, Lesson, Lessons, lesson, reach, teach, teacher, write
from frdm_engine.training.state import write_model
from tests.networks import tiny_network

PLANES = 23


def spotted(seed: int, *, apart: bool) -> Lesson:
    """Grain, and a bright speck in some squares, which is what is repaired there."""
    rng = np.random.default_rng(seed)
    noise = gaussian(seed=seed, frame=0, x=0, y=0, width=64, height=32, channels=PLANES)
    seen = 0.02 * torch.from_numpy(noise)
    change, worth = torch.zeros(4, 8), torch.zeros(4, 8)
    for _ in range(2):
        y, x = int(rng.integers(4)), int(rng.integers(8))
        seen[3:15, 8 * y + 3 : 8 * y + 5, 8 * x + 3 : 8 * x + 5] -= 0.5
        change[y, x], worth[y, x] = 0.5, 3.0
    return Lesson(seen.half(), change, worth, apart)


def made_of(cells: list[list[float]], worth: list[list[float]]) -> Lesson:
    return Lesson(torch.zeros(PLANES, 16, 24), torch.tensor(cells), torch.tensor(worth), False)


def test_repairs_are_what_hangs_together_and_only_the_good_ones_are_wanted() -> None:
    one = made_of([[0.1, 0, 0.2], [0, 0, 0.05]], [[-1.0, 0, 2.0], [0, 0, -0.5]])
    assert sorted((round(r.worth, 3), round(r.change, 3)) for r in one.repairs) == [(-1.0, 0.1), (1.5, 0.2)]
    assert one.wanted.tolist() == [[0, 0, 1], [0, 0, 1]]


def test_a_lesson_tells_what_a_repair_is_worth() -> None:
    """The truth is what the restorer makes of the window, so all it does is worth something."""
    restorer = Restorer(loaded(), device=torch.device("cpu"))
    window = torch.rand(5, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    pictures = {t: np.ascontiguousarray(window[t].permute(1, 2, 0).numpy()) for t in range(5)}
    _, made = restorer.lesson(pictures, 2)
    truth = torch.from_numpy(made.picture).permute(2, 0, 1)
    good = lesson(restorer, window, truth, apart=True)
    assert good.seen.shape == (PLANES, 32, 48)
    assert good.change.shape == good.worth.shape == (4, 6)
    assert (good.change > 0).any()
    assert ((good.worth > 0) == (good.change > 0)).all()
    assert good.worth.sum() == pytest.approx(float((window[2] - truth).square().sum()), rel=1e-4)
    bad = lesson(restorer, window, window[2], apart=True)
    torch.testing.assert_close(bad.worth, -good.worth)
    assert not bad.wanted.any()


def loaded() -> Loaded:
    return Loaded("tiny", tiny_network(bias=0.0), "0" * 64)


def test_lessons_are_kept_and_gone_on_with(tmp_path: Path) -> None:
    kept = Lessons(tmp_path / "run", teacher="abc")
    for seed in range(FILE + 3):
        kept.add(spotted(seed, apart=seed % 8 == 0))
    assert len(Lessons(tmp_path / "run", teacher="abc").all) == FILE
    kept.save()
    kept.save()
    again = Lessons(tmp_path / "run", teacher="abc")
    assert len(again.all) == FILE + 3
    for one, other in zip(kept.all, again.all, strict=True):
        assert one.apart == other.apart
        for name in ("seen", "change", "worth"):
            torch.testing.assert_close(getattr(one, name), getattr(other, name), rtol=0, atol=0)
    assert not list((tmp_path / "run").glob("*.part"))


def test_lessons_of_another_model_are_refused(tmp_path: Path) -> None:
    kept = Lessons(tmp_path, teacher="abc")
    kept.add(spotted(0, apart=False))
    kept.save()
    assert len(Lessons(tmp_path, teacher="abc").all) == 1
    with pytest.raises(CheckpointError, match=r"lessons-000000\.safetensors holds lessons of another model"):
        Lessons(tmp_path, teacher="abd")


def test_a_teacher_is_known_whatever_scout_it_has(tmp_path: Path) -> None:
    write_model(tmp_path / "plain", loaded().model)
    plain = load(tmp_path / "plain").model
    write(tmp_path / "scouted", plain, Scout(neighbours=4))
    assert teacher(load(tmp_path / "scouted").model) == teacher(plain)
    other = loaded().model
    with torch.no_grad():
        other.denoiser.leave.weight.add_(1e-3)
    assert teacher(other) != teacher(plain)


def test_what_a_scout_must_point_at() -> None:
    """Nothing learned: everywhere alike, so all of it, and the bias says so."""
    lessons = [spotted(seed, apart=True) for seed in range(4)]
    plain = reach(Scout(neighbours=4).eval(), lessons)
    assert plain.marked == 1
    assert plain.bias > 0
    assert 0.02 < plain.needed < 0.08
    with pytest.raises(TrainingError, match="Nothing held apart has a repair"):
        reach(Scout(neighbours=4).eval(), [made_of([[0.0]], [[0.0]])])


def test_it_learns_to_point_at_what_is_repaired(tmp_path: Path) -> None:
    lessons = [spotted(seed, apart=seed % 4 == 0) for seed in range(64)]
    told: list[int] = []
    made, worth = teach(
        lessons,
        start=Scout(neighbours=4),
        progress=lambda step: step / 160,
        seed=0,
        report=lambda step, *_: told.append(step),
    )
    assert told == sorted(told)
    assert worth.marked < 2 * worth.needed
    fresh = [spotted(seed, apart=True) for seed in range(100, 110)]
    pointed = torch.stack([made(one.seen[None].float())[0, 0] > 0 for one in fresh])
    wanted = torch.stack([one.wanted > 0 for one in fresh])
    assert pointed[wanted].float().mean() > 0.9
    assert pointed[~wanted].float().mean() < 0.1

    model = FilmRestorer(width=8, features=8, prompt_dim=16)
    write(tmp_path / "model", model, made)
    again = load(tmp_path / "model").model
    assert again.scout is not None
    torch.testing.assert_close(again.scout.leave.weight, made.leave.weight)
    torch.testing.assert_close(again.denoiser.leave.bias, model.denoiser.leave.bias)
    write(tmp_path / "model", again, made)  # a scout in place of an earlier one


def test_too_few_lessons_are_refused() -> None:
    with pytest.raises(TrainingError, match="4 lessons and 0 held apart are too few"):
        teach(
            [spotted(n, apart=False) for n in range(4)],
            start=Scout(neighbours=4),
            progress=lambda _: 1,
            seed=0,
            report=lambda *_: None,
        )
