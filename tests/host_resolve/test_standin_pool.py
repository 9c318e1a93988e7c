"""Clips, bins and media storage of the stand-in."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import numpy as np
import pytest

from tests.host_resolve import standin
from tests.host_resolve.standin import exr, timecode
from tests.host_resolve.standin.media import open_movie


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Any]:
    standin.install(tmp_path)
    yield standin.project()
    standin.uninstall()


def test_a_sequence_with_timecode(project: Any, tmp_path: Path) -> None:
    standin.sequence(tmp_path / "a_%04d.exr", range(1001, 1010), timecode="01:00:59:20")
    clip = standin.bring(tmp_path / "a_%04d.exr", 1001, 1009)
    told = clip.GetClipProperty()
    assert told["File Path"] == str(tmp_path / "a_[1001-1009].exr")
    assert (told["Start"], told["End"], told["Frames"], told["FPS"]) == ("1001", "1009", "9", 24.0)
    assert (told["Start TC"], told["End TC"], told["Duration"]) == ("01:00:59:20", "01:01:00:05", "00:00:00:09")
    assert clip.GetClipProperty("Resolution") == "64x48"
    assert clip.GetClipProperty("Nothing") == ""


def test_a_sequence_without_timecode_has_its_number_s(project: Any, tmp_path: Path) -> None:
    standin.sequence(tmp_path / "a_%04d.exr", range(1001, 1003))
    assert standin.bring(tmp_path / "a_%04d.exr", 1001, 1002).GetClipProperty("Start TC") == "00:00:41:17"


def test_a_sequence_takes_the_project_s_rate(project: Any, tmp_path: Path) -> None:
    standin.sequence(tmp_path / "a_%04d.exr", range(1, 4), fps=30)
    clip = standin.bring(tmp_path / "a_%04d.exr", 1, 3)
    assert clip.GetClipProperty("FPS") == 24.0
    assert clip.SetClipProperty("FPS", "30")
    assert clip.GetClipProperty("FPS") == 30.0


def test_frames_that_lack_end_the_clip_without_a_word(project: Any, tmp_path: Path) -> None:
    standin.sequence(tmp_path / "a_%04d.exr", [1, 2, 3, 5, 6])
    clip = standin.bring(tmp_path / "a_%04d.exr", 1, 6)
    assert clip.GetClipProperty("Frames") == "3"


def test_a_path_of_one_file_brings_its_run(project: Any, tmp_path: Path) -> None:
    standin.sequence(tmp_path / "a_%04d.exr", [1, 2, 3, 5, 6])
    assert standin.bring(tmp_path / "a_0005.exr").GetClipProperty("Frames") == "2"


@pytest.mark.parametrize(("suffix", "form"), [("dpx", "DPX"), ("tif", "TIFF")])
def test_sequences_of_other_formats(suffix: str, form: str, project: Any, tmp_path: Path) -> None:
    standin.sequence(tmp_path / f"a_%04d.{suffix}", range(1, 4))
    clip = standin.bring(tmp_path / f"a_%04d.{suffix}", 1, 3)
    assert (clip.GetClipProperty("Format"), clip.GetClipProperty("Frames")) == (form, "3")
    picture = exr.read(tmp_path / f"a_0002.{suffix}")
    assert np.allclose(picture, standin.picture(2).clip(0, 1), atol=1e-4)


def test_a_still(project: Any, tmp_path: Path) -> None:
    standin.sequence(tmp_path / "a_%04d.exr", [7])
    assert standin.bring(tmp_path / "a_0007.exr").GetClipProperty("Type") == "Still"


def test_what_is_selected(project: Any, tmp_path: Path) -> None:
    standin.sequence(tmp_path / "a_%04d.exr", [7])
    clip = standin.bring(tmp_path / "a_0007.exr")
    standin.select(clip)
    assert project.GetMediaPool().GetSelectedClips() == [clip]


def test_a_movie(project: Any, tmp_path: Path) -> None:
    pictures = [standin.picture(frame) for frame in range(12)]
    path = standin.movie(tmp_path / "b.mov", pictures, fps=23.976, start="10:00:00:00", audio=True)
    told = standin.bring(path).GetClipProperty()
    assert (told["FPS"], told["Type"], told["End TC"]) == (23.976, "Video + Audio", "10:00:00:12")
    assert np.array_equal(open_movie(str(path)).picture(7), pictures[7])


def test_frames_may_come_one_by_one(project: Any, tmp_path: Path) -> None:
    project._session.options.individual_frames = True
    standin.sequence(tmp_path / "a_%04d.exr", range(1, 4))
    asked = {"FilePath": str(tmp_path / "a_%04d.exr"), "StartIndex": 1, "EndIndex": 3}
    made = project.GetMediaPool().ImportMedia([asked])
    assert [one.GetClipProperty("Start") for one in made] == ["1", "2", "3"]


def test_what_is_no_clip_is_not_imported(project: Any, tmp_path: Path) -> None:
    (tmp_path / "b.mov").write_bytes(b"nothing")
    assert project.GetMediaPool().ImportMedia([str(tmp_path / "b.mov"), str(tmp_path / "none.exr")]) == []


def test_import_goes_to_the_current_bin(project: Any, tmp_path: Path) -> None:
    standin.sequence(tmp_path / "a_%04d.exr", range(1, 3))
    pool = project.GetMediaPool()
    made = pool.AddSubFolder(pool.GetRootFolder(), "FRDM")
    assert pool.GetCurrentFolder() is made
    clip = standin.bring(tmp_path / "a_%04d.exr", 1, 2)
    assert made.GetClipList() == [clip]
    assert pool.AddSubFolder(pool.GetRootFolder(), "FRDM") is None
    assert pool.DeleteFolders([made])
    assert clip.GetName() is None
    assert pool.GetCurrentFolder() is pool.GetRootFolder()


def test_deleting_a_clip_takes_its_items(project: Any, tmp_path: Path) -> None:
    session = project._session
    standin.sequence(tmp_path / "a_%04d.exr", range(1, 9))
    clip = standin.bring(tmp_path / "a_%04d.exr", 1, 8)
    item = standin.cut(clip, first=0, last=7, at=86400)
    assert clip.GetClipProperty("Usage") == "1"
    assert project.GetMediaPool().DeleteClips([clip])
    assert item.GetStart() is None
    assert session.violations == ["DeleteClips took a_[0001-0008].exr off Edit"]


def test_replacing_a_clip_is_a_violation(project: Any, tmp_path: Path) -> None:
    standin.sequence(tmp_path / "a_%04d.exr", range(1, 3))
    clip = standin.bring(tmp_path / "a_%04d.exr", 1, 2)
    path = standin.movie(tmp_path / "b.mov", [standin.picture(1)])
    assert clip.ReplaceClip(str(path))
    assert project._session.violations


@pytest.mark.parametrize(
    ("science", "accepted"), [("davinciYRGB", False), ("davinciYRGBColorManagedv2", True), ("acescct", False)]
)
def test_a_colour_space_where_colour_is_managed(science: str, accepted: bool, project: Any, tmp_path: Path) -> None:
    standin.sequence(tmp_path / "a_%04d.exr", range(1, 3))
    clip = standin.bring(tmp_path / "a_%04d.exr", 1, 2)
    assert project.SetSetting("colorScienceMode", science)
    assert clip.SetClipProperty("Input Color Space", "ACEScg") is accepted
    assert clip.SetClipProperty("Input Color Space", "No such space") is False


def test_timecode_can_be_set(project: Any, tmp_path: Path) -> None:
    standin.sequence(tmp_path / "a_%04d.exr", range(1, 3))
    clip = standin.bring(tmp_path / "a_%04d.exr", 1, 2)
    assert clip.SetClipProperty("Start TC", "02:00:00:00")
    assert clip.GetClipProperty("End TC") == "02:00:00:02"
    assert not clip.SetClipProperty("Start TC", "02:00:00:24")
    assert not clip.SetClipProperty("Frames", "5")


def test_storage_shows_a_sequence_as_one(project: Any, tmp_path: Path) -> None:
    folder = tmp_path / "media"
    standin.sequence(folder / "a_%04d.exr", [1, 2, 3, 5])
    (folder / "notes.txt").write_text("")
    storage = project._session.resolve.GetMediaStorage()
    assert storage.GetFileList(str(folder)) == [str(folder / "a_[0001-0003].exr"), str(folder / "a_[0005-0005].exr")]
    assert storage.GetSubFolderList(str(tmp_path)) == [str(folder), str(tmp_path / "resolve")]


def test_a_file_s_header_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "a.exr"
    exr.write(path, standin.picture(3), timecode="23:59:58:11", fps=23.976)
    width, height, text, fps = exr.header(path)
    assert (width, height, text) == (64, 48, "23:59:58:11")
    assert fps == pytest.approx(24000 / 1001)
    assert np.array_equal(exr.read(path), standin.picture(3))


@pytest.mark.parametrize(
    ("rate", "frame", "text"),
    [
        ("24", 86400, "01:00:00:00"),
        ("23.976", 86401, "01:00:00:01"),
        ("29.97 DF", 1800, "00:01:00;02"),
        ("29.97 DF", 17982, "00:10:00;00"),
        ("59.94 DF", 3600, "00:01:00;04"),
        ("29.97", 1800, "00:01:00:00"),
    ],
)
def test_timecode(rate: str, frame: int, text: str) -> None:
    assert timecode.from_frames(frame, rate) == text
    assert timecode.to_frames(text, rate) == frame
    assert timecode.named(timecode.exact(rate)) == float(rate.replace(" DF", ""))
