"""Grain: a repaired spot carries the grain of its surroundings, new in every frame.

Grain strength is read from the sound part of the frame, as a function of brightness, in blocks flat enough to show
it; its coarseness from the correlation of neighbouring pixels; its colour from the correlation of channels. A
repair gets what it lacks of that, drawn from noise keyed by seed, frame and pixel, so it neither freezes nor
depends on the order of work (C2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from frdm_engine.diffusion.noise import gaussian_at

Picture = npt.NDArray[np.float32]

BLUR = 1.5
"""Sigma in pixels that parts grain from picture."""
BLOCK = 16
LEVELS = 8
"""Brightness bins of the grain curve, over 0..1 in model encoding."""
FLATTEST = 0.25
"""Share of a bin's blocks, the flattest, that are taken to show grain alone."""
LEAST_BLOCKS = 6
REACH = 4.0
"""Sigma in pixels over which a repair's own grain is measured."""
PATCH = 128
SUPPORT = 24
"""Repairs are grained in boxes of at most this many pixels, with as many around them as the filters reach."""
BAND = 4 * BLOCK
"""Rows measured at a time, so that what is made on the way stays in the processor's cache."""


@dataclass(frozen=True)
class Grain:
    """strength (3, LEVELS): standard deviation of the high-passed grain by brightness; coarseness: sigma in pixels;
    shared: correlation of the channels, 0..1."""

    strength: Picture
    coarseness: float
    shared: float


def high_pass(picture: Picture) -> Picture:
    """The picture (H, W, 3) less its blur."""
    return np.asarray(picture - cv2.GaussianBlur(picture, (0, 0), BLUR), dtype=np.float32)


