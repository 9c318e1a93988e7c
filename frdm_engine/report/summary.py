"""A shot in figures, gathered while its sidecar goes by once."""

from __future__ import annotations

import hashlib
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from frdm_engine.report.lines import Line, Sidecar
from frdm_engine.report.places import Places


class Row(NamedTuple):
    """What is kept of a frame. `shares` are those of `Summary.classes`, in their order; `state` see `file_state`."""

    frame: int
    changed: float
    seconds: float
    repairs: int
    shares: tuple[float, ...]
    state: str


@dataclass
class Summary:
    """A shot's frames in figures, by frame number, and its largest repairs; `keys` is the SHA-256 of all hashes."""

    classes: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)
    places: Places = field(default_factory=Places)
    names: dict[int, str] = field(default_factory=dict)
    """The output's file of each frame."""
    keys: str = ""

    def totals(self) -> dict[str, Any]:
        """What the whole shot came to, as plain data."""
        rows = self.rows
        slowest = max(rows, key=lambda row: row.seconds, default=None)
        return {
            "frames": len(rows),
            "first": rows[0].frame if rows else None,
            "last": rows[-1].frame if rows else None,
            "changed": statistics.fmean(row.changed for row in rows) if rows else 0.0,
            "repairs": sum(row.repairs for row in rows),
            "seconds": sum(row.seconds for row in rows),
            "seconds_per_frame": statistics.median(row.seconds for row in rows) if rows else 0.0,
            "slowest": {"frame": slowest.frame, "seconds": slowest.seconds} if slowest else None,
            "missing": [row.frame for row in rows if row.state == "missing"],
            "altered": [row.frame for row in rows if row.state == "altered"],
        }

    def of_class(self, name: str) -> dict[str, Any]:
        """Mean and highest share of a class, the frame of the highest, and how many frames have any."""
        at = self.classes.index(name)
        highest = max(self.rows, key=lambda row: row.shares[at])
        return {
            "mean": statistics.fmean(row.shares[at] for row in self.rows),
            "highest": highest.shares[at],
            "highest_frame": highest.frame,
            "frames": sum(row.shares[at] > 0 for row in self.rows),
        }


def summarise(sidecar: Sidecar) -> Summary:
    """The sidecar in figures.

    Raises:
        InputError: it changed while it was read.
    """
    summary, folder, keys = Summary(), sidecar.path.parent, hashlib.sha256()
    for line in sidecar:
        share = line.share
        summary.classes = summary.classes or tuple(share)
        shares = tuple(share.get(name, 0.0) for name in summary.classes)
        summary.rows.append(Row(line.frame, line.changed, line.seconds, line.count, shares, file_state(folder, line)))
        summary.places.add(line)
        summary.names[line.frame] = line.file[0]
        keys.update(line.key.encode())
    summary.keys = keys.hexdigest()
    return summary


def file_state(folder: Path, line: Line) -> str:
    """Whether the frame's file is the one that was written: `whole`, `missing`, or `altered` (other size or time)."""
    name, size, when = line.file
    try:
        facts = (folder / name).stat()
    except OSError:
        return "missing"
    return "whole" if (facts.st_size, facts.st_mtime_ns) == (size, when) else "altered"
