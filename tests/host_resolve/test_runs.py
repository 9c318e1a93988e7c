"""Clips restored by a live engine, placed in the stand-in, and looked at there frame by frame."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from frdm_resolve import clips, marks, remove, runs
from frdm_resolve.errors import ChoiceError
from frdm_resolve.session import Open
from frdm_resolve.settings import Options
from tests.host_resolve import standin
from tests.networks import tiny_network
from tests.server.served import Served

START = 86400
AtWork = Callable[[], Open]


@pytest.fixture
def shot(project: Any, tmp_path: Path) -> Any:
    """An item that shows frames 3 to 8 of a sequence of twelve."""
    standin.sequence(tmp_path / "a_%04d.exr", range(1001, 1013), timecode="01:02:00:00")
    clip = standin.bring(tmp_path / "a_%04d.exr", 1001, 1012)
    return standin.cut(clip, first=3, last=8, at=START)


def restored(opened: Open, options: Options) -> list[runs.Outcome]:
    chosen, refused = clips.choose(opened, options.clips, value=options.value, names=options.names)
    assert refused == []
    return runs.restore(opened, chosen, options)


def states(outcomes: list[runs.Outcome]) -> list[str]:
    return [one.state for one in outcomes]


def shown(project: Any, frame: int) -> float:
    """Which frame of the source a timeline frame shows, told by the pictures' upper left pixel."""
    return float(standin.seen(project.GetCurrentTimeline(), frame, (64, 48))[0, 0, 0]) * 1024


@pytest.mark.parametrize("place", ["track", "take"])
@pytest.mark.parametrize("handles", [0, 2])
@pytest.mark.parametrize("from_start", [True, False])
@pytest.mark.parametrize("inclusive", [True, False])
def test_a_clip_is_restored_and_placed_in_sync(
    session: standin.Session,
    at_work: AtWork,
    shot: Any,
    options: Options,
    place: str,
    handles: int,
    from_start: bool,
    inclusive: bool,
) -> None:
    session.options.sequences_count_from_start = from_start
    session.options.take_end_inclusive = inclusive
    wanted = dataclasses.replace(options, place=place, handles=handles)
    outcomes = restored(at_work(), wanted)
    assert states(outcomes) == ["done"], outcomes
    line = at_work().line()
    item = line.GetCurrentVideoItem()
    clip = item.GetMediaPoolItem()
    assert str(clip.GetClipProperty("File Path")).startswith(options.folder)
    assert clip.GetClipProperty("Start TC") == f"01:02:00:{3 - handles:02d}"
    assert (item.GetStart(False), item.GetDuration(False)) == (START, 6)
    assert item.GetLeftOffset(False) == handles
    for at in range(6):
        assert shown(at_work().project, START + at) == pytest.approx(1004 + at, abs=0.6)
    assert session.violations == []


@pytest.mark.parametrize("place", ["track", "take", "bin"])
@pytest.mark.parametrize("user_bin", [True, False])
def test_twice_changed_and_removed(
    session: standin.Session, project: Any, at_work: AtWork, shot: Any, options: Options, place: str, user_bin: bool
) -> None:
    pool = project.GetMediaPool()
    if user_bin:
        pool.AddSubFolder(pool.GetRootFolder(), "FRDM")
        pool.SetCurrentFolder(pool.GetRootFolder())
    shot.AddMarker(0, "Blue", "mine", "note", 1, "mine")
    before = standin.snapshot(project)
    wanted = dataclasses.replace(options, place=place)
    assert states(restored(at_work(), wanted)) == ["done"]
    first = standin.snapshot(project)
    assert first != before
    assert states(restored(at_work(), wanted)) == ["kept"]
    assert standin.snapshot(project) == first
    changed = dataclasses.replace(wanted, strength=0.5)
    assert states(restored(at_work(), changed)) == ["done"]
    assert states(restored(at_work(), changed)) == ["kept"]
    outcomes = remove.remove(at_work())
    assert set(states(outcomes)) == {"done"}, outcomes
    assert standin.snapshot(project) == before
    assert session.violations == []


