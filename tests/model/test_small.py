"""The small whole frame keeps its shape and its mean, and grows back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from frdm_engine.model.small import grow, shrink, small_size


@pytest.mark.parametrize(
    ("size", "small"),
    [((1080, 1920), (72, 128)), ((224, 320), (88, 128)), ((2000, 1000), (128, 64)), ((16, 16), (128, 128))],
)
def test_small_size_keeps_the_shape(size: tuple[int, int], small: tuple[int, int]) -> None:
    assert small_size(*size, 128) == small


@pytest.mark.parametrize("size", [(1, 4000), (4000, 1), (17, 61), (4320, 7680)])
def test_small_sides_are_multiples_of_eight(size: tuple[int, int]) -> None:
    small = small_size(*size, 128)
    assert min(small) >= 8
    assert max(small) == 128
    assert all(side % 8 == 0 for side in small)


def test_shrunk_frames_keep_their_mean_and_grow_back() -> None:
    y, x = torch.meshgrid(torch.linspace(0, 1, 96), torch.linspace(0, 1, 128), indexing="ij")
    frame = torch.stack((x, y, x * y))[None]
    small = shrink(frame, 64)
    assert small.shape == (1, 3, 48, 64)
    torch.testing.assert_close(small.mean(), frame.mean(), rtol=0, atol=1e-5)
    whole = grow(small, 96, 128, torch.tensor([[0.0, 0.0, 1.0, 1.0]]))
    torch.testing.assert_close(whole, frame, rtol=0, atol=0.01)
    part = grow(small, 32, 64, torch.tensor([[0.25, 0.5, 0.75, 0.5 + 32 / 96]]))
    torch.testing.assert_close(part, whole[..., 48:80, 32:96], rtol=0, atol=1e-5)
    beyond = grow(small, 8, 128, torch.tensor([[0.0, 1.0, 1.0, 1.0 + 8 / 96]]))
    assert np.isfinite(beyond.numpy()).all()
