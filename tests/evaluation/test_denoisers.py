"""ffmpeg's denoisers as they are timed: by a real program of a few lines, and by ffmpeg itself where there is one."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from frdm_engine.errors import RestoreError
from frdm_engine.evaluation.speed.cases import Case
from frdm_engine.evaluation.speed.clock import measure
from frdm_engine.evaluation.speed.denoisers import denoisers
from frdm_engine.evaluation.speed.studio import OTHER, Studio
from frdm_engine.model.checkpoint import Loaded
from frdm_engine.restore.restorer import Restorer
from tests.networks import tiny_network

CASE = Case(96, 64)
PROGRAM = """#!{python}
import os, sys
if "-filters" in sys.argv:
    print(" TS nlmeans  V->V  Non-local means denoiser.")
    sys.exit()
frames = os.path.getsize(sys.argv[sys.argv.index("-i") + 1]) / (96 * 64 * 3 * 2)
print(frames, "frames are too many", file=sys.stderr)
sys.exit(frames != {frames})
"""


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    photo = np.random.default_rng(3).integers(30, 220, (64, 96, 3), dtype=np.uint8)
    restorer = Restorer(Loaded("tiny", tiny_network(), "0" * 64), device=torch.device("cpu"))
    return Studio(tmp_path, photo, restorer, lambda size: 3)


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, *, frames: int) -> None:
    program = folder / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text(PROGRAM.format(python=sys.executable, frames=frames))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))


def test_without_ffmpeg_it_is_said(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    works, missing = denoisers(studio, CASE)
    assert not works
    assert missing == dict.fromkeys(("nlmeans", "bm3d"), "ffmpeg is not on the PATH")


def test_all_frames_go_to_the_filter(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, frames=3)
    works, missing = denoisers(studio, CASE)
    assert missing == {"bm3d": "this ffmpeg has no such filter"}
    (one,) = measure(works, rounds=1)
    assert (one.what, one.frames, one.facts) == ("ffmpeg nlmeans", 3, {OTHER: True})


def test_a_filter_that_fails_is_told(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, frames=2)
    works, _ = denoisers(studio, CASE)
    with pytest.raises(RestoreError, match=r"nlmeans ended with 1 .*3\.0 frames are too many"):
        measure(works, rounds=1)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_ffmpeg_itself_takes_the_frames(studio: Studio) -> None:
    works, missing = denoisers(studio, CASE)
    assert len(measure(works, rounds=1)) == 2 - len(missing)
