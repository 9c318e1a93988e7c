"""Real engines at tiny size: a model of random weights on disk, plates on disk, worker processes, a journal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frdm_engine.plates import Sequence
from frdm_engine.restore.restorer import Restorer
from frdm_engine.restore.settings import Settings
from frdm_engine.restore.stream import Job, run
from frdm_engine.server.service import Service
from tests.networks import tiny_network
from tests.restore.on_disk import linear, save
from tests.server.engines import PATIENCE_S, pictures


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model of random weights that finds damage in some places, saved as any model is."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tiny_network().save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def shoot() -> Callable[..., Sequence]:
    """Writes plates `plate.####.exr` of noise that drifts into a folder."""

    def write(folder: Path, frames: range, *, height: int = 32, width: int = 48, seed: int = 0) -> Sequence:
        rng = np.random.default_rng(seed)
        coarse = rng.random((height // 8 + 2, width // 8 + 2 + len(frames), 3), dtype=np.float32)
        texture = np.kron(coarse, np.ones((8, 8, 1), np.float32))
        for index, number in enumerate(frames):
            grain = np.random.default_rng((seed, number)).normal(0, 0.02, (height, width, 3))
            picture = (texture[:height, 2 * index : 2 * index + width] * 0.6 + 0.2 + grain).clip(0, 1)
            save(folder / f"plate.{number:04d}.exr", (linear(picture.astype(np.float32)), {}))
        return Sequence.find(folder)

    return write


@pytest.fixture
def reference(model: Path) -> Callable[..., dict[str, bytes]]:
    """What `frdm restore` makes of a plate, in this process: file names and bytes."""

    def make(source: Sequence, out: Path, frames: range | None = None, **settings: Any) -> dict[str, bytes]:
        wanted = tuple(source.frames if frames is None else frames)
        restorer = Restorer.from_pretrained(model, device="cpu", settings=Settings(**settings))
        run(Job(source, Sequence.output(out, frames=wanted, like=source), wanted), restorer)
        return pictures(out)

    return make


@pytest.fixture(scope="package")
def shared(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[Service]:
    """One engine for all tests that leave it as it was: loading torch takes seconds."""
    service = Service(tmp_path_factory.mktemp("shared") / "home", model=model, threads=1)
    service.start()
    assert service.wait_ready(PATIENCE_S)
    yield service
    service.stop(patience_s=PATIENCE_S)


@pytest.fixture
def engine(tmp_path: Path, model: Path) -> Iterator[Callable[..., Service]]:
    """Starts engines in `home`; what still runs is stopped in the end."""
    running: list[Service] = []
    before = set(threading.enumerate())

    def start(*, home: str = "home", ready: bool = True, **options: Any) -> Service:
        service = Service(tmp_path / home, **(dict[str, Any](model=model, threads=1) | options))
        service.start()
        running.append(service)
        if ready:
            assert service.wait_ready(PATIENCE_S)
        return service

    yield start
    for service in running:
        service.stop(patience_s=PATIENCE_S)
    left = [thread for thread in set(threading.enumerate()) - before if thread.name.startswith("frdm-")]
    assert left == []
