"""Reels of small real plates, a small model that finds something, and `frdm` in this process or in a child."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.cli.conftest import _one_thread, _picture, _save, frdm, refused
from tests.networks import tiny_network

__all__ = ["_one_thread", "frdm", "refused"]

ROOT = Path(__file__).parents[2]
Shoot = Callable[..., Path]
Child = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that repairs a part of each frame."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tiny_network().save_pretrained(folder)
    return folder


@pytest.fixture
def shoot(tmp_path: Path) -> Shoot:
    """Write a shot: `shoot("sh010", range(1001, 1006))` gives the folder of `plate.####.exr`."""

    def write(name: str, frames: Iterable[int] = range(1001, 1007)) -> Path:
        for number in frames:
            _save(tmp_path / "scans" / name / f"plate.{number}.exr", _picture(2 * (number % 1000) + len(name)))
        return tmp_path / "scans" / name

    return write


@pytest.fixture
def child() -> Child:
    """`frdm` in a process group of its own, one thread in each process."""

    def start(*arguments: object, under: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*under, sys.executable, "-m", "frdm_engine", *map(str, arguments)],
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT}:{ROOT / 'bridge'}:{ROOT / 'install'}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    return start


def pictures(folder: Path) -> dict[str, bytes]:
    """Every image below a folder, byte by byte; what is half written bears a name with a dot and is none."""
    found = sorted(path for path in folder.rglob("*.exr") if not path.name.startswith("."))
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def torn(path: Path) -> None:
    """Cut a file in half."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
