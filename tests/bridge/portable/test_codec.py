"""The envelope: golden bytes, versions, and everything that is not a message."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from frdm_bridge.codec import LARGEST_HEADER, MAGIC, decode, encode, error_of, new_id
from frdm_bridge.errors import MessageError, TooLargeError, VersionError
from frdm_bridge.messages import CHUNK, Error, Ping, Submitted
from frdm_bridge.version import PROTOCOL, PROTOCOL_TEXT
from tests.bridge.portable.samples import BYTES, ID, SAMPLES, buffers_of, reply_to

GOLDEN = json.loads((Path(__file__).parent.parent / "golden.json").read_text("utf-8"))


def head(**changes: Any) -> Any:
    return {"id": ID, "reply_to": "", "version": PROTOCOL_TEXT, "type": "ping", "body": {}, **changes}


def frames(plain: Any, *buffers: Any) -> Any:
    raw = plain if isinstance(plain, bytes) else json.dumps(plain).encode("utf-8")
    return [MAGIC, raw, *buffers]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.TYPE)
def test_the_bytes_are_the_golden_ones(sample: Any) -> None:
    made = encode(sample, id=ID, reply_to=reply_to(sample), buffers=buffers_of(sample))
    golden = GOLDEN[sample.TYPE]
    assert [made[0], made[1]] == [golden[0].encode("utf-8"), golden[1].encode("utf-8")]
    assert [frame.hex() for frame in made[2:]] == golden[2:]
    assert decode(made).message == sample


def test_ids_are_drawn_at_random() -> None:
    assert len({new_id() for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([], "FRDM1"),
        ([b"FRDM1"], "FRDM1"),
        ([b"FRDM2", b"{}"], "FRDM1"),
        ([b"", b""], "FRDM1"),
        (frames(b"{"), "JSON"),
        (frames(b"\xff\xfe"), "JSON"),
        (frames(b"[]"), "object"),
        (frames(b"null"), "object"),
        (frames(b"[" * 100_000), "JSON"),
        (frames(b'{"id": 1, "id": 2}'), "twice"),
        (frames(b'{"a": NaN}'), "NaN"),
        (frames(b'{"a": -Infinity}'), "Infinity"),
        (frames(head(id="x")), "id"),
        (frames(head(id=None)), "id"),
        (frames(head(reply_to="x")), "reply_to"),
        (frames(head(type="shout")), "shout"),
        (frames(head(type=["ping"])), "ping"),
        (frames(head(body=[])), "object"),
        (frames(head(body={"x": 1})), "'x'"),
        (frames(head(more=1)), "'more'"),
        (frames({"id": ID, "version": PROTOCOL_TEXT}), "reply_to"),
        (frames(head(), b"x"), "takes 0"),
        (frames(head(type="chunk", body={"bundle": ID, "name": "a", "offset": 0, "crc32": 0})), "takes 1"),
    ],
)
def test_what_is_no_message_is_refused_in_words(wrong: Any, said: Any) -> None:
    with pytest.raises(MessageError, match=said) as caught:
        decode(wrong)
    assert caught.value.code == "malformed"


@pytest.mark.parametrize("version", ["2.0", "0.9", "9999.0"])
def test_another_major_version_is_told_apart(version: Any) -> None:
    with pytest.raises(VersionError, match="update the one that speaks " + min(PROTOCOL_TEXT, version)) as caught:
        decode(frames(head(version=version, type="unheard of", body=None)))
    assert caught.value.packet_id == ID
    assert error_of(caught.value).code == "version"


@pytest.mark.parametrize("version", [None, 1, "1", "1.0.0", "x", "1.00000", ""])
def test_a_message_without_a_version_is_refused(version: Any) -> None:
    with pytest.raises(VersionError):
        decode(frames(head(version=version)))


def test_fields_of_a_newer_minor_version_are_passed_over() -> None:
    newer = f"{PROTOCOL[0]}.{PROTOCOL[1] + 1}"
    packet = decode(frames(head(version=newer, trace="x", body={"new": 1})))
    assert packet.message == Ping()
    body = {"job": ID, "known": True, "since": 5}
    assert decode(frames(head(version=newer, type="submitted", body=body))).message == Submitted(job=ID, known=True)


def test_messages_over_the_bounds_are_refused_on_both_ends() -> None:
    big = Error(code="input", sentence="x" * 2000)
    with pytest.raises(TooLargeError):
        encode(big, id=ID, buffers=[b"x"] * 2)
    with pytest.raises(TooLargeError):
        decode([MAGIC, b" " * (LARGEST_HEADER + 1)])
    with pytest.raises(TooLargeError):
        decode([*frames(head()), b"x" * (CHUNK + 1)])
    with pytest.raises(TooLargeError):
        decode([*frames(head()), b"x", b"x"])


def test_the_answer_to_a_bad_message_names_it() -> None:
    with pytest.raises(MessageError) as caught:
        decode(frames(head(type="shout")))
    assert caught.value.packet_id == ID
    assert BYTES.startswith(b"\x76\x2f\x31\x01")
