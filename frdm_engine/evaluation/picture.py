"""How near a restored frame is to the truth, and how much of the frame was left alone.

Frames are (H, W, 3) float32, display-like code values about 0..1. Whatever is averaged over frames comes as a
`Pool` or a `Ratio`: add those up, then ask for the figure. A PSNR of a clip is that of its pooled error, never a
mean of PSNRs, which a single flawless frame would carry away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Self, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from frdm_engine.errors import InputError

Array: TypeAlias = npt.NDArray[np.float32]
Mask: TypeAlias = npt.NDArray[np.bool_]

VISIBLE_CHANGE = 1 / 255
"""A change of code value that an 8-bit delivery would show."""


class Sums:
    """What adds up over frames, cases and processes: a frozen dataclass is added field by field."""

    def __add__(self, other: Self) -> Self:
        own: Any = self
        return type(self)(*(getattr(own, f.name) + getattr(other, f.name) for f in fields(own)))


@dataclass(frozen=True)
class Pool(Sums):
    """A sum and how many values went into it."""

    total: float = 0.0
    count: int = 0

    @property
    def mean(self) -> float | None:
        """The mean, or the share where what is pooled is true or false; None of nothing."""
        return self.total / self.count if self.count else None

    @property
    def psnr(self) -> float | None:
        """In dB against a peak of 1, where squared errors are pooled; `inf` without error, None of nothing."""
        if not self.count:
            return None
        return -10 * math.log10(self.total / self.count) if self.total > 0 else math.inf


@dataclass(frozen=True)
class Ratio(Sums):
    """Two sums of which the first is measured against the second."""

    over: float = 0.0
    under: float = 0.0

    @property
    def value(self) -> float | None:
        """The first sum over the second; None where the second is 0."""
        return self.over / self.under if self.under > 0 else None


def luma(frame: Array) -> Array:
    """The Rec. 709 luma of (..., 3), as (...) float32."""
    weights = np.array([0.2126, 0.7152, 0.0722], np.float32)
    return np.asarray(frame @ weights, np.float32)


def undamaged(mattes: Array) -> Mask:
    """Where none of the truth's mattes (H, W, K) says anything: the pixels a restorer may not touch, (H, W)."""
    return np.asarray((mattes == 0).all(axis=-1))


def squared_error(result: Array, truth: Array, *, where: Mask | None = None) -> Pool:
    """The squared error of all channels of a frame (H, W, 3), or of the pixels of it that `where` (H, W) marks.

    Raises:
        InputError: the two differ in size.
    """
    _alike(result, truth)
    if where is not None:
        result, truth = result[where], truth[where]
    error = result.astype(np.float64) - truth
    return Pool(float(np.square(error).sum()), error.size)


def changed(result: Array, source: Array, *, where: Mask, over: float = VISIBLE_CHANGE) -> Pool:
    """How many of the pixels `where` (H, W) marks differ in any channel by more than `over`; `.mean` is the share.

    With `over=0` every change counts, and a NaN that stays a NaN is none.

    Raises:
        InputError: the two differ in size.
    """
    _alike(result, source)
    after, before = result[where], source[where]
    with np.errstate(invalid="ignore"):
        moved = np.abs(after - before) > over
    # Infinities and NaN have no difference to measure: they are changed unless they are the same.
    finite = np.isfinite(after) & np.isfinite(before)
    same = (after == before) | (np.isnan(after) & np.isnan(before))
    moved = np.where(finite, moved, ~same)
    return Pool(float(moved.any(axis=-1).sum()), len(moved))


def ssim(result: Array, truth: Array) -> float:
    """Structural similarity of two frames (H, W, 3) over a range of 1, mean over pixels and channels.

    Gaussian weights of sigma 1.5 as in Wang et al., 2004.

    Raises:
        InputError: the two differ in size or are smaller than 11 pixels, or scikit-image is not installed.
    """
    _alike(result, truth)
    if min(result.shape[:2]) < 11:
        raise InputError(f"SSIM needs frames of at least 11x11 pixels, not {result.shape[1]}x{result.shape[0]}.")
    try:
        from skimage.metrics import structural_similarity
    except ImportError as error:
        raise InputError("SSIM is measured with scikit-image: install it with `pip install frdm[bench]`.") from error
    value = structural_similarity(
        result, truth, data_range=1.0, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    return float(value)


def dilate(mask: Mask, *, radius: int = 1) -> Mask:
    """A mask (H, W) grown by a square of `radius` pixels."""
    kernel = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    return np.asarray(cv2.dilate(mask.astype(np.uint8), kernel), np.bool_)


def _alike(first: Array, second: Array) -> None:
    if first.shape != second.shape:
        raise InputError(f"Frames to be compared must be of one size, not {first.shape} and {second.shape}.")
