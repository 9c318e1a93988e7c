"""Calls in Nuke's main thread, where alone nodes may be looked at and changed."""

from __future__ import annotations

import abc
import threading
from typing import Any, Callable, List, Tuple, TypeVar

import nuke

from frdm_nuke.errors import StoppedError

Result = TypeVar("Result")


class MainThread(abc.ABC):
    """Runs calls in the main thread."""

    @abc.abstractmethod
    def call(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """What the function returns, or raises what it raises."""

    @abc.abstractmethod
    def later(self, function: Callable[..., None], *arguments: Any) -> None:
        """The same without waiting: for what an artist may leave open, such as a message."""


class Direct(MainThread):
    """For the terminal, where restoring happens in the main thread itself."""

    def call(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """See MainThread."""
        return function(*arguments)

    def later(self, function: Callable[..., None], *arguments: Any) -> None:
        """See MainThread."""
        function(*arguments)


class Interface(MainThread):
    """For the interface: from a thread, the call waits its turn between what the artist does."""

    def call(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """See MainThread. StoppedError where Nuke is closing and never made the call."""
        if threading.current_thread() is threading.main_thread():
            return function(*arguments)
        # Nuke prints an exception of the call and returns None: it is carried back by hand.
        box: List[Tuple[bool, Any]] = []

        def guarded() -> None:
            try:
                box.append((True, function(*arguments)))
            except BaseException as error:  # noqa: BLE001 - raised again in the thread that asked
                box.append((False, error))

        nuke.executeInMainThreadWithResult(guarded, args=())
        if not box:
            raise StoppedError("Nuke is closing.")
        done, value = box[0]
        if not done:
            raise value
        result: Result = value
        return result

    def later(self, function: Callable[..., None], *arguments: Any) -> None:
        """See MainThread."""
        nuke.executeInMainThread(function, args=arguments)
