"""The stand-in's render queue: ranges, hidden state, and what it says without having done it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterator, List

import numpy as np
import pytest

from tests.host_resolve import standin
from tests.host_resolve.standin import exr
from tests.host_resolve.standin.media import open_movie

START = 86400


@pytest.fixture
def session(tmp_path: Path) -> Iterator[standin.Session]:
    yield standin.install(tmp_path)
    standin.uninstall()


@pytest.fixture
def project(session: standin.Session, tmp_path: Path) -> Any:
    made = standin.project()
    standin.sequence(tmp_path / "a_%04d.exr", range(1001, 1049), timecode="01:02:00:00")
    standin.cut(standin.bring(tmp_path / "a_%04d.exr", 1001, 1048), first=10, last=19, at=START + 2)
    made.SetCurrentRenderFormatAndCodec("exr", made.GetRenderCodecs("exr")["RGB half"])
    return made


def _settings(folder: Path, **more: Any) -> Dict[str, Any]:
    first = {"SelectAllFrames": False, "MarkIn": START + 2, "MarkOut": START + 11}
    return {**first, "TargetDir": str(folder), "CustomName": "r_", **more}


def _rendered(project: Any) -> Dict[str, Any]:
    job = project.AddRenderJob()
    assert job
    assert project.StartRendering([job], isInteractiveMode=False)
    told: List[Dict[str, Any]] = []
    while not told or told[-1]["JobStatus"] == "Rendering":
        told.append(project.GetRenderJobStatus(job))
    assert not project.IsRenderingInProgress()
    return told[-1]


def test_the_last_frame_is_within(project: Any, tmp_path: Path) -> None:
    assert project.SetRenderSettings(_settings(tmp_path / "out", ClipStartFrame=1001))
    assert _rendered(project)["JobStatus"] == "Complete"
    files = sorted((tmp_path / "out").iterdir())
    assert [one.name for one in files] == [f"r_{number:08d}.exr" for number in range(1001, 1011)]
    for at, path in enumerate(files):
        assert np.array_equal(exr.read(path), standin.picture(1011 + at))
    assert exr.header(files[0])[2] == "01:00:00:02"


def test_ids_are_taken_and_names_refused(project: Any) -> None:
    assert project.GetRenderFormats()["EXR"] == "exr"
    assert project.GetRenderCodecs("EXR") == {}
    assert not project.SetCurrentRenderFormatAndCodec("EXR", "RGBHalf")
    assert not project.SetCurrentRenderFormatAndCodec("exr", "RGB half")
    assert project.SetCurrentRenderFormatAndCodec("mov", "ProRes422HQ")
    assert project.GetCurrentRenderFormatAndCodec() == {"format": "mov", "codec": "ProRes422HQ"}


def test_a_key_that_is_none_refuses_all(project: Any, tmp_path: Path) -> None:
    assert not project.SetRenderSettings({"TargetDir": str(tmp_path), "Colour": "blue"})
    assert not project.SetRenderSettings({"MarkIn": "86400"})
    assert project.AddRenderJob() == ""


def test_a_preset_stays_below_the_settings(session: standin.Session, project: Any, tmp_path: Path) -> None:
    assert project.SaveAsNewRenderPreset("mine")
    assert project.LoadRenderPreset("Audio Only")
    assert project.SetCurrentRenderFormatAndCodec("exr", "RGBHalf")
    assert project.SetRenderSettings(_settings(tmp_path / "out", ExportVideo=True))
    assert _rendered(project)["JobStatus"] == "Complete"
    assert project.GetRenderJobList()[0]["IsExportVideo"] is True
    assert not (tmp_path / "out").exists()
    assert project.LoadRenderPreset("mine")
    assert project.DeleteRenderPreset("mine")
    assert project.SetRenderSettings(_settings(tmp_path / "out"))
    assert _rendered(project)["JobStatus"] == "Complete"
    assert len(list((tmp_path / "out").iterdir())) == 10
    assert session.violations == []


def test_marks_that_another_job_set_live_on(project: Any, tmp_path: Path) -> None:
    assert project.SetRenderSettings(_settings(tmp_path / "one"))
    assert project.SetRenderSettings({"TargetDir": str(tmp_path / "two"), "SelectAllFrames": False})
    _rendered(project)
    assert len(list((tmp_path / "two").iterdir())) == 10


@pytest.mark.parametrize(
    ("option", "said", "files"),
    [
        ({"complete_without_frames": True}, "Complete", 0),
        ({"lose_last_frame": True}, "Complete", 9),
        ({"fail_after": 3}, "Failed", 3),
        ({"disk_full_after": 3}, "Failed", 4),
    ],
)
def test_what_it_says_proves_nothing(
    option: Dict[str, Any], said: str, files: int, session: standin.Session, project: Any, tmp_path: Path
) -> None:
    for name, value in option.items():
        setattr(session.options, name, value)
    folder = tmp_path / "out"
    assert project.SetRenderSettings(_settings(folder))
    told = _rendered(project)
    assert told["JobStatus"] == said
    assert ("Error" in told) is (said == "Failed")
    assert len(list(folder.iterdir()) if folder.exists() else []) == files
    if "disk_full_after" in option:
        with pytest.raises(exr.ExrError):
            exr.read(folder / "r_00000004.exr")


def test_a_missing_source_fails(project: Any, tmp_path: Path) -> None:
    (tmp_path / "a_1014.exr").unlink()
    assert project.SetRenderSettings(_settings(tmp_path / "out"))
    assert "a_1014" in _rendered(project)["Error"]


def test_the_timeline_is_the_one_that_is_current_when_the_job_is_added(
    session: standin.Session, project: Any, tmp_path: Path
) -> None:
    pool = project.GetMediaPool()
    assert project.SetRenderSettings(_settings(tmp_path / "out"))
    session.meanwhile("Project.AddRenderJob", lambda: pool.CreateEmptyTimeline("Other"))
    project.AddRenderJob()
    assert project.GetRenderJobList()[0]["TimelineName"] == "Other"


def test_a_grade_is_baked_in(project: Any, tmp_path: Path) -> None:
    project.GetCurrentTimeline().GetItemListInTrack("video", 1)[0]._gain = 2.0
    assert project.SetRenderSettings(_settings(tmp_path / "out"))
    _rendered(project)
    assert np.array_equal(exr.read(tmp_path / "out" / "r_00000001.exr"), standin.picture(1011) * np.float32(2))


@pytest.mark.parametrize(
    ("science", "settings", "same"),
    [
        ("davinciYRGB", {}, True),
        ("davinciYRGBColorManagedv2", {}, False),
        ("davinciYRGBColorManagedv2", {"colorSpaceOutput": "ACEScct"}, True),
        ("acescct", {}, True),
        ("acescct", {"colorAcesODT": "Rec.709"}, False),
    ],
)
def test_colours_come_out_in_the_output_space(
    science: str, settings: Dict[str, str], same: bool, project: Any, tmp_path: Path
) -> None:
    (item,) = project.GetCurrentTimeline().GetItemListInTrack("video", 1)
    assert project.SetSetting("colorScienceMode", science)
    assert item.GetMediaPoolItem().SetClipProperty("Input Color Space", "ACEScct") is ("Managed" in science)
    for name, value in settings.items():
        assert project.SetSetting(name, value)
    assert project.SetRenderSettings(_settings(tmp_path / "out"))
    _rendered(project)
    assert np.array_equal(exr.read(tmp_path / "out" / "r_00000001.exr"), standin.picture(1011)) is same


def test_a_movie_comes_out(project: Any, tmp_path: Path) -> None:
    assert project.SetCurrentRenderFormatAndCodec("mov", "ProRes422HQ")
    assert project.SetRenderSettings(_settings(tmp_path / "out"))
    assert _rendered(project)["JobStatus"] == "Complete"
    media = open_movie(str(tmp_path / "out" / "r_.mov"))
    assert (media.frames, media.start) == (10, START + 2)
    assert np.array_equal(media.picture(3), standin.picture(1014))


def test_the_queue_of_the_artist(session: standin.Session, project: Any, tmp_path: Path) -> None:
    assert project.SetRenderSettings(_settings(tmp_path / "theirs"))
    theirs = project.AddRenderJob()
    assert project.SetRenderSettings(_settings(tmp_path / "ours"))
    ours = project.AddRenderJob()
    assert project.StartRendering([ours], False)
    assert not project.StartRendering([theirs], False)
    assert not project.DeleteRenderJob(ours)
    project.StopRendering()
    assert project.GetRenderJobStatus(ours)["JobStatus"] == "Cancelled"
    assert project.DeleteRenderJob(ours)
    assert [one["JobId"] for one in project.GetRenderJobList()] == [theirs]
    assert session.violations == []
    assert project.StartRendering()
    assert session.violations == ["StartRendering took the whole queue"]


def test_another_size_is_fitted(project: Any, tmp_path: Path) -> None:
    assert project.SetRenderSettings(_settings(tmp_path / "out", FormatWidth=128, FormatHeight=48))
    _rendered(project)
    picture = exr.read(tmp_path / "out" / "r_00000001.exr")
    assert picture.shape == (48, 128, 3)
    assert not picture[:, :32].any()
    assert np.array_equal(picture[:, 32:96], standin.picture(1011))
