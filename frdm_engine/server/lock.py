"""One engine a home, and no engine beside the workers of the one before."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from frdm_engine.errors import ServerError

PATIENCE_S = 60.0
"""How long workers of an engine that was killed may take over the tile and the files they have in hand."""


class HomeLock:
    """Held while an engine runs; ``workers`` is a descriptor for its worker processes to inherit.

    The system lets go of a lock when the last process that holds its descriptor ends, however it ends: so a new engine
    waits for orphaned workers, which could otherwise write the same frames.

    Raises:
        ServerError: another engine runs here, or its workers do not end.
    """

    def __init__(self, home: Path, *, patience_s: float = PATIENCE_S) -> None:
        self._engine = _take(home / "engine.lock", wait_s=0.0)
        if self._engine < 0:
            pid = (home / "engine.lock").read_text().strip() or "unknown"
            raise ServerError(
                f"An engine (process {pid}) runs in {home} already; use it, stop it with `frdm stop`, or give --home."
            )
        os.ftruncate(self._engine, 0)
        os.pwrite(self._engine, f"{os.getpid()}\n".encode(), 0)
        self.workers = _take(home / "workers.lock", wait_s=patience_s)
        if self.workers < 0:
            os.close(self._engine)
            raise ServerError(
                f"A worker of an engine that was killed still runs in {home} after {patience_s:.0f} s; end it and "
                "start again."
            )

    def release(self) -> None:
        """Lets go of the home."""
        os.close(self.workers)
        os.close(self._engine)


def _take(path: Path, *, wait_s: float) -> int:
    """A descriptor with the lock of a file, or -1."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if time.monotonic() >= until:
                os.close(descriptor)
                return -1
            time.sleep(0.05)
