"""Frames of bytes from one end to the other; what they mean is the codec's business.

`ZmqTransport` is the wire. `MemoryTransport` is the same within one process: a real transport, so that nobody needs
to patch a socket to try a client.
"""

from __future__ import annotations

import abc
import queue
import threading
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

import zmq

from frdm_bridge.errors import UnreachableError, UsageError

HEARTBEAT_MS = 2_000
SILENCE_MS = 8_000
"""A connection that says nothing for so long, heartbeats included, is taken for lost and made anew."""
SEALED = 256
"""Bytes that CURVE adds to a frame, generously counted."""
MOST_WAITING = 64
"""Messages that wait in either direction before the sender has to."""


class Transport(abc.ABC):
    """Sends and receives lists of frames. Belongs to the thread that made it."""

    address: str

    @abc.abstractmethod
    def send(self, frames: Sequence[bytes], *, timeout: float) -> None:
        """Hands the frames on.

        Raises:
            UnreachableError: nobody took them within `timeout` seconds.
            UsageError: closed, or called from another thread than the one that made it.
        """

    @abc.abstractmethod
    def receive(self, *, timeout: float) -> Optional[List[bytes]]:
        """The next frames, or None where none came within `timeout` seconds.

        Raises:
            UsageError: closed, or called from another thread than the one that made it.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Ends it; what was not handed on is lost. May be called twice."""


@dataclass(frozen=True)
class CurveKeys:
    """What CURVE takes at a client: the engine's public key and the client's own pair, each 40 characters of Z85."""

    server: str
    public: str
    secret: str


def _zmq_socket(context: zmq.Context[zmq.Socket[bytes]], largest_frame: int) -> zmq.Socket[bytes]:
    socket = context.socket(zmq.DEALER)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.MAXMSGSIZE, largest_frame + SEALED)
    socket.setsockopt(zmq.SNDHWM, MOST_WAITING)
    socket.setsockopt(zmq.RCVHWM, MOST_WAITING)
    socket.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, SILENCE_MS)
    socket.setsockopt(zmq.HANDSHAKE_IVL, SILENCE_MS)
    socket.setsockopt(zmq.RECONNECT_IVL, 50)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1_000)
    # Only an open connection takes messages: send then tells when there is none.
    socket.setsockopt(zmq.IMMEDIATE, 1)
    socket.setsockopt(zmq.IPV6, 1)
    return socket


class ZmqTransport(Transport):
    """The client's end of a ZeroMQ connection, which comes back by itself when it is lost.

    Raises:
        UnreachableError: the address is none ZeroMQ can use, or it lacks CURVE which the keys ask for.
    """

    def __init__(self, address: str, *, keys: Optional[CurveKeys] = None, largest_frame: int = 2**20) -> None:
        if address.startswith("tcp://") and keys is None:
            raise UnreachableError(f"{address} is TCP and no keys were given; take both from the connection file.")
        if keys is not None and not zmq.has("curve"):
            raise UnreachableError("This pyzmq lacks CURVE, which TCP needs; install pyzmq from its wheel.")
        self.address = address
        self._thread = threading.get_ident()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = _zmq_socket(self._context, largest_frame)
        try:
            if keys is not None:
                self._socket.setsockopt(zmq.CURVE_SERVERKEY, keys.server.encode("ascii"))
                self._socket.setsockopt(zmq.CURVE_PUBLICKEY, keys.public.encode("ascii"))
                self._socket.setsockopt(zmq.CURVE_SECRETKEY, keys.secret.encode("ascii"))
            self._socket.connect(address)
        except (zmq.ZMQError, ValueError) as error:
            self.close()
            raise UnreachableError(
                f"{address} cannot be connected to ({error}); check the address and keys in the connection file."
            ) from error

    def send(self, frames: Sequence[bytes], *, timeout: float) -> None:
        """See Transport."""
        socket = self._mine()
        if not socket.poll(max(int(timeout * 1000), 0), zmq.POLLOUT):
            raise UnreachableError(f"Nobody answers at {self.address}; start the engine with `frdm serve`.")
        try:
            socket.send_multipart(frames, zmq.DONTWAIT)
        except zmq.Again as error:
            raise UnreachableError(f"The connection to {self.address} was lost while sending; try again.") from error

    def receive(self, *, timeout: float) -> Optional[List[bytes]]:
        """See Transport."""
        socket = self._mine()
        if not socket.poll(max(int(timeout * 1000), 0), zmq.POLLIN):
            return None
        return socket.recv_multipart()

    def close(self) -> None:
        """See Transport."""
        if not self._context.closed:
            self._context.destroy(linger=0)

    def _mine(self) -> zmq.Socket[bytes]:
        if self._context.closed:
            raise UsageError("This connection is closed; open a new client.")
        if threading.get_ident() != self._thread:
            raise UsageError("A client belongs to the thread that opened it; open one in each thread.")
        return self._socket


class MemoryTransport(Transport):
    """One end of a connection within a process; `pair` makes both."""

    def __init__(self, address: str, *, inward: queue.Queue[List[bytes]], outward: queue.Queue[List[bytes]]) -> None:
        self.address = address
        self._inward, self._outward, self._closed = inward, outward, False

    @classmethod
    def pair(cls, name: str = "memory") -> Tuple[MemoryTransport, MemoryTransport]:
        """The client's end and the engine's."""
        up: queue.Queue[List[bytes]] = queue.Queue(MOST_WAITING)
        down: queue.Queue[List[bytes]] = queue.Queue(MOST_WAITING)
        address = f"memory://{name}"
        return cls(address, inward=down, outward=up), cls(address, inward=up, outward=down)

    def send(self, frames: Sequence[bytes], *, timeout: float) -> None:
        """See Transport."""
        self._check()
        try:
            self._outward.put([bytes(frame) for frame in frames], timeout=max(timeout, 0.001))
        except queue.Full as error:
            raise UnreachableError(f"Nobody takes messages at {self.address}; read from its other end.") from error

    def receive(self, *, timeout: float) -> Optional[List[bytes]]:
        """See Transport."""
        self._check()
        try:
            return self._inward.get(timeout=max(timeout, 0.001))
        except queue.Empty:
            return None

    def close(self) -> None:
        """See Transport."""
        self._closed = True

    def _check(self) -> None:
        if self._closed:
            raise UsageError("This connection is closed; open a new client.")
