"""What commands share: one sentence for an error, sizes, progress, and a stop between two frames."""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self, TextIO

import typer

from frdm_engine.batch.sizes import parse_names, parse_size
from frdm_engine.errors import OutputError

__all__ = ["parse_names", "parse_size"]  # and all that is below

STOPPED = 130
"""Exit code of a command that SIGINT or SIGTERM ended."""


def complain(sentence: str) -> None:
    """An error or the reason of a stop, on stderr."""
    typer.echo(f"frdm: {sentence}", err=True)


def note(text: str) -> None:
    """What the user should know, on stderr, where it does not mix with results."""
    typer.echo(text, err=True)


def percent(share: float) -> str:
    """A share of 1 for a person: few digits, but never 0 for what is more than 0."""
    if share and share < 0.00005:
        return "under 0.01 %"
    return f"{100 * share:.2f} %"


def count(number: int, thing: str) -> str:
    """`1 frame`, `2 frames`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A text file to write under a temporary name, which takes its own when all is there.

    Raises:
        OutputError: it cannot be written there.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as out:
            yield out
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}); choose another name.") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, data: Any) -> None:
    """Write plain data as JSON under a temporary name and rename it.

    Raises:
        OutputError: it cannot be written there.
    """
    with replacing(path) as out:
        out.write(json.dumps(data, indent=2) + "\n")


class Stop:
    """While entered, the first SIGINT or SIGTERM asks for a stop at the next good moment; a second one ends at once.

    Called, it says whether a stop was asked for.
    """

    def __init__(self) -> None:
        self.asked = False
        self._handlers: dict[signal.Signals, Any] = {}

    def __call__(self) -> bool:
        return self.asked

    def __enter__(self) -> Self:
        self._handlers = {number: signal.signal(number, self._heard) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        if sys.stderr.isatty():
            # Not print: the signal may have come in the middle of one.
            os.write(2, b"\nStopping after the frame at hand; press Ctrl-C again to stop at once.\n")


class Bar:
    """So many things to do: a bar on a terminal, with a ``title`` before it; else nothing of its own."""

    def __init__(self, total: int, *, title: str = "") -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        self._bar: Progress | None = None
        if console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[work]}"),
                console=console,
            )
            self._task = self._bar.add_task(title, total=total, work="")

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, text: str) -> None:
        """A line for a person, which does not tear the bar."""
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False)
        else:
            note(text)

    def advance(self, line: str | None, *, work: str, title: str = "") -> None:
        """One more thing is done: `title` and `work` stand beside the bar, without one `line` is printed, if any."""
        if self._bar is not None:
            self._bar.update(self._task, advance=1, description=title, work=work)
        elif line is not None:
            note(line)


EVERY = 10.0
"""Seconds between lines of progress where there is no terminal and there are more frames than somebody would read."""
A_LINE_EACH = 100
"""Up to so many frames each has a line of its own."""


class Pace:
    """Which of many lines are printed: all of a few, else the first, the last and one every so many seconds."""

    def __init__(self, total: int, *, every: float | None = None) -> None:
        self._every = every if every is not None else 0.0 if total <= A_LINE_EACH else EVERY
        self._total, self._count, self._last = total, 0, 0.0

    def due(self) -> bool:
        """Whether the line of the next frame is to be printed."""
        self._count += 1
        now = time.monotonic()
        if self._count in (1, self._total) or now - self._last >= self._every:
            self._last = now
            return True
        return False
