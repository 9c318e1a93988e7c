"""What goes wrong, what the colourist reads then, and that the project is as it was."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from frdm_resolve import clips, runs
from frdm_resolve.errors import SessionError, StoppedError
from frdm_resolve.session import Open, connect, opened
from frdm_resolve.settings import Options
from tests.host_resolve import standin

START = 86400
AtWork = Callable[[], Open]


@pytest.fixture
def shot(project: Any, tmp_path: Path) -> Any:
    standin.sequence(tmp_path / "a_%04d.exr", range(1001, 1009), timecode="01:02:00:00")
    return standin.cut(standin.bring(tmp_path / "a_%04d.exr", 1001, 1008), first=1, last=6, at=START)


@pytest.fixture
def movie(project: Any, tmp_path: Path) -> Any:
    made = standin.movie(tmp_path / "b.mov", [standin.picture(n) for n in range(8)], fps=24, start="10:00:00:00")
    return standin.cut(standin.bring(made), first=1, last=6, at=START)


def said(opened: Open, options: Options) -> str:
    """The sentence of the one clip, which was not restored."""
    (outcome,) = runs.restore(opened, clips.choose(opened, "current")[0], options)
    assert outcome.state in ("failed", "refused"), outcome
    return outcome.said


QUIRKS = [
    ("complete_without_frames", True, "said that the render of b.mov is complete, and 6 of 6 frames are not"),
    ("lose_last_frame", True, "is complete, and 1 of 6 frames are not in"),
    ("fail_after", 3, "did not render b.mov: The render failed."),
    ("disk_full_after", 3, "did not render b.mov: No space left on device"),
    ("import_fails", True, "imported 0 clips of .* in place of one"),
    ("take_fails", True, "did not add the result of b.mov as a take in sync"),
]


@pytest.mark.parametrize(("quirk", "value", "sentence"), QUIRKS, ids=[one[0] for one in QUIRKS])
def test_answers_are_not_believed(
    session: standin.Session,
    project: Any,
    at_work: AtWork,
    movie: Any,
    options: Options,
    quirk: str,
    value: Any,
    sentence: str,
) -> None:
    """And once it is mended, the same run goes through."""
    before = standin.snapshot(project)
    setattr(session.options, quirk, value)
    asked = dataclasses.replace(options, place="take")
    found = said(at_work(), asked)
    assert re.search(sentence, found), found
    assert standin.snapshot(project) == before
    setattr(session.options, quirk, type(value)(False) if isinstance(value, bool) else -1)
    (outcome,) = runs.restore(at_work(), clips.choose(at_work(), "current")[0], asked)
    assert outcome.state == "done"
    assert session.violations == []


def test_a_preset_without_pictures_is_no_trap(
    session: standin.Session, project: Any, at_work: AtWork, movie: Any, options: Options
) -> None:
    project.LoadRenderPreset("Audio Only")
    before = standin.snapshot(project)["deliver"]
    (outcome,) = runs.restore(at_work(), clips.choose(at_work(), "current")[0], options)
    assert outcome.state == "done"
    assert standin.snapshot(project)["deliver"] == before


def test_a_locked_track(project: Any, at_work: AtWork, shot: Any, options: Options) -> None:
    project.GetCurrentTimeline().SetTrackLock("video", 1, True)
    before = standin.snapshot(project)
    found = said(at_work(), dataclasses.replace(options, place="take"))
    assert found == "Track 1, where a_[1001-1008].exr lies, is locked; unlock it, then run this again."
    assert standin.snapshot(project) == before
    (outcome,) = runs.restore(at_work(), clips.choose(at_work(), "current")[0], options)
    assert outcome.state == "done"  # a track above does not touch it


def test_a_locked_track_above_is_passed_over(project: Any, at_work: AtWork, shot: Any, options: Options) -> None:
    line = project.GetCurrentTimeline()
    line.AddTrack("video")
    line.SetTrackLock("video", 2, True)
    (outcome,) = runs.restore(at_work(), clips.choose(at_work(), "current")[0], options)
    assert outcome.state == "done"
    assert line.GetIsTrackLocked("video", 3)


@pytest.mark.parametrize("call", ["MediaPool.ImportMedia", "MediaPool.AppendToTimeline", "Timeline.AddTrack"])
def test_the_artist_switches_timelines(
    session: standin.Session, project: Any, at_work: AtWork, shot: Any, options: Options, call: str
) -> None:
    line = project.GetCurrentTimeline()
    other = project.GetMediaPool().CreateEmptyTimeline("Other")
    project.SetCurrentTimeline(line)
    found = at_work()
    chosen = clips.choose(found, "current")[0]
    session.meanwhile(call, lambda: project.SetCurrentTimeline(other))
    (outcome,) = runs.restore(found, chosen, options)
    assert outcome.state == "done", outcome
    assert other.GetItemListInTrack("video", 1) == []
    assert len(line.GetItemListInTrack("video", 2)) == 1


def test_the_artist_opens_another_project(
    session: standin.Session, project: Any, at_work: AtWork, shot: Any, options: Options
) -> None:
    found = at_work()
    chosen = clips.choose(found, "current")[0]
    before = standin.snapshot(project)
    standin.project("Other")
    (outcome,) = runs.restore(found, chosen, options)
    assert outcome.said.startswith("The project Film is no longer the open one; open it and run FRDM Restore again")
    assert standin.snapshot(project) == before


def test_resolve_quits(session: standin.Session, at_work: AtWork, shot: Any, options: Options) -> None:
    found = at_work()
    chosen = clips.choose(found, "current")[0]
    session.running = False
    with pytest.raises(SessionError, match="Resolve no longer answers"):
        found.check()
    (outcome,) = runs.restore(found, chosen, options)
    assert outcome.said.startswith("Resolve no longer answers; start it again")


def test_no_engine(project: Any, at_work: AtWork, shot: Any, options: Options, tmp_path: Path) -> None:
    before = standin.snapshot(project)
    assert "engine.json" in said(at_work(), dataclasses.replace(options, connection=str(tmp_path / "engine.json")))
    assert standin.snapshot(project) == before


def test_cancelled(project: Any, at_work: AtWork, shot: Any, options: Options) -> None:
    before = standin.snapshot(project)
    with pytest.raises(StoppedError, match="the project is as it was"):
        runs.restore(at_work(), clips.choose(at_work(), "current")[0], options, cancelled=lambda: True)
    assert standin.snapshot(project) == before


def test_a_project_without_name(session: standin.Session) -> None:
    standin.project("Untitled Project")
    with pytest.raises(SessionError, match="has no name yet"):
        opened(connect())
    assert session.modals == []


REACH: list[tuple[dict[str, Any], str]] = [
    ({"running": False}, "Resolve gives scripts no access: start DaVinci Resolve Studio"),
    ({"external": False}, "External scripting using to Local"),
    ({"product": standin.FREE}, "the free version takes no scripts from outside"),
    ({"version": (18, 5, 0)}, "is too old for FRDM"),
]


@pytest.mark.parametrize(("how", "sentence"), REACH, ids=["not running", "off", "free", "old"])
def test_what_is_missing_is_said(tmp_path: Path, how: dict[str, Any], sentence: str) -> None:
    session = standin.install(tmp_path, **how)
    try:
        with pytest.raises(SessionError, match=sentence):
            connect()
        assert session.modals == []
        assert set(session.calls) <= {"Resolve.GetProductName", "Resolve.GetVersion"}
    finally:
        standin.uninstall()


def test_the_free_version_from_inside(tmp_path: Path) -> None:
    session = standin.install(tmp_path, product=standin.FREE, version=(20, 0, 0), inside=True)
    try:
        with pytest.raises(SessionError, match=r"DaVinci Resolve 20.0.0 is the free version"):
            connect(standin.scripting.names())
        assert session.modals == []
    finally:
        standin.uninstall()


def test_no_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESOLVE_SCRIPT_API", str(tmp_path))
    with pytest.raises(SessionError, match=r"scripting is not at .*Modules; install DaVinci Resolve Studio"):
        connect()
