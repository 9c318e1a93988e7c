"""Small real plates, a small real model, and the command line run in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from typer.testing import CliRunner, Result

from frdm_engine.cli.app import app
from frdm_engine.model.denoiser import FilmRestorer
from frdm_engine.plates.images import write_image

HEIGHT, WIDTH, FIRST = 40, 64, 1001


def _picture(shift: int, *, height: int = HEIGHT, width: int = WIDTH) -> npt.NDArray[np.float32]:
    """A smooth random picture (height, width, 3), scene-linear, moved sideways by `shift` pixels."""
    noise = np.random.default_rng(5).random((height, width, 3), dtype=np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 2.0, borderType=cv2.BORDER_REFLECT)
    return np.asarray(np.roll(np.clip(4 * (soft - 0.5) + 0.4, 0.02, 1.2), shift, axis=1), np.float32)


def _save(path: Path, pixels: npt.NDArray[np.float32], names: tuple[str, ...] = ("R", "G", "B")) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, pixels, channel_names=names)
    return path


@pytest.fixture(scope="package", autouse=True)
def _one_thread() -> Iterator[None]:
    """Frames this small are done sooner by one thread than by several that wait for each other."""
    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    yield
    torch.set_num_threads(before[0])
    cv2.setNumThreads(before[1])


@pytest.fixture(scope="session")
def picture() -> Callable[..., npt.NDArray[np.float32]]:
    """See `_picture`."""
    return _picture


@pytest.fixture(scope="session")
def save() -> Callable[..., Path]:
    """Write (H, W, C) pixels to a path, making its folder: `save(path, pixels, names)`."""
    return _save


@pytest.fixture
def plates(tmp_path: Path) -> Path:
    """A folder of five plates, plate.1001.exr to plate.1005.exr."""
    for index in range(5):
        _save(tmp_path / "in" / f"plate.{FIRST + index}.exr", _picture(2 * index))
    return tmp_path / "in"


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model with random weights that finds damage nearly nowhere."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    FilmRestorer(width=16, features=16, prompt_dim=16).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def frdm() -> Callable[..., Result]:
    """Run a command: `frdm("info", path)`. Bugs come up as themselves."""

    def run(*arguments: object) -> Result:
        result = CliRunner().invoke(app, [str(one) for one in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture(scope="session")
def refused(frdm: Callable[..., Result]) -> Callable[..., str]:
    """Run a command that must refuse: exit code 2 unless told, one sentence, which is returned."""

    def run(*arguments: object, code: int = 2) -> str:
        result = frdm(*arguments)
        lines = [line for line in result.stderr.splitlines() if line.startswith("frdm: ")]
        assert result.exit_code == code, result.output
        assert len(lines) == 1
        assert result.stderr.endswith(lines[0] + "\n")
        return lines[0]

    return run
