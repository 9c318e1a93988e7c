"""Shared memory with an engine on the same machine: files in its exchange folder, mapped here."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from types import TracebackType
from typing import Optional, Type

from frdm_bridge.codec import new_id
from frdm_bridge.errors import UsageError


class Segment:
    """Bytes that the engine can reach by the segment's name. `memory` is writable; closing removes it.

    Raises:
        UsageError: the engine is on another machine, or there is no room.
    """

    def __init__(self, exchange: str, size: int) -> None:
        folder = Path(exchange)
        if not exchange or not folder.is_dir():
            raise UsageError("The engine shares no memory with this machine; give it paths, or let frames be streamed.")
        self.name = new_id()
        self._path = folder / self.name
        try:
            handle = os.open(str(self._path), os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        except OSError as error:
            raise UsageError(
                f"No memory can be shared in {folder} ({error.strerror}); is it your own engine?"
            ) from error
        try:
            # Room is taken now: memory that lacks later would end the process without a word.
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(handle, 0, size)
            else:
                os.ftruncate(handle, size)
            self.memory = mmap.mmap(handle, size)
        except OSError as error:
            self._path.unlink()
            raise UsageError(f"{folder} has no room for {size} bytes ({error.strerror}); free memory.") from error
        finally:
            os.close(handle)

    def __enter__(self) -> Segment:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives the memory back."""
        self.memory.close()
        if self._path.exists():
            self._path.unlink()
