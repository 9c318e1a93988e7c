"""Outlines for moving objects, drawn with sub-pixel edges into (H, W) uint8 masks.

Every maker takes (rng, height, width) of the picture and returns a `Shape`; its `draw(mask, x, y, angle, t)`
adds the outline in 255 with its middle at (x, y) pixels, turned by `angle` radians, at time `t` in frames.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]
Draw = Callable[[Mask, float, float, float, float], None]

_LETTERS = "ABCDEFGHIKLMNOPRSTUVWXYZabcdeghiklmnorstuy0123456789.!-"
_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
)
_BITS = 4
_SPILL = 1.4
"""Pixels by which OpenCV's anti-aliased outlines come out wider than asked."""


@dataclass(frozen=True)
class Shape:
    """One object: how it is drawn, how large it is and how it likes to move."""

    draw: Draw
    radius: float
    """Pixels from the middle to the farthest point."""
    thickness: float
    """Pixels of its thinnest part, which decides how finely its blur is sampled."""
    speed: tuple[float, float] = (2.0, 40.0)
    """Pixels a frame, slowest and fastest."""
    heading: float | None = None
    """Radians, where it can only move along one line."""
    free: bool = True
    """May stand at any angle."""
    spin: float = 0.0
    """Standard deviation of radians turned a frame."""
    swing: float = 0.0
    """Pixels a frame that parts move beyond the whole."""
    opacity: float = 1.0
    colour: tuple[float, float, float] | None = None
    """RGB 0..255 where the object has a colour of its own."""


@dataclass(frozen=True)
class Kind:
    """A maker and how often it is drawn."""

    make: Callable[[np.random.Generator, int, int], Shape]
    odds: float


def _turned(points: Points, x: float, y: float, angle: float) -> Points:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.asarray(points @ np.array([[cos, sin], [-sin, cos]]) + (x, y))


def _fixed(points: Points) -> npt.NDArray[np.int32]:
    return np.rint(points * (1 << _BITS)).astype(np.int32)


def _fill(mask: Mask, points: Points) -> None:
    cv2.fillPoly(mask, [_fixed(points)], 255, lineType=cv2.LINE_AA, shift=_BITS)


def _strokes(mask: Mask, starts: Points, ends: Points, width: float) -> None:
    """Straight lines (N, 2) to (N, 2) with flat ends; hair-thin ones are fainter instead of thinner."""
    along = ends - starts
    side = np.stack([-along[:, 1], along[:, 0]], axis=1)
    side *= max(width - _SPILL, 0.05) / 2 / np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-6)[:, None]
    level = 255 * min(1.0, width / (_SPILL + 0.3))
    for corners in _fixed(np.stack([starts + side, ends + side, ends - side, starts - side], axis=1)):
        cv2.fillConvexPoly(mask, corners, level, lineType=cv2.LINE_AA, shift=_BITS)


def _stroke(mask: Mask, start: Points, end: Points, width: float) -> None:
    _strokes(mask, start[None], end[None], width)


def _disc(mask: Mask, middle: Points, radius: float) -> None:
    x, y = _fixed(middle)
    drawn = max(radius - 0.45, 0.1)
    level = 255 * min(1.0, (radius / 0.65) ** 2)
    cv2.circle(mask, (int(x), int(y)), round(drawn * (1 << _BITS)), level, -1, cv2.LINE_AA, _BITS)


def _grey(rng: np.random.Generator, low: float, high: float) -> tuple[float, float, float]:
    r, g, b = np.clip(rng.uniform(low, high) + rng.normal(0, 6, 3), 0, 255)
    return float(r), float(g), float(b)


