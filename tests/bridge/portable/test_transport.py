"""Both transports keep one promise: frames arrive whole and in order, or the sender is told."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
import zmq

from frdm_bridge.errors import UnreachableError, UsageError
from frdm_bridge.transport import MOST_WAITING, CurveKeys, MemoryTransport, ZmqTransport


class Echo:
    """An engine that sends back what it gets, on a ROUTER socket of its own."""

    def __init__(self, address: Any) -> None:
        self._context = zmq.Context()
        self._router = self._context.socket(zmq.ROUTER)
        self._router.setsockopt(zmq.LINGER, 0)
        self._router.bind(address)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            if self._router.poll(20):
                self._router.send_multipart(self._router.recv_multipart())

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._context.destroy(linger=0)


class MemoryEcho:
    """The same at the far end of a MemoryTransport."""

    def __init__(self) -> None:
        self.near, self._far = MemoryTransport.pair()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            frames = self._far.receive(timeout=0.02)
            if frames is not None:
                self._far.send(frames, timeout=1.0)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._far.close()


@pytest.fixture(params=["memory", "zmq"])
def transport(request: Any, tmp_path: Any) -> Any:
    if request.param == "memory":
        echo: Any = MemoryEcho()
        made: Any = echo.near
    else:
        address = f"ipc://{tmp_path}/e.sock"
        echo = Echo(address)
        made = ZmqTransport(address)
    yield made
    made.close()
    echo.close()


def test_frames_come_back_whole_and_in_order(transport: Any) -> None:
    for number in range(20):
        transport.send([b"FRDM1", b"%d" % number, b"\x00" * 1000], timeout=5.0)
    got = [transport.receive(timeout=5.0) for _ in range(20)]
    assert got == [[b"FRDM1", b"%d" % number, b"\x00" * 1000] for number in range(20)]


def test_nothing_comes_of_nothing(transport: Any) -> None:
    began = time.monotonic()
    assert transport.receive(timeout=0.05) is None
    assert time.monotonic() - began < 2.0


def test_a_closed_connection_says_so(transport: Any) -> None:
    transport.close()
    transport.close()
    with pytest.raises(UsageError, match="closed"):
        transport.receive(timeout=0.0)
    with pytest.raises(UsageError, match="closed"):
        transport.send([b""], timeout=0.0)


def test_memory_that_nobody_reads_fills_up() -> None:
    near, _ = MemoryTransport.pair()
    for _ in range(MOST_WAITING):
        near.send([b"x"], timeout=0.01)
    with pytest.raises(UnreachableError, match="memory"):
        near.send([b"x"], timeout=0.01)


def test_nobody_there_is_told_in_words(tmp_path: Path) -> None:
    transport = ZmqTransport(f"ipc://{tmp_path}/nobody.sock")
    with pytest.raises(UnreachableError, match="frdm serve"):
        transport.send([b"x"], timeout=0.1)
    transport.close()


def test_a_socket_belongs_to_its_thread(tmp_path: Any) -> None:
    transport = ZmqTransport(f"ipc://{tmp_path}/e.sock")
    said = []

    def other() -> None:
        try:
            transport.receive(timeout=0.0)
        except UsageError as error:
            said.append(str(error))

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    transport.close()
    assert said == ["A client belongs to the thread that opened it; open one in each thread."]


@pytest.mark.parametrize("address", ["tcp://nowhere", "nonsense", "udp://x"])
def test_an_address_of_no_use_is_told_in_words(address: Any) -> None:
    with pytest.raises(UnreachableError, match="connection file"):
        ZmqTransport(address, keys=CurveKeys("x" * 40, "x" * 40, "x" * 40))


def test_tcp_without_keys_is_refused() -> None:
    with pytest.raises(UnreachableError, match="no keys"):
        ZmqTransport("tcp://127.0.0.1:5555")


def test_keys_that_are_none_are_refused() -> None:
    with pytest.raises(UnreachableError, match="keys"):
        ZmqTransport("tcp://127.0.0.1:5555", keys=CurveKeys("short", "short", "short"))
