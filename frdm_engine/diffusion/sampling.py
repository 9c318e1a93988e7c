"""Samplers: plain functions over a callable ``model(state, sigma)`` that returns the clean frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor

Denoise = Callable[[Tensor, float], Tensor]


def bridge_state(clean: Tensor, far_end: Tensor, sigma: Tensor | float) -> Tensor:
    """The point of the bridge at ``sigma`` between ``clean`` (0) and ``far_end`` (1: damaged plus noise)."""
    return clean + sigma * (far_end - clean)


def sample_euler(model: Denoise, far_end: Tensor, sigmas: Sequence[float]) -> Tensor:
    """Euler's method along the bridge's velocity (Lipman et al. 2023), from ``sigmas[0]`` = 1 to 0.

    ``far_end`` (B, 3, H, W) is the damaged frame plus noise in model encoding. Returns the clean frame.
    """
    state = far_end
    for sigma, following in pairwise(sigmas):
        clean = model(state, sigma)
        state = clean + (following / sigma) * (state - clean) if following else clean
    return state