def blob(rng: np.random.Generator, height: int, width: int) -> Shape:
    """A rounded or jagged body."""
    radius = float(np.exp(rng.uniform(np.log(6), np.log(0.3 * min(height, width)))))
    corners = int(rng.integers(3, 9))
    around = np.sort(rng.uniform(0, 2 * np.pi, corners))
    reach = radius * rng.uniform(0.5, 1.0, corners)
    points = np.stack([reach * np.cos(around), reach * rng.uniform(0.5, 1.0) * np.sin(around)], axis=1)
    if rng.random() < 0.6:
        for _ in range(3):  # Chaikin's corner cutting rounds it.
            after = np.roll(points, -1, axis=0)
            pair = [0.75 * points + 0.25 * after, 0.25 * points + 0.75 * after]
            points = np.stack(pair, axis=1).reshape(-1, 2)

    def draw(mask: Mask, x: float, y: float, angle: float, _: float) -> None:
        _fill(mask, _turned(points, x, y, angle))

    return Shape(draw=draw, radius=radius, thickness=radius / 3, spin=0.05)


def limb(rng: np.random.Generator, height: int, width: int) -> Shape:
    """An arm or leg: two or three tapering capsules that swing about their joints."""
    joints = int(rng.integers(2, 4))
    bone = rng.uniform(0.08, 0.28) * min(height, width)
    thick = bone * rng.uniform(0.15, 0.4)
    rest, reach = rng.normal(0, 0.6, joints), rng.uniform(0.2, 1.1, joints)
    rate, phase = rng.uniform(0.15, 1.1), rng.uniform(0, 2 * np.pi, joints)

    def draw(mask: Mask, x: float, y: float, angle: float, t: float) -> None:
        start, width_here = np.array([x, y]), thick
        for rest_here, reach_here, phase_here in zip(rest, reach, phase, strict=True):
            angle = angle + rest_here + reach_here * np.sin(rate * t + phase_here)
            end = start + bone * np.array([np.cos(angle), np.sin(angle)])
            _stroke(mask, start, end, width_here)
            _disc(mask, start, width_here / 2)
            start, width_here = end, width_here * 0.8
        _disc(mask, start, width_here * 0.7)

    swing = float(rate * reach.sum() * bone)
    return Shape(draw=draw, radius=joints * bone + thick, thickness=thick * 0.5, speed=(0.5, 20.0), swing=swing)


def pole(rng: np.random.Generator, height: int, width: int) -> Shape:
    """A post, mast or lamp standing more or less upright: what is taken for a scratch first."""
    thick = float(np.exp(rng.uniform(np.log(1.2), np.log(9))))
    span = rng.uniform(0.3, 1.6) * height
    head = rng.uniform(0, 4) * thick if rng.random() < 0.4 else 0.0

    def draw(mask: Mask, x: float, y: float, angle: float, _: float) -> None:
        half = np.array([-np.sin(angle), np.cos(angle)]) * span / 2
        middle = np.array([x, y])
        _stroke(mask, middle - half, middle + half, thick)
        if head:
            _disc(mask, middle - half, max(head, thick))

    return Shape(
        draw=draw,
        radius=span / 2 + head + thick,
        thickness=thick,
        speed=(0.5, 40.0),
        heading=0.0,
        free=False,
        colour=_grey(rng, 0, 255) if rng.random() < 0.7 else None,
    )


def wires(rng: np.random.Generator, height: int, width: int) -> Shape:
    """One to five hanging wires that cross the picture."""
    count, gap = int(rng.integers(1, 6)), rng.uniform(4, 40)
    thick, sag = rng.uniform(0.7, 2.2), rng.uniform(0, 0.25) * height
    slope = rng.normal(0, 0.3)
    reach = 0.75 * (width + height)
    across = np.linspace(-1, 1, 13)
    spread = gap * (1 + 0.2 * rng.normal(0, 1, count))

    def draw(mask: Mask, x: float, y: float, angle: float, _: float) -> None:
        for number, space in enumerate(spread):
            line = np.stack([across * reach, sag * (1 - across**2) + (number - count / 2) * space], axis=1)
            line = _turned(line, x, y, angle + slope)
            _strokes(mask, line[:-1], line[1:], thick)

    return Shape(
        draw=draw,
        radius=2 * reach,
        thickness=thick,
        speed=(0.3, 16.0),
        free=False,
        colour=_grey(rng, 0, 70) if rng.random() < 0.75 else _grey(rng, 150, 255),
    )


