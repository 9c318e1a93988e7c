"""Clips restored by a live engine, placed in the stand-in, and looked at there frame by frame."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frdm_resolve import clips, remove, runs
from frdm_resolve.session import Open
from frdm_resolve.settings import Options
from tests.host_resolve import standin

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
    assert clip.GetClipProperty("File Path").startswith(options.folder)
    assert clip.GetClipProperty("Start TC") == f"01:02:00:{3 - handles:02d}"
    assert (item.GetStart(False), item.GetDuration(False)) == (START, 6)
    assert item.GetLeftOffset(False) == handles
    for at in range(6):
        assert shown(at_work().project, START + at) == pytest.approx(1004 + at, abs=0.6)
    assert session.violations == []
