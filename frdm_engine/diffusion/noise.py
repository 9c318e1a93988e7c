"""Gaussian noise keyed by (seed, frame, absolute pixel): the same wherever and in whatever order it is drawn.

A counter-based generator: the SplitMix64 finaliser (Steele, Lea, Flood 2014) over a key of seed, frame,
row, column and channel, then Box-Muller. A tile of a frame is therefore a crop of the frame's noise (C2).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1

STRIP = 1 << 15
"""Pixels for which noise is drawn at a time on a CPU: all that is needed for them stays in its cache."""

Words = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]


def _mix(z: Words) -> Words:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _mix_int(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def _signed(z: int) -> int:
    """The 64-bit word as torch has it, whose integers are signed."""
    return z - (1 << 64) if z >> 63 else z


def _mix_on(z: Tensor) -> Tensor:
    """``_mix``, in place."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z.bitwise_xor_(_right(z, shift)).mul_(_signed(factor))
    return z.bitwise_xor_(_right(z, 31))


def _right(z: Tensor, shift: int) -> Tensor:
    """Shift that brings in zeros, whatever the sign."""
    return (z >> shift).bitwise_and_((1 << (64 - shift)) - 1)


def gaussian_on(
    device: torch.device,
    *,
    seed: int,
    frame: int,
    x: int,
    y: int,
    width: int,
    height: int,
    channels: int = 3,
    stream: int = 0,
) -> Tensor:
    """The noise of ``gaussian``, (channels, height, width) float32, drawn on a device: the same but for rounding."""
    key = _mix_int(_mix_int(_mix_int((seed * _GOLDEN) & _MASK) ^ (frame & _MASK)) + stream & _MASK)
    rows = torch.arange(y, y + height, device=device)[:, None] << 32
    columns = torch.arange(x, x + width, device=device)[None] & 0xFFFFFFFF
    out = torch.empty(channels, height, width, device=device)
    strip = max(STRIP // max(width, 1), 1) if device.type == "cpu" else height
    for top in range(0, height, strip):
        spot = (rows[top : top + strip] | columns).mul_(_signed(_GOLDEN))
        for c in range(channels):
            bits = _mix_on(spot + _signed(_mix_int(key + _GOLDEN * (c + 1) & _MASK)))
            first = _right(bits, 40).float().add_(0.5).mul_(2.0**-24)
            second = bits.bitwise_and_(0xFFFFFF).float().mul_(2.0 * math.pi * 2.0**-24)
            torch.mul(first.log_().mul_(-2).sqrt_(), second.cos_(), out=out[c, top : top + strip])
    return out


def gaussian(
    *, seed: int, frame: int, x: int, y: int, width: int, height: int, channels: int = 3, stream: int = 0
) -> npt.NDArray[np.float32]:
    """Standard normal noise (channels, height, width), float32, of the window whose corner is (x, y).

    ``x`` and ``y`` are absolute pixels and may be negative; ``stream`` separates uses of one seed.
    """
    rows = np.arange(y, y + height, dtype=np.int64)[:, None]
    columns = np.arange(x, x + width, dtype=np.int64)[None]
    return gaussian_at(rows, columns, seed=seed, frame=frame, channels=channels, stream=stream)


def gaussian_at(
    rows: Places, columns: Places, *, seed: int, frame: int, channels: int = 3, stream: int = 0
) -> npt.NDArray[np.float32]:
    """The noise that `gaussian` has at some pixels, (channels, ...), of the shape rows and columns have together."""
    key = _mix_int(_mix_int(_mix_int((seed * _GOLDEN) & _MASK) ^ (frame & _MASK)) + stream & _MASK)
    places = (rows.astype(np.uint64) << np.uint64(32)) | (columns.astype(np.uint64) & np.uint64(0xFFFFFFFF))
    planes = [_mix_int(key + _GOLDEN * (c + 1) & _MASK) for c in range(channels)]
    bits = np.stack([_mix(places * np.uint64(_GOLDEN) + np.uint64(plane)) for plane in planes])
    first = ((bits >> np.uint64(40)).astype(np.float32) + np.float32(0.5)) * np.float32(2.0**-24)
    second = (bits & np.uint64(0xFFFFFF)).astype(np.float32) * np.float32(2.0 * np.pi * 2.0**-24)
    return np.asarray(np.sqrt(np.float32(-2) * np.log(first)) * np.cos(second), dtype=np.float32)
