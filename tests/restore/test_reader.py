"""What the reader holds: pictures behind the frame in hand, whole frames from it on, and no more ahead than it may."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from frdm_engine.plates import Sequence, Shots, resolve
from frdm_engine.restore import reader as reading
from frdm_engine.restore.reader import Reader
from tests.restore.on_disk import HEIGHT, WIDTH

Shoot = Callable[..., Sequence]
FRAME_BYTES = HEIGHT * WIDTH * 3 * (2 + 4)


def reader_of(source: Sequence) -> Reader:
    space = resolve("linear", metadata={}, path_suffix=".exr", dtype="float16")
    return Reader(source, space=space, layer=None, reach=2, size={"": (HEIGHT, WIDTH)}, shots=Shots())


def test_frames_walked_past_are_pictures_alone(shoot: Shoot) -> None:
    with reader_of(shoot()) as reader:
        first = reader.window(3)
        assert all(frame.plate is not None for frame in first.values())
        second = reader.window(4)
        assert {number: frame.plate is not None for number, frame in second.items()} == {
            2: False, 3: False, 4: True, 5: True, 6: True,
        }  # fmt: skip
        np.testing.assert_array_equal(second[3].pictures[""], first[3].pictures[""])
        assert second[4].bytes == FRAME_BYTES
        assert second[3].bytes == HEIGHT * WIDTH * 3 * 4


def test_a_frame_asked_for_once_more_has_its_plate(shoot: Shoot) -> None:
    with reader_of(shoot()) as reader:
        reader.window(4)
        plate = reader.window(3)[3].plate
        assert plate is not None
        assert plate.frame == 3


def test_frames_that_only_tell_a_cut_are_small_frames_alone(shoot: Shoot) -> None:
    """Without known cuts one frame more is held on each side; walked back to, it is read again."""
    source = shoot(range(1, 9))
    space = resolve("linear", metadata={}, path_suffix=".exr", dtype="float16")
    with Reader(source, space=space, layer=None, reach=2, size={"": (HEIGHT, WIDTH)}, shots=None) as reader:
        before = reader.window(3)[2].pictures[""]
        reader.window(5)
        held = {number: frame.result() for number, frame in reader._held.items()}
        assert sorted(held) == [2, 3, 4, 5, 6, 7, 8]
        assert [number for number, frame in held.items() if not frame.pictures] == [2]
        assert held[2].bytes == 0
        again = reader.window(4)
        assert sorted(again) == [2, 3, 4, 5, 6]
        np.testing.assert_array_equal(again[2].pictures[""], before)


@pytest.mark.parametrize(("room", "ahead"), [(0, 1), (FRAME_BYTES, 1), (2 * FRAME_BYTES, 2), (9 * FRAME_BYTES, 3)])
def test_as_many_frames_are_read_ahead_as_there_is_room_for(
    shoot: Shoot, monkeypatch: pytest.MonkeyPatch, room: int, ahead: int
) -> None:
    monkeypatch.setattr(reading, "AHEAD_BYTES", room)
    with reader_of(shoot(range(1, 13))) as reader:
        reader.window(3, upcoming=(4, 5, 6))
        assert max(reader._held) == 3 + 2 + ahead


def test_pixels_that_are_all_numbers_need_no_mask(shoot: Shoot) -> None:
    with reader_of(shoot()) as reader:
        assert reader.window(3)[3].usable == {"": None}
