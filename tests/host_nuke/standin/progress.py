"""nuke.ProgressTask: a bar that any thread may move, and that the artist may cancel."""

from __future__ import annotations

from typing import List

from tests.host_nuke.standin import state


class ProgressTask:
    """Shown until nothing refers to it any longer. All calls are safe from every thread."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.progress = 0
        self.messages: List[str] = []
        self._cancelled = False
        state.now().tasks.append(self)

    def setProgress(self, p: int) -> None:
        """Percent.

        Raises:
            TypeError: it is no whole number.
        """
        if not isinstance(p, int):
            raise TypeError(f"integer argument expected, got {type(p).__name__}")
        self.progress = p

    def setMessage(self, s: str) -> None:
        """What it says."""
        self.messages.append(s)

    def isCancelled(self) -> bool:
        """Whether the artist has pressed Cancel."""
        return self._cancelled

    def press_cancel(self) -> None:
        """The artist presses Cancel. (The stand-in's own.)"""
        self._cancelled = True
