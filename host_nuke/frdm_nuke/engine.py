"""The engine as the node speaks to it: reaching it, handing jobs in, following several at once. In any one thread."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Callable, List, Sequence

from frdm_bridge.client import Client
from frdm_bridge.discovery import connection_file
from frdm_bridge.errors import (
    BridgeError,
    DiscoveryError,
    JobFailedError,
    RefusedError,
    UnreachableError,
    VersionError,
)
from frdm_bridge.jobs import GIB, Health, JobSpec
from frdm_bridge.launch import start_engine
from frdm_bridge.messages import Cancel, Cancelled, Done, Event, Failed, FrameReady, Ping, Warning
from frdm_bridge.probing import sees
from frdm_bridge.restoring import restore
from frdm_nuke.errors import EngineError, HostError, StoppedError
from frdm_nuke.settings import EngineWish

PATIENCE = 15.0
"""Seconds an engine may be silent before its jobs are given up. It answers within milliseconds while it computes."""
QUIET = 2.0
"""Seconds without an event after which it is asked whether it is there."""
ANSWERING = 5.0
"""Seconds an engine may take for its first answer."""
STARTING = 90.0
"""Seconds an engine started from here may take to load its model."""
ASKED = 0.5
"""Seconds one such question waits, so that a cancel is heard meanwhile."""

OnFrame = Callable[[str, FrameReady], None]


def reach(wish: EngineWish, *, program: str, cache: str, cancelled: Callable[[], bool] = lambda: False) -> Client:
    """A client of the engine the node asks for; starts one where it may.

    Raises:
        EngineError: none answers, it is of another version, or it does not take this client's keys.
        StoppedError: it was cancelled.
    """
    file = wish.connection if wish.connection is not None else connection_file()
    try:
        # An engine that a file of its own names runs elsewhere, and cannot be started from here.
        if wish.start and wish.connection is None:
            _start(wish.starting(cache), file, cancelled)
        return _connected(file, program, cancelled)
    except VersionError as error:
        raise EngineError(
            f"The engine of {file} and this plug-in do not understand each other, as they are of different releases; "
            "upgrade the older one, and run `frdm install nuke` with it."
        ) from error
    except DiscoveryError as error:
        more = "" if wish.start else " Or tick `start one if none runs` on the node's tab Engine."
        raise EngineError(f"{error}{more}") from error
    except BridgeError as error:
        raise EngineError(str(error)) from error


def _start(command: Sequence[str], file: Path, cancelled: Callable[[], bool]) -> None:
    """Starts an engine where none answers; in a thread, so that a cancel is heard while it loads its model."""
    failed: List[BridgeError] = []

    def answers() -> bool:
        try:
            Client.connect(file, timeout=1.0).close()
        except UnreachableError:
            return False
        return True

    def start() -> None:
        try:
            start_engine(command, file=file, answers=answers, timeout=STARTING)
        except BridgeError as error:
            failed.append(error)

    thread = threading.Thread(target=start, name="frdm-start", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.1)
        _check(cancelled)
    if failed:
        raise failed[0]


def _connected(file: Path, program: str, cancelled: Callable[[], bool]) -> Client:
    ends = time.monotonic() + ANSWERING
    while True:
        try:
            return Client.connect(file, program=program, timeout=ASKED)
        except UnreachableError as error:
            _check(cancelled)
            if time.monotonic() > ends:
                raise EngineError(
                    f"The engine that {file} names does not answer; see `frdm status`, or start it with `frdm serve`. "
                    "If it does run, the file holds old keys: take the one the engine wrote at its last start."
                ) from error


def _check(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise StoppedError("It was cancelled before the engine was reached.")


def health(wish: EngineWish, *, program: str) -> str:
    """How the engine is, in a line.

    Raises:
        EngineError: none answers.
    """
    with reach(_not_started(wish), program=program, cache="") as client:
        try:
            return said(client.status())
        except BridgeError as error:
            raise EngineError(str(error)) from error


def said(how: Health) -> str:
    """An engine's state in a line."""
    devices = []
    for device in how.devices:
        memory = (
            f", {device.memory_used / GIB:.1f} of {device.memory_total / GIB:.1f} GB" if device.memory_total else ""
        )
        devices.append(f"{device.name} {device.state}{memory}")
    return f"FRDM {how.version}: {'; '.join(devices)}; {how.running} running, {how.queued} waiting"


