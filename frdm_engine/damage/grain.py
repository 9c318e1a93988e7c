"""Grain: signal-dependent noise, correlated over space and channels, new every frame.

Noise comes from periodic tiles made once a process and cut at random places: making it anew would take most
of a training sample's time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from frdm_engine.damage.drawing import Array, Rng, Shot, between, stream
from frdm_engine.damage.settings import check, number, span

TILE = 512
_SHOT, _FRAME = 50, 51


@dataclass(frozen=True)
class GrainSettings:
    """How strong and how coarse the grain of a shot is.

    Args:
        presence: chance that a shot has grain.
        strength: standard deviation in code values at mid-gray; the low end is drawn more often.
        sigma: blur of the noise in pixels, which sets the size of the grain.
        floor: strength in black and white as a fraction of that in the mid-tones.
        common: share of the noise power that the colour channels have in common.
    """

    presence: float = number(0.9, 0, 1)
    strength: tuple[float, float] = span((0.003, 0.035), 0, 0.3)
    sigma: tuple[float, float] = span((0.5, 1.0), 0.2, 3)
    floor: tuple[float, float] = span((0.15, 0.5), 0, 1)
    common: tuple[float, float] = span((0.2, 0.9), 0, 1)

    def __post_init__(self) -> None:
        check(self)


@lru_cache(maxsize=12)
def noise_tile(sigma: float) -> Array:
    """A periodic tile (TILE, TILE, 4): four independent channels of noise, blur `sigma` pixels, std 1."""
    white = np.random.default_rng([20, round(sigma * 100)]).standard_normal((TILE, TILE, 4), np.float32)
    margin = int(np.ceil(4 * sigma))
    wrapped = cv2.copyMakeBorder(white, margin, margin, margin, margin, cv2.BORDER_WRAP)
    tile = cv2.GaussianBlur(wrapped, (0, 0), sigma)[margin:-margin, margin:-margin]
    tile = (tile - tile.mean((0, 1))) / tile.std((0, 1))
    tile.setflags(write=False)
    return np.ascontiguousarray(tile, np.float32)


def cut(tile: Array, rng: Rng, height: int, width: int) -> Array:
    """A random crop (height, width, ...) of a periodic tile, mirrored at random; a small tile repeats."""
    top, left, mirror = int(rng.integers(TILE)), int(rng.integers(TILE)), int(rng.integers(4))
    if top + height <= TILE and left + width <= TILE:
        crop = tile[top : top + height, left : left + width]
    else:
        rows, columns = np.arange(top, top + height) % TILE, np.arange(left, left + width) % TILE
        crop = tile.take(rows, axis=0).take(columns, axis=1)
    return crop[:: -1 if mirror & 1 else 1, :: -1 if mirror & 2 else 1]


def noise_patch(rng: Rng, height: int, width: int, sigma: float) -> Array:
    """One channel (height, width) of noise of blur `sigma` pixels, std 1."""
    return cut(noise_tile(round(sigma, 1))[..., int(rng.integers(4))], rng, height, width)


class Grain:
    """The grain of one shot."""

    def __init__(self, settings: GrainSettings, shot: Shot) -> None:
        self.shot = shot
        rng = stream(shot.seed, _SHOT)
        here = rng.random() < settings.presence
        # Most film is fine-grained: the low end of the span is drawn more often.
        low, high = settings.strength
        self.strength = low + (high - low) * float(rng.random()) ** 1.6 if here else 0.0
        self._sigma = round(between(rng, settings.sigma), 1)
        self._floor = between(rng, settings.floor)
        common = 1.0 if shot.monochrome else between(rng, settings.common)
        balance = np.ones(3) if shot.monochrome else rng.uniform(0.8, 1.2, 3)
        own = np.sqrt(1 - common) * np.eye(3)
        mix = np.concatenate([np.full((3, 1), np.sqrt(common)), own], 1) * balance[:, None]
        self._mix = (mix * self.strength).astype(np.float32)

    def add(self, frame: int, plate: Array) -> Array:
        """`plate` (H, W, 3), code values about 0..1, with this frame's grain, or itself if there is none."""
        if not self.strength:
            return plate
        rng = stream(self.shot.seed, _FRAME, frame)
        crop = cut(noise_tile(self._sigma), rng, *plate.shape[:2])
        noise: Array = np.asarray(cv2.transform(np.ascontiguousarray(crop), self._mix), np.float32)
        # Strongest in the mid-tones: floor + (1 - floor) * 4 p (1 - p), on the plate's own channels.
        tone = np.clip(plate, 0, 1)
        strength = 1 - tone
        strength *= tone
        strength *= np.float32(4 * (1 - self._floor))
        strength += np.float32(self._floor)
        noise *= strength
        noise += plate
        return noise
