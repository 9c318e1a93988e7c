"""What tests of the engine share: waiting, asking, requests."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from frdm_engine.plates import Sequence
from frdm_engine.server.service import Service

Shoot = Callable[..., Sequence]
Engine = Callable[..., Service]
Reference = Callable[..., dict[str, bytes]]
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


def pictures(folder: Path) -> dict[str, bytes]:
    """Every image of a folder, byte by byte."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.exr"))}


def frame_in_hand(service: Service) -> int | None:
    """The frame the first worker restores now."""
    frame = service.status()["devices"][0]["frame"]
    return None if frame is None else int(frame)


def temporary_files(*folders: Path) -> list[Path]:
    return [
        path for folder in folders for path in folder.rglob("*") if path.name.startswith(".") or ".tmp" in path.name
    ]


def request_of(source: Sequence, out: Path, frames: range | None = None, **options: Any) -> dict[str, Any]:
    """A request as the listener hands it on."""
    return {
        "key": uuid.uuid4().hex,
        "source": source.pattern,
        "output": str(out),
        "frames": list(source.frames if frames is None else frames),
    } | options
