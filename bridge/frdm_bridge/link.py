"""Requests and answers over a transport: asks again when no answer comes, says hello when the engine is new."""

from __future__ import annotations

import time
from collections import deque
from typing import Callable, Deque, Dict, Optional, Sequence, Set

from frdm_bridge.codec import Packet, decode, encode, new_id
from frdm_bridge.errors import REFUSALS, BridgeError, MessageError, RefusedError, UnreachableError, VersionError
from frdm_bridge.messages import Error, Event, Hello, Message, Subscribe, Welcome
from frdm_bridge.transport import Transport

FIRST_TRY = 1.0
"""Seconds before a request is sent again for the first time; each time twice as long."""

Buffers = Sequence[bytes]


class Link:
    """A client's conversation with an engine. `dial` opens a transport: at first, and when the old one is of no use.

    `inbox` holds events in the order they came. `followed` says how far each job's events have been read: by it the
    link subscribes again, with nothing lost and nothing told twice.
    """

    def __init__(self, dial: Callable[[], Transport], *, client: str, program: str = "", timeout: float = 5.0) -> None:
        self.client, self.program, self.timeout = client, program, timeout
        self.inbox: Deque[Event] = deque()
        self.followed: Dict[str, int] = {}
        self._dial = dial
        self._transport: Optional[Transport] = None
        self._welcome: Optional[Welcome] = None
        self._open: Set[str] = set()
        self.address = ""

    def close(self) -> None:
        """Ends the conversation; jobs go on."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    @property
    def welcome(self) -> Welcome:
        """What the engine said about itself, asked for where it has not yet.

        Raises:
            UnreachableError: it does not answer.
        """
        if self._welcome is None:
            self._greet(time.monotonic() + self.timeout)
        if self._welcome is None:
            raise UnreachableError(self._silence(self.timeout))
        return self._welcome

    def request(self, message: Message, buffers: Buffers = (), *, timeout: Optional[float] = None) -> Packet:
        """The engine's answer.

        Raises:
            UnreachableError: none came within `timeout` seconds.
            RefusedError: the engine answered with an error, of the class that fits its code.
            MessageError: the answer is not what PROTOCOL.md says.
        """
        patience = self.timeout if timeout is None else timeout
        deadline, attempt = time.monotonic() + patience, FIRST_TRY
        asked: Set[str] = set()
        while True:
            until = min(deadline, time.monotonic() + attempt)
            try:
                if self._welcome is None:
                    self._greet(until)
                if self._welcome is not None:
                    asked.add(self.post(message, buffers, until=until))
                    answer = self._await(asked, until)
                    if answer is not None and not self._must_greet(answer):
                        return _checked(answer)
            except UnreachableError:
                # Nobody is there: the engine may have been started again at another address.
                self.redial()
                asked.clear()
            if time.monotonic() >= deadline:
                raise UnreachableError(self._silence(patience))
            attempt *= 2

    def post(self, message: Message, buffers: Buffers = (), *, until: Optional[float] = None) -> str:
        """Sends a request and does not wait; `collect` brings its answer. Returns the request's id.

        Raises:
            UnreachableError: nobody took it by the monotonic time `until`.
        """
        deadline = time.monotonic() + self.timeout if until is None else until
        name = new_id()
        frames = encode(message, id=name, buffers=buffers)
        self._connected().send(frames, timeout=deadline - time.monotonic())
        self._open.add(name)
        return name

    def collect(self, *, timeout: float) -> Optional[Packet]:
        """The next answer to what `post` sent; events go to the inbox. None where none came in time.

        Raises:
            RefusedError: the answer is an error. `hello_first` makes the link greet before it is raised.
            MessageError: it is not what PROTOCOL.md says.
        """
        deadline = time.monotonic() + timeout
        while True:
            packet = self._next(deadline)
            if packet is None:
                return None
            if packet.reply_to in self._open:
                self._open.discard(packet.reply_to)
                self._must_greet(packet)
                return _checked(packet)

    def forget(self) -> None:
        """Answers to what was posted are of no interest any more."""
        self._open.clear()

    def events(self, *, timeout: float) -> bool:
        """Takes in what comes within `timeout` seconds; says whether the inbox holds anything."""
        deadline = time.monotonic() + timeout
        while not self.inbox and self._next(deadline) is not None:
            pass
        return bool(self.inbox)

    def follow(self, job: str, *, since: int = 0, timeout: Optional[float] = None) -> None:
        """Subscribes to a job's events after `since`.

        Raises:
            UnreachableError: the engine does not answer.
            RefusedError: it has no such job.
        """
        self.followed[job] = since
        try:
            self.request(Subscribe(job=job, since=since), timeout=timeout)
        except BridgeError:
            self.followed.pop(job, None)
            raise

    def _await(self, names: Set[str], until: float) -> Optional[Packet]:
        """The first answer to any of these requests: one that was asked twice is answered twice."""
        while True:
            packet = self._next(until)
            if packet is None or packet.reply_to in names:
                self._open -= names
                return packet

    def _next(self, deadline: float) -> Optional[Packet]:
        """The next packet, events put into the inbox on the way."""
        frames = self._connected().receive(timeout=deadline - time.monotonic())
        if frames is None:
            return None
        packet = decode(frames)
        event = packet.message
        # Sent at least once: what was read before is passed over, and so are jobs nobody follows any more.
        if isinstance(event, Event) and self.followed.get(event.job, 2**53) < event.seq:
            self.followed[event.job] = event.seq
            self.inbox.append(event)
        return packet

    def _greet(self, until: float) -> None:
        """Says hello, and subscribes anew to every job that is followed."""
        hello = Hello(client=self.client, program=self.program)
        answer = self._await({self.post(hello, until=until)}, until)
        if answer is None:
            return
        message = _checked(answer).message
        if not isinstance(message, Welcome):
            raise MessageError(f"The engine answered hello with {message.TYPE}; it is no FRDM engine.")
        self._welcome = message
        for job, since in list(self.followed.items()):
            again = self._await({self.post(Subscribe(job=job, since=since), until=until)}, until)
            if again is None:
                self._welcome = None  # the next try says hello once more
                return
            _checked(again)

    def _must_greet(self, packet: Packet) -> bool:
        if isinstance(packet.message, Error) and packet.message.code == "hello_first":
            self._welcome = None
            return True
        return False

    def _connected(self) -> Transport:
        if self._transport is None:
            self._transport = self._dial()
            self.address = self._transport.address
        return self._transport

    def redial(self) -> None:
        """A new connection and a new hello: the engine may have been started again at another address."""
        self.close()
        self._welcome = None

    def _silence(self, seconds: float) -> str:
        return (
            f"The engine at {self.address or 'the address in its connection file'} did not answer in {seconds:g} s. "
            "Is it running? Start it with `frdm serve`, or see what it does with `frdm status`."
        )


def _checked(packet: Packet) -> Packet:
    """The packet, or the error it carries."""
    message = packet.message
    if not isinstance(message, Error):
        return packet
    if message.code == "version":
        raise VersionError(message.sentence)
    raise REFUSALS.get(message.code, RefusedError)(message.sentence, code=message.code)