@lru_cache(maxsize=1)
def _coarseness_table() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Lag-one correlation of high-passed noise for each coarseness, from the filters themselves."""
    impulse = np.zeros((33, 33), np.float32)
    impulse[16, 16] = 1
    passed = impulse - cv2.GaussianBlur(impulse, (0, 0), BLUR)
    sigmas = np.arange(0.0, 1.45, 0.05)
    correlations = []
    for sigma in sigmas:
        kernel = cv2.GaussianBlur(passed, (0, 0), sigma) if sigma > 0.2 else passed
        correlations.append(float((kernel[:, 1:] * kernel[:, :-1]).sum() / (kernel**2).sum()))
    return np.array(correlations), sigmas


def measure(picture: Picture, sound: npt.NDArray[np.bool_]) -> Grain | None:
    """Grain of the sound pixels of a picture (H, W, 3) in model encoding; None where there is too little to tell."""
    height, width = (side // BLOCK * BLOCK for side in sound.shape)
    if not height or not width:
        return None
    held = np.asarray(sound[:height, :width].reshape(height // BLOCK, BLOCK, width).all(axis=1))
    whole = np.asarray(held.reshape(height // BLOCK, width // BLOCK, BLOCK).all(axis=2))
    if whole.sum() < LEAST_BLOCKS:
        return None
    blocks = np.concatenate(
        [_blocks(picture, y, min(y + BAND, height), width)[whole[y // BLOCK : (y + BAND) // BLOCK]]
         for y in range(0, height, BAND)]
    )  # fmt: skip
    square, level = blocks[:, _SQUARE], blocks[:, _LEVEL].mean(axis=1)
    bins = np.clip((level * LEVELS).astype(int), 0, LEVELS - 1)
    strength = np.full((3, LEVELS), np.nan, np.float32)
    for index in range(LEVELS):
        of_bin = square[bins == index]
        if len(of_bin) >= LEAST_BLOCKS:
            strength[:, index] = np.sqrt(np.quantile(of_bin, FLATTEST, axis=0))
    known = ~np.isnan(strength[0])
    if not known.any():
        strength[:] = np.sqrt(np.quantile(square, FLATTEST, axis=0))[:, None]
    else:
        for channel in strength:
            channel[:] = np.interp(np.arange(LEVELS), np.flatnonzero(known), channel[known])
    flat = np.flatnonzero(square.sum(axis=1) <= np.quantile(square.sum(axis=1), FLATTEST))
    shown = blocks[flat].astype(np.float64).mean(axis=0)
    return Grain(strength, _coarseness(shown), _shared(shown))


_SQUARE, _LEVEL, _MEAN, _LAG = slice(0, 3), slice(3, 6), slice(6, 9), slice(9, 12)
_BOTH = 12


def _blocks(picture: Picture, top: int, bottom: int, width: int) -> Picture:
    """Means over the blocks of some rows, (rows, columns, 13): squares of the grain, level, grain, products of grain
    with its neighbour on the right in the block, each by channel; green times red and blue."""
    above = min(top, SUPPORT)
    part = picture[top - above : bottom + SUPPORT]
    fine = np.ascontiguousarray(high_pass(part)[above : above + bottom - top, :width])
    lag = np.empty_like(fine)
    np.multiply(fine[:, :-1], fine[:, 1:], out=lag[:, :-1])
    lag[:, BLOCK - 1 :: BLOCK] = 0
    both = fine[..., 1] * (fine[..., 0] + fine[..., 2])
    size = (width // BLOCK, (bottom - top) // BLOCK)
    planes = (fine * fine, picture[top:bottom, :width], fine, lag, both)
    means = [cv2.resize(plane, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], -1) for plane in planes]
    return np.asarray(np.concatenate(means, axis=2), np.float32)


def _coarseness(shown: npt.NDArray[np.float64]) -> float:
    power = float(shown[_SQUARE].sum())
    if power <= 0:
        return 0.0
    lag = float(shown[_LAG].sum()) * BLOCK / (BLOCK - 1) / power
    correlations, sigmas = _coarseness_table()
    return float(np.interp(lag, correlations, sigmas))


def _shared(shown: npt.NDArray[np.float64]) -> float:
    red, green, blue = np.sqrt(np.maximum(shown[_SQUARE] - shown[_MEAN] ** 2, 0))
    spread = float(red * green + green * blue)
    return float(np.clip(shown[_BOTH] / spread, 0, 1)) if spread > 0 else 1.0


def add_missing(repaired: Picture, alpha: Picture, grain: Grain, *, amount: float, seed: int, frame: int) -> Picture:
    """The repaired picture (H, W, 3) with the grain it lacks where ``alpha`` (H, W) > 0."""
    out = repaired.copy()
    lay_missing(out, alpha, grain, amount=amount, seed=seed, frame=frame)
    return out


def lay_missing(repaired: Picture, alpha: Picture, grain: Grain, *, amount: float, seed: int, frame: int) -> None:
    """Lays the grain that it lacks over the repaired picture itself; see ``add_missing``."""
    if amount == 0:
        return
    pieces = []  # all of it is told before any is laid: what is there beside a box has a say in it
    for rows, columns in _boxes(alpha):
        where = alpha[rows, columns] > 0
        extra = _missing(repaired, alpha, where, grain, seed=seed, frame=frame, x=columns.start, y=rows.start)
        pieces.append((rows, columns, where, extra))
    for rows, columns, where, extra in pieces:
        repaired[rows, columns][where] += np.float32(amount) * extra


def _boxes(alpha: Picture) -> Iterator[tuple[slice, slice]]:
    """Boxes that hold all repairs and little else, none larger than a patch."""
    for y in range(0, alpha.shape[0], PATCH):
        across = (alpha[y : y + PATCH] > 0).view(np.uint8)
        for x in range(0, alpha.shape[1], PATCH):
            left, top, width, height = cv2.boundingRect(across[:, x : x + PATCH])
            if width:
                yield slice(y + top, y + top + height), slice(x + left, x + left + width)


def _missing(
    repaired: Picture,
    alpha: Picture,
    where: npt.NDArray[np.bool_],
    grain: Grain,
    *,
    seed: int,
    frame: int,
    x: int,
    y: int,
) -> Picture:
    """The grain (n, 3) that the n pixels ``where`` of a box lack; its corner is (x, y) in the frame."""
    height, width = where.shape
    above, before = min(y, SUPPORT), min(x, SUPPORT)
    around = (slice(y - above, y + height + SUPPORT), slice(x - before, x + width + SUPPORT))
    part, inside = np.ascontiguousarray(repaired[around]), alpha[around]
    core = (slice(above, above + height), slice(before, before + width))
    # The repair's own grain and its share, softened together: four channels are one pass.
    seen = np.empty((*inside.shape, 4), np.float32)
    np.multiply(high_pass(part) ** 2, inside[..., None], out=seen[..., :3])
    seen[..., 3] = inside
    seen = cv2.GaussianBlur(seen, (0, 0), REACH)[core][where]
    present = seen[:, :3] / (seen[:, 3:] + np.float32(1e-6))
    level = np.clip(part[core][where].mean(axis=1) * LEVELS - 0.5, 0, LEVELS - 1)
    wanted = np.stack([np.interp(level, np.arange(LEVELS), curve) for curve in grain.strength], axis=1)
    lacking = np.sqrt(np.maximum(wanted.astype(np.float32) ** 2 - present, 0))
    return np.asarray(lacking * _drawn(where, grain, seed=seed, frame=frame, x=x, y=y, shape=alpha.shape), np.float32)


def _drawn(
    where: npt.NDArray[np.bool_], grain: Grain, *, seed: int, frame: int, x: int, y: int, shape: tuple[int, ...]
) -> Picture:
    """Grain of unit strength (n, 3) at the pixels ``where`` of a box at (x, y) of a frame of a shape.

    Noise is drawn there and as far around them as the blur that makes it coarse reaches.
    """
    soft = grain.coarseness > 0.2
    reach = int(np.ceil(4 * grain.coarseness)) + 1 if soft else 0
    above, before = min(y, reach), min(x, reach)
    below, behind = (
        min(reach, side - at) for side, at in zip(shape, (y + len(where), x + where.shape[1]), strict=True)
    )
    near = np.pad(where, ((above, below), (before, behind))).view(np.uint8)
    if soft:
        near = np.asarray(cv2.dilate(near, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)), np.uint8)
    rows, columns = np.nonzero(near)
    noise = gaussian_at(rows + (y - above), columns + (x - before), seed=seed, frame=frame, channels=4, stream=2)
    mixed = np.float32(np.sqrt(grain.shared)) * noise[3] + np.float32(np.sqrt(1 - grain.shared)) * noise[:3]
    mixed /= np.float32(_response(grain.coarseness))
    if not soft:
        return np.ascontiguousarray(mixed.T)
    drawn = np.zeros((*near.shape, 3), np.float32)
    drawn[rows, columns] = mixed.T
    blurred = cv2.GaussianBlur(drawn, (0, 0), grain.coarseness)
    return np.asarray(blurred[above : above + len(where), before : before + where.shape[1]][where], np.float32)


@lru_cache(maxsize=64)
def _response(coarseness: float) -> float:
    """Standard deviation of high-passed unit noise of that coarseness: drawn noise is scaled by it to match."""
    dot = np.zeros((33, 33), np.float32)
    dot[16, 16] = 1
    soft = cv2.GaussianBlur(dot, (0, 0), coarseness) if coarseness > 0.2 else dot
    return float(np.sqrt((high_pass(np.asarray(soft, np.float32)) ** 2).sum()))
