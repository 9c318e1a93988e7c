"""Stored samples to floats and back: the one place that knows how an integer code is scaled."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

HALF_MAX = 65504.0


def to_float(plane: npt.NDArray[Any], *, bits: int) -> npt.NDArray[np.float32]:
    """A plane of any stored type, float32; integers of `bits` bits scaled to 0..1, floats unchanged."""
    if plane.dtype.kind == "f":
        with np.errstate(invalid="ignore", over="ignore"):
            return plane.astype(np.float32)
    # Codes of fewer bits sit at the top of their container, their high bits repeated below.
    codes = plane >> (plane.dtype.itemsize * 8 - bits)
    return (codes.astype(np.float64) / ((1 << bits) - 1)).astype(np.float32)


def from_float(values: npt.NDArray[np.float32], *, dtype: npt.DTypeLike, bits: int) -> npt.NDArray[Any]:
    """The inverse of `to_float`: rounded to the nearest and clipped to what the type can hold."""
    kind = np.dtype(dtype)
    if kind == np.float16:
        return np.clip(values, -HALF_MAX, HALF_MAX).astype(np.float16)
    if kind.kind == "f":
        return values.astype(kind)
    codes = np.rint(np.clip(values, 0.0, 1.0).astype(np.float64) * ((1 << bits) - 1)).astype(np.uint64)
    container = kind.itemsize * 8
    filled = codes << np.uint64(container - bits)
    step = bits
    while step < container:
        filled |= filled >> np.uint64(step)
        step *= 2
    return filled.astype(kind)
