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
    """Lines of frames done, newest last. Where each begins is held, not what it says: that is read when asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[int, int] = {}
        """Where the newest line of each frame begins, in bytes."""
        self._read_to = 0
        self.refresh()

    def refresh(self) -> None:
        """Takes in what other processes have added since."""
        if not self.path.exists():
            return
        with self.path.open("rb") as source:
            source.seek(self._read_to)
            for line in source:
                entry = _parse(line)
                if entry is not None:
                    self.lines[entry["frame"]] = self._read_to
                if line.endswith(b"\n"):  # else a kill cut it short; its frame is simply done again
                    self._read_to += len(line)

    def line(self, frame: int) -> dict[str, Any] | None:
        """What the sidecar says of a frame, if anything."""
        try:
            entry = self._at(self.lines.get(frame))
            if frame in self.lines and (entry is None or entry["frame"] != frame):
                # Another node's append came between ours and its place, as network storage may have it.
                self.lines, self._read_to = {}, 0
                self.refresh()
                entry = self._at(self.lines.get(frame))
        except OSError:
            return None  # nobody vouches for it then
        return entry if entry is not None and entry["frame"] == frame else None

    def _at(self, place: int | None) -> dict[str, Any] | None:
        if place is None:
            return None
        with self.path.open("rb") as source:
            source.seek(place)
            return _parse(source.readline())

    def vouches(self, frame: int, key: str, files: Iterable[Path]) -> bool:
        """Whether the frame was made of the same and its files are as they were written."""
        entry = self.line(frame)
        if entry is None or entry.get("key") != key:
            return False
        try:
            return entry.get("files") == [fingerprint(path) for path in files]
        except OSError:
            return False

    def add(self, entry: dict[str, Any]) -> None:
        """Appends a frame's line and syncs it: one write, so that several processes may share a sidecar.

        Raises:
            OutputError: it cannot be written.
        """
        line = json.dumps(entry).encode() + b"\n"
        try:
            torn = self.path.exists() and self.path.stat().st_size and not self._ends_whole()
            out = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
            try:
                left = (b"\n" if torn else b"") + line
                while left:
                    left = left[os.write(out, left) :]
                end = os.lseek(out, 0, os.SEEK_CUR)
                os.fsync(out)
            finally:
                os.close(out)
        except OSError as error:
            raise OutputError(
                f"{self.path} cannot be written ({error.strerror}); free space or mend the folder."
            ) from error
        self.lines[entry["frame"]] = end - len(line)

    def _ends_whole(self) -> bool:
        with self.path.open("rb") as out:
            out.seek(-1, os.SEEK_END)
            return out.read(1) == b"\n"


def _parse(line: bytes) -> dict[str, Any] | None:
    """A frame's line as plain data, or None for anything else."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and isinstance(entry.get("frame"), int) else None
