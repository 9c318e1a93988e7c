"""What commands share: one sentence for an error, sizes, progress, and a stop between two frames."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import sys
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

import typer

from frdm_engine.errors import OutputError, SettingError

if TYPE_CHECKING:
    from frdm_engine.restore.stream import Done

STOPPED = 130
"""Exit code of a command that SIGINT or SIGTERM ended."""

_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?) ?([kmgt])(?:i?b)?", re.IGNORECASE)
_POWERS = {"k": 10, "m": 20, "g": 30, "t": 40}


def complain(sentence: str) -> None:
    """An error or the reason of a stop, on stderr."""
    typer.echo(f"frdm: {sentence}", err=True)


def note(text: str) -> None:
    """What the user should know, on stderr, where it does not mix with results."""
    typer.echo(text, err=True)


def parse_size(text: str, *, option: str) -> int:
    """Bytes of `24G`, `8GB`, `512MB` or `1.5 GiB`; units are powers of 1024, as memory is sold.

    Raises:
        SettingError: the text is no such size.
    """
    match = _SIZE.fullmatch(text.strip())
    size = int(float(match[1]) * 2 ** _POWERS[match[2].lower()]) if match else 0
    if size < 1:
        raise SettingError(f"{option} {text!r} is not a size; write 24G, 8GB or 512MB.")
    return size


def parse_names(text: str | None) -> tuple[str, ...]:
    """The words of a list such as `dirt,scratch`."""
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())


def percent(share: float) -> str:
    """A share of 1 for a person: few digits, but never 0 for what is more than 0."""
    if share and share < 0.00005:
        return "under 0.01 %"
    return f"{100 * share:.2f} %"


def count(number: int, thing: str) -> str:
    """`1 frame`, `2 frames`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def write_json(path: Path, data: Any) -> None:
    """Write plain data as JSON under a temporary name and rename it.

    Raises:
        OutputError: it cannot be written there.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        temporary.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}); choose another name.") from error
    finally:
        temporary.unlink(missing_ok=True)


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

    def advance(self, line: str, *, work: str, title: str = "") -> None:
        """One more thing is done: `title` and `work` stand beside the bar, without one `line` is printed."""
        if self._bar is not None:
            self._bar.update(self._task, advance=1, description=title, work=work)
        else:
            note(line)


class FrameProgress(Bar):
    """Frames done, time left and how much needed work: a bar on a terminal, else a plain line a frame."""

    def __init__(self, total: int) -> None:
        super().__init__(total, title="frame")

    def show(self, done: Done) -> None:
        """Tell of one more frame."""
        work = "there already" if done.skipped else f"{100 * done.sampled:.0f} % of tiles sampled"
        line = f"frame {done.frame}  {done.index + 1}/{done.total}  {work}"
        if not done.skipped:
            line += f"  {percent(done.changed)} of pixels changed  {done.seconds:.1f} s"
        self.advance(line, work=work, title=f"frame {done.frame}")

    def say(self, text: str) -> None:
        """A note that does not tear the bar."""
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False)
        else:
            note(text)
