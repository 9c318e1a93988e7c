"""Frames that a run has taken upon itself, so that no second run writes them at the same time.

A byte of a lock file beside the output stands for a frame, and the run locks the bytes of its own frames: others go on
beside it. These are POSIX record locks, which network storage keeps at its server as well. They go with the process
that holds them, however it ended, and with its node as soon as the server misses it. Lines in the file say who took
what; they are for people, nothing is decided by them.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from frdm_engine.errors import FrdmError, OutputError
from frdm_engine.plates import Sequence, parse_frames
from frdm_engine.plates.choosing import ranges
from frdm_engine.restore.ledger import ledger_path

if sys.platform != "win32":
    import fcntl

BASE = 2**31
"""The byte of frame 0: past anything that is written into the file, and frames may be negative."""
ATTEMPTS, PAUSE = 5, 0.2
"""Whoever leaves last holds the whole file while he removes it: a moment later it can be had."""
TAKEN = (errno.EAGAIN, errno.EACCES)
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
"""What storage says that offers none."""
NOT_APART = "offers no locks: see that no other run writes the same frames"


def lock_path(output: Sequence) -> Path:
    """Where the lock file of an output lies: beside its sidecar, while a run is at it."""
    return ledger_path(output).with_suffix(".lock")


Wanted = Iterable[tuple[Sequence, Iterable[int]]]
"""Outputs, each with those of its frames that are to be written."""


class Claim:
    """Frames of outputs, from now until `release`; their folders are made.

    It keeps processes apart, not the threads of one. `notes` says where storage cannot keep them apart.

    Raises:
        OutputError: another run writes some of the frames, or a folder cannot be used. Nothing is held then.
    """

    def __init__(self, outputs: Wanted) -> None:
        self.notes: list[str] = []
        self._held: list[tuple[Path, int]] = []
        wanted: dict[Path, set[int]] = {}
        for output, frames in outputs:
            wanted.setdefault(lock_path(output), set()).update(frames)
        try:
            for path, all_of_it in wanted.items():
                self._take(path, all_of_it)
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Lets go of the frames; the last run that does takes the lock file away."""
        while self._held:
            path, file = self._held.pop()
            # A lock file that stays for whatever reason keeps nobody away: the locks go with the descriptor.
            with contextlib.suppress(OSError):
                fcntl.lockf(file, fcntl.LOCK_UN)
                if _lock(file, 0, 0) and _lies_at(file, path):
                    path.unlink()
            os.close(file)

    def _take(self, path: Path, frames: set[int]) -> None:
        _make(path.parent)
        if sys.platform == "win32":
            self.notes.append(f"{path.parent} {NOT_APART}")
            return
        holder: dict[str, Any] | None = None
        for attempt in range(ATTEMPTS):
            time.sleep(PAUSE if attempt else 0.0)
            try:
                file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
            except OSError as error:
                raise OutputError(
                    f"{path} cannot be written ({error.strerror}); check the folder's permissions, or choose another "
                    "output."
                ) from error
            try:
                if _lock_all(file, frames) and _lies_at(file, path):
                    self._held.append((path, file))
                    self._sign(path, file, frames)
                    return
                holder = _holder(file, frames)
            except OSError as error:
                if error.errno not in NO_LOCKS:
                    raise OutputError(
                        f"{path} cannot be locked ({error.strerror}); see to the storage, or choose another output."
                    ) from error
                self.notes.append(f"{path.parent} {NOT_APART}")
                path.unlink(missing_ok=True)
                return
            finally:
                if not self._held or self._held[-1][1] != file:
                    os.close(file)
        raise OutputError(_sentence(path, frames, holder))

    def _sign(self, path: Path, file: int, frames: set[int]) -> None:
        since = datetime.now().astimezone().isoformat(timespec="seconds")
        me = {"host": socket.gethostname(), "pid": os.getpid(), "since": since, "frames": ranges(sorted(frames))}
        try:
            os.write(file, (json.dumps(me) + "\n").encode())
        except OSError as error:
            self.notes.append(f"{path} does not say who holds it ({error.strerror})")


def refuse_taken(outputs: Wanted) -> None:
    """Says so where a run is at some of these frames.

    Raises:
        OutputError: one is; it is named.
    """
    there = [(output, frames) for output, frames in outputs if lock_path(output).exists()]
    if there:
        Claim(there).release()


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made ({error.strerror}); choose another output folder.") from error


def _runs(frames: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Frames in a row, as the first of them and how many."""
    first, count = 0, 0
    for frame in sorted(frames):
        if count and frame == first + count:
            count += 1
            continue
        if count:
            yield first, count
        first, count = frame, 1
    if count:
        yield first, count


def _lock_all(file: int, frames: Iterable[int]) -> bool:
    return all(_lock(file, BASE + first, count) for first, count in _runs(frames))


def _lock(file: int, start: int, length: int) -> bool:
    """Locks bytes, all from `start` on where `length` is 0; False where another process holds some of them."""
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, length, start)
    except OSError as error:
        if error.errno in TAKEN:
            return False
        raise
    return True


def _lies_at(file: int, path: Path) -> bool:
    """Whether the open file is still the one of that name: its last holder may have removed it."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _holder(file: int, frames: set[int]) -> dict[str, Any] | None:
    """The line of a process that holds some of the frames: of each frame the newest line counts."""
    left = set(frames)
    for line in reversed(os.pread(file, os.fstat(file).st_size, 0).splitlines()):
        try:
            said = json.loads(line)
            theirs = left.intersection(parse_frames(said["frames"]))
        except (ValueError, KeyError, TypeError, FrdmError):
            continue  # another run's line got in its way
        if not _lock_all(file, theirs):
            return dict(said)
        left -= theirs
    return None


def _sentence(path: Path, frames: set[int], holder: dict[str, Any] | None) -> str:
    if holder is None:
        return (
            f"Another run is writing some of the frames {ranges(sorted(frames))} in {path.parent}. Wait for it, end "
            "it, or choose another output."
        )
    both = ranges(sorted(frames.intersection(parse_frames(holder["frames"]))))
    return (
        f"Another run is writing {both} in {path.parent}: process {holder.get('pid')} on {holder.get('host')}, since "
        f"{holder.get('since')}. Wait for it, end it, or choose another output."
    )
