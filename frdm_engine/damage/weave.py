"""Gate weave: the whole frame moves by fractions of a pixel, as film does in a worn gate.

Weave alters the plate before the damage, so the truth weaves as well: it is nothing to repair.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from frdm_engine.damage.drawing import Array, Shot, between, stream
from frdm_engine.damage.settings import check, number, span

_SHOT, _FRAME = 60, 61


@dataclass(frozen=True)
class WeaveSettings:
    """How far frames move, in pixels of the 854 px reference frame.

    Args:
        presence: chance that a shot weaves.
        jitter: standard deviation of the movement from frame to frame.
        sway: amplitude of the slow movement, over 8 to 60 frames.
    """

    presence: float = number(0.4, 0, 1)
    jitter: tuple[float, float] = span((0.05, 0.5), 0, 10)
    sway: tuple[float, float] = span((0.0, 0.8), 0, 20)

    def __post_init__(self) -> None:
        check(self)


class Weave:
    """The weave of one shot."""

    def __init__(self, settings: WeaveSettings, shot: Shot) -> None:
        self.shot = shot
        rng = stream(shot.seed, _SHOT)
        here = float(rng.random() < settings.presence) * shot.scale
        self._jitter, self._sway = here * between(rng, settings.jitter), here * between(rng, settings.sway)
        self._turn, self._phase = 2 * np.pi / rng.uniform(8, 60, 2), rng.uniform(0, 2 * np.pi, 2)

    def offset(self, frame: int) -> tuple[float, float]:
        """How far this frame moves down and to the right, in pixels."""
        jitter = stream(self.shot.seed, _FRAME, frame).normal(0, self._jitter, 2)
        sway = self._sway * np.sin(self._turn * frame + self._phase)
        # Perforations hold a frame better sideways than they space it up and down.
        return float(jitter[0] + sway[0]), float(0.6 * (jitter[1] + sway[1]))

    def move(self, frame: int, plate: Array) -> Array:
        """`plate` (H, W, 3) moved by `offset`; the plate itself if the shot does not weave."""
        down, right = self.offset(frame)
        if not down and not right:
            return plate
        shift = np.array([[1, 0, right], [0, 1, down]], np.float64)
        size = plate.shape[1], plate.shape[0]
        moved = cv2.warpAffine(plate, shift, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
        return np.asarray(moved, np.float32)
