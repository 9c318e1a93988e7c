"""Messages hold what PROTOCOL.md says, and nothing else."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from frdm_bridge import messages as m
from frdm_bridge.codec import decode, encode
from frdm_bridge.errors import MessageError
from frdm_bridge.fields import KIND, Choice, Flag, Integer, Listing, Maybe, Number, Text, plain_record, read_record
from frdm_bridge.frames import FrameList, count_frames
from frdm_bridge.jobs import JobSpec, Settings
from tests.bridge.portable.samples import ID, SAMPLES, SPEC, buffers_of, reply_to


def name_of(sample: Any) -> Any:
    return sample.TYPE


def test_there_is_a_sample_of_every_message() -> None:
    assert {type(sample) for sample in SAMPLES} == set(m.TYPES.values())
    assert len(m.TYPES) == len(set(m.TYPES.values()))


@pytest.mark.parametrize("sample", SAMPLES, ids=name_of)
def test_a_message_comes_back_as_it_was_sent(sample: Any) -> None:
    packet = decode(encode(sample, id=ID, reply_to=reply_to(sample), buffers=buffers_of(sample)))
    assert packet.message == sample
    assert (packet.id, packet.reply_to, packet.buffers) == (ID, reply_to(sample), buffers_of(sample))


@pytest.mark.parametrize("sample", SAMPLES, ids=name_of)
def test_a_message_cannot_be_changed(sample: Any) -> None:
    for one in fields(sample):
        with pytest.raises(FrozenInstanceError):
            setattr(sample, one.name, getattr(sample, one.name))


@pytest.mark.parametrize("sample", SAMPLES, ids=name_of)
def test_every_field_refuses_what_it_does_not_take_and_is_named(sample: Any) -> None:
    for one in fields(sample):
        for wrong in (object(), [object()], {"a": 1}, float("nan"), -(10**400), "\x00", "\ud800"):
            with pytest.raises(MessageError, match=one.name):
                one.metadata[KIND].check(wrong, one.name)


@pytest.mark.parametrize("sample", SAMPLES, ids=name_of)
def test_a_missing_and_an_unknown_field_are_named(sample: Any) -> None:
    plain = json.loads(json.dumps(plain_record(sample)))
    with pytest.raises(MessageError, match="'colour'"):
        read_record(type(sample), {**plain, "colour": 1})
    assert read_record(type(sample), {**plain, "colour": 1}, lenient=True) == sample
    for one in fields(sample):
        less = {name: value for name, value in plain.items() if name != one.name}
        try:
            read_record(type(sample), less)
        except MessageError as error:
            assert repr(one.name) in str(error)  # noqa: PT017 - fields with a default may be left out


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Integer(1, 9), (1, 9), (0, 10, True, 1.0, "1", None)),
        (Number(0, 16), (0, 16, 0.5), (-0.1, 16.1, True, float("inf"), float("nan"), 10**400, "1")),
        (Flag(), (True, False), (0, 1, "true", None)),
        (Text(3, 1), ("a", "äöü"), ("", "abcd", "a\n", "a\x7f", 5, None)),
        (Text(3, lines=True), ("", "a\nb"), ("a\x00b", "a\rb")),
        (Choice(("a", "b")), ("a",), ("c", "", None, ["a"])),
        (Listing(Integer(0, 1), 2, 1), ([0], (0, 1)), ([], [0, 0, 0], [2], "0", {0: 1})),
        (Maybe(Integer(0, 1)), (None, 1), (2, "")),
        (
            FrameList(),
            ("", "1", "1-5", "-5--1,7", "1-9x2"),
            ("a", "5-1", "1-9x0", "1-100001", "1,,2", " 1", "1-5:2", 7),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_bounds_of_each_kind(kind: Any, good: Any, bad: Any) -> None:
    for value in good:
        kind.check(value, "x")
    for value in bad:
        with pytest.raises(MessageError, match=r"^x(\[0\])? is "):
            kind.check(value, "x")


def test_an_error_says_what_a_field_takes() -> None:
    with pytest.raises(MessageError, match=r"Settings\.strength is 17; it must be a number from 0 to 16\."):
        Settings(strength=17)


def test_frames_are_counted_without_counting_them_out() -> None:
    assert count_frames("0-999999999") == 10**9
    assert count_frames("1-10x3,20") == 5
    assert count_frames("1-10x3,") == -1


def test_a_job_needs_only_source_and_output() -> None:
    spec = JobSpec(source="/a/p.%04d.exr", output="/b")
    assert (spec.frames, spec.existing, spec.priority, spec.settings) == ("", "refuse", "batch", Settings())
    assert SPEC.path_map[0].client == "P:\\show"
