"""Generated defect shapes, each an alpha patch (h, w), float32, 0..1, with its own margin.

Lengths and widths are in pixels; `soft` is the sigma of the edge's blur in pixels.
"""

from __future__ import annotations

import cv2
import numpy as np

from frdm_engine.damage.drawing import Array, Rng, log_between

#: Strands are drawn this much larger and shrunk: OpenCV has no lines thinner than a pixel.
OVERSAMPLING = 3


def soften(alpha: Array, soft: float) -> Array:
    """`alpha` with a margin for its blur of sigma `soft`, blurred."""
    if soft < 0.2:
        return alpha
    margin = int(np.ceil(2.5 * soft))
    padded = cv2.copyMakeBorder(alpha, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=0)
    return cv2.GaussianBlur(padded, (0, 0), soft).astype(np.float32, copy=False)


def speck(rng: Rng, length: float, width: float, soft: float) -> Array:
    """An ellipse with a slightly uneven outline, at a random angle and sub-pixel place."""
    side = int(np.ceil(0.75 * length + 2.5 * soft)) + 1
    angle, uneven = rng.uniform(0, np.pi), rng.uniform(0, 0.15, 3)
    dy, dx = rng.uniform(-0.5, 0.5, 2)
    grid = np.arange(-side, side + 1, dtype=np.float32)
    y, x = (grid - np.float32(dy))[:, None], (grid - np.float32(dx))[None, :]
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    along, across = (x * cos + y * sin) * np.float32(2 / length), (y * cos - x * sin) * np.float32(2 / width)
    distance = np.sqrt(along * along + across * across)
    if length > 3:
        turn = np.arctan2(across, along)
        waves = (size / n * np.sin(n * turn + rng.uniform(0, 6.3)) for n, size in enumerate(uneven * 2, 2))
        distance = distance * (1 + sum(waves)).astype(np.float32)
    # An edge one pixel wide is what area sampling gives; blur widens it.
    edge = np.float32(width / 2 / (0.5 + 1.2 * soft))
    ramp = np.clip((1 - distance) * edge + np.float32(0.5), 0, 1)
    filled = min(1.0, width / (1 + soft))
    return np.asarray(ramp * ramp * (3 - 2 * ramp) * np.float32(0.35 + 0.65 * filled), np.float32)


def blob(rng: Rng, length: float, width: float, soft: float, *, holes: float = 0.0) -> Array:
    """A ragged spot: noise over a dome, cut at a level. `holes` 0..1 lets noise break up the inside."""
    side = int(np.ceil(length)) + 3
    noise = np.zeros((side, side), np.float32)
    cells, weight = int(rng.integers(3, 6)), 0.75
    # Octaves down to a grain of two pixels: a smooth outline looks drawn.
    while cells < max(side / 2, 7) and cells < 60:
        octave = rng.standard_normal((cells, cells), np.float32) * np.float32(weight)
        noise += cv2.resize(octave, (side, side), interpolation=cv2.INTER_CUBIC)
        cells, weight = 2 * cells, 0.6 * weight
    grid = np.linspace(-1.1, 1.1, side, dtype=np.float32)
    angle = rng.uniform(0, np.pi)
    cos, sin, thin = (
        np.float32(np.cos(angle)),
        np.float32(np.sin(angle)),
        np.float32(max(1.0, length / width)),
    )
    x, y = grid[None, :], grid[:, None]
    along, across = x * cos + y * sin, (y * cos - x * sin) * thin
    far = along * along + across * across
    level = np.float32(0.55) - far + np.float32(0.28 + 0.35 * holes) * noise
    steep = np.float32(side / 4 / (1 + soft) * rng.uniform(0.25, 1.0))
    alpha = np.clip(level * steep + np.float32(0.5), 0, 1)
    # Nothing may reach the edge of the patch, however the noise falls.
    alpha *= np.clip((np.float32(1.15) - far) * 3, 0, 1)
    return soften(alpha, 0.6 * soft)


