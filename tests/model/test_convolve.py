"""Convolutions that add and cut off on their way out."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from frdm_engine.evaluation.speed.profiles import flops_of
from frdm_engine.model.convolve import ONE_PASS, convolve, plus
from frdm_engine.model.layers import Residual


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("added", [False, True])
@pytest.mark.parametrize(("side", "stride", "padding"), [(3, 1, 1), (3, 2, 1), (6, 2, 2), (1, 1, 0)])
def test_one_pass_and_three_come_to_the_same(
    side: int, stride: int, padding: int, *, added: bool, positive: bool
) -> None:
    layer = nn.Conv2d(5, 7, side, stride=stride, padding=padding)
    x = torch.randn(2, 5, 12, 20).contiguous(memory_format=torch.channels_last)
    expected = layer(x)
    add = torch.randn_like(expected) if added else None
    expected = expected if add is None else expected + add
    expected = F.relu(expected) if positive else expected
    with_gradient = convolve(layer, x, add=add, positive=positive)
    assert torch.equal(with_gradient, expected)
    with_gradient.sum().backward()
    assert layer.weight.grad is not None
    with torch.inference_mode():
        torch.testing.assert_close(convolve(layer, x, add=add, positive=positive), expected, rtol=1e-5, atol=1e-5)


def test_what_is_given_is_left_as_it_was() -> None:
    layer, x, add = nn.Conv2d(3, 3, 3, padding=1), torch.randn(1, 3, 8, 8), torch.randn(1, 3, 8, 8)
    before = x.clone(), add.clone()
    with torch.inference_mode():
        convolve(layer, x, add=add, positive=True)
    assert torch.equal(x, before[0])
    assert torch.equal(add, before[1])


def test_a_bias_may_stand_in_for_the_layers_own() -> None:
    layer, x, bias = nn.Conv2d(3, 4, 1), torch.randn(1, 3, 8, 8), torch.randn(4)
    with torch.inference_mode():
        torch.testing.assert_close(convolve(layer, x, bias=bias), F.conv2d(x, layer.weight, bias))


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch was built without oneDNN")
def test_types_that_autocast_makes() -> None:
    layer, x, add = nn.Conv2d(3, 4, 3, padding=1), torch.randn(1, 3, 8, 8), torch.randn(1, 4, 8, 8)
    expected = layer(x) + add
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        made = convolve(layer, x, add=add)
        assert made.dtype == torch.float32  # the finer of the two
        torch.testing.assert_close(made, expected, rtol=0.02, atol=0.05)
        made = convolve(layer, x, add=add.bfloat16(), positive=True)
        assert made.dtype == torch.bfloat16
        torch.testing.assert_close(made.float(), F.relu(expected), rtol=0.02, atol=0.05)
        assert convolve(layer, x).dtype == torch.bfloat16
    with torch.inference_mode():
        assert convolve(layer.double(), x.double()).dtype == torch.float64


def test_arithmetic_is_counted_in_one_pass_too() -> None:
    block, x = Residual(8), torch.randn(1, 8, 16, 24)
    with torch.inference_mode():
        assert flops_of(lambda: block(x)) == 2 * 2 * 8 * 8 * 9 * 16 * 24


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch was built without oneDNN")
def test_it_is_one_pass_where_onednn_is() -> None:
    assert ONE_PASS
    block, x = Residual(32), torch.randn(1, 32, 64, 96).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode(), torch.profiler.profile() as seen:
        block(x)
    assert not {"aten::add_", "aten::add", "aten::convolution"} & {event.key for event in seen.key_averages()}


def test_a_sum_keeps_the_finer_of_two_types() -> None:
    with torch.inference_mode():
        coarse, fine = torch.ones(3, dtype=torch.bfloat16), torch.full((3,), 1e-3)
        assert torch.equal(plus(coarse, fine), torch.full((3,), 1.001))
        same = torch.ones(3)
        assert plus(same, fine) is same
    grown = torch.ones(3, requires_grad=True)
    assert plus(grown, fine) is not grown
