from __future__ import annotations

import pytest

from frdm_nuke import ranges
from frdm_nuke.errors import SetupError


def test_lists_are_read_and_written_with_negative_frames() -> None:
    assert ranges.parse("-3--1, 1, 5-9x2") == (-3, -2, -1, 1, 5, 7, 9)
    assert ranges.text((-3, -2, -1, 1, 5)) == "-3--1,1,5"
    assert ranges.parse(ranges.text(range(-2, 40))) == tuple(range(-2, 40))


@pytest.mark.parametrize("text", ["", "abc", "5-1", "1-", "1001..1010", "1-1000000"])
def test_what_is_no_list_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(SetupError, match="write 1001-1100"):
        ranges.parse(text)


def test_windows_end_where_the_plate_ends() -> None:
    assert list(ranges.window(1, 2, (1, 9))) == [1, 2, 3]
    assert list(ranges.window(-5, 2, (-9, -4))) == [-7, -6, -5, -4]
    assert ranges.windows((1, 9), 1, (1, 9)) == {1, 2, 8, 9}


def test_a_curve_is_one_where_there_are_frames_and_zero_elsewhere() -> None:
    assert ranges.curve(()) == "0"
    assert ranges.curve((5, 6, 9)) == "{curve K x4 0 x5 1 x7 0 x9 1 x10 0}"
    assert ranges.curve((-2, -1)) == "{curve K x-3 0 x-2 1 x0 0}"


def test_frames_are_handed_on_in_order_a_few_at_a_time() -> None:
    assert list(ranges.chunks((1, 2, 3, 4, 5), 2)) == [(1, 2), (3, 4), (5,)]
