"""What the machine can do at best: a matrix multiply and a convolution of the restorer's own precision."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F

from frdm_engine.evaluation.speed.cases import Case
from frdm_engine.evaluation.speed.clock import Work

MATRICES = (1024, 2048, 4096)
CONVOLUTIONS = ((64, 256), (128, 192), (256, 96), (512, 48))
"""Channels, in and out alike, and side of the plane: 3x3 windows, channels_last."""
GPU_FACTOR = 4
"""A GPU is filled by planes and matrices that many times as large."""
MATRIX, CONVOLUTION = "matrix multiply", "convolution"
LEAST_FLOPS = 2e10
"""A call of a CPU repeats its kernel until it has done so much: some hundredths of a second."""


def ceilings(device: torch.device, precision: torch.dtype, *, quick: bool = False) -> list[Work]:
    """One work for each size of either kernel; facts name its arithmetic."""
    works = []
    factor = GPU_FACTOR if device.type == "cuda" else 1
    for side in MATRICES[:2] if quick else MATRICES:
        works.append(_work(MATRIX, f"{side * factor}", _matrix(side * factor, device, precision), device))
    for channels, side in CONVOLUTIONS[1:3] if quick else CONVOLUTIONS:
        kernel = _convolution(channels, side * factor, device, precision)
        works.append(_work(CONVOLUTION, f"{channels} channels, {side * factor} x {side * factor}", kernel, device))
    return works


Kernel = tuple[float, Callable[[], Callable[[], Any]]]


def _work(what: str, words: str, kernel: Kernel, device: torch.device) -> Work:
    flops, make = kernel
    # Long enough for the clock, on a GPU for the launches too.
    times = max(1, round(LEAST_FLOPS * (200 if device.type == "cuda" else 1) / flops))

    @contextmanager
    def ready() -> Iterator[Callable[[], dict[str, Any]]]:
        one = make()

        def go() -> dict[str, Any]:
            with torch.inference_mode():
                for _ in range(times):
                    one()
            return {"flops": flops, "kernel": words}

        yield go

    return Work(what, Case(), ready, frames=times, warm=True)


def _matrix(side: int, device: torch.device, precision: torch.dtype) -> Kernel:
    def make() -> Callable[[], Any]:
        a, b = (torch.randn(side, side, device=device, dtype=precision) for _ in range(2))
        return lambda: a @ b

    return 2.0 * side**3, make


def _convolution(channels: int, side: int, device: torch.device, precision: torch.dtype) -> Kernel:
    def make() -> Callable[[], Any]:
        x = torch.randn(1, channels, side, side, device=device, dtype=precision).to(memory_format=torch.channels_last)
        w = torch.randn(channels, channels, 3, 3, device=device, dtype=precision)
        w = w.to(memory_format=torch.channels_last)
        return lambda: F.conv2d(x, w, padding=1)

    return 2.0 * 9 * channels**2 * side**2, make
