"""Every quirk of Resolve's answers against the adapter: it looks, and never believes. Where it cannot place a result in
sync, it says so and the project is as it was, item by item.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frdm_resolve import clips, render, runs
from frdm_resolve.errors import AdapterError, SessionError
from frdm_resolve.session import Open, connect
from frdm_resolve.settings import Options
from tests.host_resolve import standin
from tests.host_resolve.standin import exr

START = 86400
AtWork = Callable[[], Open]


def sequence(place: Path, *, name: str = "a") -> Any:
    standin.sequence(place / f"{name}_%04d.exr", range(1001, 1021), timecode="01:02:00:00")
    return standin.bring(place / f"{name}_%04d.exr", 1001, 1020)


def movie(place: Path, *, fps: float = 24.0) -> Any:
    pictures = [standin.picture(number) for number in range(1001, 1021)]
    return standin.bring(standin.movie(place / "m.mov", pictures, fps=fps, start="01:02:00:00"))


def run(opened: Open, options: Options) -> list[runs.Outcome]:
    """All of the timeline; those refused before are outcomes, too."""
    try:
        chosen, refused = clips.choose(opened, "timeline")
    except AdapterError as error:
        return [runs.Outcome("", "refused", str(error))]
    return [*runs.restore(opened, chosen, options), *(runs.Outcome("", "refused", said) for said in refused)]


def states(outcomes: list[runs.Outcome]) -> list[str]:
    return [one.state for one in outcomes]


def unharmed(project: Any, before: dict[str, Any]) -> None:
    after = standin.snapshot(project)
    for name, one in before.items():
        assert after[name] == one, name


def shows(project: Any, item: Any) -> list[float]:
    """The numbers of the pictures seen from an item's start to its end."""
    line = project.GetCurrentTimeline()
    return [float(standin.seen(line, at, (64, 48))[0, 0, 0]) * 1024 for at in range(item._start, item._end())]


def in_sync(project: Any, original: Any, before: list[float]) -> None:
    """What is seen now is what the original showed, frame by frame, by content."""
    assert shows(project, original) == pytest.approx(before, abs=0.6)
    top = project.GetCurrentTimeline()._top(original._start)
    assert top is not original or top._picked > 0
    assert (top._start, top._end()) == (original._start, original._end())


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "EVERY", 0.005)


@pytest.mark.parametrize("place", ["take", "track"])
@pytest.mark.parametrize(
    "quirk",
    [
        {},
        {"source_start_off_by_one": False},
        {"sequences_count_from_start": False},
        {"take_end_inclusive": True},
        {"rates_are_numbers": True},
    ],
    ids=lambda quirk: next(iter(quirk), "as it stands"),
)
def test_it_is_in_sync_whichever_way_frames_are_counted(
    session: standin.Session,
    project: Any,
    at_work: AtWork,
    options: Options,
    tmp_path: Path,
    place: str,
    quirk: dict[str, bool],
) -> None:
    for name, value in quirk.items():
        setattr(session.options, name, value)
    item = standin.cut(sequence(tmp_path), first=3, last=8, at=START + 7)
    before = shows(project, item)
    assert states(run(at_work(), dataclasses.replace(options, place=place))) == ["done"]
    in_sync(project, item, before)
    assert session.violations == []


@pytest.mark.parametrize(
    ("line", "clip", "place"),
    [
        ("24", 30.0, "take"),
        ("24", 30.0, "track"),
        ("24", 25.0, "track"),
        ("23.976", 24.0, "track"),
        ("25", 24.0, "take"),
    ],
)
def test_mixed_rates_are_in_sync_or_refused(
    session: standin.Session, at_work: AtWork, options: Options, tmp_path: Path, line: str, clip: float, place: str
) -> None:
    project = standin.project("Rates", fps=line)
    start = project.GetCurrentTimeline().GetStartFrame()
    item = standin.cut(movie(tmp_path, fps=clip), first=3, last=14, at=start)
    before = shows(project, item)
    whole = standin.snapshot(project)
    outcomes = run(at_work(), dataclasses.replace(options, place=place))
    if states(outcomes) == ["done"]:
        in_sync(project, item, before)
    else:
        assert outcomes[0].said
        unharmed(project, whole)
    assert session.violations == []


