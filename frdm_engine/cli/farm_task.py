"""One task of a farm: a chunk of a shot, handed to the node's engine and followed to its end.

The job's name in the engine comes from what is asked for. So a task that was killed and runs again, while the engine is
still at it, takes up the same job instead of a second one; frames that are there are kept by the sidecar.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from frdm_engine.cli.console import count
from frdm_engine.errors import GaveUpError, InputError, OutputError, ServerError
from frdm_engine.restore.failures import GIVE_UP

if TYPE_CHECKING:
    from frdm_bridge import Client, JobSpec
    from frdm_bridge.messages import Event

GRACE_S = 100.0
"""Seconds the frame in hand may still take after SIGTERM; schedulers kill after 120 s unless told otherwise."""
PATIENCE_S = 60.0
"""Seconds an engine may be silent before the task gives it up."""
OPEN = ("queued", "running")
Say = Callable[[str, str], None]
"""Takes what a line tells (progress, status, fail) and its text."""


@dataclass
class Chunk:
    """The frames of a task as they stand."""

    frames: tuple[int, ...]
    done: set[int] = field(default_factory=set)
    skipped: set[int] = field(default_factory=set)
    failed: dict[int, str] = field(default_factory=dict)

    @property
    def left(self) -> tuple[int, ...]:
        """Frames that neither are whole nor failed."""
        return tuple(frame for frame in self.frames if frame not in self.done and frame not in self.failed)

    def describe(self) -> str:
        """The chunk for a person, in a line."""
        kept = f", {len(self.skipped)} of them there already" if self.skipped else ""
        return f"{len(self.done)} of {count(len(self.frames), 'frame')} whole{kept}"


class Task:
    """A chunk on its way. `stopped` says whether it is to end after the frame in hand."""

    def __init__(self, client: Client, spec: JobSpec, chunk: Chunk, *, say: Say, stopped: Callable[[], bool]) -> None:
        self.client, self.spec, self.chunk, self.say, self.stopped = client, spec, chunk, say, stopped
        self.job = ""
        self._code = ""
        self._general: set[str] = set()
        """Failures that name no frame."""
        self._in_a_row = 0
        self._until: float | None = None
        self._last: int | None = None

    def run(self) -> None:
        """Restores the frames; one that cannot be restored is set aside in the chunk, and the others go on.

        Raises:
            InputError, OutputError: the chunk cannot be done at all.
            GaveUpError: frame after frame failed.
            KeyboardInterrupt: it was stopped, or somebody cancelled its job.
            BridgeError: the engine cannot be reached, or refuses the job.
        """
        from frdm_bridge.errors import JobCancelledError, JobFailedError
        from frdm_engine.plates.choosing import ranges

        while self.chunk.left:
            due = replace(self.spec, frames=ranges(self.chunk.left))
            try:
                self.job = take_up(self.client, due)
                self.client.wait(self.job, on_event=self._heard, cancelled=self._cancelled, patience=PATIENCE_S)
            except JobCancelledError as error:
                raise KeyboardInterrupt from error
            except JobFailedError as error:
                if self.chunk.left:
                    self._failed(str(error), error.frame)

    def _failed(self, sentence: str, frame: int | None) -> None:
        """Sets the frame aside that a job ended with; the rest is asked for again.

        Raises:
            InputError, OutputError, GaveUpError, ServerError: the other frames would fare no better.
        """
        if self._in_a_row >= GIVE_UP:
            raise GaveUpError(sentence)
        kinds = {"input": InputError, "access": InputError, "output": OutputError}
        first = self.chunk.left[0]
        # A job that ends before its first frame is opened does so for that frame, or for what all have in common:
        # then the next frame says the same.
        again = frame is None and (sentence in self._general or len(self.chunk.frames) == 1)
        if again or self._code not in ("input", "internal"):
            raise kinds.get(self._code, ServerError)(sentence)
        if frame is None:
            self._general.add(sentence)
        where = first if frame is None or frame not in self.chunk.left else frame
        self._set_aside(where, sentence)

    def _set_aside(self, frame: int, sentence: str) -> None:
        self._in_a_row += frame not in self.chunk.failed
        self.chunk.failed[frame] = sentence
        self.say("status", f"frame {frame} failed, going on: {sentence}")

    def _heard(self, event: Event) -> None:
        from frdm_bridge.messages import Failed, FrameReady, Started, Warning

        if isinstance(event, FrameReady):
            self.chunk.done.add(event.frame)
            self.chunk.failed.pop(event.frame, None)
            self._in_a_row = 0
            if event.skipped:
                self.chunk.skipped.add(event.frame)
            self.say("progress", f"{100 * len(self.chunk.done) / len(self.chunk.frames):.1f}")
            how = "there already" if event.skipped else f"{100 * event.changed:.2f} % changed, {event.seconds:.1f} s"
            self.say("status", f"frame {event.frame}: {how}; {self.chunk.describe()}")
        elif isinstance(event, Started):
            self.say("status", f"restoring on {event.device}; {self.chunk.describe()}")
        elif isinstance(event, Warning) and event.failed and event.frame is not None:
            self._set_aside(event.frame, event.text)
        elif isinstance(event, Warning):
            self.say("status", f"frame {event.frame}: {event.text}" if event.frame is not None else event.text)
        elif isinstance(event, Failed):
            self._code = event.code

    def _cancelled(self) -> bool:
        """Whether the job is to be cancelled now: after a stop was asked for, once the frame then in hand is whole."""
        if not self.stopped():
            return False
        if self._until is None:
            self._until = time.monotonic() + GRACE_S
            devices = self.client.status().devices
            self._last = next((one.frame for one in devices if one.job == self.job), None)
            self.say("status", "stopping" + ("" if self._last is None else f" after frame {self._last}"))
        return self._last is None or self._last in self.chunk.done or time.monotonic() > self._until


def identity(spec: JobSpec) -> str:
    """The name of the client that asks for this: the same task comes back as the same client."""
    return _name({"client": _plain(spec)})


def take_up(client: Client, spec: JobSpec) -> str:
    """The open job that asks for exactly this, or a new one; returns its name.

    Raises:
        RefusedError: the engine does not take it.
        UnreachableError: it does not answer.
    """
    from frdm_bridge.errors import UnknownJobError

    attempt = 0
    while True:
        name = _name({"job": _plain(spec), "attempt": attempt})
        try:
            if client.jobs(job=name).jobs[0].state in OPEN:
                return name
        except UnknownJobError:
            return client.submit(spec, job=name)
        attempt += 1


def _plain(spec: JobSpec) -> object:
    from frdm_bridge.fields import plain_record

    return plain_record(spec)


def _name(facts: object) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
