"""`frdm pairs`: scans and restorations of any plate format are listed, checked and trained on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from typer.testing import Result

from frdm_engine.cli.pairs import read_any
from frdm_engine.plates.images import write_image

Frdm = Callable[..., Result]
Refused = Callable[..., str]
FRAMES = 6


@pytest.fixture
def folder(tmp_path: Path, picture: Callable[..., npt.NDArray[np.float32]]) -> Path:
    """A scan of EXR frames 1001-1006 with a bright speck each, and its restoration."""
    for step in range(FRAMES):
        clean = np.ascontiguousarray(picture(step, height=96, width=128))
        scan = clean.copy()
        scan[20 + 5 * step : 26 + 5 * step, 40:47] = 1.4
        for name, pixels in (("scan", scan), ("done", clean)):
            path = tmp_path / name / f"reel.{1001 + step}.exr"
            path.parent.mkdir(exist_ok=True)
            write_image(path, pixels, channel_names=("R", "G", "B"))
    return tmp_path


def test_a_pair_is_added_and_checked(frdm: Frdm, folder: Path) -> None:
    register = folder / "pairs.json"
    result = frdm("pairs", "add", folder / "scan", folder / "done", "--to", register, "--licence", "ours")
    assert result.exit_code == 0, result.output
    assert "scan/reel: 6 frames, 1001-1006, offset 0" in result.stdout
    listed = json.loads(register.read_text())["pairs"][0]
    assert (listed["damaged"], listed["licence"]) == ("scan/reel.%04d.exr", "ours")
    result = frdm("pairs", "check", register, "--report", folder / "report.json")
    assert result.exit_code == 0, result.output
    assert "scan/reel: fit" in result.stdout
    report = json.loads((folder / "report.json").read_text())[0]
    assert report["shares"]["dirt"] == pytest.approx(42 / (96 * 128), rel=0.1)
    assert report["problems"] == []


def test_an_unfit_pair_ends_with_two(frdm: Frdm, folder: Path) -> None:
    register = folder / "pairs.json"
    for path in (folder / "done").iterdir():
        pixels = read_any(path)
        write_image(path, np.roll(pixels, 2, axis=1), channel_names=("R", "G", "B"))
    frdm("pairs", "add", folder / "scan", folder / "done", "--to", register)
    result = frdm("pairs", "check", register)
    assert result.exit_code == 2
    assert "problem: frame" in result.stdout
    assert "must not be trained on: scan/reel" in result.stderr


def test_frames_without_counterpart_are_left_out(frdm: Frdm, folder: Path) -> None:
    (folder / "done/reel.1006.exr").unlink()
    result = frdm("pairs", "add", folder / "scan", folder / "done", "--to", folder / "pairs.json", "--name", "x")
    assert "x: 5 frames, 1001-1005" in result.stdout
    assert "1 frame without a counterpart" in result.stderr


def test_what_cannot_be_added(refused: Refused, folder: Path) -> None:
    add = ("pairs", "add", folder / "scan", folder / "done", "--to", folder / "pairs.json")
    assert "no frame in common" in refused(*add, "--offset", 50)
    (folder / "done/reel.1003.exr").unlink()
    assert "Frame 1003 is missing" in refused(*add)
    assert not (folder / "pairs.json").exists()
    assert "no register" in refused("pairs", "check", folder / "pairs.json")
