"""How a restoration tells how far it is, and hears that it shall end."""

from __future__ import annotations

import abc
import sys
import threading
from typing import Optional, TextIO

import nuke


class Progress(abc.ABC):
    """Told by the restoration, from its own thread."""

    @abc.abstractmethod
    def tell(self, text: str, done: int, total: int) -> None:
        """What is being done, and how many steps of how many are."""

    @abc.abstractmethod
    def cancelled(self) -> bool:
        """Whether it shall end."""


class Bar(Progress):
    """Nuke's progress bar, with its button Cancel; the node's own button sets the event."""

    def __init__(self, title: str, stop: threading.Event) -> None:
        self._stop = stop
        self._task = nuke.ProgressTask(title)

    def tell(self, text: str, done: int, total: int) -> None:
        """See Progress."""
        self._task.setMessage(text)
        self._task.setProgress(int(100 * done / total) if total else 0)

    def cancelled(self) -> bool:
        """See Progress."""
        if self._task.isCancelled():
            self._stop.set()
        return self._stop.is_set()


class Lines(Progress):
    """For the terminal: a line a step, as render managers read them."""

    def __init__(self, title: str, out: Optional[TextIO] = None) -> None:
        self._title, self._out = title, sys.stdout if out is None else out

    def tell(self, text: str, done: int, total: int) -> None:
        """See Progress."""
        share = int(100 * done / total) if total else 0
        self._out.write(f"FRDM {self._title}: {share:3d} % {text}\n")
        self._out.flush()

    def cancelled(self) -> bool:
        """See Progress."""
        return False
