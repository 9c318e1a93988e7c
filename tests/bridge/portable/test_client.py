"""The client against an engine at the far end of memory, which can fall silent, forget and start again."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from frdm_bridge import messages as m
from frdm_bridge.client import Client
from frdm_bridge.codec import decode, encode, new_id
from frdm_bridge.errors import (
    AccessError,
    BusyError,
    JobCancelledError,
    JobFailedError,
    MessageError,
    RefusedError,
    UnknownJobError,
    UnreachableError,
    UsageError,
    VersionError,
)
from frdm_bridge.jobs import JobSpec
from frdm_bridge.transport import MemoryTransport
from tests.bridge.portable.samples import ENGINE, JOB

SPEC = JobSpec(source="/in/p.%04d.exr", output="/out")
STORY = (
    m.Accepted(job=JOB, seq=1, time=1.0),
    m.Started(job=JOB, seq=2, time=2.0, device="cpu", total=2),
    m.FrameReady(job=JOB, seq=3, time=3.0, frame=1, index=0, total=2, path="/out/p.0001.exr"),
    m.FrameReady(job=JOB, seq=4, time=4.0, frame=2, index=1, total=2, path="/out/p.0002.exr"),
    m.Done(job=JOB, seq=5, time=5.0, frames=2, seconds=1.0),
)


class FarEngine:
    """Speaks the protocol at the far end of memory: remembers who said hello, tells a job's story from `since` on."""

    def __init__(self) -> None:
        self.story: tuple[m.Message, ...] = STORY
        self.refusal: m.Error | None = None
        self.silent_for = 0
        self.cut_after = 0
        self.heard: list[m.Message] = []
        self._greeted = False
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def dial(self) -> MemoryTransport:
        near, far = MemoryTransport.pair()
        thread = threading.Thread(target=self._run, args=(far,))
        thread.start()
        self._threads.append(thread)
        return near

    def forget(self) -> None:
        self._greeted = False

    def close(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, far: MemoryTransport) -> None:
        while not self._stop.is_set():
            frames = far.receive(timeout=0.01)
            if frames is None:
                continue
            packet = decode(frames)
            self.heard.append(packet.message)
            if self.silent_for:
                self.silent_for -= 1
                continue
            answer, events = self._answer(packet.message)
            far.send(encode(answer, id=new_id(), reply_to=packet.id), timeout=1.0)
            for event in events:
                far.send(encode(event, id=new_id()), timeout=1.0)
                if self.cut_after and isinstance(event, m.Event) and event.seq == self.cut_after:
                    self.cut_after = 0
                    self.forget()
                    break

    def _answer(self, message: m.Message) -> tuple[m.Message, tuple[m.Message, ...]]:
        if isinstance(message, m.Hello):
            self._greeted = True
            return m.Welcome(engine=ENGINE, version="0.1.0", chunk=m.CHUNK, window=m.CHUNK), ()
        if not self._greeted:
            return m.Error(code="hello_first", sentence="Say hello first."), ()
        if self.refusal is not None:
            return self.refusal, ()
        if isinstance(message, m.Submit):
            return m.Submitted(job=message.job, known=False), ()
        if isinstance(message, m.Subscribe):
            return m.Ok(), tuple(e for e in self.story if isinstance(e, m.Event) and e.seq > message.since)
        answers: dict[Any, m.Message] = {m.Ping: m.Pong(engine=ENGINE)}
        return answers.get(type(message), m.Ok()), ()


@pytest.fixture
def far() -> Any:
    engine = FarEngine()
    yield engine
    engine.close()


@pytest.fixture
def client(far: FarEngine) -> Any:
    with Client.over(far.dial, timeout=3.0, program="test") as made:
        yield made


def test_a_job_from_submit_to_done(client: Client) -> None:
    told: list[m.Event] = []
    job = client.submit(SPEC, job=JOB)
    assert client.wait(job, on_event=told.append) == STORY[-1]
    assert tuple(told) == STORY


def test_who_comes_back_gets_what_it_missed(client: Client) -> None:
    told: list[m.Event] = []
    client.wait(JOB, on_event=told.append, since=3)
    assert tuple(told) == STORY[3:]


def test_an_engine_that_forgot_is_greeted_again_and_nothing_is_told_twice(far: FarEngine, client: Client) -> None:
    told: list[m.Event] = []
    far.cut_after = 3
    client.wait(JOB, on_event=told.append)
    assert tuple(told) == STORY
    assert sum(isinstance(message, m.Hello) for message in far.heard) == 2


def test_a_request_that_got_lost_is_sent_again(far: FarEngine, client: Client) -> None:
    client.ping()
    far.silent_for = 1
    assert client.ping() >= 0.5


def test_silence_ends_with_a_sentence_that_helps(far: FarEngine, client: Client) -> None:
    far.silent_for = 1000
    began = time.monotonic()
    with pytest.raises(UnreachableError) as caught:
        client.ping(timeout=0.3)
    assert time.monotonic() - began < 2.0
    assert str(caught.value) == (
        "The engine at memory://memory did not answer in 0.3 s. Is it running? Start it with `frdm serve`, or see what "
        "it does with `frdm status`."
    )


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("access", AccessError),
        ("busy", BusyError),
        ("spool", BusyError),
        ("unknown_job", UnknownJobError),
        ("internal", RefusedError),
        ("version", VersionError),
    ],
)
def test_errors_become_their_classes(far: FarEngine, client: Client, code: str, kind: type[Exception]) -> None:
    client.ping()
    far.refusal = m.Error(code=code, sentence="It cannot be; do otherwise.")
    with pytest.raises(kind, match=r"It cannot be; do otherwise\."):
        client.submit(SPEC)


def test_a_failed_job_is_an_error(far: FarEngine, client: Client) -> None:
    far.story = (m.Failed(job=JOB, seq=1, time=1.0, code="input", sentence="Frame 2 is torn; replace it.", frame=2),)
    with pytest.raises(JobFailedError, match=r"Frame 2 is torn; replace it\.") as caught:
        client.wait(JOB)
    assert (caught.value.job, caught.value.frame) == (JOB, 2)


def test_a_cancelled_job_is_an_error(far: FarEngine, client: Client) -> None:
    far.story = (m.Cancelled(job=JOB, seq=1, time=1.0, frames=1),)
    with pytest.raises(JobCancelledError, match="after 1 frames"):
        client.wait(JOB)


def test_a_wait_can_be_given_up_and_cancelled(far: FarEngine, client: Client) -> None:
    far.story = STORY[:2]
    with pytest.raises(UnreachableError, match="goes on"):
        client.wait(JOB, timeout=0.3, cancelled=lambda: True)
    assert sum(isinstance(message, m.Cancel) for message in far.heard) == 1


def test_an_answer_of_another_kind_is_no_answer(far: FarEngine, client: Client) -> None:
    with pytest.raises(MessageError, match="answered status with ok"):
        client.status()
    client.close()


def test_a_client_has_a_name_to_come_back_with(far: FarEngine) -> None:
    with Client.over(far.dial, client=JOB) as one:
        one.ping()
        assert one.name == JOB
    hello = far.heard[0]
    assert isinstance(hello, m.Hello)
    assert hello.client == JOB


def test_a_closed_transport_is_not_used(far: FarEngine) -> None:
    near = far.dial()
    near.close()
    with pytest.raises(UsageError):
        near.send([b"x"], timeout=0.0)
