"""What the network's parts share."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from frdm_engine.model.box import box_max, box_mean, box_sums
from frdm_engine.model.layers import Enter


@pytest.mark.parametrize("half", [0, 3])
def test_entering_is_an_unshuffle_and_a_convolution(half: int) -> None:
    layer = Enter(5, half, 8)
    assert layer.bias is not None
    torch.nn.init.normal_(layer.bias)
    full = torch.randn(2, 5, 12, 20)
    small = [torch.randn(2, half, 6, 10)] if half else []
    expected = F.conv2d(torch.cat((F.pixel_unshuffle(full, 2), *small), dim=1), layer.weight, layer.bias, padding=1)
    for grad in (True, False):
        with torch.set_grad_enabled(grad):
            torch.testing.assert_close(layer(full.split([3, 2], dim=1), small), expected, rtol=1e-4, atol=1e-5)


def test_entering_passes_gradients_to_planes_and_weights() -> None:
    layer = Enter(2, 1, 4)
    assert layer.bias is not None
    full, half = torch.randn(1, 2, 8, 8, requires_grad=True), torch.randn(1, 1, 4, 4, requires_grad=True)
    layer([full], [half]).square().sum().backward()
    for leaf in (full, half, layer.weight, layer.bias):
        assert leaf.grad is not None
        assert float(leaf.grad.abs().min()) >= 0
        assert float(leaf.grad.abs().max()) > 0


def test_sums_and_maxima_of_squares() -> None:
    x = torch.randn(2, 3, 17, 22)
    near, wide = box_sums(x, 5, 13)
    for made, side in ((near, 5), (wide, 13)):
        expected = F.conv2d(x.flatten(0, 1)[:, None], torch.ones(1, 1, side, side), padding=side // 2)
        torch.testing.assert_close(made.flatten(0, 1)[:, None], expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(box_mean(x, 13, edges="zero"), wide / 169, rtol=1e-4, atol=1e-5)
    assert torch.equal(box_max(x), F.max_pool2d(x, 3, stride=1, padding=1))
