"""The client: what a host calls. It speaks in messages and knows neither bytes nor sockets.

>>> with Client.connect() as engine:                                              # doctest: +SKIP
...     job = engine.submit(JobSpec(source="/in/p.%04d.exr", output="/out"))      # doctest: +SKIP
...     engine.wait(job, on_event=print)                                          # doctest: +SKIP
"""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import Callable, Optional, Sequence, Type, TypeVar, Union

from frdm_bridge.codec import LARGEST_FRAME, new_id
from frdm_bridge.discovery import Connection, connection_file, read_connection
from frdm_bridge.errors import JobCancelledError, JobFailedError, MessageError, UnreachableError
from frdm_bridge.jobs import STATES, Health, JobSpec
from frdm_bridge.launch import start_engine
from frdm_bridge.link import Link
from frdm_bridge.messages import (
    JOBS_A_PAGE,
    Cancel,
    Cancelled,
    Done,
    Event,
    Failed,
    HealthReport,
    JobList,
    Jobs,
    Message,
    Metrics,
    MetricsText,
    Ping,
    Pong,
    Release,
    Status,
    Stop,
    Submit,
    Submitted,
    Welcome,
)
from frdm_bridge.transport import Transport, ZmqTransport

QUIET = 2.0
"""Seconds without an event after which the client asks whether the engine is there."""
SLICE = 0.1
"""Seconds between two looks at `cancelled`."""

Answer = TypeVar("Answer", bound=Message)


