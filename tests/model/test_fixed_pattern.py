"""What stays in place while the picture moves is told from what moves with it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from frdm_engine.model.fixed_pattern import BASE, CHANNELS, fixed_pattern
from frdm_engine.model.frame_fusion import window_motion

Texture = Callable[..., Tensor]
HEIGHT, WIDTH = 96, 160
SPOT = slice(32, 64), slice(64, 96)


def pan(texture: Texture, *, pace: float, seed: int = 3, frames: range = range(5)) -> Tensor:
    """A texture that moves by ``pace`` pixels a frame, (1, T, 3, H, W)."""
    moved = [texture(HEIGHT, WIDTH, seed=seed, x=pace * n, y=0.0, span=(0.01, 0.2)) for n in frames]
    return torch.stack([0.2 + 0.6 * frame for frame in moved], dim=1)


def spot(gain: float) -> Tensor:
    """A soft spot (1, 3, H, W) that takes the share 1 - ``gain`` of the light in its middle."""
    y, x = torch.meshgrid(torch.arange(HEIGHT) - 48.0, torch.arange(WIDTH) - 80.0, indexing="ij")
    cover = (1.6 - torch.sqrt((y / 16).square() + (x / 16).square()) * 1.6).clamp(0, 1)
    return (1 - (1 - gain) * cover).expand(1, 3, HEIGHT, WIDTH)


def pattern_of(window: Tensor) -> Tensor:
    found = fixed_pattern(window, window_motion(window))
    assert found.shape == (len(window), CHANNELS, window.shape[-2] // 2, window.shape[-1] // 2)
    assert found.dtype == torch.float32
    assert found.isfinite().all()
    return found


def middle(pattern: Tensor) -> float:
    """Mean over the spot's core, of the loose solution."""
    return float(pattern[:, :3, 20:28, 36:44].mean())


@pytest.mark.parametrize("gain", [0.85, 1.15])
def test_a_spot_that_stays_is_found_and_measured(gain: float, texture: Texture) -> None:
    window = pan(texture, pace=6)
    found = pattern_of((window * spot(gain)[:, None]).clamp(0, 1))
    level = float(window.mean())
    truth = float(torch.log(torch.tensor((gain * level + BASE) / (level + BASE))))
    assert 0.4 < middle(found) / truth < 1.1
    outside = found[:, :3].clone()
    outside[..., 12:36, 28:52] = 0
    assert float(outside[..., 8:-8, 8:-8].abs().mean()) < 0.1 * abs(truth)


def test_frames_beyond_the_window_tell_more_of_a_slow_picture(texture: Texture) -> None:
    window = pan(texture, pace=1.5, frames=range(-4, 5)) * spot(0.85)[:, None]
    near, motion = window[:, 2:7], window_motion(window[:, 2:7])
    alone = fixed_pattern(near, motion)
    more = fixed_pattern(near, motion, [window[:, n] for n in (0, 1, 7, 8)])
    assert more.shape == alone.shape
    level = float(near.mean())
    truth = float(torch.log(torch.tensor((0.85 * level + BASE) / (level + BASE))))
    assert middle(more) / truth > 1.1 * middle(alone) / truth > 0
    assert middle(more) / truth < 1.1
    nothing = fixed_pattern(near, motion, [near[:, 2], near[:, 2]])
    torch.testing.assert_close(nothing, alone)  # a frame that is the centre has not moved, and tells nothing


def test_a_spot_that_moves_with_the_picture_is_none(texture: Texture) -> None:
    window = pan(texture, pace=6)
    moving = torch.stack([torch.roll(spot(0.85), -6 * (n - 2), dims=-1) for n in range(5)], dim=1)
    assert abs(middle(pattern_of(window * moving))) < 0.4 * abs(middle(pattern_of(window * spot(0.85)[:, None])))


def test_where_nothing_moves_nothing_is_told(texture: Texture) -> None:
    still = pan(texture, pace=0) * spot(0.85)[:, None]
    noise = torch.randn(still.shape, generator=torch.Generator().manual_seed(0))
    assert float(pattern_of(still).abs().max()) == 0
    assert float(pattern_of(still + 0.01 * noise).abs().mean()) < 0.01


def test_flicker_is_no_pattern(texture: Texture) -> None:
    window = pan(texture, pace=6)
    levels = torch.tensor([1.0, 1.04, 0.95, 1.02, 0.97]).view(1, 5, 1, 1, 1)
    assert float(pattern_of(window * levels).abs().mean()) < 0.01


def test_the_stiff_solution_says_less(texture: Texture) -> None:
    window = pan(texture, pace=6) * spot(0.85)[:, None]
    noise = torch.randn(window.shape, generator=torch.Generator().manual_seed(1))
    found = pattern_of((window + 0.02 * noise).clamp(0, 1)).abs()
    loose, stiff = found[:, :3], found[:, 3:]
    assert float(stiff[..., :12, :].mean()) < float(loose[..., :12, :].mean())
    assert float(stiff.mean()) < float(loose.mean())


def test_each_of_a_batch_stands_alone(texture: Texture) -> None:
    windows = torch.cat([pan(texture, pace=4) * spot(0.8)[:, None], pan(texture, pace=-5, seed=9)])
    together = pattern_of(windows)
    torch.testing.assert_close(together[1:], pattern_of(windows[1:]), rtol=1e-4, atol=1e-5)


def test_black_and_beyond_is_borne() -> None:
    window = torch.zeros(1, 5, 3, 32, 48)
    window[:, 2] = -0.2
    assert float(pattern_of(window).abs().max()) == 0
