"""nuke.Undo: steps that can be taken back. All changes of one event of the main thread are one step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, List

from tests.host_nuke.standin import state

Change = Callable[[], None]


@dataclass
class _Step:
    name: str = ""
    changes: List[Any] = field(default_factory=list)
    """Pairs: take it back, do it again."""


class _Store:
    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.done: List[_Step] = []
        self.undone: List[_Step] = []
        self.open = _Step()
        self.depth = 0
        self.off = 0
        self.replaying = False


store = _Store()


def record(what: str, back: Change, again: Change) -> None:
    """Notes a change that was just made. While recording is off, or a script is loaded, nothing is noted."""
    if store.off or store.replaying or state.now().loading:
        return
    store.open.changes.append((back, again))
    store.open.name = store.open.name or what


class Undo:
    """Every method may be called on the class, as in Nuke."""

    @classmethod
    def begin(cls, name: str = "") -> None:
        """Begins a step that the artist sees."""
        if store.depth == 0:
            cls._close_event()
        store.depth += 1
        if name:
            store.open.name = name

    @classmethod
    def end(cls) -> None:
        """Ends the step."""
        if store.depth:
            store.depth -= 1
        if store.depth == 0:
            cls._close_event()

    @classmethod
    def new(cls) -> None:
        """end(), begin()."""
        cls.end()
        cls.begin()

    @classmethod
    def name(cls, name: str) -> None:
        """Names the step that is open."""
        store.open.name = name

    @classmethod
    def cancel(cls) -> None:
        """Takes back what the open step holds, and forgets it."""
        step, store.open, store.depth = store.open, _Step(), 0
        _replay([back for back, _ in reversed(step.changes)])

    @classmethod
    def disable(cls) -> None:
        """Records nothing until the matching enable()."""
        store.off += 1

    @classmethod
    def enable(cls) -> None:
        """Takes back one disable()."""
        store.off = max(0, store.off - 1)

    @classmethod
    def disabled(cls) -> bool:
        """Whether disable() holds."""
        return store.off > 0

    @classmethod
    def undo(cls) -> None:
        """Takes the last step back."""
        cls._close_event()
        if store.done:
            step = store.done.pop()
            _replay([back for back, _ in reversed(step.changes)])
            store.undone.append(step)

    @classmethod
    def redo(cls) -> None:
        """Does it again."""
        cls._close_event()
        if store.undone:
            step = store.undone.pop()
            _replay([again for _, again in step.changes])
            store.done.append(step)

    @classmethod
    def undoSize(cls) -> int:
        """How many steps can be taken back."""
        cls._close_event()
        return len(store.done)

    @classmethod
    def redoSize(cls) -> int:
        """How many can be done again."""
        return len(store.undone)

    @classmethod
    def undoDescribe(cls, n: int = 0) -> str:
        """Name of the step."""
        cls._close_event()
        return store.done[-1 - n].name

    @classmethod
    def _close_event(cls) -> None:
        """An event of the main thread ends: what it changed is one step. (The stand-in's own.)"""
        if store.depth == 0 and store.open.changes:
            store.done.append(store.open)
            store.undone.clear()
            store.open = _Step()

    def __enter__(self) -> Undo:
        Undo.begin()
        return self

    def __exit__(self, *_: object) -> None:
        Undo.end()


def _replay(changes: List[Change]) -> None:
    store.replaying = True
    try:
        for change in changes:
            change()
    finally:
        store.replaying = False
