"""Scratches last, stay or drift as told, and thin ones are faint."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from frdm_engine.damage.drawing import Canvas, Shot
from frdm_engine.damage.scratches import KIND, Scratches, ScratchSettings

SHOT = Shot(seed=1, height=120, width=160, scale=1.0, area=0.1, across=1.0, monochrome=True, templates=None)
QUIET = ScratchSettings(presence=1, rain_presence=0, scuff=0, broken=0, partial=0, bordered=0)


def matte(scratches: Scratches, frame: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    canvas = Canvas(np.full((120, 160, 3), 0.5, np.float32))
    scratches.draw(frame, canvas)
    return canvas.mattes[..., KIND]


def test_a_running_scratch_is_there_from_its_birth_to_its_end() -> None:
    scratches = Scratches(replace(QUIET, running=(3, 3), standing=0, life=(40, 90)), SHOT)
    line = next(line for line in scratches.alive(200) if line.born > 150)
    frames = [frame for frame in range(100, 330) if line in scratches.alive(frame)]
    assert frames == list(range(line.born, line.born + line.life))
    again = Scratches(replace(QUIET, running=(3, 3), standing=0, life=(40, 90)), SHOT)
    assert [other.key for other in again.alive(frames[-1])] == [o.key for o in scratches.alive(frames[-1])]
    assert abs(scratches.place(line, line.born + 1) - scratches.place(line, line.born)) < 4


def test_the_number_of_running_scratches_is_as_asked() -> None:
    scratches = Scratches(replace(QUIET, running=(4, 4), standing=0, life=(1, 100)), SHOT)
    assert np.mean([len(scratches.alive(frame)) for frame in range(-600, 3000, 7)]) == pytest.approx(4, rel=0.3)


def test_a_standing_scratch_stays_in_place_for_the_whole_shot() -> None:
    settings = replace(QUIET, running=(0, 0), standing=1.5, opacity=(1, 1), width=(2, 2))
    shots = (Scratches(settings, replace(SHOT, seed=seed)) for seed in range(20))
    scratches = next(shot for shot in shots if len(shot.alive(0)) == 1)
    columns = [int(matte(scratches, frame).mean(axis=0).argmax()) for frame in (-500, 0, 1, 7000)]
    assert max(columns) - min(columns) <= 1
    assert (matte(scratches, 3).max(axis=1) > 0.2).mean() > 0.95


def test_thin_scratches_are_faint() -> None:
    def strongest(width: float) -> float:
        settings = replace(QUIET, running=(0, 0), standing=3, opacity=(1, 1), width=(width, width))
        shots = [Scratches(settings, replace(SHOT, seed=seed)) for seed in range(6)]
        return float(np.mean([matte(shot, 0).max() for shot in shots if shot.alive(0)]))

    assert strongest(0.4) < 0.6 * strongest(3.0)


def test_rain_lasts_one_frame() -> None:
    settings = ScratchSettings(presence=0, rain_presence=1, rain=(120, 120), scuff=0, opacity=(1, 1))
    first, second = (matte(Scratches(settings, SHOT), frame) > 0.1 for frame in (0, 1))
    assert first.any()
    assert (first & second).sum() < 0.3 * first.sum()