def test_a_changed_source_is_stale(at_work: AtWork, shot: Any, options: Options, tmp_path: Path) -> None:
    assert states(restored(at_work(), options)) == ["done"]
    os.utime(tmp_path / "a_1005.exr", ns=(1, 1))
    (again,) = restored(at_work(), options)
    assert (again.state, "in place of 1 older" in again.said) == ("done", True)


def test_a_changed_model_is_stale(
    served: Served, tmp_path_factory: pytest.TempPathFactory, at_work: AtWork, shot: Any, options: Options
) -> None:
    assert states(restored(at_work(), options)) == ["done"]
    first = marks.read(at_work().line().GetCurrentVideoItem())
    before = {path: path.read_bytes() for path in Path(options.folder).rglob("*.exr")}
    model = tmp_path_factory.mktemp("models") / "other"
    tiny_network(bias=-1.0).save_pretrained(model)
    base = str(tmp_path_factory.getbasetemp())
    with Served(tmp_path_factory.mktemp("other"), model, "--read", base, "--write", base) as other:
        wanted = dataclasses.replace(options, connection=str(other.connection))
        (again,) = restored(at_work(), wanted)
        assert (again.state, "in place of 1 older" in again.said) == ("done", True), again
        assert states(restored(at_work(), wanted)) == ["kept"]
    # Nobody knows the model of an engine that is gone: nothing is restored again for it.
    assert states(restored(at_work(), wanted)) == ["kept"]
    assert {path: path.read_bytes() for path in before} == before
    models = {mark.model for _, item in marks.items(at_work().line()) for mark in marks.read(item)}
    assert len(models) == 2
    assert first[0].model in models


def test_results_on_other_timelines_are_removed_too(
    session: standin.Session, project: Any, at_work: AtWork, shot: Any, options: Options
) -> None:
    clip, edit = shot.GetMediaPoolItem(), project.GetCurrentTimeline()
    other = project.GetMediaPool().CreateEmptyTimeline("Other")
    project.SetCurrentTimeline(other)
    standin.cut(clip, first=2, last=6, at=START)
    before = standin.snapshot(project)
    for line in (other, edit):
        project.SetCurrentTimeline(line)
        assert states(restored(at_work(), options)) == ["done"]
    project.SetCurrentTimeline(other)
    outcomes = remove.remove(at_work())
    assert states(outcomes) == ["done", "done"], outcomes
    assert project.GetCurrentTimeline().GetName() == "Other"
    assert standin.snapshot(project) == before
    assert session.violations == []


def test_a_lost_result_is_restored_again(at_work: AtWork, shot: Any, options: Options) -> None:
    assert states(restored(at_work(), options)) == ["done"]
    next(Path(options.folder).rglob("*1005.exr")).unlink()
    assert states(restored(at_work(), options)) == ["done"]


