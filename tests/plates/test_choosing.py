"""Which frames are read and which are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from frdm_engine.errors import MaskError, OutputError, SequenceError
from frdm_engine.plates.choosing import choose, find_mask, ranges, refuse_existing
from frdm_engine.plates.sequence import Sequence

ALL = (1001, 1002, 1003, 1004, 1005)


@pytest.fixture
def plates(tmp_path: Path) -> Path:
    """A folder of five files, plate.1001.exr to plate.1005.exr; only names count here."""
    folder = tmp_path / "in"
    folder.mkdir()
    for frame in ALL:
        (folder / f"plate.{frame}.exr").touch()
    return folder


def test_all_frames_unless_told(plates: Path) -> None:
    for spec in (plates, plates / "plate.####.exr", plates / "plate.%04d.exr"):
        source, chosen = choose(str(spec), None)
        assert source.frames == chosen == ALL


@pytest.mark.parametrize("frames", ["1002-1003", "1002,1003"])
def test_neighbours_of_chosen_frames_stay_in_reach(plates: Path, frames: str) -> None:
    source, chosen = choose(str(plates / "plate.####.exr"), frames)
    assert (source.frames, chosen) == (ALL, (1002, 1003))


def test_a_range_in_the_pattern_chooses_like_the_option(plates: Path) -> None:
    source, chosen = choose(str(plates / "plate.1002-1003####.exr"), None)
    assert (source.frames, chosen) == (ALL, (1002, 1003))


def test_a_file_stands_alone(plates: Path) -> None:
    source, chosen = choose(str(plates / "plate.1003.exr"), None)
    assert source.frames == chosen == (1003,)


def test_handles_are_read_but_not_written(plates: Path) -> None:
    source, chosen = choose(str(plates), None, handles=2)
    assert (source.frames, chosen) == (ALL, (1003,))
    with pytest.raises(SequenceError, match="--handles 3 leaves none of the 5 frames"):
        choose(str(plates), None, handles=3)


def test_a_gap_is_named_and_can_be_stepped_over(plates: Path) -> None:
    (plates / "plate.1003.exr").unlink()
    pattern = str(plates / "plate.####.exr")
    with pytest.raises(SequenceError, match=r"Frame 1003 of .* is missing; .* --frames 1001-1002,1004-1005"):
        choose(pattern, None)
    with pytest.raises(SequenceError, match="Frame 1003 of"):
        choose(pattern, "1002-1004")
    assert choose(pattern, "1001-1002,1004-1005")[1] == (1001, 1002, 1004, 1005)


@pytest.mark.parametrize("frames", ["990-1002", "1004-1009"])
def test_a_range_outside_the_plate_is_named(plates: Path, frames: str) -> None:
    with pytest.raises(SequenceError, match=r"Frame (990|1006) is outside of .* which holds 1001-1005"):
        choose(str(plates), frames)


def test_masks_are_one_file_or_one_a_frame(plates: Path) -> None:
    pattern = str(plates / "plate.####.exr")
    assert find_mask(None, option="--protect", frames=ALL) is None
    one = find_mask(str(plates / "plate.1001.exr"), option="--protect", frames=ALL)
    every = find_mask(pattern, option="--protect", frames=ALL)
    assert one is not None
    assert every is not None
    assert (one.frames, every.frames) == ((1001,), ALL)
    for number in (1002, 1003, 1004, 1005):
        (plates / f"plate.{number}.exr").unlink()
    with pytest.raises(MaskError, match=r"--protect .* has no mask for frame 1002"):
        find_mask(pattern, option="--protect", frames=ALL)


def test_outputs_that_exist_or_clash_are_found_first(plates: Path, tmp_path: Path) -> None:
    source = Sequence.find(plates)
    fresh = Sequence.output(tmp_path / "out" / "a.####.exr", frames=ALL, like=source)
    refuse_existing((fresh, None), overwrite=False)
    with pytest.raises(OutputError, match=r"a\.1001\.exr would be written twice"):
        refuse_existing((fresh, fresh), overwrite=True)
    with pytest.raises(OutputError, match=r"plate\.1001\.exr exists; add --overwrite"):
        refuse_existing((source,), overwrite=False)
    refuse_existing((source,), overwrite=True)


def test_ranges_read_back() -> None:
    assert ranges((1, 2, 3, 5, 7, 8)) == "1-3,5,7-8"
    assert ranges(()) == ""
