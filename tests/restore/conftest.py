"""A tiny network that finds damage in some places, and moving pictures for it to mend."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from frdm_engine.model.checkpoint import Loaded
from frdm_engine.plates import Sequence
from frdm_engine.restore.restorer import Restorer
from frdm_engine.restore.settings import Settings
from tests.networks import tiny_network
from tests.restore.on_disk import HEIGHT, WIDTH, linear, save

Array = npt.NDArray[np.float32]


@pytest.fixture(scope="session")
def tiny() -> Callable[..., Loaded]:
    """Makes loaded models of random weights, told as `tiny_network` is."""

    def make(**told: Any) -> Loaded:
        return Loaded("tiny", tiny_network(**told), "0" * 64)

    return make


@pytest.fixture(scope="session")
def restorer(tiny: Callable[..., Loaded]) -> Callable[..., Restorer]:
    """Makes restorers of the tiny model, told as `tiny` is, with settings of their own."""

    def make(*, settings: Settings | None = None, **told: Any) -> Restorer:
        return Restorer(tiny(**told), device=torch.device("cpu"), settings=settings)

    return make


@pytest.fixture(scope="session")
def pictures() -> Callable[..., dict[int, Array]]:
    """Makes frames (H, W, 3), 0..1, of a drifting texture with grain; `seed` makes another scene."""

    def make(height: int, width: int, frames: range, *, seed: int = 0) -> dict[int, Array]:
        made = {}
        rng = np.random.default_rng(seed)
        angle, phase = rng.uniform(0, 2 * np.pi, 60), rng.uniform(0, 2 * np.pi, (60, 3))
        frequency = 2 * np.pi * np.exp(rng.uniform(np.log(0.01), np.log(0.2), 60))
        for number in frames:
            across = np.exp(1j * np.outer(np.arange(width) + 1.7 * number, frequency * np.cos(angle)))
            down = np.exp(1j * np.outer(np.arange(height) - 0.6 * number, frequency * np.sin(angle)))
            waves = np.stack([((down * np.exp(1j * phase[:, c])) @ across.T).real for c in range(3)], axis=-1)
            grain = np.random.default_rng((seed, number + 1000)).normal(0, 0.02, (height, width, 3))
            made[number] = (0.5 + 0.12 * waves / np.sqrt(30) + grain).clip(0, 1).astype(np.float32)
        return made

    return make


@pytest.fixture
def shoot(tmp_path: Path, pictures: Callable[..., dict[int, Array]]) -> Callable[..., Sequence]:
    """Writes plates `plate.####.exr` of a moving texture into the folder `name`."""

    def write(frames: Iterable[int] = range(1, 7), *, name: str = "in", seed: int = 0) -> Sequence:
        for number in frames:
            picture = pictures(HEIGHT, WIDTH, range(number, number + 1), seed=seed)[number]
            save(tmp_path / name / f"plate.{number:04d}.exr", (linear(picture), {}))
        return Sequence.find(tmp_path / name)

    return write
