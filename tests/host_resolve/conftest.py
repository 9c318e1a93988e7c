"""A live engine for the adapter's tests, one for all of a module, and the stand-in with a project."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from frdm_resolve.session import Open, connect, opened
from frdm_resolve.settings import Options
from tests.host_resolve import standin
from tests.networks import tiny_network
from tests.server.served import Served


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An engine that may read and write where tests have their folders."""
    model = tmp_path_factory.mktemp("models") / "tiny"
    tiny_network().save_pretrained(model)
    with Served(tmp_path_factory.mktemp("engine"), model, "--read", str(tmp_path_factory.getbasetemp())) as engine:
        yield engine


@pytest.fixture
def session(tmp_path: Path) -> Iterator[standin.Session]:
    yield standin.install(tmp_path)
    standin.uninstall()


@pytest.fixture
def project(session: standin.Session) -> Any:
    return standin.project()


@pytest.fixture
def at_work(project: Any) -> Callable[[], Open]:
    """The project as the adapter finds it when it is started."""
    return lambda: opened(connect())


@pytest.fixture
def options(served: Served, tmp_path: Path) -> Options:
    """Results beside the test's media, by the live engine."""
    return Options(folder=str(served.folder / tmp_path.name), connection=str(served.connection))
