"""Flicker: the level of a frame differs from its neighbours', evenly, by a slope, in one upright band or by rows.

The change of a code value p is  field * (offset + gain * p + mid * 4 p (1 - p)),  the last a cheap gamma.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from frdm_engine.damage.drawing import Array, Canvas, Shot, between, stream
from frdm_engine.damage.settings import check, number, span

KIND = 3  # in CLASSES
_SHOT, _FRAME, _KNOT = 40, 41, 42

#: A frame whose level is altered by less than this is left as it is: nobody sees it and no matte marks it.
LEAST = 1.5 / 255
WHOLE = slice(None), slice(None)


@dataclass(frozen=True)
class FlickerSettings:
    """How much a shot flickers, in code values.

    Args:
        presence: chance that a shot flickers.
        strength: standard deviation of a frame's change of level.
        slow: share of the flicker that follows a slow wave instead of being new each frame.
        chroma: colour cast of the flicker, relative to its strength; never in monochrome shots.
        uneven: chance that a shot's flicker differs over the frame.
    """

    presence: float = number(0.45, 0, 1)
    strength: tuple[float, float] = span((0.008, 0.03), 0, 0.5)
    slow: tuple[float, float] = span((0.0, 0.8), 0, 1)
    chroma: tuple[float, float] = span((0.0, 0.3), 0, 1)
    uneven: float = number(0.4, 0, 1)

    def __post_init__(self) -> None:
        check(self)


class Flicker:
    """The flicker of one shot."""

    def __init__(self, settings: FlickerSettings, shot: Shot) -> None:
        self.shot = shot
        rng = stream(shot.seed, _SHOT)
        here = rng.random() < settings.presence
        self._strength = between(rng, settings.strength) if here else 0.0
        self._slow = between(rng, settings.slow)
        self._chroma = 0.0 if shot.monochrome else between(rng, settings.chroma)
        self._knots = int(rng.integers(3, 16))
        # Gain, mid and offset: exposure, development and fog.
        self._blend = rng.dirichlet([2.0, 2.0, 0.6]) * rng.choice([1, 1, 1, -1], 3)
        self._shape = "even" if rng.random() >= settings.uneven else ("slope", "band", "rows")[int(rng.integers(3))]

    def _amounts(self, frame: int) -> Array:
        """Eight numbers of about unit size that belong to this frame: part slow wave, part its own."""
        before, past = divmod(frame, self._knots)
        share = past / self._knots
        ends = [stream(self.shot.seed, _KNOT, knot).normal(0, 1, 8) for knot in (before, before + 1)]
        slow = ends[0] * (1 - share) + ends[1] * share
        own = stream(self.shot.seed, _FRAME, frame).normal(0, 1, 8)
        return np.asarray(self._slow * slow + (1 - self._slow) * own, np.float32)

    def draw(self, frame: int, canvas: Canvas) -> None:
        """Alter the level of this frame."""
        if not self._strength:
            return
        amounts = self._amounts(frame)
        cast = 1 + self._chroma * amounts[1:4]
        level = self._strength * float(np.clip(amounts[0], -2.5, 2.5))
        gain, mid, offset = self._blend
        gain, mid, offset = 2 * gain * level, mid * level, offset * level
        tones = np.array([0.25, 0.5, 0.75])
        visible = float(np.abs(offset + gain * tones + mid * 4 * tones * (1 - tones)).max())
        if visible <= (LEAST if self._shape == "even" else 2 * LEAST):
            return
        # change = p ((gain + 4 mid) - 4 mid p) + offset, each channel times its cast
        plate = canvas.plate
        slope = np.column_stack([np.diag(-4 * mid * cast), (gain + 4 * mid) * cast])
        change: Array = np.asarray(cv2.transform(plate, slope), np.float32)
        change *= plate
        change = np.asarray(cv2.transform(change, np.column_stack([np.eye(3), offset * cast])), np.float32)
        if self._shape == "even":
            canvas.enter("flicker", np.ones(plate.shape[:2], np.float32), WHOLE)
        else:
            field = self._field(amounts[4:])
            # Ends softly at nothing, so that there is no step where the matte ends.
            field *= np.clip(np.abs(field) * np.float32(1.5 * visible / LEAST) - np.float32(1.5), 0, 1)
            canvas.enter("flicker", (field != 0).astype(np.float32), WHOLE)
            change *= field[..., None]
        plate += change

    def _field(self, amounts: Array) -> Array:
        """How strong the flicker is at each place (H, W), about -1..1."""
        height, width = self.shot.height, self.shot.width
        if self._shape == "slope":
            corners = np.float32(0.6) + np.float32(0.5) * amounts.reshape(2, 2)
            return np.asarray(cv2.resize(corners, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
        if self._shape == "rows":
            # A shutter that lags or a hand that cranks unevenly: exposure depends on the row, with one soft edge.
            y = np.linspace(-1, 1, height, dtype=np.float32)
            edge = np.tanh((y - np.float32(0.5) * amounts[0]) * np.float32(1.5 + abs(float(amounts[1]))))
            rows = np.float32(0.3) * amounts[2] + np.float32(0.8) * edge
            return np.ascontiguousarray(np.broadcast_to(rows[:, None], (height, width)), np.float32)
        x = np.linspace(-1, 1, width, dtype=np.float32)
        spread = np.float32(0.3 + 0.25 * abs(amounts[1]))
        band = np.exp(-np.square((x - np.float32(0.5) * amounts[0]) / spread))
        return np.broadcast_to(band, (height, width)).astype(np.float32)
