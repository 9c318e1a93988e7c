"""From stored samples to the model's encoding, and which of them are numbers at all.

A sample of 8 or 16 bits has at most 65,536 values. Where a space treats each sample by itself, its curve is therefore
evaluated once for each value, by `ColourSpace.encode`, and a plate is looked up: bit for bit the same.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from frdm_engine.plates.bands import bands
from frdm_engine.plates.colour import ColourSpace
from frdm_engine.plates.exr import Plane
from frdm_engine.plates.samples import to_float

Pixels = npt.NDArray[np.float32]

_HALF_INF = 0x7C00
_HALF_SIZE = 0x7FFF


def encode_planes(planes: tuple[Plane, ...], *, bits: int, space: ColourSpace) -> Pixels:
    """Three planes (H, W) of one type, or one grey plane, in model encoding: (H, W, 3) float32.

    `bits` are those an integer sample really holds, as `samples.to_float` takes them.
    """
    height, width = planes[0].shape
    made = np.empty((height, width, 3), np.float32)
    kinds = {plane.dtype for plane in planes}
    table = code_table(space, kinds.pop(), bits) if len(kinds) == 1 else None
    for rows in bands(height):
        part = [plane[rows] for plane in planes]
        if table is None:
            floats = [to_float(plane, bits=bits) for plane in part]
            made[rows] = space.encode(np.stack(floats if len(floats) == 3 else floats * 3, axis=-1))
        else:
            codes = [plane.view(f"u{plane.dtype.itemsize}") for plane in part]
            cv2.LUT(np.stack(codes if len(codes) == 3 else codes * 3, axis=-1), table, dst=made[rows])
    return made


@lru_cache(maxsize=16)
def code_table(space: ColourSpace, kind: np.dtype[np.generic], bits: int) -> Pixels | None:
    """The model encoding of every value a sample of `kind` can have, by its bits as an unsigned number.

    None where there are too many, and where the space mixes channels.
    """
    if kind.itemsize > 2:
        return None
    values = to_float(np.arange(1 << 8 * kind.itemsize, dtype=f"u{kind.itemsize}").view(kind), bits=bits)
    table = np.ascontiguousarray(space.encode(np.stack([values] * 3, axis=-1))[:, 0])
    # Each value beside two others: what mixes channels makes something else of it.
    shifts = (0, len(values) // 3, len(values) // 2)
    apart = space.encode(np.stack([np.roll(values, shift) for shift in shifts], axis=-1))
    alone = np.stack([np.roll(table, shift) for shift in shifts], axis=-1)
    return table if np.array_equal(apart.view(np.uint32), alone.view(np.uint32)) else None


def finite_planes(planes: tuple[Plane, ...]) -> npt.NDArray[np.bool_] | None:
    """Which pixels hold neither NaN nor Inf, (H, W); None where that is all of them."""
    if all(map(_all_finite, planes)):
        return None
    mask = np.isfinite(planes[0])
    for plane in planes[1:]:
        mask &= np.isfinite(plane)
    return np.asarray(mask)


def _all_finite(plane: Plane) -> bool:
    if plane.dtype.kind != "f":
        return True
    if plane.dtype == np.float16:
        return not any(((plane[rows].view(np.uint16) & _HALF_SIZE) >= _HALF_INF).any() for rows in bands(len(plane)))
    return all(bool(np.isfinite(plane[rows]).all()) for rows in bands(len(plane)))
