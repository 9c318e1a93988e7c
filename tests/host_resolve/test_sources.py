"""Which pixels the engine is given: sequences that it reads itself, and renders that would not be the source."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from frdm_resolve import clips, remove, runs
from frdm_resolve.session import Open
from frdm_resolve.settings import Options
from tests.host_resolve import standin

START = 86400
AtWork = Callable[[], Open]


def shown(project: Any, frame: int) -> float:
    """Which frame of the source a timeline frame shows, told by the pictures' upper left pixel."""
    return float(standin.seen(project.GetCurrentTimeline(), frame, (64, 48))[0, 0, 0]) * 1024


@pytest.mark.parametrize("suffix", ["dpx", "tif", "tiff"])
@pytest.mark.parametrize(("place", "space"), [("track", "linear"), ("take", "linear"), ("track", "auto")])
def test_dpx_and_tiff_are_read_by_the_engine(
    session: standin.Session,
    project: Any,
    at_work: AtWork,
    options: Options,
    tmp_path: Path,
    suffix: str,
    place: str,
    space: str,
) -> None:
    """Nothing is rendered, and what comes back shows the frame that the original shows there."""
    standin.sequence(tmp_path / f"a_%04d.{suffix}", range(401, 413))
    item = standin.cut(standin.bring(tmp_path / f"a_%04d.{suffix}", 401, 412), first=3, last=8, at=START)
    wanted = [shown(project, START + at) for at in range(6)]
    assert wanted == pytest.approx([404 + at for at in range(6)], abs=0.1)
    before = standin.snapshot(project)
    asked = dataclasses.replace(options, place=place, handles=2, colourspace=space)
    (outcome,) = runs.restore(at_work(), clips.choose(at_work(), "current")[0], asked)
    assert outcome.state == "done", outcome
    assert "Project.AddRenderJob" not in session.calls
    assert "MediaPool.CreateEmptyTimeline" not in session.calls
    top = project.GetCurrentTimeline().GetCurrentVideoItem()
    assert (top.GetStart(False), top.GetDuration(False), top.GetLeftOffset(False)) == (START, 6, 2)
    result = top.GetMediaPoolItem()
    assert str(result.GetClipProperty("File Path")).startswith(options.folder)
    assert result.GetClipProperty("Start TC") == "00:00:16:18"  # frame 402 at 24: the original's, less its handles
    assert [shown(project, START + at) for at in range(6)] == pytest.approx(wanted, abs=0.6)
    assert (top is item) is (place == "take")
    assert remove.remove(at_work())[0].state == "done"
    assert standin.snapshot(project) == before


@pytest.mark.parametrize("transform", ["Rec.709", "P3-D65"])
def test_an_aces_output_transform_is_not_burnt_in(
    session: standin.Session, project: Any, at_work: AtWork, options: Options, tmp_path: Path, transform: str
) -> None:
    """A movie is refused; a sequence, which needs no render, is not; without the transform the movie goes through."""
    project.SetSetting("colorScienceMode", "acescct")
    project.SetSetting("colorAcesODT", transform)
    made = standin.movie(tmp_path / "b.mov", [standin.picture(n) for n in range(8)], fps=24, start="10:00:00:00")
    standin.cut(standin.bring(made), first=1, last=6, at=START)
    standin.sequence(tmp_path / "a_%04d.exr", range(401, 407))
    standin.cut(standin.bring(tmp_path / "a_%04d.exr", 401, 406), first=0, last=5, at=START + 10)
    before = standin.snapshot(project)
    asked = dataclasses.replace(options, colourspace="ACES2065-1")
    chosen, refused = clips.choose(at_work(), "timeline")
    assert refused == []
    first, second = runs.restore(at_work(), chosen, dataclasses.replace(asked, place="take"))
    assert first.state == "failed"
    assert first.said == (
        f"The project renders through the ACES output transform {transform}, which would be burnt into b.mov; set it "
        "to No Output Transform while FRDM restores, or export the clip as EXR by hand."
    )
    assert second.state == "done", second
    assert "Project.AddRenderJob" not in session.calls
    assert {one.state for one in remove.remove(at_work())} == {"done"}
    assert standin.snapshot(project) == before
    project.SetSetting("colorAcesODT", "No Output Transform")
    (again,) = runs.restore(at_work(), chosen[:1], asked)
    assert again.state == "done", again
    assert session.violations == []
