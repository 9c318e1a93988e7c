"""Variety for whole frames made small: few films are free, and a network soon knows them all by heart.

A small frame shows nearly all of its source, always upright and in its own colours. Turned, stretched, recoloured and
laid over one another, the same films show what no film of the set does; what is known by heart helps no longer, and
what is left to tell a stain by is the stain.
"""

import cv2
import numpy as np
import numpy.typing as npt

from frdm_engine.data.frames import Pixels
from frdm_engine.data.motion import camera_path, smooth_mask

REACH = 24
"""Pixels that the line between two films may travel to each side."""


def varied(rng: np.random.Generator, frames: Pixels) -> Pixels:
    """Frames (T, H, W, 3) uint8 RGB, all turned, stretched and recoloured alike."""
    if rng.random() < 0.7:
        frames = _bent(rng, frames)
    return _recoloured(rng, frames) if rng.random() < 0.6 else frames


def laid_over(rng: np.random.Generator, below: Pixels, above: Pixels) -> Pixels:
    """Two films (T, H, W, 3) uint8 RGB of one size in one: the second where a region is that moves by itself."""
    length, height, width = below.shape[:3]
    steepness = float(np.exp(rng.uniform(np.log(4.0), np.log(60.0))))
    cells = int(rng.integers(2, 6))
    region = smooth_mask(rng, height=height + 2 * REACH, width=width + 2 * REACH, cells=cells, steepness=steepness)
    region *= np.float32(rng.uniform(0.6, 1.0))
    out = np.empty_like(below)
    corners = REACH + np.rint(camera_path(rng, length=length, reach=(REACH, REACH)).shift).astype(int)
    for frame, one, other, (left, top) in zip(out, below, above, corners, strict=True):
        cover = np.ascontiguousarray(region[top : top + height, left : left + width])
        frame[...] = cv2.blendLinear(other, one, cover, 1 - cover)
    return out


def _bent(rng: np.random.Generator, frames: Pixels) -> Pixels:
    height, width = frames.shape[1:3]
    angle, zoom = rng.normal(0, 0.25), np.exp(rng.uniform(-0.4, 0.1))
    stretch = np.exp(rng.normal(0, 0.15))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.diag([zoom * stretch, zoom / stretch])
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    whole = np.column_stack((matrix, middle - matrix @ middle))
    out = np.empty_like(frames)
    for frame, one in zip(out, frames, strict=True):
        frame[...] = cv2.warpAffine(
            one,
            whole,
            (width, height),
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101,
        )
    return out


def _recoloured(rng: np.random.Generator, frames: Pixels) -> Pixels:
    matrix = np.eye(3)[rng.permutation(3)] if rng.random() < 0.6 else np.eye(3)
    matrix = matrix + rng.normal(0, 0.15, (3, 3))
    matrix /= matrix.sum(axis=1, keepdims=True)  # what is grey stays grey
    offset = np.zeros(3)
    if rng.random() < 0.15:
        matrix, offset = -matrix, np.full(3, 255.0)
    affine = np.column_stack((matrix, offset)).astype(np.float32)
    flat: npt.NDArray[np.uint8] = frames.reshape(-1, frames.shape[2], 3)
    return np.asarray(cv2.transform(flat, affine), np.uint8).reshape(frames.shape)