def _not_started(wish: EngineWish) -> EngineWish:
    return EngineWish(wish.connection, wish.path_map, False, wish.command, wish.device, wish.vram)


class Jobs:
    """The jobs of one restoration. `pump` tells of their frames as they come.

    ``on_frame`` gets the name of the job and the event of a frame that is whole.
    """

    def __init__(self, client: Client, *, on_frame: OnFrame, on_note: Callable[[str], None]) -> None:
        self.client, self._on_frame, self._on_note = client, on_frame, on_note
        self.open: List[str] = []
        self._heard = self._asked = time.monotonic()

    def sees(self, folder: Path, wish: EngineWish) -> bool:
        """Whether the engine reads and writes this machine's folder.

        Raises:
            EngineError: it does not answer.
        """
        try:
            return sees(self.client.link, folder, write=True, rules=wish.path_map)[0]
        except BridgeError as error:
            raise EngineError(str(error)) from error

    def hand_in(self, name: str, spec: JobSpec) -> None:
        """Submits a job whose files the engine sees.

        Raises:
            EngineError: it is refused.
        """
        try:
            self.client.submit(spec, job=name)
            self.client.link.follow(name)
        except BridgeError as error:
            raise EngineError(str(error)) from error
        self.open.append(name)
        self._heard = time.monotonic()

    def stream(self, name: str, spec: JobSpec, *, cancelled: Callable[[], bool]) -> None:
        """Does a job whose files the engine does not see, and returns when it is done.

        Raises:
            EngineError: it failed or was refused.
            StoppedError: it was cancelled.
        """

        def hear(event: Event) -> None:
            self._hear(name, event)

        try:
            restore(self.client, spec, way="streamed", on_event=hear, cancelled=cancelled, patience=PATIENCE)
        except BridgeError as error:
            if cancelled():
                raise StoppedError("Cancelled.") from error
            raise EngineError(str(error), of_job=isinstance(error, JobFailedError)) from error

    def pump(self, timeout: float) -> None:
        """Takes in what the engine tells within so many seconds, and finds out whether it is still there.

        Raises:
            EngineError: a job failed, or the engine is gone.
        """
        link = self.client.link
        try:
            while link.events(timeout=timeout):
                self._heard, timeout = time.monotonic(), 0.0
                event = link.inbox.popleft()
                self._hear(event.job, event)
            if self.open:
                self._look_whether_there()
        except HostError:
            raise
        except BridgeError as error:
            raise EngineError(str(error)) from error

    def cancel(self) -> None:
        """Cancels what is under way; does not wait for it, and does not mind an engine that is gone."""
        self.drop(self.open)

    def drop(self, names: List[str]) -> None:
        """Cancels jobs, and takes them from the list where the engine has heard it."""
        while names:
            try:
                self.client.link.request(Cancel(job=names[-1]), timeout=ASKED)
            except UnreachableError:
                return
            except RefusedError:
                pass  # it has no such job: so much the better
            names.pop()

    def _look_whether_there(self) -> None:
        now = time.monotonic()
        if now - max(self._heard, self._asked) < QUIET:
            return
        self._asked = now
        try:
            self.client.link.request(Ping(), timeout=ASKED)
            self._heard = time.monotonic()
        except UnreachableError as error:
            if time.monotonic() - self._heard > PATIENCE:
                raise EngineError(
                    f"The engine has not answered for {PATIENCE:g} s and was given up; see `frdm status`, start it "
                    "again with `frdm serve`, and press Restore range: what is done stays."
                ) from error

    def _hear(self, name: str, event: Event) -> None:
        if isinstance(event, FrameReady):
            self._on_frame(name, event)
        elif isinstance(event, Warning):
            self._on_note(event.text)
        elif isinstance(event, (Done, Failed, Cancelled)):
            if name in self.open:
                self.open.remove(name)
            self.client.link.followed.pop(name, None)
            _check_end(event)


def _check_end(event: Event) -> None:
    """Raises where a job has ended otherwise than well."""
    if isinstance(event, Failed):
        raise EngineError(event.sentence, of_job=True)
    if isinstance(event, Cancelled):
        raise EngineError(
            "The job was cancelled at the engine; press Restore range to go on after the frames that are done.",
            of_job=True,
        )