def wheel(rng: np.random.Generator, height: int, width: int) -> Shape:
    """A turning wheel: rim, hub and spokes."""
    radius = rng.uniform(0.08, 0.35) * min(height, width)
    spokes, thick = int(rng.integers(5, 19)), rng.uniform(0.8, 2.5)
    squash = rng.uniform(0.5, 1.0)
    around = np.arange(40) * (2 * np.pi / 40)

    def draw(mask: Mask, x: float, y: float, angle: float, _: float) -> None:
        middle = np.array([x, y])
        turns = angle + np.arange(spokes) * (2 * np.pi / spokes)
        ends = middle + radius * np.stack([squash * np.cos(turns), np.sin(turns)], axis=1)
        _strokes(mask, np.broadcast_to(middle, ends.shape), ends, thick)
        rim = middle + radius * np.stack([squash * np.cos(around), np.sin(around)], axis=1)
        rim_width = max(1, round(2 * thick))
        cv2.polylines(mask, [_fixed(rim)], True, 255, rim_width, lineType=cv2.LINE_AA, shift=_BITS)
        _disc(mask, middle, 2.5 * thick)

    return Shape(
        draw=draw,
        radius=radius + 2 * thick,
        thickness=thick,
        speed=(0.5, 25.0),
        heading=rng.normal(0, 0.1),
        spin=0.15,
        colour=_grey(rng, 0, 120) if rng.random() < 0.7 else _grey(rng, 150, 255),
    )


def fence(rng: np.random.Generator, height: int, width: int) -> Shape:
    """Parallel bars, railings or a lattice across the picture."""
    gap = float(np.exp(rng.uniform(np.log(9), np.log(70))))
    lattice = rng.random() < 0.25
    thick = min(gap * (0.12 if lattice else 0.3), rng.uniform(1.0, 5.0))
    reach = 0.5 * np.hypot(height, width)
    tall = rng.uniform(0.15, 0.6) * height
    bars = np.arange(-reach * 1.6, reach * 1.6, gap)
    lean = rng.uniform(0.5, 1.2) * tall if lattice else 0.0

    def draw(mask: Mask, x: float, y: float, angle: float, _: float) -> None:
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        tops = np.stack([bars, np.full_like(bars, -tall)], axis=1)
        feet = np.stack([bars + lean, np.full_like(bars, tall)], axis=1)
        rows = [(tops, feet)]
        if lean:
            slant = np.array([lean, 0.0])
            rows.append((tops + slant, feet - slant))
        for upper, lower in rows:
            _strokes(mask, upper @ turn + (x, y), lower @ turn + (x, y), thick)
        for level in (-0.8 * tall, 0.6 * tall):
            rail = np.array([[bars[0], level], [bars[-1], level]]) @ turn + (x, y)
            _stroke(mask, rail[0], rail[1], thick)

    return Shape(
        draw=draw,
        radius=2 * reach + tall,
        thickness=thick,
        speed=(0.5, 20.0),
        heading=0.0,
        free=False,
        colour=_grey(rng, 0, 255) if rng.random() < 0.7 else None,
    )


def sparks(rng: np.random.Generator, height: int, width: int) -> Shape:
    """A shower of small things: sparks, embers, drops, insects in the light; birds and debris where dark."""
    count = int(rng.integers(3, 30))
    spread = rng.uniform(0.1, 0.45) * min(height, width)
    start = rng.normal(0, 0.4 * spread, (count, 2))
    velocity = rng.normal(0, 0.12 * spread, (count, 2)) * rng.uniform(0.2, 1.0)
    fall = rng.uniform(0, 1.2)
    size = np.exp(rng.uniform(np.log(0.7), np.log(2.5), count))

    def draw(mask: Mask, x: float, y: float, _: float, t: float) -> None:
        for place, going, radius in zip(start, velocity, size, strict=True):
            _disc(mask, place + going * t + (x, y + 0.5 * fall * t * t), radius)

    bright = (255.0, rng.uniform(190, 255), rng.uniform(110, 255))
    return Shape(
        draw=draw,
        radius=2.5 * spread,
        thickness=1.4,
        speed=(0.5, 16.0),
        free=False,
        swing=0.15 * spread,
        opacity=rng.uniform(0.6, 1.0),
        colour=bright if rng.random() < 0.7 else _grey(rng, 0, 90),
    )


