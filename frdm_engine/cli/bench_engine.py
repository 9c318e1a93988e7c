"""An engine of the speed benchmark's own: a process that a client asks, by paths and with frames streamed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from frdm_bridge import Client, JobSpec, restore
from frdm_bridge.errors import BridgeError
from frdm_engine.cli.farm_engine import Session, start, stop
from frdm_engine.errors import ServerError
from frdm_engine.evaluation.speed.cases import Case
from frdm_engine.evaluation.speed.clock import Go, Work
from frdm_engine.evaluation.speed.findings import PATHS, STREAMED
from frdm_engine.evaluation.speed.studio import Studio

WAYS = {PATHS: "paths", STREAMED: "streamed"}
LINGER_MINUTES = 240
"""If the benchmark is killed its engine ends by itself; between two rounds it stays."""


@contextmanager
def engine(folder: Path, *, model: str, device: str) -> Iterator[Client]:
    """A client of an engine that may read and write below ``folder``, its model loaded.

    Raises:
        FrdmError: the engine does not come up.
    """
    session = Session(folder)
    options = ["--read", str(folder), "--write", str(folder), "--model", model, "--device", device]
    options += ["--idle", str(LINGER_MINUTES), "--linger", str(LINGER_MINUTES)]
    start(session, options, ocio="", stopped=lambda: False)
    try:
        with Client.connect(session.connection, program="frdm bench") as client:
            yield client
    finally:
        stop(session)


def ways(studio: Studio, case: Case, client: Client) -> list[Work]:
    """The same restoration through the engine, by either way."""
    return [_work(studio, case, client, what, way) for what, way in WAYS.items()]


def _work(studio: Studio, case: Case, client: Client, what: str, way: str) -> Work:
    @contextmanager
    def ready() -> Iterator[Go]:
        source = studio.plates(case)
        with studio.output() as out:
            spec = JobSpec(source=source.pattern, output=str(out / "plate.%04d.exr"))

            def go() -> dict[str, Any]:
                try:
                    restore(client, spec, way=way)
                except BridgeError as error:
                    raise ServerError(str(error)) from error
                return {}

            yield go

    return Work(what, case, ready, frames=studio.frames(case.size), warm=False)
