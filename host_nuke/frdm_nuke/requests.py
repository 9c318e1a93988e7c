"""Restorations asked for in the interface: one thread does them in order, so that several nodes queue up."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Callable, Deque, Dict, List, Optional

import nuke

from frdm_nuke import shown
from frdm_nuke.dispatch import Interface, MainThread
from frdm_nuke.errors import HostError, SetupError, StoppedError
from frdm_nuke.progress import Bar, Progress
from frdm_nuke.restoration import Restoration
from frdm_nuke.settings import ID_KNOB, Wish

MakeProgress = Callable[[str, threading.Event], Progress]


@dataclass(eq=False)
class Request:
    """One restoration that waits or runs."""

    node: nuke.Node
    identity: str
    wish: Wish
    stop: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    error: Optional[BaseException] = None
    afterwards: Optional[Callable[[], None]] = None
    """What the main thread does once it has ended."""


class Queue:
    """The requests of this session of Nuke. Asked in the main thread."""

    def __init__(self, main: Optional[MainThread] = None, make_progress: MakeProgress = Bar) -> None:
        self._main = Interface() if main is None else main
        self._make_progress = make_progress
        self._waiting: Deque[Request] = deque()
        self._running: Optional[Request] = None
        self._lock = threading.Lock()
        self._turns: Dict[str, int] = {}
        self._thread: Optional[threading.Thread] = None

    def add(self, node: nuke.Node, wish: Wish) -> Request:
        """Takes a restoration in.

        Raises:
            SetupError: the node has one already.
        """
        identity = str(node[ID_KNOB].value())
        request = Request(node, identity, wish)
        with self._lock:
            if any(one.identity == identity for one in self._all()):
                raise SetupError(f"{wish.name} is being restored already; wait for it, or press Cancel first.")
            self._waiting.append(request)
            self._turns[identity] = self._turns.get(identity, 0) + 1
            ahead = len(self._waiting) - 1 + (self._running is not None)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="frdm-requests", daemon=True)
                self._thread.start()
        shown.say(node, f"waiting for {ahead} other" + ("" if ahead == 1 else "s") if ahead else "starting")
        return request

    def cancel(self, identity: str) -> bool:
        """Ends what a node has waiting or running; whether there was any."""
        with self._lock:
            found = [one for one in self._all() if one.identity == identity]
        for request in found:
            request.stop.set()
        return bool(found)

    def cancel_all(self) -> None:
        """Ends everything, as when a script is closed."""
        with self._lock:
            for request in self._all():
                request.stop.set()

    def is_busy(self, identity: str) -> bool:
        """Whether a node waits or is being restored."""
        with self._lock:
            return any(one.identity == identity for one in self._all())

    def after(self, identity: str, call: Callable[[], None]) -> bool:
        """Has something done in the main thread once a node's restoration has ended; whether there is one."""
        with self._lock:
            found = [one for one in self._all() if one.identity == identity]
            for request in found:
                request.afterwards = call
        return bool(found)

    def turn(self, identity: str) -> int:
        """How many restorations a node has asked for so far."""
        with self._lock:
            return self._turns.get(identity, 0)

    def idle(self) -> bool:
        """Whether nothing waits or runs."""
        with self._lock:
            return self._thread is None

    def _all(self) -> List[Request]:
        return [*self._waiting, *([self._running] if self._running is not None else [])]

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                self._running = self._waiting.popleft()
            request = self._running
            try:
                self._restore(request)
            finally:
                with self._lock:
                    self._running = None
                    afterwards = request.afterwards
                request.ended.set()
                if afterwards is not None:
                    self._main.later(afterwards)

    def _restore(self, request: Request) -> None:
        """Does one, and tells the node how it ended. No error ends the thread: the next node waits."""
        title = f"FRDM: {request.wish.name}"
        try:
            if request.stop.is_set():
                raise StoppedError(f"Restoring {request.wish.name} was cancelled before it began.")
            progress = self._make_progress(title, request.stop)
            restoration = Restoration(request.node, request.wish, self._main, progress)
            restoration.run()
            sentence = restoration.summary()
            restoration.refresh()
            self._say(request, sentence)
        except StoppedError as error:
            request.error = error
            self._say(request, f"cancelled: {error}")
        except HostError as error:
            request.error = error
            self._fail(request, str(error))
        except Exception as error:  # noqa: BLE001 - a bug of ours must neither go unseen nor end the queue
            request.error = error
            if not request.stop.is_set():  # else the node or the script is gone, as was told
                self._fail(request, f"FRDM has failed ({type(error).__name__}: {error}); please report this.")

    def _say(self, request: Request, sentence: str) -> None:
        # ValueError: the node was deleted meanwhile. StoppedError: Nuke is closing.
        with contextlib.suppress(ValueError, StoppedError):
            self._main.call(shown.say, request.node, sentence)

    def _fail(self, request: Request, sentence: str) -> None:
        self._say(request, f"error: {sentence}")
        # Nobody waits for the panel to be closed: the next node is restored meanwhile.
        self._main.later(_tell, sentence)


def _tell(sentence: str) -> None:
    nuke.message(sentence)


queue = Queue()
"""The queue of this session."""
