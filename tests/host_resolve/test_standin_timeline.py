"""Placing, takes, markers and tracks of the stand-in, each with its quirk."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import numpy as np
import pytest

from tests.host_resolve import standin

START = 86400


@pytest.fixture
def session(tmp_path: Path) -> Iterator[standin.Session]:
    yield standin.install(tmp_path)
    standin.uninstall()


@pytest.fixture
def project(session: standin.Session) -> Any:
    return standin.project()


@pytest.fixture
def clip(project: Any, tmp_path: Path) -> Any:
    standin.sequence(tmp_path / "a_%04d.exr", range(1001, 1049), timecode="01:02:00:00")
    return standin.bring(tmp_path / "a_%04d.exr", 1001, 1048)


def _info(clip: Any, start: int, end: int, **more: int) -> Dict[str, Any]:
    return {"mediaPoolItem": clip, "startFrame": start, "endFrame": end, "mediaType": 1, "trackIndex": 1, **more}


def test_end_frames_are_exclusive(project: Any, clip: Any) -> None:
    (item,) = project.GetMediaPool().AppendToTimeline([_info(clip, 1004, 1014, recordFrame=START + 5)])
    assert (item.GetStart(), item.GetEnd(), item.GetDuration()) == (START + 5, START + 15, 10)
    assert (item.GetLeftOffset(), item.GetRightOffset()) == (3, 35)
    assert item.GetSourceEndFrame() == 1014
    assert item.GetSourceStartTime() == pytest.approx(3720 + 3 / 24)


def test_source_frames_may_count_from_nought(session: standin.Session, project: Any, clip: Any) -> None:
    session.options.sequences_count_from_start = False
    (item,) = project.GetMediaPool().AppendToTimeline([_info(clip, 4, 14)])
    assert (item.GetLeftOffset(), item.GetDuration(), item.GetSourceStartFrame()) == (4, 10, 4)
    (wrong,) = project.GetMediaPool().AppendToTimeline([_info(clip, 1004, 1014)])
    assert not wrong.GetUniqueId()


def test_the_source_s_start_may_read_one_early(session: standin.Session, clip: Any) -> None:
    odd, even = standin.cut(clip, first=3, last=9, at=START), standin.cut(clip, first=4, last=9, at=START + 10)
    assert (odd.GetLeftOffset(), odd.GetSourceStartFrame()) == (3, 1003)
    assert (even.GetLeftOffset(), even.GetSourceStartFrame()) == (4, 1005)
    session.options.source_start_off_by_one = False
    assert odd.GetSourceStartFrame() == 1004


def test_an_overlap_is_dropped_and_the_answer_hides_it(project: Any, clip: Any) -> None:
    first = standin.cut(clip, first=0, last=9, at=START)
    asked = [_info(clip, 1001, 1005, recordFrame=START + 8), _info(clip, 1001, 1005, recordFrame=START + 10)]
    answer = project.GetMediaPool().AppendToTimeline(asked)
    assert len(answer) == 2
    assert not answer[0].GetUniqueId()
    assert project.GetCurrentTimeline().GetItemListInTrack("video", 1) == [first, answer[1]]


@pytest.mark.parametrize("case", ["no such track", "locked", "before the start", "no frames"])
def test_what_cannot_be_placed_is_dropped(case: str, project: Any, clip: Any) -> None:
    line = project.GetCurrentTimeline()
    info = _info(clip, 1001, 1011, recordFrame=START)
    if case == "no such track":
        info["trackIndex"] = 2
    elif case == "locked":
        line.SetTrackLock("video", 1, True)
    elif case == "before the start":
        info["recordFrame"] = START - 1
    else:
        info["endFrame"] = 1001
    (answer,) = project.GetMediaPool().AppendToTimeline([info])
    assert not answer.GetUniqueId()
    assert line.GetItemListInTrack("video", 1) == []


def test_an_append_that_errs_is_there_until_it_is_saved(session: standin.Session, project: Any, clip: Any) -> None:
    session.options.append_errors = True
    assert project.GetMediaPool().AppendToTimeline([_info(clip, 1001, 1011)]) is None
    line = project.GetCurrentTimeline()
    assert len(line.GetItemListInTrack("video", 1)) == 1
    assert session.resolve.GetProjectManager().SaveProject()
    assert line.GetItemListInTrack("video", 1) == []


def test_a_title_has_no_clip(project: Any) -> None:
    item = standin.title(at=START, frames=10)
    assert item.GetMediaPoolItem() is None
    assert item.GetDuration() == 10
    assert not standin.seen(project.GetCurrentTimeline(), START, (64, 48)).any()


def test_a_timeline_within_another(project: Any, clip: Any) -> None:
    standin.cut(clip, first=4, last=13, at=START)
    inner = project.GetCurrentTimeline()
    outer = project.GetMediaPool().CreateEmptyTimeline("Outer")
    nested = inner.GetMediaPoolItem()
    assert (nested.GetClipProperty("Type"), nested.GetClipProperty("File Path")) == ("Timeline", "")
    (item,) = project.GetMediaPool().AppendToTimeline([_info(nested, 2, 8)])
    assert item.GetDuration() == 6
    assert np.array_equal(standin.seen(outer, START, (64, 48)), standin.picture(1007))


def test_a_grade_is_copied(project: Any, clip: Any) -> None:
    below, above = standin.cut(clip, first=0, last=9, at=START), standin.cut(clip, first=0, last=9, at=START, track=2)
    below._gain = 2.0
    assert below.CopyGrades([above])
    assert np.array_equal(standin.seen(project.GetCurrentTimeline(), START, (64, 48)), standin.picture(1001) * 2)


def test_placing_goes_to_the_timeline_that_is_current(session: standin.Session, project: Any, clip: Any) -> None:
    edit, pool = project.GetCurrentTimeline(), project.GetMediaPool()
    session.meanwhile("MediaPool.AppendToTimeline", lambda: pool.CreateEmptyTimeline("Other"))
    pool.AppendToTimeline([_info(clip, 1001, 1011, recordFrame=START)])
    assert edit.GetItemListInTrack("video", 1) == []
    assert len(project.GetCurrentTimeline().GetItemListInTrack("video", 1)) == 1


@pytest.mark.parametrize(
    ("timeline", "clip_rate", "frames", "placed"),
    [("23.976", 24.0, 48, 47), ("24", 30.0, 11, 8), ("25", 24.0, 12, 12), ("24", 23.976, 24, 24)],
)
def test_durations_are_floored(
    timeline: str, clip_rate: float, frames: int, placed: int, session: standin.Session, tmp_path: Path
) -> None:
    standin.project("Rates", fps=timeline)
    path = standin.movie(tmp_path / "b.mov", [standin.picture(n) for n in range(60)], fps=clip_rate)
    item = standin.cut(standin.bring(path), first=0, last=frames - 1, at=START + 3600 * (timeline == "25"))
    assert item.GetDuration() == placed
    assert item.GetSourceEndFrame() == frames - 1
    assert (item.GetSourceEndTime() - item.GetSourceStartTime()) * clip_rate == pytest.approx(frames, abs=0.1)


def test_a_retime_shows_in_the_source_s_span_alone(clip: Any) -> None:
    item = standin.cut(clip, first=4, last=13, at=START)
    standin.retime(item, 200)
    assert item.GetDuration() == 10
    assert item.GetProperty("Speed") is None
    assert "Speed" not in item.GetProperty()
    assert item.SetProperty("Speed", 100) is False
    assert (item.GetSourceStartFrame(), item.GetSourceEndFrame()) == (1005, 1025)
    assert item.GetLeftOffset() == 2
    assert [item._source(frame) for frame in (START, START + 1)] == [4, 6]


def test_takes(session: standin.Session, clip: Any, tmp_path: Path) -> None:
    item = standin.cut(clip, first=10, last=19, at=START)
    assert (item.GetTakesCount(), item.GetSelectedTakeIndex(), item.FinalizeTake()) == (0, 0, False)
    standin.sequence(tmp_path / "r_%04d.exr", range(1, 11))
    other = standin.bring(tmp_path / "r_%04d.exr", 1, 10)
    assert item.AddTake(other, 1, 11)
    assert (item.GetTakesCount(), item.GetSelectedTakeIndex()) == (2, 1)
    assert item.GetTakeByIndex(2) == {"startFrame": 1, "endFrame": 11, "mediaPoolItem": other}
    assert item.GetMediaPoolItem() is clip
    assert item.SelectTakeByIndex(2)
    assert (item.GetMediaPoolItem(), item.GetDuration(), item.GetLeftOffset()) == (other, 10, 0)
    assert not item.DeleteTakeByIndex(2)
    assert item.SelectTakeByIndex(1)
    assert item.DeleteTakeByIndex(2)
    assert item.GetTakesCount() == 1
    assert item.FinalizeTake()
    assert (item.GetTakesCount(), item.GetMediaPoolItem(), item.GetLeftOffset()) == (0, clip, 10)
    assert session.violations == []


def test_a_take_s_end_may_be_within(session: standin.Session, clip: Any) -> None:
    session.options.take_end_inclusive = True
    item = standin.cut(clip, first=10, last=19, at=START)
    assert item.AddTake(clip, 1001, 1010)
    assert item.SelectTakeByIndex(2)
    assert item.GetDuration() == 10
    assert item.GetTakeByIndex(2)["endFrame"] == 1010


def test_a_short_take_leaves_a_gap(clip: Any) -> None:
    item = standin.cut(clip, first=10, last=19, at=START)
    assert item.AddTake(clip, 1001, 1010)
    assert item.SelectTakeByIndex(2)
    assert item.GetEnd() == START + 9
    assert item.SelectTakeByIndex(1)
    assert item.GetEnd() == START + 10


def test_finalizing_throws_the_others_away(session: standin.Session, clip: Any) -> None:
    item = standin.cut(clip, first=10, last=19, at=START)
    assert item.AddTake(clip)
    assert item.SelectTakeByIndex(2)
    assert item.FinalizeTake()
    assert item.GetLeftOffset() == 0
    assert session.violations


def test_a_take_that_is_not_there(session: standin.Session, clip: Any) -> None:
    session.options.take_fails = True
    item = standin.cut(clip, first=10, last=19, at=START)
    assert item.AddTake(clip)
    assert item.GetTakesCount() == 0


def test_a_locked_track_keeps_its_items(project: Any, clip: Any) -> None:
    item, line = standin.cut(clip, first=0, last=9, at=START), project.GetCurrentTimeline()
    assert line.SetTrackLock("video", 1, True)
    assert not item.AddTake(clip)
    assert not item.SetClipColor("Teal")
    assert not item.AddMarker(0, "Blue", "a", "", 1)
    assert not line.DeleteClips([item], False)
    assert line.SetTrackLock("video", 1, False)
    assert line.DeleteClips([item], False)
    assert item.GetName() is None


def test_markers(clip: Any) -> None:
    item = standin.cut(clip, first=10, last=19, at=START)
    assert item.AddMarker(3, "Cyan", "FRDM", "strength 0.8", 1, '{"job": "7"}')
    assert not item.AddMarker(3, "Blue", "again", "", 1)
    assert not item.AddMarker(4, "Teal", "a clip's colour", "", 1)
    assert not item.AddMarker(10, "Blue", "beyond", "", 1)
    told = {"color": "Cyan", "duration": 1.0, "note": "strength 0.8", "name": "FRDM", "customData": '{"job": "7"}'}
    assert item.GetMarkers() == {3.0: told}
    assert item.GetMarkerByCustomData('{"job": "7"}') == {3.0: told}
    assert item.UpdateMarkerCustomData(3, "x")
    assert item.GetMarkerCustomData(3) == "x"
    assert item.DeleteMarkerByCustomData("x")
    assert not item.DeleteMarkerAtFrame(3)


def test_colours_and_flags(clip: Any) -> None:
    assert clip.SetClipColor("Teal")
    assert not clip.SetClipColor("Cyan")
    assert clip.GetClipColor() == "Teal"
    assert clip.AddFlag("Cyan")
    assert not clip.AddFlag("Teal")
    assert clip.GetFlagList() == ["Cyan"]
    assert clip.ClearFlags("All")
    assert clip.ClearClipColor()
    assert (clip.GetClipColor(), clip.GetFlagList()) == ("", [])


def test_tracks(session: standin.Session, project: Any, clip: Any) -> None:
    line = project.GetCurrentTimeline()
    below = standin.cut(clip, first=0, last=9, at=START)
    assert line.AddTrack("video", {"index": 1})
    assert below.GetTrackTypeAndIndex() == ["video", 2]
    assert line.AddTrack("video")
    above = standin.cut(clip, first=0, last=9, at=START, track=3)
    assert line.GetCurrentVideoItem() is above
    assert line.SetTrackEnable("video", 3, False)
    assert line.GetCurrentVideoItem() is below
    assert line.SetCurrentTimecode("01:00:00:10")
    assert line.GetCurrentVideoItem() is None
    session.page = "media"
    assert not line.SetCurrentTimecode("01:00:00:00")
    assert line.DeleteTrack("video", 1)
    assert session.violations == []
    assert line.DeleteTrack("video", 2)
    assert session.violations == ["DeleteTrack took 1 items with Video 3"]
    assert not line.DeleteTrack("video", 1)


@pytest.mark.parametrize(("from_start", "mark"), [(True, 10), (False, START + 10)])
def test_marks(from_start: bool, mark: int, session: standin.Session, project: Any) -> None:
    session.options.marks_from_start = from_start
    line = project.GetCurrentTimeline()
    assert line.GetMarkInOut() == {}
    assert line.SetMarkInOut(mark, mark + 5)
    assert line.GetMarkInOut()["video"] == {"in": mark, "out": mark + 5}
    assert line.ClearMarkInOut()
    assert line.GetMarkInOut() == {}


def test_a_rate_is_fixed_with_the_first_timeline(project: Any, clip: Any) -> None:
    assert not project.SetSetting("timelineFrameRate", "25")
    line = project.GetMediaPool().CreateEmptyTimeline("Other")
    assert not line.SetSetting("timelineFrameRate", "25")
    assert line.SetSetting("useCustomSettings", "1")
    assert line.SetSetting("timelineFrameRate", "25")
    assert (line.GetStartFrame(), line.GetStartTimecode()) == (90000, "01:00:00:00")
    standin.cut(clip, first=0, last=9, at=90000)
    assert not line.SetSetting("timelineFrameRate", "24")


def test_a_rate_may_be_a_number(session: standin.Session, project: Any) -> None:
    line = project.GetCurrentTimeline()
    assert (project.GetSetting("timelineFrameRate"), line.GetSetting("timelineFrameRate")) == ("24", "24")
    session.options.rates_are_numbers = True
    assert (project.GetSetting("timelineFrameRate"), line.GetSetting()["timelineFrameRate"]) == (24.0, 24.0)


def test_a_timeline_of_clips_of_another_bin(project: Any, clip: Any) -> None:
    pool = project.GetMediaPool()
    pool.AddSubFolder(pool.GetRootFolder(), "Other")
    assert pool.CreateTimelineFromClips("New", [clip]) is None
    pool.SetCurrentFolder(pool.GetRootFolder())
    assert pool.CreateTimelineFromClips("New", [clip]).GetEndFrame() == START + 48


def test_a_copy_of_a_timeline(project: Any, clip: Any) -> None:
    standin.cut(clip, first=0, last=9, at=START)
    line = project.GetCurrentTimeline()
    copy = line.DuplicateTimeline("Copy")
    (item,) = copy.GetItemListInTrack("video", 1)
    assert item.GetStart() == START
    assert project.GetMediaPool().DeleteTimelines([copy])
    assert copy.GetName() is None
    assert project.GetTimelineCount() == 1


def test_a_picture_is_the_topmost(project: Any, clip: Any) -> None:
    standin.cut(clip, first=0, last=9, at=START)
    standin.cut(clip, first=20, last=24, at=START, track=2)
    line = project.GetCurrentTimeline()
    assert np.array_equal(standin.seen(line, START + 4, (64, 48)), standin.picture(1025))
    assert np.array_equal(standin.seen(line, START + 5, (64, 48)), standin.picture(1006))
    assert not standin.seen(line, START + 10, (64, 48)).any()


def test_a_snapshot_tells_every_change(project: Any, clip: Any) -> None:
    item = standin.cut(clip, first=0, last=9, at=START)
    before = standin.snapshot(project)
    assert standin.snapshot(project) == before
    changes: List[Callable[[], Any]] = [
        lambda: item.AddMarker(0, "Blue", "a", "", 1),
        lambda: item.AddTake(clip),
        lambda: clip.SetClipColor("Teal"),
        lambda: project.SetRenderSettings({"CustomName": "x"}),
        lambda: project.GetCurrentTimeline().AddTrack("video"),
        lambda: project.GetMediaPool().AddSubFolder(project.GetMediaPool().GetRootFolder(), "FRDM"),
    ]
    for change in changes:
        assert change()
        after = standin.snapshot(project)
        assert after != before
        before = after
