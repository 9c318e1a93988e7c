"""Calls that answer yes and do nothing, or something else: one sentence, and the project is as it was."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from frdm_resolve import clips, remove, runs, session
from frdm_resolve.errors import AdapterError
from frdm_resolve.session import Open
from frdm_resolve.settings import Options
from tests.host_resolve import standin
from tests.host_resolve.standin.clips import MediaPoolItem
from tests.host_resolve.standin.items import TimelineItem
from tests.host_resolve.standin.pool import MediaPool
from tests.host_resolve.standin.project import Project
from tests.host_resolve.standin.timelines import Timeline

START = 86400
AtWork = Callable[[], Open]


@pytest.fixture
def sequence(project: Any, tmp_path: Path) -> Any:
    """An item that shows frames 3 to 8 of an EXR sequence."""
    standin.sequence(tmp_path / "a_%04d.exr", range(1001, 1013), timecode="01:02:00:00")
    return standin.cut(standin.bring(tmp_path / "a_%04d.exr", 1001, 1012), first=3, last=8, at=START)


@pytest.fixture
def stamped(sequence: Any) -> Any:
    """The same with a timecode that the artist gave it."""
    assert sequence.GetMediaPoolItem().SetClipProperty("Start TC", "05:00:00:00")
    return sequence


@pytest.fixture
def movie(project: Any, tmp_path: Path) -> Any:
    """An item that shows frames 3 to 8 of a movie."""
    pictures = [standin.picture(number) for number in range(1001, 1013)]
    clip = standin.bring(standin.movie(tmp_path / "b.mov", pictures, fps=24.0, start="01:02:00:00"))
    return standin.cut(clip, first=3, last=8, at=START)


def outcome(opened: Open, options: Options, **changes: Any) -> runs.Outcome:
    shots, refused = clips.choose(opened, "current")
    assert refused == []
    (found,) = runs.restore(opened, shots, dataclasses.replace(options, **changes))
    return found


def appended_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers with an item, which lies five frames too late."""
    does = MediaPool.AppendToTimeline

    def append(self: Any, clips: Any, *more: Any) -> Any:
        return does(self, [{**one, "recordFrame": one["recordFrame"] + 5} for one in clips], *more)

    monkeypatch.setattr(MediaPool, "AppendToTimeline", append)


def appended_other_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """In its place and of the right length, and shows the frames one later."""
    does = MediaPool.AppendToTimeline

    def append(self: Any, clips: Any, *more: Any) -> Any:
        moved = [{**one, "startFrame": one["startFrame"] + 1, "endFrame": one["endFrame"] + 1} for one in clips]
        return does(self, moved, *more)

    monkeypatch.setattr(MediaPool, "AppendToTimeline", append)


def appended_on_no_track(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dropped, as over another item: the answer has an item of no id."""
    does = MediaPool.AppendToTimeline

    def append(self: Any, clips: Any, *more: Any) -> Any:
        return does(self, [{**one, "trackIndex": 99} for one in clips], *more)

    monkeypatch.setattr(MediaPool, "AppendToTimeline", append)


def take_of_other_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    does = TimelineItem.AddTake

    def add(self: Any, clip: Any, first: Any = None, last: Any = None) -> bool:
        return does(self, clip, first + 1, last + 1)

    monkeypatch.setattr(TimelineItem, "AddTake", add)


def take_of_another_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the original, as many frames as were asked for: numbers alone do not tell it from the result."""
    does = TimelineItem.AddTake

    def add(self: Any, clip: Any, first: Any = None, last: Any = None) -> bool:
        return does(self, self.GetMediaPoolItem(), 0, 6)

    monkeypatch.setattr(TimelineItem, "AddTake", add)


def imported_short(monkeypatch: pytest.MonkeyPatch) -> None:
    does = MediaPool.ImportMedia

    def bring(self: Any, items: Any) -> Any:
        return does(self, [{**one, "EndIndex": one["EndIndex"] - 1} for one in items])

    monkeypatch.setattr(MediaPool, "ImportMedia", bring)


def imported_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    does = MediaPool.ImportMedia

    def bring(self: Any, items: Any) -> Any:
        return does(self, [*items, *items])

    monkeypatch.setattr(MediaPool, "ImportMedia", bring)


def keeps_its_timecode(monkeypatch: pytest.MonkeyPatch) -> None:
    does = MediaPoolItem.SetClipProperty

    def put(self: Any, name: str, value: Any) -> bool:
        return True if name == "Start TC" else does(self, name, value)

    monkeypatch.setattr(MediaPoolItem, "SetClipProperty", put)


def takes_no_marker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TimelineItem, "AddMarker", lambda *what: True)