def strand(rng: Rng, length: float, thickness: float, curl: float, soft: float) -> Array:
    """A hair or fibre: a smooth random walk of direction. `curl` is the turn along the length in radians."""
    steps = int(np.clip(length / 2, 6, 48))
    bends = max(2, min(6, int(length / 12)))
    bend = np.interp(np.linspace(0, bends, steps), np.arange(bends + 1), rng.normal(0, 1, bends + 1))
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(bend) * (curl / steps) * 1.5
    points = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1), 0) * (length / steps)
    points -= points.min(0)
    margin = thickness + 2
    width, height = (np.ceil(points.max(0) + 2 * margin)).astype(int) + 1
    points += margin + rng.uniform(0, 1, 2)
    sheet = np.zeros((height * OVERSAMPLING, width * OVERSAMPLING), np.uint8)
    track = np.round(points * (OVERSAMPLING * 16)).astype(np.int32)
    pen = thickness * OVERSAMPLING
    # Hairs swell and taper: three overlapping pieces of different pen widths.
    thirds = max(2, steps // 3)
    for begin in range(0, steps - 1, thirds):
        wide = max(1, round(pen * rng.uniform(0.75, 1.25)))
        cv2.polylines(sheet, [track[begin : begin + thirds + 1]], False, 255, wide, cv2.LINE_AA, 4)
    small = cv2.resize(sheet, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    small *= np.float32(1 / 255)
    if length > 10:
        uneven = rng.uniform(0.45, 1.3, (4, 4)).astype(np.float32)
        small *= np.minimum(cv2.resize(uneven, (width, height), interpolation=cv2.INTER_LINEAR), 1)
    return soften(small, soft)


def tangle(rng: Rng, length: float, thickness: float, soft: float) -> Array:
    """Lint: two to five curled strands through one another."""
    strands = [
        strand(rng, length * rng.uniform(0.4, 1), thickness * rng.uniform(0.7, 1.2), rng.uniform(2, 7), 0)
        for _ in range(int(rng.integers(2, 6)))
    ]
    side = max(max(part.shape) for part in strands)
    sheet = np.zeros((side, side), np.float32)
    for part in strands:
        top, left = (int(rng.integers(side - extent + 1)) // 2 for extent in part.shape)
        here = sheet[top : top + part.shape[0], left : left + part.shape[1]]
        np.maximum(here, part, out=here)
    return soften(sheet, soft)


def cluster(rng: Rng, spread: float, size: float, soft: float) -> Array:
    """Sparkle: a handful to some dozens of tiny specks scattered around one place."""
    side = int(np.ceil(spread)) + 4
    sheet = np.zeros((side, side), np.float32)
    count = int(rng.integers(4, 30))
    places = np.clip(rng.normal(side / 2, side / 5, (count, 2)), 1, side - 2).astype(int)
    sheet[places[:, 0], places[:, 1]] = rng.uniform(0.3, 1, count)
    if size > 1.3:
        pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2, 2) if size < 2 else (3, 3))
        cv2.dilate(sheet, pen, dst=sheet)
    blurred = soften(sheet, max(soft, 0.4))
    return blurred * np.float32(0.95 / max(float(blurred.max()), 1e-6))


def bundle(rng: Rng, length: float, wide: float, thickness: float, soft: float) -> Array:
    """A cinch mark: many short upright lines side by side over `wide` pixels, along a slant."""
    count, slant = max(5, int(wide / 2 * rng.uniform(0.5, 1.0))), rng.uniform(-1, 1)
    height, width = int(np.ceil(length * (1.6 + abs(slant)))) + 4, int(np.ceil(wide)) + 4
    sheet = np.zeros((height * OVERSAMPLING, width * OVERSAMPLING), np.uint8)
    across = np.sort(rng.uniform(0, 1, count))
    middle = height / 2 + slant * length * (across - 0.5) + rng.normal(0, 0.12 * length, count)
    half = 0.5 * length * rng.uniform(0.15, 1.0, count)
    ends = np.stack([2 + across * wide, middle - half, 2 + across * wide + rng.normal(0, 0.7, count), middle + half], 1)
    strength = rng.integers(60, 256, count)
    for points, shade in zip(np.round(ends * (OVERSAMPLING * 16)).astype(int).tolist(), strength.tolist(), strict=True):
        pen = max(1, round(thickness * OVERSAMPLING))
        cv2.line(sheet, points[:2], points[2:], shade, pen, cv2.LINE_AA, 4)
    small = cv2.resize(sheet, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    return soften(small * np.float32(1 / 255), soft)


def trace(rng: Rng, length: float, size: float, soft: float) -> Array:
    """Dots or dashes in a row, upright or nearly so: what a dirty roller or a skipping burr leaves."""
    step = size * log_between(rng, (1.8, 6.0))
    count, dash = max(3, int(length / step)), size * log_between(rng, (0.6, 2.5))
    slant = rng.normal(0, 0.08) if rng.random() < 0.7 else rng.uniform(-1.5, 1.5)
    along = (np.arange(count) + rng.normal(0, 0.12, count)) * step
    across = rng.normal(0, 0.15 * size, count)
    cos, sin = np.cos(slant), np.sin(slant)
    middle = np.stack([along * sin + across, along * cos], 1)
    ends = np.stack([middle, middle + np.array([dash * sin, dash * cos])], 1)
    margin = size + 2
    ends -= ends.min((0, 1)) - margin
    width, height = np.ceil(ends.max((0, 1)) + margin).astype(int) + 1
    sheet = np.zeros((height * OVERSAMPLING, width * OVERSAMPLING), np.uint8)
    for points in np.round(ends * (OVERSAMPLING * 16)).astype(int):
        if rng.random() < 0.85:
            pen = max(1, round(size * OVERSAMPLING * rng.uniform(0.6, 1.2)))
            cv2.line(sheet, points[0].tolist(), points[1].tolist(), int(rng.integers(110, 256)), pen, cv2.LINE_AA, 4)
    small = cv2.resize(sheet, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    return soften(small * np.float32(1 / 255), soft)


def line(path: Array, width: float | Array, soft: float, *, rim: bool = False) -> tuple[Array, int]:
    """An upright line along `path` (h,), pixels from the frame's left, and the column where its patch begins.

    Across it is a plateau with soft edges; under a pixel wide it is as much fainter. `width` may be (h,), for a
    ragged one. `rim` asks for the two borders beside it instead.
    """
    edge = 0.5 + soft
    reach = (1.5 if rim else 0.5) * float(np.max(width)) + edge + 1
    width = np.asarray(width, np.float32).reshape(-1, 1)
    left, right = int(np.floor(path.min() - reach)), int(np.ceil(path.max() + reach)) + 1
    away = np.abs(np.arange(left, right, dtype=np.float32)[None, :] - path[:, None])
    if rim:
        away, width = np.abs(away - width), np.float32(0.8) * width
    half = width / 2
    ramp = np.clip((half + np.float32(edge) - away) * np.float32(1 / (2 * edge)), 0, 1)
    ramp *= ramp * (3 - 2 * ramp)
    # The sum across is the line's width where that is thinner than its edges.
    peak = np.minimum((half + edge) / (2 * edge), 1)
    peak *= peak * (3 - 2 * peak)
    return np.asarray(ramp * (np.minimum(1.1 * width / (half + edge), 1) / peak), np.float32), left


def wander(rng: Rng, y: Array, step: float) -> Array:
    """Smooth unit noise along `y`, a knot every `step` pixels and at least two apart."""
    step = max(step, 2.0)
    knots = rng.standard_normal(int(y[-1] / step) + 3)
    return np.asarray(np.interp(y / step, np.arange(len(knots)), knots), np.float32)
