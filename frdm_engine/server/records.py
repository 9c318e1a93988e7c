"""What is known of a job and of what happened to it, as plain data that outlives the engine.

The life of a job: queued -> running -> done | failed | cancelled, where a queued job may be cancelled and a running one
stays running while another overtakes it, while its worker is replaced and while the engine is restarted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

State = Literal["queued", "running", "done", "failed", "cancelled"]
STATES: tuple[State, ...] = ("queued", "running", "done", "failed", "cancelled")
OPEN: tuple[State, ...] = ("queued", "running")
"""States of jobs that still have something to come."""

Kind = Literal["accepted", "started", "progress", "frame_ready", "warning", "done", "failed", "cancelled"]
KINDS: tuple[Kind, ...] = ("accepted", "started", "progress", "frame_ready", "warning", "done", "failed", "cancelled")

COLUMNS = (
    "number",
    "id",
    "client",
    "interactive",
    "request",
    "state",
    "total",
    "done",
    "attempts",
    "opened",
    "cancelling",
    "deaths",
    "death_frame",
    "workers",
    "error",
    "seq",
    "submitted",
    "started",
    "ended",
)
"""Columns of the journal's table of jobs, in the order of `Record`'s fields."""


@dataclass(frozen=True)
class Record:
    """A job as the journal knows it.

    ``number`` grows from job to job and is the only order of jobs; ``submitted``, ``started`` and ``ended`` are times
    of the wall clock (seconds since 1970) for people to read: nothing is decided by them, as clocks are set.
    """

    number: int
    id: str
    """Drawn by the client: sent twice, it still means one job."""
    client: str
    interactive: bool
    request: dict[str, Any]
    state: State
    total: int
    done: int
    attempts: int
    """How often a worker took it up: once, and once more after each interruption."""
    opened: bool
    """Whether its checks passed and frames may have been written, so that it resumes rather than starts."""
    cancelling: bool
    deaths: int
    """Workers that died in a row on ``death_frame`` (None: before a frame was in hand)."""
    death_frame: int | None
    workers: tuple[int, ...]
    """Process ids that may have left temporary files behind."""
    error: dict[str, Any] | None
    seq: int
    """Number of the last event."""
    submitted: float
    started: float | None
    ended: float | None

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Record:
        """A record of the values of `COLUMNS`.

        Raises:
            ValueError: the row is damaged.
        """
        values = dict(zip(COLUMNS, row, strict=True))
        try:
            values["request"] = json.loads(values["request"])
            values["workers"] = tuple(int(pid) for pid in json.loads(values["workers"]))
            values["error"] = None if values["error"] is None else json.loads(values["error"])
            for name in ("interactive", "opened", "cancelling"):
                values[name] = bool(values[name])
            made = cls(**values)
        except (TypeError, ValueError) as error:
            raise ValueError(f"job {values.get('id')!r} is damaged ({error})") from error
        if made.state not in STATES or not isinstance(values["request"], dict) or not isinstance(values["number"], int):
            raise ValueError(f"job {made.id!r} is damaged")
        return made

    @property
    def ended_already(self) -> bool:
        """Whether nothing more is to come."""
        return self.state not in OPEN

    def snapshot(self) -> dict[str, Any]:
        """The job for those who ask, as plain data."""
        return {
            "job": self.id,
            "client": self.client,
            "state": self.state,
            "priority": "interactive" if self.interactive else "batch",
            "label": str(self.request.get("label", "")),
            "source": str(self.request.get("source", "")),
            "output": str(self.request.get("output", "")),
            "bundle": str(self.request.get("bundle", "")),
            "shown": self.request.get("shown", []),
            "spec": str(self.request.get("spec", "")),
            "done": self.done,
            "total": self.total,
            "submitted": self.submitted,
            "ended": self.ended,
            "error": str((self.error or {}).get("sentence", "")) if self.state == "failed" else "",
            "seq": self.seq,
        }


@dataclass(frozen=True)
class Event:
    """One thing that happened to a job; ``seq`` counts from 1 without gaps within the job."""

    job: str
    seq: int
    kind: Kind
    at: float
    """Wall clock, for people to read."""
    body: dict[str, Any]

    def plain(self) -> dict[str, Any]:
        """The event as plain data."""
        return {"job": self.job, "seq": self.seq, "kind": self.kind, "at": self.at, **self.body}


def spans(frames: Iterable[int]) -> str:
    """Frame numbers as `plates.parse_frames` takes them, sorted, each once: ``1-3,9``."""
    runs: list[list[int]] = []
    for frame in sorted(set(frames)):
        if runs and frame == runs[-1][1] + 1:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
