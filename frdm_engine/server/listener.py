"""The door of the engine: one thread that owns the sockets and never waits for anything but them.

hello and ping are answered at once. All else goes to one of two lanes, threads of their own: `desk` for jobs, where a
slow disk may hold things up, and `spool` for streamed pixels. What a lane has to say comes back through a queue and a
wake-up byte, as does the news that a job has events. Events are pulled from the journal at the pace of each reader,
who therefore costs no memory.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import zmq

from frdm_bridge import messages as m
from frdm_bridge.codec import MOST_FRAMES, Packet, decode, encode, error_of, new_id
from frdm_bridge.discovery import FILE_NAME, Connection, runtime_folder
from frdm_bridge.errors import MessageError
from frdm_engine.errors import FrdmError, ServerError
from frdm_engine.server.desk import Desk, Service
from frdm_engine.server.door import endpoint, exchange_folder, open_door, take_door
from frdm_engine.server.keys import Keys, private_folder, write_connection, zap_answer
from frdm_engine.server.peers import Peer, Peers, Subscription
from frdm_engine.server.roots import Roots
from frdm_engine.server.shared import place, take
from frdm_engine.server.spool import Spool
from frdm_engine.server.wire import code_of, sentence_of
from frdm_engine.version import __version__

log = logging.getLogger(__name__)

SPOOL_LIMIT = 50 * 2**30
TICK_MS = 100
"""How often readers that were full are tried again."""
A_TURN = 64
"""Messages taken in before lanes and readers get their turn."""
SWEEP_S = 3600.0
MOST_HELD = 512 * 2**20
"""Bytes of messages that wait for a lane, of all peers."""
REACH = 8
"""Frames on each side that may have a say in a frame: what a client that streams sends along."""
_SPOOLED = (m.Upload, m.Chunk, m.Find, m.Fetch, m.Release, m.Place, m.Take)


class Listener:
    """Takes requests for a service. `start` returns once it listens.

    ``address``: `tcp://HOST:PORT` (port 0: any free one), always with CURVE; None: ipc in the runtime folder.
    ``home``: private folder for keys and spool. ``runtime``: private folder for socket and connection file.

    Raises:
        ServerError: a folder or key is not private, or the address cannot be used.
    """

    def __init__(
        self,
        service: Any,
        *,
        home: Path,
        roots: Roots,
        address: str | None = None,
        runtime: Path | None = None,
        spool_limit: int = SPOOL_LIMIT,
    ) -> None:
        self.runtime = private_folder(runtime or runtime_folder())
        self.address = address or f"ipc://{self.runtime / 'engine.sock'}"
        self.connection_file = self.runtime / FILE_NAME
        self.engine = new_id()
        self.keys = Keys.open(private_folder(home) / "keys")
        self.spool = Spool(home / "spool", limit=spool_limit)
        self.exchange = exchange_folder(self.runtime)
        self.desk = Desk(service, roots=roots, spool=self.spool)
        self.peers = Peers()
        self._service: Service = service
        self._lanes = {name: ThreadPoolExecutor(1, thread_name_prefix=f"frdm-{name}") for name in ("desk", "spool")}
        self._held = 0
        self._back: deque[Callable[[], None]] = deque()
        self._woken: deque[str] = deque()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._swept = time.monotonic()

    @property
    def alive(self) -> bool:
        """Whether it listens."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Binds the address, writes the connection file and listens on a thread of its own.

        Raises:
            ServerError: the address cannot be used, or another engine uses it.
        """
        self._lock = take_door(self.runtime)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        try:
            self._router, self._zap = open_door(self._context, self.address, runtime=self.runtime, keys=self.keys)
        except BaseException:
            self._context.destroy(linger=0)
            os.close(self._lock)
            raise
        self.address = endpoint(self._router)
        self._wake_read, self._wake_write = socket.socketpair()
        for end in (self._wake_read, self._wake_write):
            end.setblocking(False)
        self._service.on_event = self._news  # type: ignore[attr-defined]
        keys = (self.keys.engine.public, self.keys.client.public, self.keys.client.secret)
        curve = dict(zip(("server_key", "public_key", "secret_key"), keys, strict=True)) if self._zap else {}
        self._thread = threading.Thread(target=self._run, name="frdm-listener", daemon=True)
        self._thread.start()
        write_connection(self.connection_file, Connection(address=self.address, pid=os.getpid(), **curve))
        log.info("listening at %s", self.address)

    def stop(self) -> None:
        """Ends it and removes the connection file; jobs are the service's business. May be called twice."""
        if self._thread is None or self._stop.is_set():
            return
        self._stop.set()
        self._wake()
        self._thread.join()
        for lane in self._lanes.values():
            lane.shutdown(wait=True, cancel_futures=True)
        self.spool.close()
        self.connection_file.unlink(missing_ok=True)
        self._context.destroy(linger=0)
        self._wake_read.close()
        self._wake_write.close()
        os.close(self._lock)

    # --- The thread that owns the sockets -----------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._listen()
        except BaseException:
            log.critical("the listener ended with an error; restart the engine", exc_info=True)
            raise

    def _listen(self) -> None:
        poller = zmq.Poller()
        poller.register(self._router, zmq.POLLIN)
        poller.register(self._wake_read.fileno(), zmq.POLLIN)
        if self._zap is not None:
            poller.register(self._zap, zmq.POLLIN)
        while not self._stop.is_set():
            ready = dict(poller.poll(TICK_MS))
            if self._zap is not None and self._zap in ready:
                self._zap.send_multipart(zap_answer(self._zap.recv_multipart(), self.keys))
            if self._wake_read.fileno() in ready:
                with contextlib.suppress(BlockingIOError):
                    while self._wake_read.recv(4096):
                        pass
            while self._back:
                self._back.popleft()()
            self._spread_news()
            for _ in range(A_TURN):
                frames = self._receive()
                if frames is None:
                    break
                self._handle(frames[0], frames[1:])
            for peer, subscription in self.peers.stalled():
                self._pump(peer, subscription)
            self._sweep()

    def _receive(self) -> list[bytes] | None:
        """The next message, frames beyond what any may have dropped as they come."""
        try:
            frames = [self._router.recv(zmq.DONTWAIT)]
        except zmq.Again:
            return None
        while self._router.getsockopt(zmq.RCVMORE):
            frame = self._router.recv(zmq.DONTWAIT)
            frames.append(frame if len(frames) <= MOST_FRAMES else b"")
            del frames[MOST_FRAMES + 2 :]
        return frames

    def _handle(self, identity: bytes, frames: list[bytes]) -> None:
        try:
            packet = decode(frames)
        except MessageError as error:
            self._send(identity, error_of(error), reply_to=error.packet_id)
            return
        message = packet.message
        if isinstance(message, m.Hello):
            if self.peers.greet(identity, message.client) is None:
                self._refuse(identity, packet, "busy", "The engine has as many clients as it takes; try again later.")
                return
            self._send(identity, self._welcome(), reply_to=packet.id)
            return
        peer = self.peers.heard(identity)
        if peer is None:
            self._refuse(identity, packet, "hello_first", "The engine does not know this connection; say hello first.")
        elif isinstance(message, m.Ping):
            self._send(identity, m.Pong(engine=self.engine), reply_to=packet.id)
        elif type(message) not in m.REQUESTS:
            self._refuse(identity, packet, "malformed", f"A client may not send {message.TYPE}; see PROTOCOL.md.")
        else:
            self._hand_over(peer, packet, sum(map(len, frames)))

    def _welcome(self) -> m.Welcome:
        return m.Welcome(
            engine=self.engine,
            version=__version__,
            chunk=m.CHUNK,
            window=self.spool.window,
            reach=REACH,
            exchange=str(self.exchange),
            model=self._service.model_sha256,
        )

    def _hand_over(self, peer: Peer, packet: Packet, size: int) -> None:
        """Gives a request to its lane, unless too much waits there already."""
        if not peer.may_wait(size) or self._held + size > MOST_HELD:
            self._refuse(peer.identity, packet, "busy", "Too many requests wait for an answer; send fewer at a time.")
            return
        peer.waiting += 1
        peer.held += size
        self._held += size
        lane = "spool" if isinstance(packet.message, _SPOOLED) else "desk"
        clients = len(self.peers)

        def work() -> tuple[m.Message, tuple[bytes, ...]]:
            return self._answer(packet, peer, clients)

        def back(future: Future[tuple[m.Message, tuple[bytes, ...]]]) -> None:
            if not future.cancelled():
                self._later(lambda: self._deliver(peer, packet, size, *future.result()))

        self._lanes[lane].submit(work).add_done_callback(back)

    def _deliver(self, peer: Peer, packet: Packet, size: int, answer: m.Message, buffers: tuple[bytes, ...]) -> None:
        peer.waiting -= 1
        peer.held -= size
        self._held -= size
        self._send(peer.identity, answer, reply_to=packet.id, buffers=buffers)
        wanted = packet.message
        if isinstance(wanted, m.Subscribe) and isinstance(answer, m.Ok):
            subscription = peer.subscriptions.get(wanted.job)
            if subscription is not None:
                self._pump(peer, subscription)

    def _refuse(self, identity: bytes, packet: Packet, code: str, sentence: str) -> None:
        self._send(identity, m.Error(code=code, sentence=sentence), reply_to=packet.id)

    def _send(
        self, identity: bytes, message: m.Message, *, reply_to: str = "", buffers: tuple[bytes, ...] = ()
    ) -> bool:
        """Whether the message was taken: it is not where the reader is full, or gone. A client asks again."""
        try:
            self._router.send_multipart(
                [identity, *encode(message, id=new_id(), reply_to=reply_to, buffers=buffers)], zmq.DONTWAIT
            )
        except zmq.Again:
            return False
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            self.peers.drop(identity)
            return False
        return True

    # --- Events -------------------------------------------------------------------------------------------------------

    def _news(self, job: str, client: str, seq: int) -> None:
        """Called by the service, on any thread, when a job has another event."""
        del client, seq  # the journal tells what there is
        self._woken.append(job)
        self._wake()

    def _spread_news(self) -> None:
        jobs = set()
        while self._woken:
            jobs.add(self._woken.popleft())
        for peer, subscription in self.peers.following(jobs):
            subscription.more = True
            self._pump(peer, subscription)

    def _pump(self, peer: Peer, subscription: Subscription) -> None:
        """Sends what was pulled; pulls again when all of that is gone. One pull of a subscription at a time."""
        while subscription.ready:
            if not self._send(peer.identity, subscription.ready[0]):
                return  # full: it is tried again at the next tick
            subscription.ready.popleft()
        if subscription.pulling or not subscription.more:
            return
        subscription.pulling, subscription.more = True, False

        def pull() -> list[m.Event]:
            return self.desk.events(subscription.snapshot, after=subscription.after)

        def back(future: Future[list[m.Event]]) -> None:
            if not future.cancelled():
                self._later(lambda: self._pulled(peer, subscription, future))

        self._lanes["desk"].submit(pull).add_done_callback(back)

    def _pulled(self, peer: Peer, subscription: Subscription, future: Future[list[m.Event]]) -> None:
        subscription.pulling = False
        error = future.exception()
        if error is not None:
            log.error("events of job %s cannot be told", subscription.job, exc_info=error)
            self._send(peer.identity, m.Error(code=code_of(error), sentence=sentence_of(error)))
            return
        found = future.result()
        if found:
            subscription.after = found[-1].seq
            subscription.more = True
            subscription.ready.extend(found)
        self._pump(peer, subscription)

    # --- The lanes ----------------------------------------------------------------------------------------------------

    def _answer(self, packet: Packet, peer: Peer, clients: int) -> tuple[m.Message, tuple[bytes, ...]]:
        """The answer to a request, errors included. Runs on a lane."""
        message = packet.message
        try:
            if isinstance(message, m.Chunk):
                return self.spool.chunk(message, packet.buffers[0]), ()
            if isinstance(message, m.Fetch):
                chunk, payload = self.spool.fetch(message)
                return chunk, (payload,)
            if isinstance(message, _SPOOLED):
                return self._spooled(message), ()
            if isinstance(message, m.Subscribe):
                return self._follow(peer, message), ()
            return self.desk.answer(message, client=peer.client, clients=clients), ()
        except FrdmError as error:
            return m.Error(code=code_of(error), sentence=sentence_of(error)), ()
        except OSError as error:
            sentence = f"{message.TYPE} failed: {error.strerror or error}; check the path and the disk."
            return m.Error(code="input", sentence=sentence_of(ServerError(sentence))), ()
        except Exception as error:
            log.exception("a request %s went wrong", message.TYPE)
            return m.Error(
                code="internal", sentence=sentence_of(ServerError(f"{message.TYPE} went wrong: {error!r}; report it."))
            ), ()

    def _follow(self, peer: Peer, wanted: m.Subscribe) -> m.Message:
        snapshot = self.desk.follow(wanted.job)
        peer.check_room(wanted.job)
        # Peers belong to the sockets' thread; this comes to its turn before the answer does.
        self._later(lambda: peer.follow(wanted.job, after=wanted.since, snapshot=snapshot))
        return m.Ok()

    def _spooled(self, message: m.Message) -> m.Message:
        match message:
            case m.Upload():
                return self.spool.upload(message)
            case m.Find():
                return self.spool.find(message)
            case m.Release(bundle=bundle):
                if bundle in self._lanes["desk"].submit(self.desk.bundles_in_use).result():
                    return m.Error(code="conflict", sentence="A job still needs that bundle; cancel the job first.")
                self.spool.release(bundle)
            case m.Place():
                place(message, exchange=self.exchange, spool=self.spool)
            case m.Take():
                take(message, exchange=self.exchange, spool=self.spool)
        return m.Ok()

    def _sweep(self) -> None:
        """Once an hour: bundles nobody used for a day."""
        if time.monotonic() - self._swept < SWEEP_S:
            return
        self._swept = time.monotonic()

        def work() -> None:
            try:
                gone = self.spool.sweep(self._lanes["desk"].submit(self.desk.bundles_in_use).result())
            except FrdmError:
                log.exception("the spool could not be swept")
            else:
                log.info("%d bundles unused for a day are removed", len(gone))

        self._lanes["spool"].submit(work)

    def _later(self, call: Callable[[], None]) -> None:
        """Runs a call on the thread that owns the sockets."""
        self._back.append(call)
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # a byte is in there already
            self._wake_write.send(b"!")
