"""Muon: what its steps look like, and that AdamW's are as before."""

from __future__ import annotations

import pytest
import torch

from frdm_engine.training.muon import SIZE, Mixed, orthogonal


@pytest.mark.parametrize("shape", [(8, 40), (40, 8)])
def test_all_directions_of_a_step_are_alike(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    given = torch.randn(shape) * torch.logspace(-0.5, 0.5, shape[1])
    assert torch.linalg.cond(given) > 2
    sizes = torch.linalg.svdvals(orthogonal(given))
    assert sizes.min() > 0.5
    assert sizes.max() < 1.3


def test_a_kernel_is_stepped_by_muon_and_all_else_by_adamw() -> None:
    torch.manual_seed(1)
    kernel, bias = torch.nn.Parameter(torch.randn(12, 4, 3, 3)), torch.nn.Parameter(torch.randn(12))
    other, before = torch.nn.Parameter(bias.detach().clone()), kernel.detach().clone()
    groups = [{"params": [kernel], "lr": 0.01, "muon": True}, {"params": [bias], "lr": 0.02, "muon": False}]
    mixed, adamw = Mixed(groups), torch.optim.AdamW([other], lr=0.02)
    for _ in range(3):
        kernel.grad, gradient = torch.randn_like(kernel), torch.randn_like(bias)
        bias.grad, other.grad = gradient, gradient.clone()
        start = kernel.detach().clone()
        mixed.step()
        adamw.step()
        step = (kernel.detach() - start * (1 - 0.01 * 0.01)) / 0.01
        assert step.square().mean().sqrt() == pytest.approx(SIZE, rel=0.2)
    assert torch.equal(bias, other)
    assert not torch.equal(kernel, before)


def test_muon_learns() -> None:
    torch.manual_seed(2)
    layer = torch.nn.Conv2d(3, 16, 3, bias=False)
    x, wanted = torch.randn(4, 3, 12, 12), torch.nn.Conv2d(3, 16, 3, bias=False)
    mixed = Mixed([{"params": list(layer.parameters()), "lr": 0.05, "muon": True}])
    losses = []
    for turn in range(60):
        mixed.param_groups[0]["lr"] = 0.05 * (1 - turn / 60)
        loss = (layer(x) - wanted(x).detach()).square().mean()
        mixed.zero_grad()
        loss.backward()
        mixed.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.05 * losses[0]
