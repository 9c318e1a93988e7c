"""Textures that can be moved by any fraction of a pixel, and tiny networks in which every part has a say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from frdm_engine.model.denoiser import FilmRestorer


@pytest.fixture(scope="session")
def texture() -> Callable[..., Tensor]:
    """Makes (1, 3, H, W) frames, 0..1, of waves of ``span`` cycles a pixel: exact wherever the camera (x, y) stands."""

    def make(
        height: int,
        width: int,
        *,
        seed: int = 0,
        x: float = 0,
        y: float = 0,
        span: tuple[float, float] = (0.015, 0.12),
    ) -> Tensor:
        rng = np.random.default_rng(seed)
        frequency = 2 * np.pi * np.exp(rng.uniform(np.log(span[0]), np.log(span[1]), 120))
        angle = rng.uniform(0, 2 * np.pi, 120)
        phase = rng.uniform(0, 2 * np.pi, (120, 1)) + rng.normal(0, 0.4, (120, 3))
        across = np.exp(1j * np.outer(np.arange(width) + x, frequency * np.cos(angle)))
        down = np.exp(1j * np.outer(np.arange(height) + y, frequency * np.sin(angle)))
        planes = [((down * np.exp(1j * phase[:, c])) @ across.T).real for c in range(3)]
        frames = 0.5 + 0.14 * np.stack(planes) / np.sqrt(120 / 2)
        return torch.from_numpy(frames.clip(0, 1).astype(np.float32))[None]

    return make


@pytest.fixture(scope="session")
def lively() -> Callable[..., FilmRestorer]:
    """Makes tiny networks whose parameters are all random, those that start at zero too."""

    def make(**options: Any) -> FilmRestorer:
        made = FilmRestorer(**({"width": 8, "features": 8, "prompt_dim": 16} | options))
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for parameter in made.parameters():
                spread = 0.7 / max(parameter[0].numel(), 1) ** 0.5 if parameter.ndim > 1 else 0.1
                parameter.copy_(spread * torch.randn(parameter.shape, generator=generator))
        return made.eval()

    return make


@pytest.fixture
def window(texture: Callable[..., Tensor]) -> Tensor:
    """(1, 5, 3, 64, 96): a texture that moves two pixels a frame."""
    return torch.stack([texture(64, 96, x=2 * t) for t in range(5)], dim=1)


@pytest.fixture
def wake() -> Callable[[nn.Module], None]:
    """Gives a module that starts silent random parameters."""

    def wake(module: nn.Module) -> None:
        """Gives every parameter of a part a random say."""
        for parameter in module.requires_grad_(False).parameters():
            parameter.normal_(std=0.3)

    return wake
