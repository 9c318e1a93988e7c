"""Muon for convolutions, AdamW for the rest.

Muon (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"): a kernel's momentum is made
orthogonal before it is taken as a step, so that all directions it has are learned alike. Steps have the size AdamW's
usually have (Liu et al. 2025, arXiv 2502.16982), so that one weight decay fits both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

MOMENTUM = 0.95
SIZE = 0.2
"""Root mean square of a step at a rate of 1."""
_ROUNDS = 5
_QUINTIC = (3.4445, -4.7750, 2.0315)


def orthogonal(matrix: Tensor) -> Tensor:
    """About the nearest matrix (M, N) whose singular values are alike, near 1, by Newton and Schulz's iteration."""
    a, b, c = _QUINTIC
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(_ROUNDS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if tall else x


class Mixed(torch.optim.AdamW):
    """AdamW; groups that say ``muon`` hold kernels (out, in, h, w) and are stepped by Muon."""

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """One step of all groups; the gradients of kernels are gone afterwards."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            if group.get("muon"):
                for kernel in group["params"]:
                    self._turn(kernel, group)
        super().step()
        return loss

    def _turn(self, kernel: Tensor, group: dict[str, Any]) -> None:
        gradient = kernel.grad
        if gradient is None:
            return
        kernel.grad = None  # so that AdamW leaves it alone
        state = self.state[kernel]
        if not state:
            state["step"], state["exp_avg"] = torch.zeros(()), torch.zeros_like(kernel)
        state["step"] += 1
        mean = state["exp_avg"].lerp_(gradient, 1 - MOMENTUM)
        flat = gradient.lerp(mean, MOMENTUM).flatten(1)
        step = orthogonal(flat) * (SIZE * max(flat.shape) ** 0.5)
        kernel.mul_(1 - group["lr"] * group["weight_decay"]).sub_(step.reshape(kernel.shape), alpha=group["lr"])
