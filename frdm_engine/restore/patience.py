"""Waits out storage that hiccups: the same work again after a growing pause, for so long and no longer.

What the image library says of a failed read or write is text. So the file is asked for once more in the plain way, and
the system's own error number decides: a hiccup is waited out, a full disk is named, a damaged file stays damaged.
"""

from __future__ import annotations

import errno
import os
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from frdm_engine.errors import FrdmError, NoRoomError, OutputError, PlateError

T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before the first repetition; each pause is twice the one before, up to the longest."""
PATIENCE = 300.0
"""Seconds of pauses before a frame is given up, unless told."""
HICCUPS = frozenset(
    getattr(errno, name)
    for name in (
        *("EIO", "ESTALE", "ETIMEDOUT", "EAGAIN", "EBUSY", "EINTR", "EREMOTEIO", "ENOLINK", "ECOMM", "EPROTO"),
        *("ENOTCONN", "ECONNRESET", "ECONNREFUSED", "ECONNABORTED", "EPIPE", "EHOSTDOWN", "EHOSTUNREACH"),
        *("ENETDOWN", "ENETUNREACH", "ENETRESET", "ENODEV", "ENXIO", "ESHUTDOWN"),
    )
    if hasattr(errno, name)
)
FULL = frozenset((errno.ENOSPC, errno.EDQUOT))


class Interrupted(Exception):
    """A stop was asked for in the middle of a wait."""


@dataclass(frozen=True)
class Wait:
    """One pause: for what, why, and how long."""

    path: Path
    why: str
    seconds: float


class Patience:
    """Does work on files, again where storage hiccups. One wait at a time, however many threads are in trouble."""

    def __init__(
        self,
        seconds: float = 0.0,
        *,
        on_wait: Callable[[Wait], None] = lambda wait: None,
        hurry: Callable[[], bool] = lambda: False,
    ) -> None:
        self.seconds, self.on_wait, self.hurry = seconds, on_wait, hurry
        self._turn = threading.RLock()

    def read(self, path: Path, work: Callable[[], T]) -> T:
        """Work that reads `path`, a file or a folder.

        Raises:
            FrdmError: as the work does; PlateError where storage has not come back.
            Interrupted: a stop was asked for.
        """

        def lost(why: str) -> FrdmError:
            return PlateError(f"{path} cannot be read ({why}); look at the storage and run it again with --resume.")

        return self._do(path, work, ask=lambda: _ask_read(path), lost=lost)

    def write(self, path: Path, work: Callable[[], T], *, size: int) -> T:
        """Work that writes about `size` bytes to `path`.

        Raises:
            FrdmError: as the work does; OutputError where storage has not come back.
            NoRoomError: the disk is full.
            Interrupted: a stop was asked for.
        """

        def lost(why: str) -> FrdmError:
            return OutputError(f"{path} cannot be written ({why}); look at the storage and run it again with --resume.")

        return self._do(path, work, ask=lambda: _ask_write(path.parent, size), lost=lost)

    def _do(
        self, path: Path, work: Callable[[], T], *, ask: Callable[[], OSError | None], lost: Callable[[str], FrdmError]
    ) -> T:
        try:
            return work()
        except (FrdmError, OSError) as error:
            first = error
        with self._turn:
            return self._again(path, work, first, ask=ask, lost=lost)

    def _again(
        self,
        path: Path,
        work: Callable[[], T],
        error: FrdmError | OSError,
        *,
        ask: Callable[[], OSError | None],
        lost: Callable[[str], FrdmError],
    ) -> T:
        waited, pause, answered = 0.0, FIRST_PAUSE, False
        while True:
            trouble = _system_error(error) or ask()
            number = trouble.errno if trouble is not None else None
            why = (trouble.strerror or str(trouble)) if trouble is not None else ""
            if number in FULL:
                raise NoRoomError(
                    f"{path} cannot be written (no room is left in {path.parent}); free space there, then run it again."
                ) from error
            if number in HICCUPS:
                answered = False
                if waited >= self.seconds:
                    tried = f"{why}, waited for {waited:g} s" if waited else why
                    raise lost(tried) from error
                self._wait(Wait(path, why, pause))
                waited, pause = waited + pause, min(2 * pause, LONGEST_PAUSE)
            elif answered or trouble is not None or not self.seconds:
                raise (error if isinstance(error, FrdmError) else lost(why)) from error
            else:
                answered = True  # storage answers now: if the work fails once more, the fault is its own
            try:
                return work()
            except (FrdmError, OSError) as new:
                error = new

    def _wait(self, wait: Wait) -> None:
        self.on_wait(wait)
        until = time.monotonic() + wait.seconds
        while (left := until - time.monotonic()) > 0:
            if self.hurry():
                raise Interrupted
            time.sleep(min(left, 0.2))


def _system_error(error: BaseException) -> OSError | None:
    """The system's error behind one of ours."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno is not None:
            return seen
        seen = seen.__cause__
    return None


def _ask_read(path: Path) -> OSError | None:
    """What the system says when the file is read from end to end."""
    try:
        if path.is_dir():
            os.listdir(path)
            return None
        with path.open("rb", buffering=0) as source:
            while source.read(1 << 20):
                pass
    except OSError as error:
        return error
    return None


def _ask_write(folder: Path, size: int) -> OSError | None:
    """What the system says when so many bytes are written and synced there."""
    probe = folder / f".frdm.{os.getpid()}-{secrets.token_hex(4)}.tmp"
    try:
        out = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            block = bytes(min(max(size, 1), 1 << 20))
            left = max(size, 1)
            while left > 0:  # a disk with some room takes a part, and refuses the next one
                left -= os.write(out, block[:left])
            os.fsync(out)
        finally:
            os.close(out)
            os.unlink(probe)
    except OSError as error:
        return error
    return None
