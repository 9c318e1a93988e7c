"""Numbers moved about: the same, whichever way they go."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from frdm_engine.model.planes import beside, grown, raised, shrunk, shuffled, whole

FLOAT, HALF = torch.float32, torch.bfloat16


def side_by_side(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("dtype", [FLOAT, HALF, torch.float64])
@pytest.mark.parametrize("count", [1, 3, 4, 13, 64])
def test_planes_come_whole(count: int, dtype: torch.dtype) -> None:
    x = torch.randn(2, count, 7, 10, dtype=dtype)
    for lies in (x, side_by_side(x), side_by_side(torch.cat((x, x), dim=1))[:, :count], side_by_side(x)[..., 1:5, 2:9]):
        with torch.no_grad():
            made = whole(lies)
        assert made.is_contiguous()
        assert torch.equal(made, lies)


def test_a_picture_of_one_pixel_is_whole() -> None:
    x = torch.randn(1, 1, 1, 3).permute(0, 3, 1, 2)
    assert torch.equal(whole(x), x.clone())


def test_gradients_pass_through_planes() -> None:
    x = side_by_side(torch.randn(1, 4, 6, 8)).requires_grad_()
    shuffled(whole(x)).square().sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, 2 * x.detach())


@pytest.mark.parametrize("batch", [1, 2])
def test_planes_lie_beside_each_other_in_the_type_of_the_convolutions(batch: int) -> None:
    parts = [
        torch.randn(batch, 2, 4, 6),
        torch.randn(batch, 1, 4, 6, dtype=torch.float64),
        torch.randn(batch, 3, 9, 8)[..., 2:6, 1:7],
        torch.randn(1, 1, 4, 6).expand(batch, -1, -1, -1),
    ]
    expected = torch.cat([part.float() for part in parts], dim=1)
    for given in (parts, [*parts[:2], side_by_side(parts[2]), parts[3]]):
        with torch.no_grad():
            made = beside(given)
            assert made.is_contiguous(memory_format=torch.channels_last)
            assert torch.equal(made, expected)
            with torch.autocast("cpu", HALF):
                made = beside(given)
            assert made.dtype == HALF
            assert torch.equal(made, expected.to(HALF))
        assert torch.equal(beside(given), expected)


@pytest.mark.parametrize("times", [2, 4, 8])
def test_growing_keeps_the_centres_of_pixels(times: int) -> None:
    """On a CPU and elsewhere alike, and of a window what the whole has there."""
    x = torch.randn(2, 3, 12, 9)
    with torch.no_grad():
        made = grown(x, times)
        expected = F.interpolate(x, scale_factor=float(times), mode="bilinear", align_corners=False)
        torch.testing.assert_close(made, expected, rtol=0, atol=1e-6)
        torch.testing.assert_close(grown(side_by_side(x), times), made, rtol=0, atol=0)
        assert torch.equal(grown(x[..., 2:, 3:], times)[..., times:, times:], made[..., 3 * times :, 4 * times :])
    asked = x.requires_grad_()
    torch.testing.assert_close(grown(asked, times), made, rtol=0, atol=1e-6)
    assert grown(asked, times).requires_grad


@pytest.mark.parametrize("dtype", [FLOAT, HALF])
@pytest.mark.parametrize("count", [4, 8, 64])
def test_four_channels_are_four_pixels(count: int, dtype: torch.dtype) -> None:
    x = torch.randn(2, count, 5, 6, dtype=dtype)
    for lies in (x, side_by_side(x), side_by_side(torch.cat((x, x), dim=1))[:, :count]):
        with torch.no_grad():
            made = shuffled(lies)
        assert torch.equal(made, F.pixel_shuffle(x, 2))
        assert made.is_contiguous()


@pytest.mark.parametrize("times", [2, 4])
def test_shrinking_takes_means(times: int) -> None:
    x = torch.randn(2, 3, 8 * times, 5 * times)
    with torch.no_grad():
        torch.testing.assert_close(shrunk(x, times), F.avg_pool2d(x, times), rtol=0, atol=1e-6)
    asked = x.requires_grad_()
    assert shrunk(asked, times).requires_grad


def test_what_is_deep_is_raised_to_all_its_pixels() -> None:
    x, deep = side_by_side(torch.randn(2, 4, 6, 10)), side_by_side(torch.randn(2, 4, 3, 5))
    expected = x + F.interpolate(deep, size=(6, 10), mode="nearest")
    assert torch.equal(raised(x, deep), expected)
    with torch.no_grad():
        assert torch.equal(raised(x.clone(), deep), expected)
        assert torch.equal(raised(x, deep.to(HALF)), x + F.interpolate(deep.to(HALF), size=(6, 10), mode="nearest"))
