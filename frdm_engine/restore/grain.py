"""Grain: a repaired spot carries the grain of its surroundings, new in every frame.

Grain strength is read from the sound part of the frame, as a function of brightness, in blocks flat enough to show
it; its coarseness from the correlation of neighbouring pixels; its colour from the correlation of channels. A
repair gets what it lacks of that, drawn from noise keyed by seed, frame and pixel, so it neither freezes nor
depends on the order of work (C2).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from frdm_engine.diffusion.noise import gaussian

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
"""Repairs are grained in patches of this many pixels, with as many around them as the filters reach."""


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
    fine = high_pass(picture)[:height, :width]
    blocks = (height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    whole = sound[:height, :width].reshape(blocks).all(axis=(1, 3))
    if whole.sum() < LEAST_BLOCKS:
        return None
    square = (fine**2).reshape(*blocks, 3).mean(axis=(1, 3))[whole]
    level = picture[:height, :width].mean(axis=2).reshape(blocks).mean(axis=(1, 3))[whole]
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
    tiles = fine.reshape(*blocks, 3).transpose(0, 2, 1, 3, 4)[whole][flat]
    return Grain(strength, _coarseness(tiles), _shared(tiles))


def _coarseness(tiles: Picture) -> float:
    power = float((tiles**2).sum())
    if power <= 0:
        return 0.0
    lag = float((tiles[:, :, 1:] * tiles[:, :, :-1]).sum()) * BLOCK / (BLOCK - 1) / power
    correlations, sigmas = _coarseness_table()
    return float(np.interp(lag, correlations, sigmas))


def _shared(tiles: Picture) -> float:
    red, green, blue = (tiles[..., c].ravel() for c in range(3))
    spread = float(red.std() * green.std() + green.std() * blue.std())
    if spread <= 0:
        return 1.0
    both = float((red * green).mean() + (green * blue).mean())
    return float(np.clip(both / spread, 0, 1))


def add_missing(repaired: Picture, alpha: Picture, grain: Grain, *, amount: float, seed: int, frame: int) -> Picture:
    """The repaired picture (H, W, 3) with the grain it lacks where ``alpha`` (H, W) > 0."""
    out = repaired.copy()
    if amount == 0:
        return out
    height, width = alpha.shape
    for y in range(0, height, PATCH):
        for x in range(0, width, PATCH):
            core = (slice(y, min(y + PATCH, height)), slice(x, min(x + PATCH, width)))
            if alpha[core].any():
                top, left = max(y - SUPPORT, 0), max(x - SUPPORT, 0)
                padded = (slice(top, core[0].stop + SUPPORT), slice(left, core[1].stop + SUPPORT))
                extra = _missing(repaired[padded], alpha[padded], grain, seed=seed, frame=frame, x=left, y=top)
                inner = (slice(y - top, core[0].stop - top), slice(x - left, core[1].stop - left))
                out[core] += amount * extra[inner]
    return out


def _missing(part: Picture, inside: Picture, grain: Grain, *, seed: int, frame: int, x: int, y: int) -> Picture:
    """The grain (h, w, 3) that a part of a picture lacks; its corner is (x, y) in the frame."""
    height, width = inside.shape
    noise = gaussian(seed=seed, frame=frame, x=x, y=y, width=width, height=height, channels=4, stream=2)
    mixed = np.sqrt(grain.shared) * noise[3] + np.sqrt(1 - grain.shared) * noise[:3]
    drawn = np.ascontiguousarray(mixed.transpose(1, 2, 0))
    if grain.coarseness > 0.2:
        drawn = np.asarray(cv2.GaussianBlur(drawn, (0, 0), grain.coarseness), np.float32)
    drawn /= _response(grain.coarseness)
    weight = cv2.GaussianBlur(inside, (0, 0), REACH)[..., None] + 1e-6
    present = cv2.GaussianBlur(high_pass(part) ** 2 * inside[..., None], (0, 0), REACH) / weight
    level = np.clip(part.mean(axis=2) * LEVELS - 0.5, 0, LEVELS - 1)
    wanted = np.stack([np.interp(level, np.arange(LEVELS), curve) for curve in grain.strength], axis=2)
    lacking = np.sqrt(np.maximum(wanted**2 - present, 0)).astype(np.float32)
    return lacking * drawn * (inside > 0)[..., None]


@lru_cache(maxsize=64)
def _response(coarseness: float) -> float:
    """Standard deviation of high-passed unit noise of that coarseness: drawn noise is scaled by it to match."""
    dot = np.zeros((33, 33), np.float32)
    dot[16, 16] = 1
    soft = cv2.GaussianBlur(dot, (0, 0), coarseness) if coarseness > 0.2 else dot
    return float(np.sqrt((high_pass(np.asarray(soft, np.float32)) ** 2).sum()))
