"""What an attacker, a bug or a torn wire may send: answers by name, nothing written outside, nothing that grows."""

from __future__ import annotations

import json
import os
import random
import struct
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import psutil
import pytest
import zmq

from frdm_bridge import JobSpec
from frdm_bridge import messages as m
from frdm_bridge.codec import MAGIC, MOST_FRAMES, decode, encode, new_id
from frdm_bridge.discovery import read_connection
from frdm_bridge.errors import JobFailedError, MessageError, RefusedError
from frdm_bridge.version import PROTOCOL_TEXT
from tests.bridge import hostile
from tests.bridge.doors import Door
from tests.restore.on_disk import save

COUNT = int(os.environ.get("FRDM_FUZZ", "3000"))
"""Messages to send; 100,000 for the whole proof."""
BATCH = 20


@contextmanager
def raw(door: Door, **options: Any) -> Iterator[zmq.Socket[bytes]]:
    """A bare socket at the engine's address, with its keys unless told otherwise."""
    connection = read_connection(door.listener.connection_file)
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        keys = options.get("keys", (connection.server_key, connection.public_key, connection.secret_key))
        if keys and keys[0]:
            socket.curve_serverkey, socket.curve_publickey, socket.curve_secretkey = (one.encode() for one in keys)
        socket.connect(connection.address)
        yield socket


def ask(socket: zmq.Socket[bytes], frames: list[bytes], *, wait_ms: int = 30_000) -> m.Message | None:
    socket.send_multipart(frames)
    return decode(socket.recv_multipart()).message if socket.poll(wait_ms) else None


def hello(socket: zmq.Socket[bytes]) -> None:
    assert isinstance(ask(socket, encode(m.Hello(client=new_id()), id=new_id())), m.Welcome)


