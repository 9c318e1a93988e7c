"""Mould: branching threads and spotted rosettes that ate into the emulsion, from the roll's edges inwards.

The layers of a roll touch, so a colony shows in many frames at nearly one place, a little changed each time. It is
drawn once and then moved, turned and thinned. Figures are estimates from archive film.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from frdm_engine.damage import film
from frdm_engine.damage.drawing import REFERENCE_WIDTH, Array, Canvas, Rng, Shot, between, log_between, stream
from frdm_engine.damage.lives import Life, Lives
from frdm_engine.damage.settings import check, number, span

KIND = "mould"
_SHOT, _LIVES, _BODY, _FRAME = 80, 81, 82, 83

#: A colony is drawn at this many pixels at most and enlarged; its finest thread is then still two pixels wide.
LARGEST = 320


@dataclass(frozen=True)
class MouldSettings:
    """How much mould and how it looks.

    Args:
        presence: chance that a shot has mould.
        alive: mean number of colonies at any time in a frame of 854x480, in a shot that has them.
        life: span of their lives in frames, log-uniform.
        size: span of diameters as a fraction of the frame's width, log-uniform.
        threads: share of branching colonies; the rest are rosettes of spots.
        dye: span of the share of dye that is gone.
        dark: share of colonies that are a dark deposit instead.
        colour: chance that only the upper layers are gone; never in monochrome shots.
        edge: how much they keep to the left and right edges: 0 not at all, 1 wholly.
        restless: standard deviation of the movement from frame to frame, in pixels of the reference frame.
    """

    presence: float = number(0.08, 0, 1)
    alive: tuple[float, float] = span((1.0, 6.0), 0, 100)
    life: tuple[float, float] = span((6.0, 160.0), 1, 400)
    size: tuple[float, float] = span((0.04, 0.3), 0.01, 1)
    threads: float = number(0.6, 0, 1)
    dye: tuple[float, float] = span((0.3, 0.95), 0, 1)
    dark: float = number(0.4, 0, 1)
    colour: float = number(0.35, 0, 1)
    edge: float = number(0.6, 0, 1)
    restless: float = number(0.8, 0, 20)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Colony:
    """One colony: its middle as fractions of the frame, its diameter in pixels, and what it does to the film."""

    y: float
    x: float
    size: float
    threads: bool
    law: film.Law
    opacity: float


class Mould:
    """The mould of one shot."""

    def __init__(self, settings: MouldSettings, shot: Shot) -> None:
        self.settings, self.shot = settings, shot
        rng = stream(shot.seed, _SHOT)
        here = float(rng.random() < settings.presence)
        alive = here * between(rng, settings.alive) * shot.area
        self._threads = rng.random() < settings.threads
        self._lives = Lives(shot.seed, _LIVES, alive=alive, span=settings.life, make=self._colony)
        self._bodies: dict[tuple[int, int], Array] = {}

    def draw(self, frame: int, canvas: Canvas) -> None:
        """Draw the mould of this frame."""
        for life in self._lives.at(frame):
            self._draw(life, frame, canvas)

    def _colony(self, rng: Rng) -> Colony:
        settings = self.settings
        x = float(rng.random())
        if rng.random() < settings.edge:
            x = float(rng.choice([0, 1])) + rng.choice([-1, 1]) * 0.22 * abs(float(rng.normal()))
        dye = between(rng, settings.dye)
        law = film.loses_dye(dye)
        if rng.random() < settings.dark:
            law = film.takes_light(1.2 * dye)
        elif not self.shot.monochrome and rng.random() < settings.colour:
            law = film.loses_dye(film.depth(rng.uniform(0.25, 0.85), film.PRINT_LAYERS) * np.float32(min(1.4 * dye, 1)))
        # A shot's mould is of one sort, with a few of the other.
        threads = self._threads if rng.random() < 0.85 else not self._threads
        size = log_between(rng, settings.size) * REFERENCE_WIDTH * self.shot.scale
        return Colony(float(rng.random()), x, max(size, 8.0), bool(threads), law, rng.uniform(0.75, 1.0))

    def _draw(self, life: Life[Colony], frame: int, canvas: Canvas) -> None:
        colony, height, width = life.what, self.shot.height, self.shot.width
        body = self._bodies.get(life.key)
        if body is None:
            make, side = _threads if colony.threads else _rosette, min(int(colony.size), LARGEST)
            body = self._bodies[life.key] = make(stream(self.shot.seed, _BODY, *life.key), side)
        rng = stream(self.shot.seed, _FRAME, *life.key, frame)
        age = frame - life.born
        zoom = colony.size / body.shape[0] * (1 + 0.02 * rng.normal())
        restless = self.settings.restless * self.shot.scale
        middle_y, middle_x = colony.y * height + rng.normal(0, restless), colony.x * width + rng.normal(0, restless)
        reach = 0.53 * colony.size
        y0, y1 = max(0, int(middle_y - reach)), min(height, int(middle_y + reach) + 1)
        x0, x1 = max(0, int(middle_x - reach)), min(width, int(middle_x + reach) + 1)
        if y1 - y0 < 3 or x1 - x0 < 3:
            return
        turn = cv2.getRotationMatrix2D((body.shape[1] / 2, body.shape[0] / 2), rng.normal(0, 1.5), zoom)
        turn[:, 2] += middle_x - x0 - body.shape[1] / 2, middle_y - y0 - body.shape[0] / 2
        flags = cv2.INTER_LINEAR if zoom > 0.7 else cv2.INTER_AREA
        size = x1 - x0, y1 - y0
        moved = cv2.warpAffine(body, turn, size, flags=flags, borderMode=cv2.BORDER_CONSTANT)
        # It touched one layer more here and less there.
        thin = cv2.resize(rng.uniform(0.6, 1.3, (4, 4)).astype(np.float32), size)
        ends = min(1.0, (age + 1) / 4, (life.length - age) / 4) if life.length > 8 else 1.0
        alpha = np.asarray(moved * np.minimum(thin, 1) * np.float32(colony.opacity * ends), np.float32)
        canvas.blend(KIND, alpha, top=y0, left=x0, colour=colony.law)


def _threads(rng: Rng, side: int) -> Array:
    """Branching threads (side, side), 0..1, that grow from the middle and fork."""
    sheet = np.zeros((side, side), np.uint8)
    pen = max(1, round(side / 170))
    tips = [(side / 2, side / 2, angle) for angle in rng.uniform(0, 2 * np.pi) + np.arange(6) * (np.pi / 3)]
    step, budget = max(side / 26, 2.0), 700
    while tips and budget > 0:
        grown = []
        for y, x, heading in tips:
            budget -= 1
            angle = heading + rng.normal(0, 0.35)
            ny, nx = y + step * np.sin(angle), x + step * np.cos(angle)
            far = np.hypot(ny - side / 2, nx - side / 2) / (side / 2)
            # A thread stops at others, or the rim would fill up.
            row, column = min(max(int(ny), 0), side - 1), min(max(int(nx), 0), side - 1)
            if far > 0.93 or rng.random() < 0.03 or (far > 0.3 and sheet[row, column]):
                continue
            shade = int(255 * np.clip(1.3 - 0.8 * far + 0.2 * rng.normal(), 0.3, 1))
            ends = np.round(np.array([[x, y], [nx, ny]]) * 16).astype(int).tolist()
            cv2.line(sheet, ends[0], ends[1], shade, pen, cv2.LINE_AA, 4)
            grown.append((ny, nx, angle))
            if rng.random() < 0.3:
                grown.append((ny, nx, angle + rng.choice([-1, 1]) * rng.uniform(0.4, 1.1)))
        tips = grown
    threads = sheet.astype(np.float32) * np.float32(1 / 255)
    # A bloom lies around the threads.
    bloom = cv2.GaussianBlur(threads, (0, 0), max(side / 45, 0.8))
    return np.asarray(np.clip(1.3 * cv2.GaussianBlur(threads, (0, 0), 0.6) + 0.7 * bloom, 0, 1), np.float32)


def _rosette(rng: Rng, side: int) -> Array:
    """A rosette (side, side), 0..1: spots of many sizes, densest along arms and at the middle."""
    sheet = np.zeros((side, side), np.float32)
    arms, count = int(rng.integers(4, 9)), int(np.clip(side * 1.6, 25, 400))
    start = rng.uniform(0, 2 * np.pi)
    for _ in range(count):
        far = 0.46 * side * rng.random() ** 0.8
        angle = start + 2 * np.pi * rng.integers(arms) / arms + rng.normal(0, 0.22)
        x, y = side / 2 + far * np.cos(angle), side / 2 + far * np.sin(angle)
        size = max(0.5, side / 110 * np.exp(0.5 * rng.normal()) * (1.3 - far / side))
        place = round(x * 16), round(y * 16)
        cv2.circle(sheet, place, round(size * 16), float(rng.uniform(0.5, 1.0)), -1, cv2.LINE_AA, 4)
    bloom = cv2.GaussianBlur(sheet, (0, 0), max(side / 22, 1.0))
    grid = np.linspace(-1, 1, side, dtype=np.float32)
    inside = np.clip((1 - grid[:, None] ** 2 - grid[None, :] ** 2) * 4, 0, 1)
    return np.asarray(np.clip(cv2.GaussianBlur(sheet, (0, 0), 0.7) + 0.6 * bloom, 0, 1) * inside, np.float32)
