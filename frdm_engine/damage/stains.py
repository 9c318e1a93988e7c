"""Stains: water, chemicals and mould, as soft regions of changed density and colour.

A stain lives for some frames in one neighbourhood and changes slowly, or has a new shape in each frame, as
where mould or water went through the layers of a roll. Shapes are made small and brought up to size.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from frdm_engine.damage.drawing import (
    FAINTEST,
    REFERENCE_WIDTH,
    VISIBLE,
    Array,
    Canvas,
    Rng,
    Shot,
    between,
    largest,
    log_between,
    log_mean,
    stream,
)
from frdm_engine.damage.film import bleached
from frdm_engine.damage.settings import check, number, span

KIND = 2  # in CLASSES
_SHOT, _SLOT, _FRAME, _BODY = 30, 31, 32, 33

SLOT = 16


@dataclass(frozen=True)
class StainSettings:
    """How many stains and how they look; numbers are for a frame of 854x480.

    Args:
        presence: chance that a shot has stains.
        alive: mean number of stains at any time, in a shot that has them.
        life: span of their lives in frames, log-uniform.
        size: span of diameters as a fraction of the frame's width, log-uniform.
        density: span of the strongest change: 0.1 takes a tenth of the code value, a density of 0.09 D, or bleaches
            a quarter of the dye.
        bright: share of stains that bleach instead of darken.
        cast: span of the colour cast, as a share of the density change; never in monochrome shots.
        tide: share with a line where the liquid stopped.
        lively: share with a new shape in each frame.
        mottle: share with a fine structure, as mould has.
    """

    presence: float = number(0.4, 0, 1)
    alive: tuple[float, float] = span((0.6, 4.0), 0, 100)
    life: tuple[float, float] = span((2.0, 60.0), 1, 200)
    size: tuple[float, float] = span((0.05, 0.45), 0.005, 2)
    density: tuple[float, float] = span((0.05, 0.25), 0, 1)
    bright: tuple[float, float] = span((0.1, 0.8), 0, 1)
    cast: tuple[float, float] = span((0.0, 0.7), 0, 1)
    tide: float = number(0.3, 0, 1)
    lively: float = number(0.3, 0, 1)
    mottle: float = number(0.35, 0, 1)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class _Stain:
    """One stain; lengths in pixels."""

    key: tuple[int, int]  # slot, number in it
    born: int
    life: int
    y: float
    x: float
    drift: tuple[float, float]
    size: tuple[float, float]
    change: Array  # (3,) share of light taken (negative) or added
    tide: float
    lively: bool
    mottle: float
    pace: float  # turn of the shape in radians a frame
    sharp: float  # how many times steeper than the noise its edge is


class Stains:
    """The stains of one shot."""

    def __init__(self, settings: StainSettings, shot: Shot) -> None:
        self.settings, self.shot = settings, shot
        rng = stream(shot.seed, _SHOT)
        here = float(rng.random() < settings.presence)
        self._births = here * between(rng, settings.alive) * shot.area / log_mean(settings.life)
        self._bright = between(rng, settings.bright)
        self._slots: dict[int, list[_Stain]] = {}

    def alive(self, frame: int) -> list[_Stain]:
        """The stains of this frame."""
        first = (frame - int(self.settings.life[1])) // SLOT
        stains = [stain for slot in range(first, frame // SLOT + 1) for stain in self._slot(slot)]
        return [stain for stain in stains if stain.born <= frame < stain.born + stain.life]

    def _slot(self, slot: int) -> list[_Stain]:
        stains = self._slots.get(slot)
        if stains is None:
            rng = stream(self.shot.seed, _SLOT, slot)
            count = int(rng.poisson(self._births * SLOT))
            stains = self._slots[slot] = [self._stain(rng, slot, index) for index in range(count)]
        return stains

    def _stain(self, rng: Rng, slot: int, index: int) -> _Stain:
        settings, shot = self.settings, self.shot
        diameter = log_between(rng, settings.size) * REFERENCE_WIDTH * shot.scale
        stretch = log_between(rng, (0.5, 2.0)) ** 0.5
        sign = 1.0 if rng.random() < self._bright else -1.0
        weights = np.ones(3)
        if not shot.monochrome:
            weights = weights - between(rng, settings.cast) * rng.random(3)
        change = sign * between(rng, settings.density) * weights / weights.max()
        return _Stain(
            key=(slot, index),
            born=slot * SLOT + int(rng.integers(SLOT)),
            life=int(log_between(rng, settings.life)),
            y=rng.uniform(0, shot.height),
            x=rng.uniform(0, shot.width),
            drift=(rng.normal(0, 0.6) * shot.scale, rng.normal(0, 0.4) * shot.scale),
            size=(diameter * stretch, diameter / stretch),
            change=change.astype(np.float32),
            tide=rng.uniform(0.4, 1.2) * rng.choice([-1, 1, 1]) if rng.random() < settings.tide else 0.0,
            lively=bool(rng.random() < settings.lively),
            mottle=rng.uniform(0.2, 0.8) if rng.random() < settings.mottle else 0.0,
            pace=rng.uniform(0.01, 0.25),
            sharp=min(log_between(rng, (1.0, 8.0)), max(1.0, diameter / 15)),
        )

    def draw(self, frame: int, canvas: Canvas) -> None:
        """Draw the stains of this frame."""
        for stain in self.alive(frame):
            self._draw(stain, frame, canvas)

    def _draw(self, stain: _Stain, frame: int, canvas: Canvas) -> None:
        age = frame - stain.born
        height, width = round(stain.size[0]) + 2, round(stain.size[1]) + 2
        top = round(stain.y + stain.drift[0] * age - height / 2)
        left = round(stain.x + stain.drift[1] * age - width / 2)
        y0, x0 = max(top, 0), max(left, 0)
        y1, x1 = min(top + height, self.shot.height), min(left + width, self.shot.width)
        if y1 - y0 < 2 or x1 - x0 < 2:
            return
        small = self._body(stain, frame)
        # Only what is inside the frame is brought up to size.
        pace = [small.shape[1] / width, small.shape[0] / height]
        into = np.array([[pace[0], 0, (x0 - left) * pace[0]], [0, pace[1], (y0 - top) * pace[1]]])
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        body = cv2.warpAffine(small, into, (x1 - x0, y1 - y0), flags=flags, borderMode=cv2.BORDER_CONSTANT)
        cover, strength = np.clip(body[..., 0], 0, 1), body[..., 1]
        fade = min(1.0, (age + 1) / 2, (stain.life - age) / 2) if stain.life > 4 and not stain.lively else 1.0
        cover = np.where(cover * fade < 4 * FAINTEST, np.float32(0), cover * np.float32(fade))
        plate = canvas.plate[y0:y1, x0:x1]
        # Dark stains are filters and take a share of what is there, bright ones a share of the dye.
        dark = stain.change[np.abs(stain.change).argmax()] < 0
        room = np.maximum(plate, 0) if dark else np.float32(2.5) * bleached(plate)
        change = room * (cover * strength)[..., None]
        change *= stain.change
        # Judged over a neighbourhood, since a stain is a region.
        coarse = max(2, (x1 - x0) // 8), max(2, (y1 - y0) // 8)
        seen = cv2.resize(largest(change), coarse, interpolation=cv2.INTER_AREA)
        seen = cv2.resize(seen, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
        alpha = cover * np.clip(seen * np.float32(2 / VISIBLE), 1 / 255, 1)
        canvas.plate[y0:y1, x0:x1] += change
        canvas.enter("stain", alpha, (slice(y0, y1), slice(x0, x1)))

    def _body(self, stain: _Stain, frame: int) -> Array:
        """Where the stain lies, 0..1, and how strong it is there, -0.5..1.6: small, (h, w, 2)."""
        rng = stream(self.shot.seed, _BODY, *stain.key)
        side = 24
        cells = int(rng.integers(4, 9))
        a, b = (_grid(rng, cells, side) for _ in range(2))
        if stain.lively:
            own = stream(self.shot.seed, _FRAME, *stain.key, frame)
            noise = a * np.float32(0.75) + _grid(own, cells, side) * np.float32(0.66)
        else:
            turn = stain.pace * (frame - stain.born)
            noise = a * np.float32(np.cos(turn)) + b * np.float32(np.sin(turn))
        grid = np.linspace(-1, 1, side, dtype=np.float32)
        dome = np.float32(1) - (grid[:, None] ** 2 + grid[None, :] ** 2)
        level = dome * np.float32(1.2) - np.float32(0.45) + np.float32(0.4) * noise
        # Nothing may reach the edge of the box.
        level = np.minimum(level, dome * np.float32(1.5))
        cover = np.clip(level * np.float32(stain.sharp), 0, 1)
        strength = np.float32(0.75) + np.float32(0.2) * b
        if stain.tide:
            line = np.exp(-np.square((level * np.float32(stain.sharp) - np.float32(0.6)) * np.float32(2.5)))
            strength = strength + np.float32(stain.tide) * line
        if stain.mottle:
            rough = cv2.GaussianBlur(rng.standard_normal((side, side), np.float32), (0, 0), 0.9) * np.float32(2.5)
            strength = strength * (1 + np.float32(stain.mottle) * rough)
        return np.stack([cover, np.clip(strength, -0.5, 1.6)], axis=2)


def _grid(rng: Rng, cells: int, side: int) -> Array:
    """Smooth noise (side, side) from `cells` squared values."""
    noise = rng.standard_normal((cells, cells), np.float32)
    return np.asarray(cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC), np.float32)
