"""Scratches: upright lines that last from one frame to hundreds, fine rain of worn prints, and scuffs.

Of 66 scratches marked by hand on ten 35 mm scans half are longer than 48e-3 of the frame's width, a tenth
longer than 0.14; running scratches, which cross whole frames, were added from the look of archive film.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from frdm_engine.damage import film, shapes
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
from frdm_engine.damage.film import Law
from frdm_engine.damage.settings import check, number, span

KIND = 1  # in CLASSES
_SHOT, _SLOT, _STANDING, _FRAME, _RAIN, _SCUFF, _LENGTH, _CINCH = 20, 21, 22, 23, 24, 25, 26, 27

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
        cinch: mean number of cinch marks in a frame, bundles of short lines where a loose roll was pulled tight.
        width: span of widths in pixels, log-uniform; under 1 a line is thin and faint.
        opacity: span of opacities of running and standing scratches; of rain, a third of it.
        white: share of white scratches in a shot; the rest are black.
        colour: share of scratches that took some of the colour layers only (see `film`); never in monochrome shots.
        partial: share of scratches that cross only a part of the height.
        broken: share of scratches interrupted along their length.
        steady: span of the share of breaks and unevenness that stays at its height from frame to frame, as where
            a roller of one frame's circumference or the gate made the scratch; the rest runs on along the film
            and so is new in each frame.
        paired: share of scratches with a second one beside them.
        ragged: share of the scratches wider than 2 pixels whose edge is torn.
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
    cinch: float = number(0.02, 0, 20)
    width: tuple[float, float] = span((0.5, 4.0), 0.2, 20)
    opacity: tuple[float, float] = span((0.10, 1.0), 0, 1)
    white: tuple[float, float] = span((0.2, 0.95), 0, 1)
    colour: float = number(0.12, 0, 1)
    partial: float = number(0.3, 0, 1)
    broken: float = number(0.4, 0, 1)
    steady: tuple[float, float] = span((0.2, 0.9), 0, 1)
    paired: float = number(0.12, 0, 1)
    ragged: float = number(0.4, 0, 1)
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
    opacity: float
    soft: float
    top: float
    bottom: float
    gate: float  # share of its length that is missing
    steady: float  # share of its breaks that stay at their height
    ragged: float
    twin: tuple[float, float] | None  # how far to the right a second line runs, and its opacity
    border: float
    law: Law
    rim: Law


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
        level = self._level(rng)
        twin = None
        if rng.random() < settings.paired:
            gap = width + log_between(rng, (1.5, 14)) * max(shot.scale, 0.6)
            twin = gap * rng.choice([-1, 1]), rng.uniform(0.4, 1.0)
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
            opacity=between(rng, settings.opacity) ** 1.3,
            soft=self._soft * rng.uniform(0.8, 1.6),
            top=top,
            bottom=bottom,
            gate=rng.uniform(0.15, 0.7) if rng.random() < settings.broken else 0.0,
            steady=between(rng, settings.steady),
            ragged=rng.uniform(0.2, 0.6) if width > 2 and rng.random() < settings.ragged else 0.0,
            twin=twin,
            border=rng.uniform(0.2, 0.6) if rng.random() < settings.bordered else 0.0,
            law=self._law(rng, level),
            rim=_neutral(1 - level),
        )

    def _level(self, rng: Rng) -> float:
        shade = 0.3 * float(rng.random()) ** 2
        return 1.03 - shade if rng.random() < self._white else shade

    def _law(self, rng: Rng, level: float) -> Law:
        """What a scratch that leaves black, or white, at code value `level` does to the film."""
        if self.shot.monochrome or rng.random() >= self.settings.colour:
            return _neutral(level)
        deep = rng.uniform(0.2, 0.9)
        if level > 0.5:
            return film.loses_dye(film.depth(deep, film.PRINT_LAYERS))
        return film.takes_light(film.depth(deep, film.NEGATIVE_LAYERS) * np.float32(rng.uniform(0.6, 1.6)))

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
        rng = stream(self.shot.seed, _CINCH, frame)
        for _ in range(int(rng.poisson(self.settings.cinch * self.shot.area))):
            self._cinch(rng, canvas)

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
        kind = "standing scratch" if line.key[0] == _STANDING else "scratch"
        rng = stream(self.shot.seed, _FRAME, *line.key, frame)
        y = np.arange(top, bottom, dtype=np.float32)
        bow = line.bow[0] * np.sin(line.bow[1] * (y + frame * height) + line.bow[2])
        path = (self.place(line, frame) + line.tilt * (y - height / 2) + bow).astype(np.float32)
        # What stays along the length, and what each frame has of its own.
        lasting = stream(self.shot.seed, _LENGTH, *line.key)
        stays, runs = np.float32(line.steady**0.5), np.float32((1 - line.steady) ** 0.5)
        uneven = stays * shapes.wander(lasting, y, height / 5) + runs * shapes.wander(rng, y, height / 12)
        along: Array = np.asarray(0.75 + 0.4 * uneven, np.float32)
        if line.gate:
            gaps = stays * shapes.wander(lasting, y, height / 16) + runs * shapes.wander(rng, y, height / 9)
            along *= np.clip((gaps - np.quantile(gaps, line.gate)) * 4 + 0.5, 0, 1)
        if line.top > 0 or line.bottom < height:
            along *= np.clip(np.minimum(y - line.top, line.bottom - y) / 6, 0, 1)
        fade = min(1.0, (age + 1) / 3, (line.life - age) / 3) if line.life > 6 else 1.0
        along = (np.clip(along, 0, 1.15) * (line.opacity * fade)).astype(np.float32)
        width: float | Array = line.width
        if line.ragged:
            # Either edge is torn in its own way, part of it for good.
            left_edge, right_edge = (shapes.wander(rng, y, 2.0) + shapes.wander(own, y, 11.0) for own in (lasting, rng))
            torn = np.float32(0.5 * line.ragged * line.width)
            path = path + torn * (right_edge - left_edge) / 2
            width = np.maximum(line.width + torn * (left_edge + right_edge) / 2, 0.3).astype(np.float32)
        if line.twin:
            beside, left = shapes.line(path + np.float32(line.twin[0]), 0.8 * line.width, line.soft)
            self._lay(canvas, beside * (along * np.float32(line.twin[1]))[:, None], top, left, line.law, kind)
        if line.border:
            rim, left = shapes.line(path, line.width, line.soft, rim=True)
            self._lay(canvas, rim * (along * np.float32(line.border))[:, None], top, left, line.rim, kind)
        alpha, left = shapes.line(path, width, line.soft)
        self._lay(canvas, alpha * along[:, None], top, left, line.law, kind)

    def _drop(self, rng: Rng, canvas: Canvas) -> None:
        """One line of rain: short, fine, faint, gone in the next frame."""
        shot, unit = self.shot, max(self.shot.scale, 0.6)
        length = float(np.clip(48e-3 * REFERENCE_WIDTH * np.exp(0.9 * rng.normal()), 6, REFERENCE_HEIGHT)) * unit
        y0, x0 = rng.uniform(-0.5 * length, shot.height - 0.5 * length), rng.uniform(0, shot.width)
        width, soft = log_between(rng, (0.5, 1.6)) * unit, self._soft * rng.uniform(0.8, 1.5)
        opacity = between(rng, self.settings.opacity) * between(rng, (0.2, 0.7))
        tilt, law = rng.normal(0, 0.01), self._law(rng, self._level(rng))
        top, bottom = max(0, int(y0)), min(shot.height, int(y0 + length))
        if bottom - top < 3:
            return
        y = np.arange(top, bottom, dtype=np.float32)
        along = np.clip(np.minimum(y - y0, y0 + length - y) / (0.2 * length), 0, 1) * opacity
        alpha, left = shapes.line((x0 + tilt * (y - y0)).astype(np.float32), width, soft)
        self._lay(canvas, alpha * along[:, None].astype(np.float32), top, left, law)

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
        self._lay(canvas, alpha, top, left, self._law(rng, self._level(rng)))

    def _cinch(self, rng: Rng, canvas: Canvas) -> None:
        """A cinch mark: a bundle of short lines along the film, each a little shifted."""
        shot = self.shot
        length, wide = log_between(rng, (10, 45)) * shot.scale, log_between(rng, (12, 70)) * shot.scale
        alpha = shapes.bundle(rng, length, wide, rng.uniform(0.35, 0.8) * shot.scale, 0.8 * self._soft)
        alpha = alpha * np.float32(rng.uniform(0.25, 0.9))
        top = round(rng.uniform(0, shot.height) - alpha.shape[0] / 2)
        left = round(rng.uniform(0, shot.width) - alpha.shape[1] / 2)
        self._lay(canvas, alpha, top, left, self._law(rng, self._level(rng)))

    @staticmethod
    def _lay(canvas: Canvas, alpha: Array, top: int, left: int, law: Law, kind: str = "scratch") -> None:
        canvas.blend(kind, alpha, top=top, left=left, colour=law)


def _neutral(level: float) -> Law:
    """Dark: a filter that leaves `level` of white. Bright: so much dye is gone that black becomes `level`."""
    if level > 0.5:
        return film.loses_dye(1 - float(film.density(min(level, 1.0))) / film.BLACK)
    return film.takes_light(float(film.density(max(level, 0.02))))