@pytest.mark.parametrize("percent", [50, 99, 101, 200])
def test_a_retime_is_not_placed_out_of_sync(
    project: Any, at_work: AtWork, options: Options, tmp_path: Path, percent: int
) -> None:
    session = project._session
    item = standin.cut(sequence(tmp_path), first=2, last=9 if percent > 150 else 13, at=START)
    standin.retime(item, percent)
    before = shows(project, item)
    whole = standin.snapshot(project)
    outcomes = run(at_work(), options)
    if "done" in states(outcomes):
        in_sync(project, item, before)
    else:
        assert outcomes[0].said
        unharmed(project, whole)
    assert session.violations == []


def test_a_clip_that_falls_on_the_track_meanwhile_stays(
    session: standin.Session, project: Any, at_work: AtWork, options: Options, tmp_path: Path
) -> None:
    clip = sequence(tmp_path)
    standin.cut(clip, first=3, last=8, at=START)
    theirs: list[Any] = []
    session.meanwhile(
        "MediaPool.AppendToTimeline", lambda: theirs.append(standin.cut(clip, first=0, last=5, at=START + 2, track=2))
    )
    outcomes = run(at_work(), options)
    assert len(theirs) == 1
    assert theirs[0].GetStart() == START + 2
    if states(outcomes) == ["done"]:
        assert project.GetCurrentTimeline().GetTrackCount("video") == 3
    else:
        assert states(outcomes) == ["failed"]
        assert len(list(project.GetCurrentTimeline()._everything())) == 2
    assert session.violations == []


def test_what_a_save_drops_is_placed_again(
    session: standin.Session, project: Any, at_work: AtWork, options: Options, tmp_path: Path
) -> None:
    item = standin.cut(sequence(tmp_path), first=3, last=8, at=START)
    before = shows(project, item)
    session.options.append_errors = True
    run(at_work(), options)
    session.options.append_errors = False
    assert session.resolve.GetProjectManager().SaveProject()
    assert "failed" not in states(run(at_work(), options))
    in_sync(project, item, before)
    assert session.violations == []


@pytest.mark.parametrize("place", ["take", "track"])
@pytest.mark.parametrize("when", ["MediaPool.AppendToTimeline", "MediaPool.ImportMedia", "Project.AddRenderJob"])
def test_another_timeline_is_opened_meanwhile(
    session: standin.Session, project: Any, at_work: AtWork, options: Options, tmp_path: Path, when: str, place: str
) -> None:
    item = standin.cut(movie(tmp_path), first=3, last=8, at=START)
    before = shows(project, item)
    edit = project.GetCurrentTimeline()
    other = project.GetMediaPool().CreateEmptyTimeline("Other")
    project.SetCurrentTimeline(edit)
    session.meanwhile(when, lambda: project.SetCurrentTimeline(other))
    outcomes = run(at_work(), dataclasses.replace(options, place=place))
    assert list(other._everything()) == []
    assert project.GetTimelineCount() == 2
    project.SetCurrentTimeline(edit)
    if states(outcomes) == ["done"]:
        in_sync(project, item, before)
    else:
        assert list(edit._everything()) == [item]
    assert session.violations == []


@pytest.mark.parametrize(
    "when", ["MediaPool.AppendToTimeline", "MediaPool.ImportMedia", "Project.AddRenderJob", "Project.StartRendering"]
)
def test_another_project_is_opened_meanwhile(
    session: standin.Session, project: Any, at_work: AtWork, options: Options, tmp_path: Path, when: str
) -> None:
    item = standin.cut(movie(tmp_path), first=3, last=8, at=START)
    manager = session.resolve.GetProjectManager()
    session.meanwhile(when, lambda: standin.project("Other"))
    outcomes = run(at_work(), options)
    assert "done" not in states(outcomes)
    other = manager.GetCurrentProject()
    assert other.GetName() == "Other"
    assert list(other.GetCurrentTimeline()._everything()) == []
    assert item in list(project._timelines[0]._everything())
    assert session.violations == []


@pytest.mark.parametrize(
    "quirk",
    [
        {"complete_without_frames": True},
        {"lose_last_frame": True},
        {"fail_after": 2},
        {"disk_full_after": 2},
        {"import_fails": True},
        {"individual_frames": True},
    ],
    ids=lambda quirk: next(iter(quirk)),
)
def test_what_resolve_does_not_do_is_told(
    session: standin.Session,
    project: Any,
    at_work: AtWork,
    options: Options,
    tmp_path: Path,
    quirk: dict[str, Any],
) -> None:
    standin.cut(movie(tmp_path), first=3, last=8, at=START)
    before = standin.snapshot(project)
    for name, value in quirk.items():
        setattr(session.options, name, value)
    (outcome,) = run(at_work(), options)
    assert outcome.state == "failed"
    assert outcome.said.endswith(".") or outcome.said.endswith("again")
    unharmed(project, before)
    session.options = standin.Options()
    assert states(run(at_work(), options)) == ["done"]
    assert session.violations == []