@pytest.mark.parametrize("place", ["track", "take"])
def test_five_clips(
    session: standin.Session, project: Any, at_work: AtWork, options: Options, tmp_path: Path, place: str
) -> None:
    """A sequence, a movie with handles, an offset in-point, another rate, and a retime."""
    standin.sequence(tmp_path / "a_%04d.exr", range(1001, 1009), timecode="01:02:00:00")
    whole = standin.bring(tmp_path / "a_%04d.exr", 1001, 1008)
    movie = standin.bring(
        standin.movie(tmp_path / "b.mov", [standin.picture(n) for n in range(12)], fps=24, start="10:00:00:00")
    )
    standin.sequence(tmp_path / "c_%04d.exr", range(1, 13))
    offset = standin.bring(tmp_path / "c_%04d.exr", 1, 12)
    slow = standin.bring(
        standin.movie(tmp_path / "d.mov", [standin.picture(n + 100) for n in range(25)], fps=25, start="10:00:00:00")
    )
    items = [
        standin.cut(whole, first=0, last=7, at=START),
        standin.cut(movie, first=3, last=8, at=START + 10),
        standin.cut(offset, first=5, last=9, at=START + 20),
        standin.cut(slow, first=2, last=11, at=START + 30),
        standin.cut(whole, first=0, last=3, at=START + 45),
    ]
    standin.retime(items[4], 50)
    line = project.GetCurrentTimeline()
    frames = [at for one in items[:4] for at in range(one.GetStart(), one.GetEnd())]
    wanted = [shown(project, at) for at in frames]
    before = standin.snapshot(project)
    asked = dataclasses.replace(options, clips="timeline", place=place, handles=2)
    chosen, refused = clips.choose(at_work(), "timeline")
    assert len(refused) == 1
    assert "is retimed" in refused[0]
    outcomes = runs.restore(at_work(), chosen, asked)
    assert states(outcomes) == ["done"] * 4, outcomes
    assert [shown(project, at) for at in frames] == pytest.approx(wanted, abs=0.6)
    for one in items[:4]:
        result = next(
            item
            for track in range(1, line.GetTrackCount("video") + 1)
            for item in line.GetItemListInTrack("video", track)
            if item.GetStart() == one.GetStart() and "frdm" in str(item.GetMarkers())
        )
        assert result.GetDuration() == one.GetDuration()
    assert {one.state for one in runs.restore(at_work(), clips.choose(at_work(), "timeline")[0], asked)} == {"kept"}
    assert set(states(remove.remove(at_work()))) == {"done"}
    assert standin.snapshot(project) == before
    assert session.violations == []


def test_ways_in(session: standin.Session, project: Any, at_work: AtWork, shot: Any, tmp_path: Path) -> None:
    clip = shot.GetMediaPoolItem()
    other = standin.cut(clip, first=0, last=3, at=START + 50)
    other.SetClipColor("Teal")
    shot.AddFlag("Red")
    line = project.GetCurrentTimeline()
    line.SetMarkInOut(48, 60)

    def names(way: str, value: str = "") -> list[int]:
        return [one.record for one in clips.choose(at_work(), way, value=value)[0]]

    assert names("current") == [START]
    assert names("colour", "teal") == [START + 50]
    assert names("flag", "Red") == [START]
    assert names("range") == [START + 50]
    assert names("timeline") == [START, START + 50]
    session.options.marks_from_start = False
    assert names("range") == [START + 50]
    (whole,) = clips.choose(at_work(), "pool", names=[clip.GetName()])[0]
    assert (whole.first, whole.end) == (0, 12)
    for way, value, said in (
        ("colour", "Pink", "No clip of the timeline has the colour Pink"),
        ("flag", "", "was named"),
    ):
        with pytest.raises(ChoiceError, match=said):
            clips.choose(at_work(), way, value=value)
    with pytest.raises(ChoiceError, match="No clip is selected"):
        clips.choose(at_work(), "pool")


def test_a_new_track_goes_between(project: Any, at_work: AtWork, shot: Any, options: Options, tmp_path: Path) -> None:
    """What lies above stays above: a title over the clip is not covered by the result."""
    title = standin.cut(shot.GetMediaPoolItem(), first=0, last=5, at=START, track=2)
    title.SetClipEnabled(False)
    before = standin.snapshot(project)
    assert states(restored(at_work(), options)) == ["done"]
    assert title.GetTrackTypeAndIndex() == ["video", 3]
    remove.remove(at_work())
    assert standin.snapshot(project) == before


def test_the_marker_holds_job_model_and_settings(at_work: AtWork, shot: Any, options: Options) -> None:
    assert states(restored(at_work(), options)) == ["done"]
    item = at_work().line().GetCurrentVideoItem()
    (mark,) = marks.read(item)
    assert re.fullmatch("[0-9a-f]{32}", mark.job)
    assert re.fullmatch("[0-9a-f]{64}", mark.model)
    assert mark.settings["strength"] == 1.0
    assert (mark.first, mark.end, mark.way) == (3, 9, "track")
    assert marks.read(item.GetMediaPoolItem()) == [mark]
    assert marks.read(shot) == []
