"""Box means. On a CPU by OpenCV, whose running totals are doubles: a plane is read and written once, whatever the side.

Elsewhere, and where gradients pass, by doubling: a mean over n pixels costs log n sums, and none loses digits.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import cv2
import torch
import torch.nn.functional as F
from torch import Tensor

from frdm_engine.model.planes import for_opencv

WORTH_A_THREAD = 1 << 19
"""Pixels of all planes together from which on threads share them."""


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
    """Sums of (B, C, H, W) over two squares of odd sides; beyond the edges lies nothing."""
    return _square_sum(x, near, repeated=False), _square_sum(x, wide, repeated=False)


def _square_sum(x: Tensor, side: int, *, repeated: bool) -> Tensor:
    """Sums of (..., C, H, W) over a square of odd ``side``; beyond the edges these are repeated, or nothing lies."""
    half = side // 2
    if not for_opencv(x):
        padded = F.pad(x, (half,) * 4, mode="replicate" if repeated else "constant")
        return box_sum(box_sum(padded, side, -1), side, -2)
    x = x.detach().contiguous()
    out = torch.empty_like(x, memory_format=torch.contiguous_format)
    planes = list(zip(x.flatten(0, -3).numpy(), out.flatten(0, -3).numpy(), strict=True))
    border = cv2.BORDER_REPLICATE if repeated else cv2.BORDER_CONSTANT

    def work(first: int, every: int) -> None:
        for own, target in planes[first::every]:
            cv2.boxFilter(own, -1, (side, side), dst=target, normalize=False, borderType=border)

    threads = min(torch.get_num_threads(), len(planes)) if x.numel() >= WORTH_A_THREAD else 1
    if threads == 1:
        work(0, 1)
    else:
        list(_pool(os.getpid()).map(work, range(threads), [threads] * threads))
    return out


@lru_cache(maxsize=1)
def _pool(process: int) -> ThreadPoolExecutor:
    """Threads of this process that share planes, as OpenCV takes one thread for a plane; begun when first needed."""
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="frdm-box")


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
    """Mean of (..., C, H, W) over a square of odd ``side``; beyond the edges these repeat, with ``zero`` nothing lies.

    With ``none`` only pixels inside the frame count.
    """
    half = side // 2
    height, width = x.shape[-2:]
    total = _square_sum(x, side, repeated=edges == "replicate")
    if edges != "none":
        return total.mul_(1 / side**2)
    return total.div_(_inside(width, half, x.device) * _inside(height, half, x.device)[:, None])


def _inside(size: int, half: int, device: torch.device) -> Tensor:
    """How many of a square's pixels along one side lie inside the frame, for each of its ``size`` places."""
    at = torch.arange(size, device=device)
    return (at + half).clamp(max=size - 1) - (at - half).clamp(min=0) + 1
