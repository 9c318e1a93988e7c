"""The scan: a little blur, and the marks of a mild block compression, over picture and damage alike.

A restorer mends what is on the film, not the scan, so truth and damaged plate both go through it. Compression
spreads a defect over its blocks: where that is plain to see the mattes are grown to tell of it, elsewhere its marks are
the scan's and the truth has them too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from frdm_engine.damage.drawing import FAINTEST, VISIBLE, Array, Shot, between, largest, stream
from frdm_engine.damage.settings import check, number, span

_SHOT = 95

#: How far compression spreads a defect: the blocks of colour at half size.
SPREAD = 16

#: Opacity up to which a matte says next to nothing: what compression made plain there is spill as well.
FAINT = 0.02


@dataclass(frozen=True)
class ScanSettings:
    """How soft and how compressed a shot's scan is.

    Args:
        presence: chance that a shot was so scanned; the others are left as they are.
        sigma: span of the blur's sigma in pixels.
        compressed: chance that such a scan was compressed too.
        quality: span of the JPEG quality, 1 to 100.
    """

    presence: float = number(0.30, 0, 1)
    sigma: tuple[float, float] = span((0.3, 1.0), 0, 10)
    compressed: float = number(0.6, 0, 1)
    quality: tuple[float, float] = span((70.0, 96.0), 1, 100)

    def __post_init__(self) -> None:
        check(self)


class Scan:
    """The scan of one shot."""

    def __init__(self, settings: ScanSettings, shot: Shot) -> None:
        rng = stream(shot.seed, _SHOT)
        self._here = rng.random() < settings.presence
        self._sigma = between(rng, settings.sigma)
        self._quality = round(between(rng, settings.quality)) if rng.random() < settings.compressed else 0

    def through(self, truth: Array, damaged: Array, mattes: Array) -> tuple[Array, Array, Array]:
        """Truth and damaged plate (H, W, 3) as scanned, and the mattes (H, W, 4) grown to fit.

        Where all mattes are 0 both plates are alike, bit for bit. All three come back as they are if this shot's scan
        did nothing.
        """
        if not self._here:
            return truth, damaged, mattes
        truth, damaged = self.seen(truth), self.seen(damaged)
        mattes = self._blurred(mattes)
        mattes[mattes < FAINTEST] = 0
        # A small mean, not the pixel's own difference: ringing has the grain of the blocks.
        differ = np.asarray(cv2.blur(largest(damaged - truth), (3, 3)), np.float32)
        spilled = (differ > VISIBLE) & (mattes.max(axis=2) < FAINT)
        if spilled.any():
            # The spill belongs to whichever damage lies next to it.
            near = np.stack([grown(np.ascontiguousarray(mattes[..., k]), SPREAD) for k in range(mattes.shape[2])], 2)
            mattes[spilled, near[spilled].argmax(axis=1)] = np.minimum(differ[spilled] * np.float32(0.25 / VISIBLE), 1)
        untouched = mattes.max(axis=2) == 0
        truth[untouched] = damaged[untouched]
        return truth, damaged, mattes

    def seen(self, plate: Array) -> Array:
        """A plate (H, W, 3) as this shot's scan shows it."""
        if not self._here:
            return plate
        plate = self._blurred(plate)
        if not self._quality:
            return plate
        inside = np.clip(plate, 0, 1)
        bytes_ = np.rint(inside * np.float32(255)).astype(np.uint8)
        # OpenCV takes blue first; colours the wrong way round would be compressed as others are.
        _, packed = cv2.imencode(".jpg", bytes_[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, self._quality])
        back = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)[..., ::-1]
        # What lies beyond black and white, as in scene-linear plates, is kept.
        return np.asarray(back * np.float32(1 / 255) + (plate - inside), np.float32)

    def _blurred(self, picture: Array) -> Array:
        if self._sigma < 0.2:
            return picture.copy()
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), self._sigma), np.float32)


def grown(plane: npt.NDArray[Any], by: int) -> npt.NDArray[Any]:
    """The highest value within `by` pixels to each side (H, W)."""
    return np.asarray(cv2.dilate(plane, np.ones((2 * by + 1, 2 * by + 1), np.uint8)))
