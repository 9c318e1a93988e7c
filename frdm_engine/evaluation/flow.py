"""Dense optical flow by DIS (Kroeger et al., ECCV 2016), and warping along it.

A flow is (H, W, 2) float32 pixels, right and down: the pixel (x, y) of one frame is found at (x, y) + flow in the
other. Frames are (H, W, 3) float32, display-like code values about 0..1.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from frdm_engine.evaluation.picture import Array, Mask, luma

Preset: TypeAlias = Literal["fast", "medium"]
Gray: TypeAlias = npt.NDArray[np.uint8]

SPECK_MEDIAN = 5
"""Pixels across the median that takes specks off before motion is sought."""

_PRESETS: dict[Preset, int] = {
    "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}


def gray8(frame: Array, *, median: int = 0) -> Gray:
    """The 8-bit luma that DIS works on; a `median` of 3, 5 or more pixels across takes specks off it first."""
    level = np.nan_to_num(luma(frame), nan=0.0, posinf=1.0, neginf=0.0)
    gray = np.rint(np.clip(level, 0, 1) * 255).astype(np.uint8)
    return np.asarray(cv2.medianBlur(gray, median), np.uint8) if median else gray


def gray_flow(here: Gray, there: Gray, *, preset: Preset = "medium") -> Array:
    """Where each pixel of the gray frame `here` (H, W) is found in `there`: (H, W, 2)."""
    dis = cv2.DISOpticalFlow.create(_PRESETS[preset])
    # DIS needs some pixels to build its pyramid on, and a frame smaller than that has no motion to speak of.
    if min(here.shape) < 32:
        return np.zeros((*here.shape, 2), np.float32)
    return np.asarray(dis.calc(here, there, np.zeros((*here.shape, 2), np.float32)), np.float32)


def flow(here: Array, there: Array, *, preset: Preset = "medium", median: int = 0) -> Array:
    """Where each pixel of the frame `here` (H, W, 3) is found in `there`: (H, W, 2)."""
    return gray_flow(gray8(here, median=median), gray8(there, median=median), preset=preset)


def warp(there: Array, motion: Array) -> Array:
    """The frame or field `there` (H, W) or (H, W, C) as `here` sees it, bilinear; the edge goes on outside."""
    height, width = motion.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    moved = cv2.remap(
        there, x + motion[..., 0], y + motion[..., 1], interpolation=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, np.float32)


def inside(motion: Array) -> Mask:
    """Where a flow leads to a place within the other frame, (H, W)."""
    height, width = motion.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    x, y = x + motion[..., 0], y + motion[..., 1]
    return np.asarray((x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1))


def consistent(onward: Array, back: Array) -> Mask:
    """Where going along `onward` and returning along `back` ends near the start, (H, W).

    The bound is that of Sundaram et al. (ECCV 2010): 0.01 of both squared lengths and half a pixel.
    """
    returned = warp(back, onward)
    apart = np.square(onward + returned).sum(axis=-1)
    lengths = np.square(onward).sum(axis=-1) + np.square(returned).sum(axis=-1)
    return np.asarray((apart <= 0.01 * lengths + 0.5) & inside(onward))


def nearest(frame: int, *, length: int, count: int) -> list[int]:
    """The `count` frames nearest to `frame` in a shot of `length`, at most two on either side, nearest first.

    At the ends both may lie on the same side; a shorter shot has fewer.
    """
    near = sorted((abs(other - frame), other) for other in range(length) if 0 < abs(other - frame) <= 2)
    return [other for _, other in near[:count]]


def aligned(frames: Array, frame: int, *, count: int) -> list[Array]:
    """The nearest `count` frames of a clip (T, H, W, 3), where things are in `frame`: (H, W, 3), nearest first."""
    here = gray8(frames[frame], median=SPECK_MEDIAN)
    return [
        warp(frames[other], gray_flow(here, gray8(frames[other], median=SPECK_MEDIAN)))
        for other in nearest(frame, length=len(frames), count=count)
    ]


def trusted(frames: Array, frame: int) -> Mask:
    """Where the neighbours can testify against a frame, (H, W).

    With one on either side, everywhere. At the ends of a shot what a moving thing uncovers is in neither
    neighbour and looks like damage: only what is found there and back counts.
    """
    first, *more = nearest(frame, length=len(frames), count=2)
    if more and (first < frame) != (more[0] < frame):
        return np.ones(frames.shape[1:3], np.bool_)
    here, there = (gray8(frames[at], median=SPECK_MEDIAN) for at in (frame, first))
    return consistent(gray_flow(here, there), gray_flow(there, here))
