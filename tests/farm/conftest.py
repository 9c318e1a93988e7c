"""A node, a tiny model, plates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from frdm_engine.cli.app import app
from tests.farm.nodes import Node
from tests.networks import tiny_network
from tests.restore.on_disk import linear, save

Shoot = Callable[..., str]


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model of random weights that finds damage in some places."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tiny_network().save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def shoot() -> Shoot:
    """Writes plates `plate.####.exr` of noise that drifts into a folder and returns their pattern."""

    def write(folder: Path, frames: range, *, height: int = 48, width: int = 64, seed: int = 0) -> str:
        folder.mkdir(parents=True)
        rng = np.random.default_rng(seed)
        coarse = rng.random((height // 8 + 2, width // 8 + 2 + len(frames), 3), dtype=np.float32)
        texture = np.kron(coarse, np.ones((8, 8, 1), np.float32))
        for index, number in enumerate(frames):
            grain = np.random.default_rng((seed, number)).normal(0, 0.02, (height, width, 3))
            picture = (texture[:height, 2 * index : 2 * index + width] * 0.6 + 0.2 + grain).clip(0, 1)
            save(folder / f"plate.{number:04d}.exr", (linear(picture.astype(np.float32)), {}))
        return str(folder / "plate.####.exr")

    return write


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """A node of a farm with nothing on it yet."""
    return Node(tmp_path / "n")


@pytest.fixture
def frdm() -> Callable[..., Result]:
    """Runs a command of frdm in this process."""
    return lambda *arguments: CliRunner().invoke(app, [str(word) for word in arguments])


@pytest.fixture
def refused(frdm: Callable[..., Result]) -> Callable[..., str]:
    """Runs a command that must end with code 2 and one sentence, and returns that."""

    def run(*arguments: object) -> str:
        result = frdm(*arguments)
        assert result.exit_code == 2, result.output
        lines = [line for line in result.stderr.splitlines() if not line.startswith("+ ")]
        assert len(lines) == 1
        assert lines[0].startswith("frdm: ")
        return lines[0]

    return run
