"""The sidecar of a restoration: what was done to each frame, and what it was made of (C5, C9).

One JSON line a frame, appended and synced when the frame's files are in place, beside the output. A frame counts as
done only when the hash of everything that decides its pixels is the one recorded and its file is the one written.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from frdm_engine.errors import OutputError
from frdm_engine.plates import Sequence


def ledger_path(output: Sequence) -> Path:
    """Where the sidecar of an output lies."""
    stem = output.prefix.rstrip("._-") or output.folder.name
    return output.folder / f"{stem}.frdm.jsonl"


def fingerprint(path: Path) -> list[Any]:
    """Name, size and modification time of a file: what tells that it is still the one that was read."""
    facts = path.stat()
    return [path.name, facts.st_size, facts.st_mtime_ns]


def digest(facts: Any) -> str:
    """SHA-256 of plain data."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


class Ledger:
    """Lines of frames done, newest last."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[int, dict[str, Any]] = {}
        if path.exists():
            self._read()

    def _read(self) -> None:
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # the line a kill cut short; its frame is simply done again
            if isinstance(entry, dict) and isinstance(entry.get("frame"), int):
                self.lines[entry["frame"]] = entry

    def vouches(self, frame: int, key: str, files: Iterable[Path]) -> bool:
        """Whether the frame was made of the same and its files are as they were written."""
        entry = self.lines.get(frame)
        if entry is None or entry.get("key") != key:
            return False
        try:
            return entry.get("files") == [fingerprint(path) for path in files]
        except OSError:
            return False

    def add(self, entry: dict[str, Any]) -> None:
        """Appends a frame's line and syncs it.

        Raises:
            OutputError: it cannot be written.
        """
        self.lines[entry["frame"]] = entry
        try:
            torn = self.path.exists() and self.path.stat().st_size and not self._ends_whole()
            with self.path.open("a", encoding="utf-8") as out:
                out.write(("\n" if torn else "") + json.dumps(entry) + "\n")
                out.flush()
                os.fsync(out.fileno())
        except OSError as error:
            raise OutputError(
                f"{self.path} cannot be written ({error.strerror}); free space or mend the folder."
            ) from error

    def _ends_whole(self) -> bool:
        with self.path.open("rb") as out:
            out.seek(-1, os.SEEK_END)
            return out.read(1) == b"\n"