def test_a_take_that_is_not_there_is_told(
    session: standin.Session, project: Any, at_work: AtWork, options: Options, tmp_path: Path
) -> None:
    standin.cut(sequence(tmp_path), first=3, last=8, at=START)
    before = standin.snapshot(project)
    session.options.take_fails = True
    assert states(run(at_work(), dataclasses.replace(options, place="take"))) == ["failed"]
    unharmed(project, before)


def test_the_preset_that_lies_below_is_not_believed(
    session: standin.Session, project: Any, at_work: AtWork, options: Options, tmp_path: Path
) -> None:
    item = standin.cut(movie(tmp_path), first=3, last=8, at=START)
    before = shows(project, item)
    assert project.LoadRenderPreset("Audio Only")
    assert project.SetRenderSettings({"TargetDir": str(tmp_path), "ClipStartFrame": 77, "CustomName": "theirs"})
    theirs = project.AddRenderJob()
    whole = standin.snapshot(project)
    assert states(run(at_work(), options)) == ["done"]
    in_sync(project, item, before)
    after = standin.snapshot(project)
    for name in ("deliver", "presets", "jobs", "settings", "current bin", "current timeline"):
        assert after[name] == whole[name], name
    assert project.GetRenderJobStatus(theirs)["JobStatus"] == "Ready"
    assert session.violations == []


@pytest.mark.parametrize("from_start", [True, False])
def test_the_range_is_meant_whichever_way_it_is_counted(
    session: standin.Session, project: Any, at_work: AtWork, tmp_path: Path, from_start: bool
) -> None:
    session.options.marks_from_start = from_start
    clip = sequence(tmp_path)
    for at in range(3):
        standin.cut(clip, first=at, last=at + 9, at=START + 10 * at)
    origin = 0 if from_start else START
    assert project.GetCurrentTimeline().SetMarkInOut(origin + 10, origin + 19)
    chosen, refused = clips.choose(at_work(), "range")
    assert refused == []
    assert [one.record for one in chosen] == [START + 10]


def test_a_clip_s_own_colours_come_out(
    session: standin.Session, at_work: AtWork, options: Options, tmp_path: Path
) -> None:
    project = standin.project("Managed", science="davinciYRGBColorManagedv2")
    clip = movie(tmp_path)
    assert clip.SetClipProperty("Input Color Space", "ACEScct")
    item = standin.cut(clip, first=3, last=8, at=START)
    whole = standin.snapshot(project)
    (outcome,) = run(at_work(), options)
    assert outcome.state == "done", outcome
    top = project.GetCurrentTimeline()._top(START)
    assert top is not item
    assert top.GetMediaPoolItem().GetClipProperty("Input Color Space") == "ACEScct"
    rendered = sorted(Path(options.folder).rglob("source*.exr"))
    if rendered:
        assert np.array_equal(exr.read(rendered[0]), standin.picture(1004))
    assert standin.snapshot(project)["settings"] == whole["settings"]
    assert session.violations == []


def test_the_free_version_is_told_before_a_modal_comes(tmp_path: Path) -> None:
    session = standin.install(tmp_path, product=standin.FREE, inside=True)
    with pytest.raises(SessionError, match="free version"):
        connect({"resolve": session.resolve})
    assert session.modals == []
    assert session.calls[0] == "Resolve.GetProductName"
    standin.uninstall()


@pytest.mark.parametrize("how", [{"running": False}, {"external": False}, {"variables": False}])
def test_none_for_an_application_is_a_sentence(
    how: dict[str, bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    standin.install(tmp_path, **how)  # type: ignore[arg-type]  # none of these is the product
    with pytest.raises(SessionError) as told:
        connect()
    assert "Resolve" in str(told.value)
    standin.uninstall()


def test_a_version_that_does_not_tell_a_clip_s_speed(tmp_path: Path) -> None:
    session = standin.install(tmp_path, version=(18, 6, 6))
    with pytest.raises(SessionError, match=r"18\.6\.6"):
        connect({"resolve": session.resolve})
    standin.uninstall()