def rain(rng: np.random.Generator, height: int, width: int) -> Shape:
    """Thin pale streaks that all fall one way, each followed from frame to frame."""
    count = int(rng.integers(15, 90))
    box = 1.4 * np.array([width, height])
    start = rng.uniform(-0.5, 0.5, (count, 2)) * box
    fall = rng.uniform(8, 40) * rng.uniform(0.7, 1.3, count)
    wind, tail = rng.normal(0, 0.25), rng.uniform(0.3, 0.8)
    thick = rng.uniform(0.6, 1.3)
    along = np.array([wind, 1.0])

    def draw(mask: Mask, x: float, y: float, _: float, t: float) -> None:
        # What falls out of a box wider than the picture comes in again at its top.
        ends = (start + fall[:, None] * along * t + box / 2) % box - box / 2 + (x, y)
        _strokes(mask, ends - fall[:, None] * along * tail, ends, thick)

    return Shape(
        draw=draw,
        radius=2.0 * max(height, width),
        thickness=8.0,
        speed=(0.1, 0.2),
        free=False,
        opacity=rng.uniform(0.15, 0.6),
        colour=_grey(rng, 190, 255),
    )


def lettering(rng: np.random.Generator, height: int, width: int) -> Shape:
    """A word on a sign, a vehicle or a title card; some stand still."""
    letters = "".join(rng.choice(list(_LETTERS), int(rng.integers(2, 9))))
    font, weight, scale = _FONTS[int(rng.integers(len(_FONTS)))], int(rng.integers(1, 6)), 2.0
    (wide, tall), below = cv2.getTextSize(letters, font, scale, weight)
    sprite = np.zeros((tall + below + 12, wide + 12), np.uint8)
    cv2.putText(sprite, letters, (6, tall + 6), font, scale, 255, weight, cv2.LINE_AA)
    zoom = rng.uniform(0.2, 0.9)
    # Shrink first, so that the letters keep clean edges.
    size = max(4, round(sprite.shape[1] * zoom)), max(4, round(sprite.shape[0] * zoom))
    sprite = np.asarray(cv2.resize(sprite, size, interpolation=cv2.INTER_AREA), np.uint8)

    def draw(mask: Mask, x: float, y: float, angle: float, _: float) -> None:
        cos, sin = np.cos(angle), np.sin(angle)
        matrix = np.array([[cos, -sin, x], [sin, cos, y]])
        matrix[:, 2] -= matrix[:, :2] @ (np.array([sprite.shape[1] - 1, sprite.shape[0] - 1]) / 2)
        warped = cv2.warpAffine(sprite, matrix, (mask.shape[1], mask.shape[0]), flags=cv2.INTER_LINEAR)
        cv2.max(mask, warped, dst=mask)

    still = rng.random() < 0.3
    return Shape(
        draw=draw,
        radius=0.5 * float(np.hypot(*sprite.shape)),
        thickness=weight * zoom,
        speed=(1e-3, 1e-3) if still else (0.5, 24.0),
        heading=None if rng.random() < 0.4 else 0.0,
        free=False,
        colour=_grey(rng, 170, 255) if rng.random() < 0.6 else _grey(rng, 0, 120),
    )


SHAPES = {
    "blob": Kind(make=blob, odds=2.0),
    "limb": Kind(make=limb, odds=2.0),
    "pole": Kind(make=pole, odds=1.5),
    "wires": Kind(make=wires, odds=1.0),
    "wheel": Kind(make=wheel, odds=0.8),
    "fence": Kind(make=fence, odds=0.8),
    "sparks": Kind(make=sparks, odds=1.0),
    "rain": Kind(make=rain, odds=0.4),
    "lettering": Kind(make=lettering, odds=1.0),
}
