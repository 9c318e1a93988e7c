"""Weave moves the plate by what it says."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from frdm_engine.damage.drawing import Shot
from frdm_engine.damage.weave import Weave, WeaveSettings

SHOT = Shot(seed=0, height=144, width=208, scale=1.0, area=1.0, across=1.0, monochrome=False, templates=None)


def test_frames_move_by_their_offset() -> None:
    ramp = np.broadcast_to(np.linspace(0, 1, 208, dtype=np.float32)[None, :, None], (144, 208, 3)).copy()
    weave = Weave(WeaveSettings(presence=1, jitter=(0.4, 0.4), sway=(1, 1)), SHOT)
    for frame in (-7, 0, 3):
        _, right = weave.offset(frame)
        moved = weave.move(frame, ramp)
        shift = (ramp - moved)[20:-20, 20:-20].mean() * 207
        assert abs(shift - right) < 0.05


def test_a_steady_shot_returns_its_plate(plate: npt.NDArray[np.float32]) -> None:
    assert Weave(WeaveSettings(presence=0), SHOT).move(5, plate) is plate
