"""`frdm demo`: the same clip every time, an honest score, an exit code that tells."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import Result

from frdm_engine.cli.demo import LEAST_GAIN, Score, measure
from frdm_engine.cli.demo_clip import HEIGHT, WIDTH, Clip, make_clip
from frdm_engine.model.folder import embedded


@pytest.fixture(scope="module")
def clip() -> Clip:
    return make_clip(3)


def test_the_clip_is_damaged_here_and_there(clip: Clip) -> None:
    again = make_clip(3)
    for clean, damaged, same in zip(clip.clean, clip.damaged, again.damaged, strict=True):
        assert damaged.shape == (HEIGHT, WIDTH, 3)
        assert damaged.dtype == np.float16
        assert (damaged == same).all()
        assert 0.005 < (clean != damaged).any(axis=-1).mean() < 0.05
    assert (clip.clean[0] != clip.clean[1]).mean() > 0.9


def test_a_perfect_restoration_helps_and_a_copy_does_not(clip: Clip) -> None:
    perfect = measure(clip, [picture.astype(np.float32) for picture in clip.clean])
    assert perfect.helped
    assert perfect.harmed == 0
    copy = measure(clip, [picture.astype(np.float32) for picture in clip.damaged])
    assert not copy.helped
    assert copy.inside[0] == copy.inside[1] < copy.frame[0]
    spoiled = [picture.astype(np.float32) for picture in clip.clean]
    for picture, truth, damaged in zip(spoiled, clip.clean, clip.damaged, strict=True):
        picture[(truth == damaged).all(axis=-1)] += 0.5
    assert measure(clip, spoiled).harmed == 1
    assert not measure(clip, spoiled).helped


def test_a_gain_that_nobody_sees_is_none(clip: Clip) -> None:
    """Flicker is measured without a trained part: what it takes back by the way is no restoration."""

    def nearer(by: float) -> Score:
        pairs = zip(clip.clean, clip.damaged, strict=True)
        return measure(clip, [(by * clean.astype(np.float32) + (1 - by) * damaged) for clean, damaged in pairs])

    slight = nearer(0.01)
    assert slight.inside[0] < slight.inside[1] < slight.inside[0] + LEAST_GAIN
    assert not slight.helped
    assert nearer(0.3).helped


def test_an_untrained_model_ends_with_1_and_says_so(
    frdm: Callable[..., Result], refused: Callable[..., str], model: Path, tmp_path: Path
) -> None:
    told = refused("demo", "--out", tmp_path / "demo", "--frames", 3, "--model", model, "--device", "cpu", code=1)
    assert "The demo was not restored" in told
    sheet = cv2.imread(str(tmp_path / "demo" / "contact_sheet.png"))
    assert sheet is not None
    assert sheet.shape[0] > 3 * 260
    for folder in ("damaged", "restored", "matte"):
        assert len(list((tmp_path / "demo" / folder).glob("*.exr"))) == 3


def test_a_folder_that_cannot_be_made_is_named(refused: Callable[..., str], model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be made" in refused("demo", "--out", tmp_path / "file" / "demo", "--frames", 3, "--model", model)


@pytest.mark.slow
@pytest.mark.skipif(not embedded(), reason="no model is embedded yet")
def test_the_embedded_model_helps(frdm: Callable[..., Result], tmp_path: Path) -> None:
    result = frdm("demo", "--out", tmp_path / "demo", "--frames", 4, "--device", "cpu")
    assert result.exit_code == 0, result.output
    before, after = re.findall(r"within damage +([\d.]+) dB before +([\d.]+) dB after", result.stdout)[0]
    assert float(after) > float(before) + 3
