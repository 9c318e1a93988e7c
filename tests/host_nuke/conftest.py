"""A stand-in of Nuke, the plug-in loaded into it, and a live engine with a tiny model."""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.host_nuke import standin
from tests.networks import tiny_network
from tests.server.served import Served

ROOT = Path(__file__).parents[2]
_numbers = itertools.count()


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model of random weights that finds damage in some places."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tiny_network().save_pretrained(folder)
    return folder


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[Served]:
    """A live engine, for all tests that leave it running."""
    with Served(tmp_path_factory.mktemp("served"), model) as engine:
        yield engine


@pytest.fixture
def place(served: Served) -> Path:
    """A folder that the engine sees, for one test."""
    folder = served.folder / f"test {next(_numbers)}"
    folder.mkdir()
    return folder


KEPT = ("errors", "cache", "ranges", "vendor")
"""Modules that hold nothing of Nuke, so that tests may name their classes."""


def forget_plugin() -> None:
    """The next import loads the plug-in anew, as starting Nuke does."""
    for name in list(sys.modules):
        package, _, module = name.partition(".")
        if package == "frdm_nuke" and module and module not in KEPT:
            del sys.modules[name]
            vars(sys.modules[package]).pop(module, None)  # `from frdm_nuke import ...` looks here first


@contextlib.contextmanager
def nuke_running(**options: Any) -> Iterator[standin.Session]:
    """Nuke, started with the plug-in installed."""
    forget_plugin()
    session = standin.install(**options)
    try:
        standin.start(str(ROOT / "host_nuke"))
        yield session
        assert session.violations == []
    finally:
        if "frdm_nuke.requests" in sys.modules:
            queue = sys.modules["frdm_nuke.requests"].queue
            queue.cancel_all()
            standin.loop.run_until(queue.idle, seconds=20)
        if session.gui and "frdm_nuke.look" in sys.modules:
            looking = sys.modules["frdm_nuke.look"]._looking
            standin.loop.run_until(lambda: not looking, seconds=20)
        standin.uninstall()
        forget_plugin()


@pytest.fixture
def session() -> Iterator[standin.Session]:
    """Nuke with its interface."""
    with nuke_running() as running:
        yield running


@pytest.fixture
def terminal() -> Iterator[standin.Session]:
    """Nuke in the terminal."""
    with nuke_running(gui=False) as running:
        yield running
