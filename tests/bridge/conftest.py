"""Running engines to talk to, over ipc and over TCP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from frdm_bridge import Client
from frdm_engine.plates import Sequence
from frdm_engine.server.listener import Listener
from frdm_engine.server.roots import Roots
from frdm_engine.server.service import Service
from tests.bridge.doors import Door
from tests.server.conftest import model, shoot

__all__ = ["model", "shoot"]

FRAMES = range(1001, 1007)


@contextmanager
def opened(folder: Path, model: Path, shoot: Callable[..., Sequence], address: str | None) -> Iterator[Door]:
    for name in ("in", "out", "private", "run"):
        (folder / name).mkdir(mode=0o700)
    shoot(folder / "in", FRAMES)
    service = Service(folder / "home", model=model, threads=1)
    roots = Roots(read=(folder / "in",), write=(folder / "out",))
    listener = Listener(
        service, home=folder / "home", roots=roots, runtime=folder / "run", address=address, spool_limit=64 * 2**20
    )
    service.start()
    listener.start()
    try:
        yield Door(
            service, listener, folder / "in" / "plate.%04d.exr", folder / "in", folder / "out", folder / "private"
        )
        assert listener.alive
    finally:
        listener.stop()
        service.stop(patience_s=60.0)


@pytest.fixture(scope="session")
def door(tmp_path_factory: pytest.TempPathFactory, model: Path, shoot: Callable[..., Sequence]) -> Iterator[Door]:
    """An engine at an ipc address, for all tests that leave it as it was."""
    with opened(tmp_path_factory.mktemp("d"), model, shoot, None) as made:
        yield made


@pytest.fixture(scope="session")
def tcp_door(tmp_path_factory: pytest.TempPathFactory, model: Path, shoot: Callable[..., Sequence]) -> Iterator[Door]:
    """An engine at a TCP address, with CURVE."""
    with opened(tmp_path_factory.mktemp("t"), model, shoot, "tcp://127.0.0.1:0") as made:
        yield made


@pytest.fixture
def client(door: Door) -> Iterator[Client]:
    """A client of the ipc engine."""
    with door.client() as made:
        yield made


@pytest.fixture
def opener(door: Door) -> Callable[[], None]:
    """Tries to listen where an engine listens already."""

    def start() -> None:
        home, runtime = door.listener.spool.folder.parent, door.listener.runtime
        Listener(door.service, home=home, roots=Roots(), runtime=runtime).start()

    return start