def tree(folder: Path) -> dict[str, Any]:
    """Everything below a folder, by name and content."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))}


def resident() -> int:
    return int(psutil.Process().memory_info().rss)


def test_mutated_and_random_messages(door: Door) -> None:
    rng = random.Random(7)
    before = tree(door.source) | tree(door.private)
    codes: Counter[str] = Counter()
    slowest = 0.0
    with raw(door) as socket, raw(door) as other:
        hello(socket)
        hello(other)
        settled = resident()
        for sent in range(0, COUNT, BATCH):
            for _ in range(BATCH):
                socket.send_multipart(hostile.message(rng))
            began = time.monotonic()
            assert isinstance(ask(other, encode(m.Ping(), id=new_id())), m.Pong), f"silent after {sent} messages"
            slowest = max(slowest, time.monotonic() - began)
            while socket.poll(0):
                answer = decode(socket.recv_multipart()).message
                codes[answer.code if isinstance(answer, m.Error) else answer.TYPE] += 1
            if sent % 1000 == 0:
                hello(socket) if codes["hello_first"] > 1000 else None
        time.sleep(0.5)
        while socket.poll(200):
            answer = decode(socket.recv_multipart()).message
            codes[answer.code if isinstance(answer, m.Error) else answer.TYPE] += 1
    print(f"{COUNT} messages, answered {dict(codes)}, slowest ping {1000 * slowest:.0f} ms")
    assert door.listener.alive
    assert codes["malformed"] > COUNT / 10
    assert codes["internal"] == 0, "an error without a name"
    assert tree(door.source) | tree(door.private) == before
    assert not (door.out.parent / "clean").exists()
    assert resident() - settled < 200 * 2**20


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
requests = st.sampled_from([kind.TYPE for kind in m.REQUESTS])


@hypothesis.given(kind=requests, body=st.dictionaries(st.sampled_from(["job", "bundle", "name", "path"]), json_like))
@hypothesis.settings(max_examples=300)
def test_any_body_is_a_message_or_an_error_by_name(kind: str, body: dict[str, Any]) -> None:
    head = {"id": new_id(), "reply_to": "", "version": PROTOCOL_TEXT, "type": kind, "body": body}
    with suppress(MessageError):
        assert kind == decode([MAGIC, json.dumps(head).encode()]).message.TYPE


@hypothesis.given(frames=st.lists(st.binary(max_size=200), max_size=6))
def test_any_bytes_are_refused_by_name(frames: list[bytes]) -> None:
    with pytest.raises(MessageError):
        decode(frames)


def test_oversized_frames_end_the_connection_and_nothing_else(door: Door) -> None:
    settled = resident()
    for _ in range(5):
        with raw(door) as socket:
            hello(socket)
            assert ask(socket, hostile.oversized(random.Random(0)), wait_ms=300) is None
    with raw(door) as socket:
        hello(socket)
        many = ask(socket, [MAGIC] + [b"x" * 1000] * 2000)
        assert isinstance(many, m.Error)
        assert (many.code, str(MOST_FRAMES) in many.sentence) == ("too_large", True)
    assert resident() - settled < 100 * 2**20


def test_another_version_and_no_hello_are_told(door: Door) -> None:
    with raw(door) as socket:
        silent = ask(socket, encode(m.Ping(), id=new_id()))
        assert isinstance(silent, m.Error)
        assert silent.code == "hello_first"
        frames = encode(m.Hello(client=new_id()), id=new_id())
        newer = ask(socket, [frames[0], frames[1].replace(PROTOCOL_TEXT.encode(), b"2.0")])
        assert isinstance(newer, m.Error)
        assert newer.code == "version"
        assert f"update the one that speaks {PROTOCOL_TEXT}, client or engine" in newer.sentence


def test_only_a_known_key_comes_in(tcp_door: Door) -> None:
    connection = read_connection(tcp_door.listener.connection_file)
    frames = encode(m.Hello(client=new_id()), id=new_id())
    public, secret = (key.decode() for key in zmq.curve_keypair())
    foreign, _ = (key.decode() for key in zmq.curve_keypair())
    for keys in (
        None,
        (connection.server_key, public, secret),
        (foreign, connection.public_key, connection.secret_key),
    ):
        with raw(tcp_door, keys=keys) as socket:
            assert ask(socket, frames, wait_ms=500) is None
    with raw(tcp_door) as socket:
        hello(socket)


def test_a_client_cannot_send_events_or_answers(door: Door) -> None:
    with raw(door) as socket:
        hello(socket)
        for message in (m.Done(job="0" * 32, seq=1, time=0.0, frames=1, seconds=1.0), m.Ok()):
            refused = ask(socket, encode(message, id=new_id()))
            assert isinstance(refused, m.Error)
            assert refused.code == "malformed"


def test_chunks_beyond_credit_are_refused(door: Door) -> None:
    bundle, size = new_id(), 40 * 2**20
    with raw(door) as socket:
        hello(socket)
        credit = ask(socket, encode(m.Upload(bundle=bundle, name="p.exr", size=size, sha256="0" * 64), id=new_id()))
        assert isinstance(credit, m.Credit)
        assert credit.until == 8 * 2**20
        payload = bytes(2**20)
        for index in range(60):
            chunk = m.Chunk(bundle=bundle, name="p.exr", offset=2**40 + index, crc32=0)
            socket.send_multipart(encode(chunk, id=new_id(), buffers=[payload]))
        answers = [decode(socket.recv_multipart()).message for _ in range(60) if socket.poll(20_000)]
        assert {answer.code for answer in answers if isinstance(answer, m.Error)} <= {"offset", "busy"}
        assert len(answers) == 60
        ask(socket, encode(m.Release(bundle=bundle), id=new_id()))


def test_a_slow_reader_costs_no_memory_and_misses_nothing(door: Door) -> None:
    with door.client() as client:
        job = client.submit(JobSpec(source=str(door.plate), output=str(door.out / "slow")))
        client.wait(job, patience=300.0)
        last = len(door.service.events(job))
        with raw(door) as socket:
            hello(socket)
            settled = resident()
            for _ in range(3000):
                socket.send_multipart(encode(m.Subscribe(job=job), id=new_id()))
                if client.ping() > 5.0:
                    pytest.fail("the slow reader holds up others")
            assert resident() - settled < 50 * 2**20
            told: list[int] = []
            while socket.poll(3000):
                message = decode(socket.recv_multipart()).message
                if isinstance(message, m.Event):
                    told.append(message.seq)
    # Whatever subscription the reader's pace left standing was told to its end, in order.
    assert told[-last:] == list(range(1, last + 1))


def test_files_that_are_none_end_their_job_by_name(door: Door) -> None:
    header = struct.pack("<II", 20000630, 2) + b"channels\0chlist\0" + struct.pack("<I", 2**31 - 1)
    rng = np.random.default_rng(0)
    whole = save(
        door.source / "whole" / "whole.1.exr", ({c: rng.random((32, 48)).astype(np.float16) for c in "RGB"}, {})
    )
    content = whole.read_bytes()
    huge = bytearray(content)
    at = huge.index(b"dataWindow\0box2i\0") + len(b"dataWindow\0box2i\0") + 4
    huge[at : at + 16] = struct.pack("<4i", 0, 0, 2**30, 2**30)
    cases = {
        "header": header,
        "huge": bytes(huge),
        "torn": content[: len(content) // 2],
        "empty": b"",
        "text": b"hi" * 99,
    }
    with door.client() as client:
        for name, data in cases.items():
            folder = door.source / "bad" / name
            folder.mkdir(parents=True)
            (folder / "p.1.exr").write_bytes(data)
            job = client.submit(JobSpec(source=str(folder / "p.%d.exr"), output=str(door.out / name / "o.%d.exr")))
            with pytest.raises(JobFailedError, match=r"p\.1\.exr"):
                client.wait(job, patience=300.0)
            assert not list((door.out / name).glob("*.exr")) if (door.out / name).exists() else True
        nan = {c: np.full((32, 48), np.nan, np.float16) for c in "RGB"}
        save(door.source / "nan" / "p.1.exr", (nan, {}))
        job = client.submit(JobSpec(source=str(door.source / "nan"), output=str(door.out / "nan" / "o.%d.exr")))
        assert client.wait(job, patience=300.0).frames == 1


def test_pipes_devices_and_links_as_paths(door: Door) -> None:
    folder = door.source / "odd"
    folder.mkdir()
    os.mkfifo(folder / "pipe.1.exr")
    (folder / "zero.1.exr").symlink_to("/dev/zero")
    (folder / "out.1.exr").symlink_to(door.private / "p.exr")
    (door.private / "p.exr").write_bytes(b"secret")
    before = tree(door.private)
    (door.out / "led").mkdir()
    (door.out / "led" / "o.frdm.jsonl").symlink_to(door.private / "stolen")
    (door.out / "led" / "f.1001.exr").symlink_to(door.private / "stolen")
    sources = [
        folder / "pipe.1.exr",
        folder / "zero.1.exr",
        folder / "out.1.exr",
        Path("/dev/stdin"),
        Path("/proc/1/mem"),
    ]
    sources += [folder / "pipe.%d.exr", folder / "zero.%d.exr", folder / "out.%d.exr"]
    with door.client() as client:
        for path in sources:
            with pytest.raises(RefusedError) as caught:
                client.submit(JobSpec(source=str(path), output=str(door.out / "odd" / "o.1.exr")))
            assert caught.value.code in ("access", "input")
        for name in ("o", "f"):
            with pytest.raises(RefusedError, match="no plain file"):
                client.submit(JobSpec(source=str(door.plate), output=str(door.out / "led" / f"{name}.%04d.exr")))
    assert tree(door.private) == before
