"""The log of a run: one JSON object a line, appended as things happen, so that it can be followed and kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from frdm_engine.batch.tally import now
from frdm_engine.errors import OutputError


class Log:
    """Lines of JSON, each with `time` and `event`. Without a path it swallows them; a full disk is told of once."""

    def __init__(self, path: Path | None, *, complain: Callable[[str], None]) -> None:
        self._complain = complain
        self._path = path
        try:
            self._out = None if path is None else path.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise OutputError(f"--log {path} cannot be written ({error.strerror}); choose another name.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._out is not None:
            out, self._out = self._out, None
            try:
                out.close()
            except OSError as failure:
                self._complain(f"{self._path} could not be closed ({failure.strerror}); its end may be missing.")

    def write(self, event: str, **facts: Any) -> None:
        """One line."""
        if self._out is None:
            return
        try:
            self._out.write(json.dumps({"time": now(), "event": event} | facts) + "\n")
        except OSError as error:
            self._out = None
            self._complain(f"{self._path} cannot be written any more ({error.strerror}); the run goes on without it.")