def takes_no_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    does = Timeline.SetSetting

    def put(self: Any, name: str, value: str) -> bool:
        return does(self, name, "30" if name == "timelineFrameRate" else value)

    monkeypatch.setattr(Timeline, "SetSetting", put)


def job_of_another_timeline(monkeypatch: pytest.MonkeyPatch) -> None:
    does = Project.GetRenderJobList

    def told(self: Any) -> Any:
        return [{**one, "TimelineName": "Other"} for one in does(self)]

    monkeypatch.setattr(Project, "GetRenderJobList", told)


LIES = [
    (appended_elsewhere, "sequence", "track", "did not place the result"),
    (appended_other_frames, "sequence", "track", "did not place the result"),
    (appended_on_no_track, "sequence", "track", "did not place the result"),
    (take_of_other_frames, "sequence", "take", "did not add the result"),
    (take_of_another_clip, "sequence", "take", "did not add the result"),
    (imported_short, "sequence", "track", "imported 5 of 6 frames"),
    (imported_twice, "sequence", "track", "imported 2 clips"),
    (keeps_its_timecode, "stamped", "track", "does not take"),
    (takes_no_marker, "sequence", "track", "sets no marker"),
    (takes_no_marker, "sequence", "take", "sets no marker"),
    (takes_no_rate, "movie", "track", "makes no timeline of 24 frames a second"),
    (job_of_another_timeline, "movie", "track", "Another timeline was opened"),
]


@pytest.mark.parametrize(
    ("lie", "media", "place", "sentence"), LIES, ids=[f"{one[0].__name__}-{one[2]}" for one in LIES]
)
def test_an_answer_is_not_believed(
    lie: Callable[[pytest.MonkeyPatch], None],
    media: str,
    place: str,
    sentence: str,
    session: standin.Session,
    project: Any,
    at_work: AtWork,
    options: Options,
    request: pytest.FixtureRequest,
) -> None:
    request.getfixturevalue(media)
    before = standin.snapshot(project)
    with pytest.MonkeyPatch.context() as monkeypatch:
        lie(monkeypatch)
        found = outcome(at_work(), options, place=place)
    assert (found.state, bool(re.search(sentence, found.said))) == ("failed", True), found.said
    assert standin.snapshot(project) == before
    assert outcome(at_work(), options, place=place).state == "done"
    assert session.violations == []


def test_what_is_not_deleted_is_told(
    project: Any, at_work: AtWork, options: Options, sequence: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert outcome(at_work(), options, place="track").state == "done"
    placed = standin.snapshot(project)
    with monkeypatch.context() as lying:
        lying.setattr(Timeline, "DeleteClips", lambda *what: True)
        told = remove.remove(at_work())
    assert [one.state for one in told] == ["failed", "kept"], told
    assert "does not delete" in told[0].said
    assert standin.snapshot(project) == placed


def test_a_page_on_which_nothing_is_deleted_is_left(
    project: Any, at_work: AtWork, options: Options, sequence: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = standin.snapshot(project)
    assert outcome(at_work(), options, place="track").state == "done"
    does = Timeline.DeleteClips

    def delete(self: Any, items: Any, ripple: bool = False) -> bool:
        return True if self._session.resolve.GetCurrentPage() != "edit" else does(self, items, ripple)

    monkeypatch.setattr(Timeline, "DeleteClips", delete)
    project._session.resolve.OpenPage("color")
    assert [one.state for one in remove.remove(at_work())] == ["done"]
    assert {name: one for name, one in standin.snapshot(project).items() if name != "page"} == {
        name: one for name, one in before.items() if name != "page"
    }


def test_a_method_that_is_lacking_is_not_called(
    session: standin.Session, project: Any, at_work: AtWork, options: Options, sequence: Any
) -> None:
    """`hasattr` is true for any name."""
    session.options.lacking = {"TimelineItem.GetSourceStartTime", "TimelineItem.GetSourceEndTime"}
    assert hasattr(sequence, "GetSourceStartTime")
    assert outcome(at_work(), options, place="track").state == "done"


def test_a_render_that_broke_off_is_not_taken_for_whole(
    session: standin.Session, project: Any, at_work: AtWork, options: Options, movie: Any
) -> None:
    """Its last file may be cut short."""
    session.options.fail_after = 5
    assert outcome(at_work(), options, place="track").state == "failed"
    assert list(Path(options.folder).rglob("source/*.exr")) == []


def test_nothing_is_believed_of_a_project_that_is_closed(project: Any, at_work: AtWork, sequence: Any) -> None:
    opened = at_work()
    standin.project("Other")
    with pytest.raises(AdapterError, match="no longer the open one"):
        opened.check()
    assert session.can(opened.pool, "ImportMedia")
    assert not session.can(opened.pool, "ImportEverything")
