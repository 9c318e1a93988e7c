"""Stains are soft, live on and change slowly, unless they are lively."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from frdm_engine.damage.drawing import Canvas, Shot
from frdm_engine.damage.stains import KIND, Stains, StainSettings

SHOT = Shot(seed=4, height=144, width=208, scale=0.6, area=1.0, across=1.0, monochrome=False, templates=None)
SETTINGS = StainSettings(presence=1, alive=(3, 3), life=(20, 60), size=(0.15, 0.4), lively=0, mottle=0)


def draw(stains: Stains, frame: int, plate: npt.NDArray[np.float32]) -> Canvas:
    canvas = Canvas(plate.copy())
    stains.draw(frame, canvas)
    return canvas


def test_a_stain_lives_on_and_changes_slowly(plate: npt.NDArray[np.float32]) -> None:
    stains = Stains(SETTINGS, SHOT)
    frame = next(
        n for n in range(200) if {s.key for s in stains.alive(n)} == {s.key for s in stains.alive(n + 1)} != set()
    )
    first, second = (draw(stains, n, plate).mattes[..., KIND] for n in (frame, frame + 1))
    assert first.max() > 0.3
    assert np.abs(first - second).mean() < 0.4 * first.mean()


def test_stains_are_soft_changes_of_density(plate: npt.NDArray[np.float32]) -> None:
    stains = Stains(SETTINGS, SHOT)
    for frame in range(0, 60, 10):
        canvas = draw(stains, frame, plate)
        change = np.abs(canvas.plate - plate).max(axis=2)
        assert change.max() < 0.7
        assert not change[canvas.mattes[..., KIND] == 0].any()
        assert not canvas.mattes[..., [0, 1, 3]].any()
        # Nothing may end at the edge of a box.
        assert np.abs(np.diff(canvas.mattes[..., KIND], axis=0)).max() < 0.5


def test_lively_stains_have_a_new_shape_each_frame(plate: npt.NDArray[np.float32]) -> None:
    def movement(lively: float) -> float:
        stains = Stains(StainSettings(presence=1, alive=(4, 4), life=(60, 60), lively=lively, mottle=0), SHOT)
        mattes = [draw(stains, frame, plate).mattes[..., KIND] for frame in (50, 51)]
        return float(np.abs(mattes[0] - mattes[1]).mean())

    assert movement(1) > 2 * movement(0)
