"""The adapter in the stand-in, on whatever Python runs this, with a live engine: placed, left alone, taken out again.

$FRDM_CONNECTION names the engine, $FRDM_OUT a folder that it may write.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Iterator, List

import pytest

from frdm_resolve import clips, remove, runs
from frdm_resolve.session import Open, connect, opened
from frdm_resolve.settings import Options
from tests.host_resolve import standin

CONNECTION = os.environ.get("FRDM_CONNECTION", "")
START = 86400
pytestmark = pytest.mark.skipif(not CONNECTION, reason="test_interpreters.py starts an engine for these and runs them")


@pytest.fixture
def at_work(tmp_path: Path) -> Iterator[Open]:
    session = standin.install(tmp_path)
    standin.project()
    yield opened(connect())
    assert session.violations == []
    standin.uninstall()


def _shot(kind: str, place: Path) -> Any:
    """An item that shows frames 3 to 8 of twelve, the pictures of 1001 to 1012."""
    if kind == "movie":
        pictures = [standin.picture(number) for number in range(1001, 1013)]
        clip = standin.bring(standin.movie(place / "a.mov", pictures, start="01:02:00:00"))
    else:
        standin.sequence(place / "a_%04d.exr", range(1001, 1013), timecode="01:02:00:00")
        clip = standin.bring(place / "a_%04d.exr", 1001, 1012)
    return standin.cut(clip, first=3, last=8, at=START)


def _restored(at_work: Open, options: Options) -> List[str]:
    chosen, refused = clips.choose(at_work, "current")
    assert refused == []
    outcomes = runs.restore(at_work, chosen, options)
    return [one.said if one.state == "failed" else one.state for one in outcomes]


@pytest.mark.parametrize("kind", ["sequence", "movie"])
@pytest.mark.parametrize("place", ["take", "track"])
def test_placed_left_alone_and_taken_out(at_work: Open, kind: str, place: str, tmp_path: Path) -> None:
    original = _shot(kind, tmp_path)
    project: Any = at_work.project
    before = standin.snapshot(project)
    folder = Path(os.environ["FRDM_OUT"]) / tmp_path.name
    options = Options(place=place, handles=1, folder=str(folder), connection=CONNECTION)
    assert _restored(at_work, options) == ["done"]
    line: Any = at_work.line()
    top = line.GetCurrentVideoItem()
    assert (top is original) is (place == "take")
    assert (top.GetStart(False), top.GetDuration(False), top.GetLeftOffset(False)) == (START, 6, 1)
    assert top.GetMediaPoolItem().GetClipProperty("Start TC") == "01:02:00:02"
    for at in range(6):
        told = float(standin.seen(line, START + at, (64, 48))[0, 0, 0]) * 1024
        assert told == pytest.approx(1004 + at, abs=0.6)
    placed = standin.snapshot(project)
    assert _restored(at_work, options) == ["kept"]
    assert standin.snapshot(project) == placed
    assert {one.state for one in remove.remove(at_work)} == {"done"}
    assert standin.snapshot(project) == before
