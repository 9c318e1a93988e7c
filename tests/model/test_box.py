"""Box sums and means are what they say at every side, at the edges too, and lose no digits."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from frdm_engine.model.box import box_mean, box_sum


@pytest.mark.parametrize("side", range(1, 12))
@pytest.mark.parametrize("dim", [-1, -2])
def test_sums_of_neighbours(side: int, dim: int) -> None:
    x = torch.randint(-9, 9, (2, 3, 12, 13)).float()
    made = box_sum(x, side, dim)
    expected = x.unfold(dim, side, 1).sum(dim=-1)
    assert made.shape == expected.shape
    assert torch.equal(made, expected)


@pytest.mark.parametrize("side", [1, 3, 7, 21])
def test_means_over_repeated_edges(side: int) -> None:
    x, half = torch.rand(2, 3, 24, 30), side // 2
    expected = F.avg_pool2d(F.pad(x, (half,) * 4, mode="replicate"), side, stride=1)
    torch.testing.assert_close(box_mean(x, side), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("edges", "counted"), [("zero", True), ("none", False)])
@pytest.mark.parametrize("side", [1, 3, 7, 21])
def test_means_where_nothing_lies_beyond_the_edges(edges: str, counted: bool, side: int) -> None:
    x = torch.rand(2, 3, 24, 30)
    expected = F.avg_pool2d(x, side, stride=1, padding=side // 2, count_include_pad=counted)
    torch.testing.assert_close(box_mean(x, side, edges=edges), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("edges", ["replicate", "none"])
def test_a_constant_keeps_its_value_even_under_a_box_larger_than_the_frame(edges: str) -> None:
    x = torch.full((1, 2, 5, 9), 0.7)
    torch.testing.assert_close(box_mean(x, 21, edges=edges), x, rtol=0, atol=1e-6)


@pytest.mark.parametrize("edges", ["replicate", "zero", "none"])
@pytest.mark.parametrize("shape", [(1, 24, 30), (2, 3, 24, 30), (1, 20, 160, 200)])
def test_means_are_those_with_gradients(shape: tuple[int, ...], edges: str) -> None:
    """On a CPU other code makes the means that no gradient asks for, by several threads where there is much."""
    x = torch.rand(1, shape[-2], *shape[:-2], shape[-1]).movedim(1, -2)[0]  # as strided as any
    made = box_mean(x, 7, edges=edges)
    torch.testing.assert_close(made, box_mean(x.clone().requires_grad_(), 7, edges=edges).detach(), rtol=0, atol=1e-6)
    assert torch.equal(made, box_mean(x.contiguous(), 7, edges=edges))


def test_gradients_pass() -> None:
    x = torch.rand(1, 2, 8, 9, requires_grad=True)
    box_mean(x, 3, edges="zero").sum().backward()
    assert x.grad is not None
    assert float(x.grad[0, 0, 4, 4]) == pytest.approx(1, abs=1e-6)


def test_what_lies_outside_the_box_leaves_no_trace() -> None:
    """A running total would carry a huge value's rounding along the row."""
    x = torch.full((1, 1, 8, 64), 0.1)
    x[..., :4] = 1e8
    torch.testing.assert_close(box_mean(x, 5)[..., 8:], x[..., 8:], rtol=0, atol=1e-6)
