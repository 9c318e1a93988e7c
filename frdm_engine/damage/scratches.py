"""Scratches: upright lines that last from one frame to hundreds, fine rain of worn prints, and scuffs.

Of 66 scratches marked by hand on ten 35 mm scans half are longer than 48e-3 of the frame's width, a tenth
longer than 0.14; running scratches, which cross whole frames, were added from the look of archive film.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from frdm_engine.damage import shapes
from frdm_engine.damage.drawing import (
    REFERENCE_HEIGHT,
    REFERENCE_WIDTH,
    Array,
    Canvas,
    Rng,
    Shot,
    between,
    log_between,
    log_mean,
    stream,
)
from frdm_engine.damage.settings import check, number, span

KIND = 1  # in CLASSES
_SHOT, _SLOT, _STANDING, _FRAME, _RAIN, _SCUFF, _LENGTH = 20, 21, 22, 23, 24, 25, 26

#: Running scratches begin in slots of this many frames.
SLOT = 32


@dataclass(frozen=True)
class ScratchSettings:
    """How many scratches and how they look. Numbers are for a frame of 854x480, widths in its pixels.

    Args:
        presence: chance that a shot has running scratches.
        running: mean number of running scratches at any time, in a shot that has them.
        life: span of their lives in frames, log-uniform.
        standing: mean number of scratches that stay exactly in place for the whole shot.
        rain_presence, rain: chance that a shot has rain, fine lines of one frame, and span of their number.
        scuff: mean number of scuffs, short lines at any angle, in a frame.
        width: span of widths in pixels, log-uniform; under 1 a line is thin and faint.
        opacity: span of opacities of running and standing scratches; of rain, a third of it.
        white: share of white scratches in a shot; the rest are black.
        colour: share of scratches that took one emulsion layer and so alter some channels only.
        partial: share of scratches that cross only a part of the height.
        broken: share of scratches interrupted along their length.
        bordered: share of scratches with a bright core and dark borders, or the other way round.
        drift: standard deviation of the drift in pixels a frame, of those that drift.
        wobble: span of the amplitude in pixels of those that wobble.
    """

    presence: float = number(0.6, 0, 1)
    running: tuple[float, float] = span((0.5, 6.0), 0, 200)
    life: tuple[float, float] = span((1.0, 300.0), 1, 400)
    standing: float = number(0.6, 0, 50)
    rain_presence: float = number(0.35, 0, 1)
    rain: tuple[float, float] = span((2.0, 30.0), 0, 2000)
    scuff: float = number(0.15, 0, 50)
    width: tuple[float, float] = span((0.5, 4.0), 0.2, 20)
    opacity: tuple[float, float] = span((0.10, 1.0), 0, 1)
    white: tuple[float, float] = span((0.2, 0.95), 0, 1)
    colour: float = number(0.12, 0, 1)
    partial: float = number(0.3, 0, 1)
    broken: float = number(0.4, 0, 1)
    bordered: float = number(0.15, 0, 1)
    drift: float = number(0.4, 0, 20)
    wobble: tuple[float, float] = span((0.5, 6.0), 0, 100)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Line:
    """One scratch: everything about it that does not depend on the frame. Lengths are in pixels."""

    key: tuple[int, int, int]  # standing or not, slot, number in it
    born: int
    life: int
    x: float
    drift: float
    waves: Any  # (3, 3): amplitude, turn a frame, phase
    tilt: float
    bow: tuple[float, float, float]  # amplitude, turn a pixel, phase
    width: float
    level: float
    opacity: float
    soft: float
    top: float
    bottom: float
    gate: float  # share of its length that is missing
    border: float
    tint: Array | None


class Scratches:
    """The scratches of one shot."""

    def __init__(self, settings: ScratchSettings, shot: Shot) -> None:
        self.settings, self.shot = settings, shot
        rng = stream(shot.seed, _SHOT)
        here = float(rng.random() < settings.presence)
        self._births = here * between(rng, settings.running) * shot.across / log_mean(settings.life)
        rain = float(rng.random() < settings.rain_presence)
        self._rain = rain * between(rng, settings.rain) * shot.area
        self._white = between(rng, settings.white)
        self._soft = rng.uniform(0.3, 0.8) * max(shot.scale, 0.6)
        rng = stream(shot.seed, _STANDING)
        count = int(rng.poisson(here * settings.standing * shot.across))
        self._standing = [self._line(rng, (_STANDING, 0, n), born=0, life=0) for n in range(count)]
        self._slots: dict[int, list[Line]] = {}

    def alive(self, frame: int) -> list[Line]:
        """The running and standing scratches of this frame."""
        last = frame // SLOT
        first = (frame - int(self.settings.life[1])) // SLOT
        lines = [line for slot in range(first, last + 1) for line in self._slot(slot)]
        return self._standing + [line for line in lines if line.born <= frame < line.born + line.life]

    def _slot(self, slot: int) -> list[Line]:
        lines = self._slots.get(slot)
        if lines is None:
            rng = stream(self.shot.seed, _SLOT, slot)
            lines = []
            for index in range(int(rng.poisson(self._births * SLOT))):
                born = slot * SLOT + int(rng.integers(SLOT))
                life = int(log_between(rng, self.settings.life))
                lines.append(self._line(rng, (_SLOT, slot, index), born=born, life=life))
            self._slots[slot] = lines
        return lines

    def _line(self, rng: Rng, key: tuple[int, int, int], *, born: int, life: int) -> Line:
        settings, shot = self.settings, self.shot
        waves = np.zeros((3, 3))
        drift = 0.0
        habit = rng.random()
        if life and habit < 0.35:
            drift = rng.normal(0, settings.drift) * shot.scale
        if life and 0.2 < habit < 0.75:
            reach = log_between(rng, (max(settings.wobble[0], 0.01), max(settings.wobble[1], 0.01))) * shot.scale
            waves[:, 0] = reach * rng.dirichlet([1, 1, 1])
            waves[:, 1] = 2 * np.pi / rng.uniform(6, 120, 3)
            waves[:, 2] = rng.uniform(0, 2 * np.pi, 3)
        top, bottom = 0.0, float(shot.height)
        if rng.random() < settings.partial:
            length = shot.height * rng.uniform(0.1, 0.8)
            top = rng.uniform(-0.3 * length, shot.height - 0.7 * length)
            bottom = top + length
        width = log_between(rng, settings.width) * max(shot.scale, 0.6)
        return Line(
            key=key,
            born=born,
            life=life,
            x=rng.uniform(0, shot.width),
            drift=drift,
            waves=waves,
            tilt=rng.normal(0, 0.004) if rng.random() < 0.6 else 0.0,
            bow=(abs(rng.normal(0, 0.5)) * shot.scale, 2 * np.pi / rng.uniform(100, 900), rng.uniform(0, 6)),
            width=width,
            level=self._level(rng),
            opacity=between(rng, settings.opacity) ** 1.3,
            soft=self._soft * rng.uniform(0.8, 1.6),
            top=top,
            bottom=bottom,
            gate=rng.uniform(0.15, 0.7) if rng.random() < settings.broken else 0.0,
            border=rng.uniform(0.2, 0.6) if rng.random() < settings.bordered else 0.0,
            tint=self._tint(rng),
        )

    def _level(self, rng: Rng) -> float:
        shade = 0.3 * float(rng.random()) ** 2
        return 1.03 - shade if rng.random() < self._white else shade

    def _tint(self, rng: Rng) -> Array | None:
        if self.shot.monochrome or rng.random() >= self.settings.colour:
            return None
        tint = rng.uniform(0, 0.4, 3).astype(np.float32)
        tint[int(rng.integers(3))] = 1
        return tint

    def draw(self, frame: int, canvas: Canvas) -> None:
        """Draw the scratches of this frame."""
        for line in self.alive(frame):
            self._stroke(line, frame, canvas)
        rng = stream(self.shot.seed, _RAIN, frame)
        for _ in range(int(rng.poisson(self._rain))):
            self._drop(rng, canvas)
        rng = stream(self.shot.seed, _SCUFF, frame)
        for _ in range(int(rng.poisson(self.settings.scuff * self.shot.area))):
            self._scuff(rng, canvas)

    def place(self, line: Line, frame: int) -> float:
        """Where the line stands in this frame, pixels from the left."""
        size, turn, phase = line.waves.T
        x = line.x + line.drift * (frame - line.born) + float((size * np.sin(turn * frame + phase)).sum())
        # Those that leave on one side come back on the other, else drifts would thin them out.
        return x % self.shot.width if line.drift else x

    def _stroke(self, line: Line, frame: int, canvas: Canvas) -> None:
        """One frame of a scratch: its path, its opacity along the path, then its profile across."""
        height, age = self.shot.height, frame - line.born
        top, bottom = max(0, int(line.top)), min(height, int(np.ceil(line.bottom)))
        if bottom - top < 2:
            return
        rng = stream(self.shot.seed, _FRAME, *line.key, frame)
        y = np.arange(top, bottom, dtype=np.float32)
        bow = line.bow[0] * np.sin(line.bow[1] * (y + frame * height) + line.bow[2])
        path = (self.place(line, frame) + line.tilt * (y - height / 2) + bow).astype(np.float32)
        # What stays along the length, and what each frame has of its own.
        lasting = stream(self.shot.seed, _LENGTH, *line.key)
        along = 0.75 + 0.35 * shapes.wander(lasting, y, height / 5) + 0.2 * shapes.wander(rng, y, height / 12)
        if line.gate:
            gaps = shapes.wander(lasting, y, height / 16) + shapes.wander(rng, y, height / 9)
            along *= np.clip((gaps - np.quantile(gaps, line.gate)) * 3 + 0.5, 0, 1)
        if line.top > 0 or line.bottom < height:
            along *= np.clip(np.minimum(y - line.top, line.bottom - y) / 6, 0, 1)
        fade = min(1.0, (age + 1) / 3, (line.life - age) / 3) if line.life > 6 else 1.0
        along = (np.clip(along, 0, 1.15) * (line.opacity * fade)).astype(np.float32)
        if line.border:
            rim, left = shapes.line(path, line.width, line.soft, rim=True)
            self._lay(canvas, rim * (along * np.float32(line.border))[:, None], top, left, 1 - line.level, line.tint)
        alpha, left = shapes.line(path, line.width, line.soft)
        self._lay(canvas, alpha * along[:, None], top, left, line.level, line.tint)

    def _drop(self, rng: Rng, canvas: Canvas) -> None:
        """One line of rain: short, fine, faint, gone in the next frame."""
        shot, unit = self.shot, max(self.shot.scale, 0.6)
        length = float(np.clip(48e-3 * REFERENCE_WIDTH * np.exp(0.9 * rng.normal()), 6, REFERENCE_HEIGHT)) * unit
        y0, x0 = rng.uniform(-0.5 * length, shot.height - 0.5 * length), rng.uniform(0, shot.width)
        width, soft = log_between(rng, (0.5, 1.6)) * unit, self._soft * rng.uniform(0.8, 1.5)
        opacity = between(rng, self.settings.opacity) * between(rng, (0.2, 0.7))
        tilt, level, tint = rng.normal(0, 0.01), self._level(rng), self._tint(rng)
        top, bottom = max(0, int(y0)), min(shot.height, int(y0 + length))
        if bottom - top < 3:
            return
        y = np.arange(top, bottom, dtype=np.float32)
        along = np.clip(np.minimum(y - y0, y0 + length - y) / (0.2 * length), 0, 1) * opacity
        alpha, left = shapes.line((x0 + tilt * (y - y0)).astype(np.float32), width, soft)
        self._lay(canvas, alpha * along[:, None].astype(np.float32), top, left, level, tint)

    def _scuff(self, rng: Rng, canvas: Canvas) -> None:
        """A short nearly straight line at any angle, or a cut shape of several."""
        shot = self.shot
        length = log_between(rng, (12, 90)) * shot.scale
        if shot.templates and "scratches" in shot.templates.kinds and rng.random() < 0.6:
            alpha = shapes.soften(shot.templates.shape(("scratches",), rng, 1.5 * length), 0.6 * self._soft)
        else:
            alpha = shapes.strand(rng, length, rng.uniform(0.6, 1.6) * shot.scale, 0.15, self._soft)
        alpha = alpha * np.float32(rng.uniform(0.15, 0.9))
        top = round(rng.uniform(0, shot.height) - alpha.shape[0] / 2)
        left = round(rng.uniform(0, shot.width) - alpha.shape[1] / 2)
        self._lay(canvas, alpha, top, left, self._level(rng), self._tint(rng))

    @staticmethod
    def _lay(canvas: Canvas, alpha: Array, top: int, left: int, level: float, tint: Array | None) -> None:
        colour = np.full(3, level, np.float32)
        canvas.blend(KIND, alpha, top=top, left=left, colour=colour, tint=tint)
