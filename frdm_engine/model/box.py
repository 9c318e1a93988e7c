"""Box means, by doubling: a mean over n pixels costs log n sums, and no running total loses digits on the way."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def box_sum(x: Tensor, side: int, dim: int) -> Tensor:
    """Sums of ``side`` neighbours along ``dim``, which gets shorter by ``side`` - 1."""
    length = x.shape[dim] - side + 1
    total: Tensor | None = None
    start, width = 0, 1
    while True:
        if side & width:
            part = x.narrow(dim, start, length)
            total = part if total is None else total + part
            start += width
        if 2 * width > side:
            assert total is not None  # noqa: S101 - a side has a bit
            return total
        x = x.narrow(dim, 0, x.shape[dim] - width) + x.narrow(dim, width, x.shape[dim] - width)
        width *= 2


def box_sums(x: Tensor, near: int, wide: int) -> tuple[Tensor, Tensor]:
    """Sums of (B, C, H, W) over two squares of odd sides, near under wide; beyond the edges lies nothing."""
    half, inner = wide // 2, near // 2
    padded = F.pad(x, (half,) * 4)
    height, width = x.shape[-2:]
    close = padded[..., half - inner : half + inner + height, half - inner : half + inner + width]
    return box_sum(box_sum(close, near, -1), near, -2), box_sum(box_sum(padded, wide, -1), wide, -2)


def box_max(x: Tensor) -> Tensor:
    """Largest of 3x3 pixels of (B, C, H, W); pixels beyond the edges do not count."""
    for dim in (-1, -2):
        size = x.shape[dim] - 1
        out = x.clone()
        inner, outer = out.narrow(dim, 0, size), out.narrow(dim, 1, size)
        torch.maximum(inner, x.narrow(dim, 1, size), out=inner)
        torch.maximum(outer, x.narrow(dim, 0, size), out=outer)
        x = out
    return x


def box_mean(x: Tensor, side: int, *, edges: str = "replicate") -> Tensor:
    """Mean of (B, C, H, W) over a square of odd ``side``; beyond the edges they repeat, or with ``zero`` nothing lies.

    With ``none`` only pixels inside the frame count.
    """
    half = side // 2
    height, width = x.shape[-2:]
    padded = F.pad(x, (half,) * 4, mode="replicate") if edges == "replicate" else F.pad(x, (half,) * 4)
    total = box_sum(box_sum(padded, side, -1), side, -2)
    if edges != "none":
        return total.mul_(1 / side**2)
    return total.div_(_inside(width, half, x.device) * _inside(height, half, x.device)[:, None])


def _inside(size: int, half: int, device: torch.device) -> Tensor:
    """How many of a square's pixels along one side lie inside the frame, for each of its ``size`` places."""
    at = torch.arange(size, device=device)
    return (at + half).clamp(max=size - 1) - (at - half).clamp(min=0) + 1
