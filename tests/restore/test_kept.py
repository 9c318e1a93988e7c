"""What one job leaves in hand to the next of the same footage: less work, the same pixels, never an old picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frdm_engine.plates import Sequence, read_plate
from frdm_engine.restore import reader as reading
from frdm_engine.restore import restorer as restoring
from frdm_engine.restore.remains import Remains
from frdm_engine.restore.restorer import Restorer
from frdm_engine.restore.settings import Settings
from frdm_engine.restore.stream import Walk, run
from frdm_engine.restore.window import encode
from tests.restore.on_disk import HEIGHT, WIDTH, Make, Pictures, files, job_of, linear, save

Shoot = Callable[..., Sequence]


@dataclass
class Work:
    """Frames that were read, and how many were encoded."""

    read: list[int] = field(default_factory=list)
    encoded: int = 0

    def taken(self) -> tuple[list[int], int]:
        """Both since the last time it was asked."""
        out = sorted(self.read), self.encoded
        self.read, self.encoded = [], 0
        return out


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """Counts along with the reader and the restorer."""
    found = Work()

    def read(path: Path, **options: Any) -> Any:
        found.read.append(options["frame"])
        return read_plate(path, **options)

    def encoded(*arguments: Any, **options: Any) -> Any:
        found.encoded += 1
        return encode(*arguments, **options)

    monkeypatch.setattr(reading, "read_plate", read)
    monkeypatch.setattr(restoring, "encode", encoded)
    return found


def walked(source: Sequence, out: Path, frame: int, by: Restorer, earlier: Remains | None, **options: Any) -> Remains:
    """Restores one frame by a walk of its own, and returns what that leaves."""
    options = {"cuts": ()} | options
    with Walk(job_of(source, out, [frame], **options), by, earlier=earlier) as walk:
        walk.go(lambda: False)
    return walk.remains()


def test_the_next_frame_of_a_shot_is_read_and_encoded_alone(
    tmp_path: Path, shoot: Shoot, restorer: Make, work: Work
) -> None:
    source = shoot(range(1, 13))
    run(job_of(source, tmp_path / "fresh", [5, 6, 3], cuts=()), restorer())
    work.taken()
    remains = walked(source, tmp_path / "one", 5, restorer(), None)
    assert work.taken() == ([1, 2, 3, 4, 5, 6, 7, 8, 9], 5)
    remains = walked(source, tmp_path / "one", 6, restorer(), remains)
    assert work.taken() == ([10], 1)
    remains = walked(source, tmp_path / "one", 3, restorer(), remains)  # back: of frame 3 the plate is gone
    assert work.taken() == ([1, 3], 3)
    assert files(tmp_path / "one") == files(tmp_path / "fresh")
    assert len(remains.frames) <= 10


def test_other_settings_ask_for_nothing_anew(tmp_path: Path, shoot: Shoot, restorer: Make, work: Work) -> None:
    source = shoot(range(1, 8))
    careful = Settings(strength=0.5)
    run(job_of(source, tmp_path / "fresh", [4], cuts=()), restorer(settings=careful))
    remains = walked(source, tmp_path / "first", 4, restorer(), None)
    work.taken()
    walked(source, tmp_path / "again", 4, restorer(settings=careful), remains)
    assert work.taken() == ([], 0)
    assert files(tmp_path / "again") == files(tmp_path / "fresh") != files(tmp_path / "first")


def test_a_plate_that_was_replaced_is_read_again(tmp_path: Path, shoot: Shoot, restorer: Make, work: Work) -> None:
    source = shoot(range(1, 8))
    remains = walked(source, tmp_path / "before", 4, restorer(), None)
    rng = np.random.default_rng(1)
    save(source.path(5), ({name: rng.random((HEIGHT, WIDTH)).astype(np.float16) for name in "RGB"}, {}))
    work.taken()
    walked(source, tmp_path / "after", 4, restorer(), remains)
    assert work.taken() == ([5], 1)
    run(job_of(source, tmp_path / "fresh", [4], cuts=()), restorer())
    assert files(tmp_path / "after") == files(tmp_path / "fresh") != files(tmp_path / "before")


@pytest.mark.parametrize(("name", "colourspace"), [("in", "srgb"), ("other", "linear")])
def test_other_footage_begins_anew(
    tmp_path: Path, shoot: Shoot, restorer: Make, work: Work, name: str, colourspace: str
) -> None:
    remains = walked(shoot(range(1, 8)), tmp_path / "first", 4, restorer(), None, colourspace="linear")
    work.taken()
    walked(shoot(range(1, 8), name=name), tmp_path / "second", 4, restorer(), remains, colourspace=colourspace)
    assert work.taken() == ([1, 2, 3, 4, 5, 6, 7], 5)


def test_another_tile_is_encoded_anew_from_the_frames_in_hand(
    tmp_path: Path, pictures: Pictures, restorer: Make, work: Work
) -> None:
    for number, picture in pictures(160, 192, range(1, 8)).items():
        save(tmp_path / "in" / f"plate.{number:04d}.exr", (linear(picture), {}))
    source = Sequence.find(tmp_path / "in")
    remains = walked(source, tmp_path / "first", 4, restorer(), None)
    work.taken()
    walked(source, tmp_path / "second", 4, restorer(settings=Settings(tile=128)), remains)
    assert work.taken() == ([], 5)
