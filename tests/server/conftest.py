"""Real engines at tiny size: a model of random weights on disk, plates on disk, worker processes, a journal."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from frdm_engine.model.denoiser import FilmRestorer
from frdm_engine.plates import Sequence
from frdm_engine.restore.restorer import Restorer
from frdm_engine.restore.settings import Settings
from frdm_engine.restore.stream import Job, run
from frdm_engine.server.service import Service
from tests.restore.on_disk import linear, save

PATIENCE_S = 120.0
"""How long a test waits for what must happen; far more than it takes, as machines are busy."""


def until(what: Callable[[], Any], *, patience_s: float = PATIENCE_S, every_s: float = 0.01) -> Any:
    """Waits for a true value and returns it."""
    end = time.monotonic() + patience_s
    while not (found := what()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(every_s)
    return found


def ended(service: Service, *jobs: str, patience_s: float = PATIENCE_S) -> list[dict[str, Any]]:
    """Waits until jobs have ended and returns how they stand."""

    def all_ended() -> list[dict[str, Any]] | None:
        found = [service.job(job) for job in jobs]
        return found if all(one["state"] in ("done", "failed", "cancelled") for one in found) else None

    found = until(all_ended, patience_s=patience_s)
    assert isinstance(found, list)
    return found


def kinds(service: Service, job: str) -> list[str]:
    """The kinds of a job's events, in order; their numbers must have no gap."""
    events = all_events(service, job)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    return [event["kind"] for event in events]


def all_events(service: Service, job: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while more := service.events(job, after=len(found)):
        found += more
    return found


def temporary_files(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in folder.rglob("*") if path.name.startswith(".") or ".tmp" in path.name]


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model of random weights that finds damage in some places, saved as any model is."""
    made = FilmRestorer(width=8, features=8, prompt_dim=16, limits={"small_side": 32, "halo": 16})
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in made.parameters():
            spread = 0.7 / max(parameter[0].numel(), 1) ** 0.5 if parameter.ndim > 1 else 0.1
            parameter.copy_(spread * torch.randn(parameter.shape, generator=generator))
        leave = made.denoiser.leave
        first = 4 * sum(made.denoiser.heads[:2])
        leave.weight[: first - 12] *= 0.3
        leave.weight[first:] *= 40
        leave.bias[first:] = -10.0
    folder = tmp_path_factory.mktemp("models") / "tiny"
    made.save_pretrained(folder)
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


def request_of(source: Sequence, out: Path, frames: range | None = None, **options: Any) -> dict[str, Any]:
    """A request as the listener hands it on."""
    return {
        "key": uuid.uuid4().hex,
        "source": source.pattern,
        "output": str(out),
        "frames": list(source.frames if frames is None else frames),
    } | options


@pytest.fixture
def reference(model: Path) -> Callable[..., dict[str, bytes]]:
    """What `frdm restore` makes of a plate, in this process: file names and bytes."""

    def make(source: Sequence, out: Path, frames: range | None = None, **settings: Any) -> dict[str, bytes]:
        wanted = tuple(source.frames if frames is None else frames)
        restorer = Restorer.from_pretrained(model, device="cpu", settings=Settings(**settings))
        run(Job(source, Sequence.output(out, frames=wanted, like=source), wanted), restorer)
        return {path.name: path.read_bytes() for path in sorted(out.glob("*.exr"))}

    return make


@pytest.fixture
def engine(tmp_path: Path, model: Path) -> Iterator[Callable[..., Service]]:
    """Starts engines in `home`; what still runs is stopped in the end."""
    running: list[Service] = []
    before = set(threading.enumerate())

    def start(*, home: str = "home", ready: bool = True, **options: Any) -> Service:
        service = Service(tmp_path / home, **({"model": model, "threads": 1} | options))
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
