"""Flicker marks what it alters and alters nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from frdm_engine.damage.drawing import Canvas, Shot
from frdm_engine.damage.flicker import KIND, LEAST, Flicker, FlickerSettings

SHOT = Shot(seed=0, height=144, width=208, scale=1.0, area=1.0, across=1.0, monochrome=True, templates=None)


def draw(flicker: Flicker, frame: int, plate: npt.NDArray[np.float32]) -> Canvas:
    canvas = Canvas(plate.copy())
    flicker.draw(frame, canvas)
    return canvas


@pytest.mark.parametrize("uneven", [0.0, 1.0])
def test_the_matte_marks_what_was_altered(uneven: float, plate: npt.NDArray[np.float32]) -> None:
    marked = 0
    for seed in range(8):
        settings = FlickerSettings(presence=1, strength=(0.02, 0.02), uneven=uneven)
        flicker = Flicker(settings, replace(SHOT, seed=seed))
        for frame in range(-3, 5):
            canvas = draw(flicker, frame, plate)
            matte = canvas.mattes[..., KIND]
            assert set(np.unique(matte)) <= {0, 1}
            assert not np.abs(canvas.plate - plate)[matte == 0].any()
            assert np.abs(canvas.plate - plate).max() < 0.3
            marked += bool(matte.any())
            if uneven == 0:
                assert matte.all() or not matte.any()
    assert 20 < marked < 64


def test_slow_flicker_follows_a_wave() -> None:
    gray = np.full((144, 208, 3), 0.5, np.float32)

    def roughness(slow: float) -> float:
        settings = FlickerSettings(presence=1, strength=(0.05, 0.05), slow=(slow, slow), uneven=0)
        flicker = Flicker(settings, SHOT)
        levels = [float(draw(flicker, frame, gray).plate.mean()) for frame in range(60)]
        return float(np.abs(np.diff(levels)).mean())

    assert roughness(1) < 0.5 * roughness(0)


def test_what_nobody_sees_is_left_alone(plate: npt.NDArray[np.float32]) -> None:
    flicker = Flicker(FlickerSettings(presence=1, strength=(LEAST / 10, LEAST / 10)), SHOT)
    for frame in range(10):
        np.testing.assert_array_equal(draw(flicker, frame, plate).plate, plate)
