"""What a user writes, and the frames it stands for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from frdm_engine.errors import OutputError, SequenceError
from frdm_engine.plates.sequence import Sequence, parse_frames

Touch = Callable[..., Path]


@pytest.fixture
def touch(tmp_path: Path) -> Touch:
    def make(*names: str) -> Path:
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(b"")
        return tmp_path

    return make


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("7", (7,)),
        ("1001-1004", (1001, 1002, 1003, 1004)),
        ("1001-1010x4", (1001, 1005, 1009)),
        ("1,5,9-12", (1, 5, 9, 10, 11, 12)),
        ("-5--1", (-5, -4, -3, -2, -1)),
        ("-2-1", (-2, -1, 0, 1)),
        (" 9, 5 ,5-6", (5, 6, 9)),
    ],
)
def test_ranges(text: str, frames: tuple[int, ...]) -> None:
    assert parse_frames(text) == frames


@pytest.mark.parametrize("text", ["", "a", "1-", "1:5", "1-5x", "1.5", "1,,2", "10-1", "1-10x0", "1-999999999"])
def test_a_bad_range_is_refused_by_name(text: str) -> None:
    with pytest.raises(SequenceError) as caught:
        parse_frames(text)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    "pattern", ["p.%04d.exr", "p.####.exr", "p.@@@@.exr", "p.1001-1003####.exr", "p.1001,1002-1003%04d.exr"]
)
def test_patterns_of_every_kind_find_the_same_frames(touch: Touch, pattern: str) -> None:
    folder = touch("p.1003.exr", "p.1001.exr", "p.1002.exr", "q.1001.exr", "p.1001.exr.bak", "p.12.exr")
    found = Sequence.find(folder / pattern)
    assert found.frames == (1001, 1002, 1003)
    assert found.pattern == str(folder / "p.%04d.exr")
    assert found.path(1002) == folder / "p.1002.exr"


def test_one_hash_is_one_digit(touch: Touch) -> None:
    folder = touch("p.8.exr", "p.9.exr", "p.10.exr", "p.0011.exr")
    assert Sequence.find(folder / "p.#.exr").frames == (8, 9, 10)
    assert Sequence.find(folder / "p.8-10#.exr").frames == (8, 9, 10)
    assert Sequence.find(folder / "p.####.exr").frames == (11,)


def test_numbers_outgrow_their_padding(touch: Touch) -> None:
    folder = touch("p.99.exr", "p.100.exr", "p.101.exr")
    found = Sequence.find(folder / "p.%02d.exr")
    assert found.frames == (99, 100, 101)
    assert found.path(100).name == "p.100.exr"


@pytest.mark.parametrize("names", [("p.-0003.exr", "p.-0001.exr"), ("p.-003.exr", "p.-001.exr")])
def test_negative_frames_padded_either_way(touch: Touch, names: tuple[str, str]) -> None:
    folder = touch(*names, "p.0000.exr", "p.0002.exr")
    for spec in (folder / "p.%04d.exr", folder):
        found = Sequence.find(spec)
        assert found.frames == (-3, -1, 0, 2)
        assert found.path(-3).name == names[0]
        assert found.missing == (-2, 1)
        assert found.pattern.endswith("p.%04d.exr")


def test_a_hyphen_before_the_number_is_no_sign(touch: Touch) -> None:
    folder = touch("p-1001.exr", "p-1002.exr")
    assert Sequence.find(folder).frames == (1001, 1002)
    assert Sequence.find(folder / "p-1002.exr").frames == (1002,)


def test_a_frame_there_twice_is_refused(touch: Touch) -> None:
    with pytest.raises(SequenceError, match=r"frame -3 as"):
        Sequence.find(touch("p.-003.exr", "p.-0003.exr") / "p.%04d.exr")
    with pytest.raises(SequenceError, match="twice"):
        Sequence.find(touch("q/p.1.exr", "q/p.01.exr") / "q")


def test_gaps_are_listed(touch: Touch) -> None:
    found = Sequence.find(touch("p.0001.exr", "p.0002.exr", "p.0005.exr"))
    assert found.missing == (3, 4)
    assert found.only([5, 1]).frames == (1, 5)
    with pytest.raises(SequenceError, match="Frame 3 is not in"):
        found.path(3)


def test_a_folder_with_one_sequence(touch: Touch) -> None:
    folder = touch("p.0999.dpx", "p.1000.dpx", "notes.txt", ".p.0001.tmp.dpx", "sub/q.0001.dpx")
    found = Sequence.find(folder)
    assert (found.frames, found.width) == ((999, 1000), 4)


def test_a_folder_with_several_sequences_lists_them(touch: Touch) -> None:
    with pytest.raises(SequenceError) as caught:
        Sequence.find(touch("left.0001.exr", "right.0001.exr", "still.png"))
    assert all(name in str(caught.value) for name in ("left.####.exr", "right.####.exr", "still"))


def test_a_folder_without_images_says_so(touch: Touch) -> None:
    with pytest.raises(SequenceError, match="holds no images"):
        Sequence.find(touch("notes.txt"))


def test_a_file_means_that_single_frame(touch: Touch) -> None:
    folder = touch("p.1001.exr", "p.1002.exr", "still.png")
    one = Sequence.find(folder / "p.1002.exr")
    assert (one.frames, one.path(1002)) == ((1002,), folder / "p.1002.exr")
    still = Sequence.find(folder / "still.png")
    assert (still.frames, still.path(1), still.pattern) == (
        (1,),
        folder / "still.png",
        str(folder / "still.png"),
    )


@pytest.mark.parametrize("spec", ["nothing.exr", "nothing.%04d.exr", "nowhere/p.%04d.exr", "nowhere"])
def test_what_is_not_there_is_named(tmp_path: Path, spec: str) -> None:
    with pytest.raises(SequenceError, match=r"nothing|nowhere"):
        Sequence.find(tmp_path / spec)


def test_a_range_with_absent_frames_is_refused(touch: Touch) -> None:
    with pytest.raises(SequenceError, match="1003, 1004"):
        Sequence.find(touch("p.1001.exr", "p.1002.exr") / "p.1002-1004####.exr")


@pytest.fixture
def plates(touch: Touch) -> Sequence:
    return Sequence.find(touch("in/p.-0001.exr", "in/p.0000.exr", "in/p.0001.exr") / "in")


def test_output_into_a_folder_takes_the_names(plates: Sequence, tmp_path: Path) -> None:
    for spec in (tmp_path, f"{tmp_path}/new/", tmp_path / "new"):
        out = Sequence.output(spec, frames=plates.frames, like=plates)
        assert out.path(-1).name == "p.-0001.exr"
        assert out.path(1) == Path(spec) / "p.0001.exr"


def test_output_by_pattern(plates: Sequence, tmp_path: Path) -> None:
    out = Sequence.output(tmp_path / "r_%03d.png", frames=[1, -1], like=plates)
    assert [out.path(frame).name for frame in out.frames] == ["r_-01.png", "r_001.png"]  # as C and Nuke pad
    assert Sequence.output(tmp_path / "r.0-1##.png", frames=[0, 1], like=plates).frames == (0, 1)
    with pytest.raises(SequenceError, match="range"):
        Sequence.output(tmp_path / "r.0-9##.png", frames=[0, 1], like=plates)


def test_output_to_one_file_takes_one_frame(plates: Sequence, tmp_path: Path) -> None:
    out = Sequence.output(tmp_path / "one.exr", frames=[1], like=plates)
    assert out.path(1) == tmp_path / "one.exr"
    with pytest.raises(SequenceError, match=r"one\.%04d\.exr"):
        Sequence.output(tmp_path / "one.exr", frames=[0, 1], like=plates)
    with pytest.raises(SequenceError, match="No frames"):
        Sequence.output(tmp_path, frames=[], like=plates)


@pytest.mark.parametrize("spec", ["in", "in/p.%04d.exr", "in/../in/p.####.exr", "link/p.%04d.exr"])
def test_output_over_the_input_is_refused(plates: Sequence, tmp_path: Path, spec: str) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "in")
    with pytest.raises(OutputError, match="is the input itself"):
        Sequence.output(tmp_path / spec, frames=[0, 1], like=plates)
