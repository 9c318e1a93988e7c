"""What has become of a shot so far, and its record for the file beside the result."""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from frdm_engine.batch.shots import Shot
from frdm_engine.errors import OutputError
from frdm_engine.plates.choosing import ranges
from frdm_engine.restore.job import Checked, Job
from frdm_engine.restore.ledger import Ledger, ledger_path


def now() -> str:
    """The time in ISO 8601, with its zone."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def record_path(job: Job) -> Path:
    """Where the record of a run lies: beside the sidecar."""
    return ledger_path(job.output).with_suffix(".json")


@dataclass
class Tally:
    """One shot's figures. Frames are counted once, however often a piece was begun anew."""

    shot: Shot
    job: Job
    checked: Checked
    pieces: int = 0
    """Pieces that have not ended."""
    settled: set[int] = field(default_factory=set)
    kept: int = 0
    changed: float = 0.0
    seconds: float = 0.0
    failures: dict[int | None, str] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    cuts: set[int] = field(default_factory=set)
    facts: dict[str, Any] = field(default_factory=dict)
    waits: int = 0
    waited: float = 0.0
    stopped: bool = False
    started: str = ""
    begun: float = 0.0

    @property
    def total(self) -> int:
        """Frames to be done."""
        return len(self.job.frames)

    @property
    def failed(self) -> int:
        """Frames that are not there at the end, for whatever reason but a stop."""
        if None in self.failures:
            return self.total - len(self.settled)
        return sum(frame not in self.settled for frame in self.failures)

    def begin(self) -> None:
        """The first piece is taken up."""
        if not self.started:
            self.started, self.begun = now(), time.monotonic()

    def take(self, event: dict[str, Any]) -> None:
        """Takes in what a station told."""
        match event["event"]:
            case "frame" if event["frame"] not in self.settled:
                self.settled.add(event["frame"])
                self.failures.pop(event["frame"], None)
                self.kept += event["skipped"]
                self.changed += event["changed"]
                self.seconds += event["seconds"]
            case "failed":
                self.failures[event["frame"]] = event["error"]
            case "note":
                self.notes[event["text"]] = None
            case "waiting":
                self.waits += 1
                self.waited += event["seconds"]
            case "piece":
                self.facts = self.facts or event["facts"]
                self.cuts.update(event["facts"].get("cuts", ()))
                self.stopped = self.stopped or event["ended"] == "stopped"
                if event["error"] is not None:
                    self.failures[None] = event["error"]

    def lines(self) -> Iterator[dict[str, Any]]:
        """What the sidecar says of each frame that is done, one at a time."""
        ledger = Ledger(ledger_path(self.job.output))
        return (line for frame in self.job.frames if (line := ledger.line(frame)) is not None)

    def record(self, devices: str) -> dict[str, Any]:
        """The run of this shot as plain data."""
        wall = time.monotonic() - self.begun
        made = len(self.settled) - self.kept
        job = self.job
        return self.facts | {
            "shot": self.shot.name,
            "device": devices,
            "host": socket.gethostname(),
            "source": job.source.pattern,
            "output": job.output.pattern,
            "matte": job.matte and job.matte.pattern,
            "difference": job.difference and job.difference.pattern,
            "layer": job.layer,
            "frames": ranges(job.frames),
            "done": len(self.settled),
            "kept": self.kept,
            "failed": self.failed,
            "failures": [{"frame": frame, "error": error} for frame, error in self.failures.items()],
            "notes": [*self.checked.notes, *self.notes],
            "cuts": sorted(self.cuts),
            "waits": self.waits,
            "waited": round(self.waited, 1),
            "started": self.started,
            "ended": now(),
            "seconds": round(wall, 3),
            "frames_per_second": round(made / wall, 3) if wall and made else None,
            "stopped": self.stopped,
        }


def write_record(path: Path, data: Any) -> None:
    """Writes plain data as JSON under a temporary name, syncs and renames it.

    Raises:
        OutputError: it cannot be written there.
    """
    _write(path, (json.dumps(data, indent=2) + "\n",))


def write_report(path: Path, record: dict[str, Any], lines: Iterable[dict[str, Any]]) -> None:
    """Writes the record with the sidecar's lines in the place of its frames, one at a time.

    Raises:
        OutputError: it cannot be written there.
    """

    def chunks() -> Iterator[str]:
        facts = {key: value for key, value in record.items() if key != "frames"}
        yield json.dumps(facts, indent=2).removesuffix("\n}") + ',\n  "frames": ['
        for number, line in enumerate(lines):
            yield (",\n    " if number else "\n    ") + json.dumps(line)
        yield "\n  ]\n}\n"

    _write(path, chunks())


def _write(path: Path, chunks: Iterable[str]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as out:
            out.writelines(chunks)
            out.flush()
            os.fsync(out.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}); free space or mend the folder.") from error
    finally:
        temporary.unlink(missing_ok=True)