class Client:
    """A blocking client of one engine. It belongs to the thread that made it."""

    def __init__(self, link: Link) -> None:
        self.link = link

    @classmethod
    def connect(
        cls,
        connection: Union[str, Path, Connection, None] = None,
        *,
        timeout: float = 5.0,
        program: str = "",
        client: Optional[str] = None,
        start: Optional[Sequence[str]] = None,
    ) -> Client:
        """A client of the engine that a connection file names: the given one, $FRDM_CONNECTION's, or this user's own.

        ``client`` is the name of an earlier client to come back as. ``start`` is a command that starts an engine
        where none answers, such as ``("frdm", "serve", "--daemon")``.

        Raises:
            DiscoveryError: there is no connection file, or it must not be trusted.
            UnreachableError: the engine does not answer within ``timeout`` seconds, or could not be started.
        """

        def dial() -> Transport:
            # Read anew each time: an engine started again may listen elsewhere.
            if isinstance(connection, Connection):
                found = connection
            else:
                found = read_connection(connection_file() if connection is None else connection)
            return ZmqTransport(found.address, keys=found.keys, largest_frame=LARGEST_FRAME)

        if start is not None and not isinstance(connection, Connection):
            file = connection_file() if connection is None else Path(connection)
            start_engine(start, file=file, answers=lambda: cls._answers(dial), timeout=max(timeout, 60.0))
        made = cls.over(dial, timeout=timeout, program=program, client=client)
        try:
            made.ping()
        except BaseException:
            made.close()
            raise
        return made

    @classmethod
    def over(
        cls, dial: Callable[[], Transport], *, timeout: float = 5.0, program: str = "", client: Optional[str] = None
    ) -> Client:
        """A client over any transport; nothing is sent yet."""
        return cls(Link(dial, client=client or new_id(), program=program, timeout=timeout))

    @staticmethod
    def _answers(dial: Callable[[], Transport]) -> bool:
        link = Link(dial, client=new_id(), timeout=1.0)
        try:
            link.request(Ping())
        except UnreachableError:
            return False
        finally:
            link.close()
        return True

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection. Jobs go on; a client of the same name may come back to them."""
        self.link.close()

    @property
    def name(self) -> str:
        """The client's own name, 32 digits; keep it to come back as the same."""
        return self.link.client

    @property
    def welcome(self) -> Welcome:
        """What the engine said about itself."""
        return self.link.welcome

    def ask(self, message: Message, answer: Type[Answer], *, timeout: Optional[float] = None) -> Answer:
        """The engine's answer, of the type that fits.

        Raises:
            UnreachableError: none came in time.
            RefusedError: it is an error.
            MessageError: it is of another type.
        """
        given = self.link.request(message, timeout=timeout).message
        if not isinstance(given, answer):
            raise MessageError(f"The engine answered {message.TYPE} with {given.TYPE}; update the older of the two.")
        return given

    def ping(self, *, timeout: Optional[float] = None) -> float:
        """Seconds until the engine answered.

        Raises:
            UnreachableError: it did not.
        """
        began = time.monotonic()
        self.ask(Ping(), Pong, timeout=timeout)
        return time.monotonic() - began

    def status(self) -> Health:
        """How the engine is. Raises as `ask`."""
        return self.ask(Status(), HealthReport).health

    def metrics(self) -> str:
        """Figures in the Prometheus text format. Raises as `ask`."""
        return self.ask(Metrics(), MetricsText).text

    def jobs(
        self,
        *,
        job: str = "",
        states: Sequence[str] = STATES,
        mine: bool = False,
        skip: int = 0,
        limit: int = JOBS_A_PAGE,
    ) -> JobList:
        """How jobs stand, newest first. Raises as `ask`."""
        return self.ask(Jobs(job=job, states=tuple(states), mine=mine, skip=skip, limit=limit), JobList)

    def cancel(self, job: str) -> None:
        """Ends a job; one that has ended stays as it is. Raises as `ask`."""
        self.link.request(Cancel(job=job))

    def stop(self) -> None:
        """Asks the engine to end after the frame in hand. Raises as `ask`."""
        self.link.request(Stop())

    def release(self, bundle: str) -> None:
        """Removes a bundle of streamed files. Raises as `ask`; `conflict` while a job needs it."""
        self.link.request(Release(bundle=bundle))

    def submit(self, spec: JobSpec, *, job: Optional[str] = None, timeout: float = 30.0) -> str:
        """Hands a job in and returns its name. Once this returns the job is in the engine's journal.

        Raises:
            AccessError, InputError, OutputError, BusyError: the engine does not take it.
            UnreachableError: no answer. Submitting again under the same name does not make a second job.
        """
        name = job or new_id()
        return self.ask(Submit(job=name, spec=spec), Submitted, timeout=timeout).job

    def wait(
        self,
        job: str,
        *,
        on_event: Callable[[Event], None] = lambda event: None,
        cancelled: Callable[[], bool] = lambda: False,
        since: int = 0,
        timeout: Optional[float] = None,
        patience: float = 120.0,
    ) -> Done:
        """Waits for the end of a job, over restarts of the engine, and tells of each event once.

        ``since`` is the last event known from before. When ``cancelled`` says so the job is cancelled.

        Raises:
            JobFailedError: with the engine's sentence.
            JobCancelledError: it was cancelled, here or elsewhere.
            UnreachableError: the engine was silent for ``patience`` seconds, or the job took longer than ``timeout``.
                The job goes on.
        """
        ends = None if timeout is None else time.monotonic() + timeout
        self.link.follow(job, since=since, timeout=patience)
        heard, asked = time.monotonic(), False
        try:
            while True:
                if self.link.events(timeout=SLICE):
                    heard = time.monotonic()
                    for event in self._of(job):
                        on_event(event)
                        if isinstance(event, (Done, Failed, Cancelled)):
                            return _outcome(event)
                elif time.monotonic() - heard > QUIET:
                    # Also what finds out that the engine is a new one, and subscribes again.
                    self.ping(timeout=patience)
                    heard = time.monotonic()
                if not asked and cancelled():
                    self.link.request(Cancel(job=job), timeout=patience)
                    asked = True
                if ends is not None and time.monotonic() > ends:
                    raise UnreachableError(f"Job {job} did not end in {timeout:g} s; it goes on, wait for it again.")
        finally:
            self.link.followed.pop(job, None)

    def _of(self, job: str) -> list[Event]:
        """The job's events in the inbox, taken out of it."""
        inbox = self.link.inbox
        taken = [event for event in inbox if event.job == job]
        rest = [event for event in inbox if event.job != job]
        inbox.clear()
        inbox.extend(rest)
        return taken


def _outcome(event: Event) -> Done:
    if isinstance(event, Failed):
        raise JobFailedError(event.sentence, job=event.job, frame=event.frame)
    if isinstance(event, Cancelled):
        raise JobCancelledError(
            f"Job {event.job} was cancelled after {event.frames} frames, which are whole; submit it again to go on.",
            job=event.job,
        )
    if not isinstance(event, Done):
        raise MessageError(f"{event.TYPE} is not the end of a job; update the older of client and engine.")
    return event
