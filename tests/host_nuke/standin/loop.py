"""The event loop of the main thread, as far as Python sees it: calls that other threads asked for, and idle time.

A test takes the place of the artist: it presses a button and lets the loop run until something is so.

```
standin.press(node["restore_range"])
standin.loop.run_until(lambda: node["status"].value() == "done", seconds=20)
assert standin.loop.longest_hold < 0.2
```
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
import traceback
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from tests.host_nuke.standin import callbacks as node_callbacks
from tests.host_nuke.standin import mainthread, state, undo


class _Request:
    def __init__(self, call: Callable[..., Any], args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> None:
        self.call, self.args, self.kwargs = call, args, kwargs
        self.done: Optional[threading.Event] = None
        self.result: Any = None
        self.failed: Optional[BaseException] = None


class Loop:
    """The one loop; `clear()` begins anew."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forgets all that waits and was measured."""
        self._waiting: queue.Queue[_Request] = queue.Queue()
        self.longest_hold = 0.0
        """Seconds the main thread was held by one event, renders left out."""
        self.longest_execute = 0.0
        """Seconds of the longest nuke.execute."""
        self.holds: List[float] = []
        self._executing = 0.0

    def request(self, call: Callable[..., Any], args: Any, kwargs: Any, wait: bool) -> Any:
        """What both executeInMainThread do."""
        if not isinstance(args, tuple):
            args = (args,)
        asked = _Request(call, args, kwargs)
        if not wait:
            self._waiting.put(asked)
            return None
        asked.done = threading.Event()
        if mainthread.is_main():
            # The source waits for an event that only the main thread sets.
            mainthread.crash("nuke.executeInMainThreadWithResult in the main thread waits for itself: Nuke hangs.")
        if not state.now().gui:
            # No loop runs while the terminal executes a script; not documented, and reported as a hang.
            mainthread.crash("nuke.executeInMainThreadWithResult in the terminal: no loop answers, Nuke hangs.")
        self._waiting.put(asked)
        asked.done.wait()
        if asked.failed is not None:
            traceback.print_exception(type(asked.failed), asked.failed, asked.failed.__traceback__)
            return None
        return asked.result

    def turn(self, patience: float = 0.005) -> bool:
        """One event, or a moment of idling; whether there was one."""
        mainthread.check("The event loop")
        try:
            asked = self._waiting.get(timeout=patience)
        except queue.Empty:
            with self._held():
                node_callbacks.idle()
            return False
        with self._held():
            try:
                asked.result = asked.call(*asked.args, **asked.kwargs)
            except Exception as error:  # noqa: BLE001 - Nuke's loop survives what Python does in it
                asked.failed = error
                if asked.done is None:
                    traceback.print_exc()
                    state.now().console.append(f"{type(error).__name__}: {error}")
            finally:
                undo.Undo._close_event()
                if asked.done is not None:
                    asked.done.set()
        return True

    def run_until(self, so: Callable[[], Any], *, seconds: float = 20.0) -> None:
        """Lets events happen until something is so.

        Raises:
            TimeoutError: it is not so after so many seconds.
            NukeCrash: another thread broke Nuke's rules meanwhile.
        """
        ends = time.monotonic() + seconds
        while not so():
            if time.monotonic() > ends:
                raise TimeoutError(f"The event loop ran {seconds:g} s and it never came to be.")
            self.turn()
            broken = state.now().violations
            if broken:
                raise mainthread.NukeCrash(broken[0])

    def run_for(self, seconds: float) -> None:
        """Lets events happen for so long."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self.turn()

    def drain(self) -> None:
        """Handles all that waits already, and what that brings."""
        while self.turn(patience=0.0):
            pass

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        began, rendered = time.perf_counter(), self._executing
        try:
            yield
        finally:
            held = time.perf_counter() - began - (self._executing - rendered)
            self.holds.append(held)
            self.longest_hold = max(self.longest_hold, held)

    @contextlib.contextmanager
    def press_held(self) -> Iterator[None]:
        """The artist does something: an event of its own."""
        with self._held():
            try:
                yield
            finally:
                undo.Undo._close_event()

    @contextlib.contextmanager
    def executing(self) -> Iterator[None]:
        """Measures a render apart."""
        began = time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - began
            if not state.now().executing:
                self._executing += took
                self.longest_execute = max(self.longest_execute, took)


loop = Loop()
