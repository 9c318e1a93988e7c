"""`frdm pack` and `frdm plot`: footage in one file, trained on, and the log drawn."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from typer.testing import Result

from frdm_engine.training.presets import PRESETS, Preset

Frdm = Callable[..., Result]
Refused = Callable[..., str]


@pytest.fixture
def root(tmp_path: Path, picture: Callable[..., npt.NDArray[np.float32]]) -> Path:
    """Three stills of free footage with their manifest."""
    root = tmp_path / "footage"
    (root / "train/images/stills").mkdir(parents=True)
    for number in range(3):
        still = np.clip(255 * picture(7 * number, height=480, width=520), 0, 255).astype(np.uint8)
        cv2.imwrite(str(root / f"train/images/stills/{number}.png"), still)
    (root / "MANIFEST.tsv").write_text("path\tclass\tlicence\ntrain/images/stills\tfree\tCC0\n", encoding="utf-8")
    return root


def test_a_pack_is_trained_on_and_its_log_drawn(
    frdm: Frdm, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack, run = tmp_path / "free.zip", tmp_path / "run"
    result = frdm("pack", "--root", root, "--out", pack, "--limit", "2M")
    assert result.exit_code == 0, result.output
    assert "3 sources, 3 frames, 0 of 0 templates" in result.stdout
    tiny = Preset(model={"width": 16, "features": 16, "prompt_dim": 16}, patch=64, frames=1, patches=1)
    monkeypatch.setitem(PRESETS, "tiny", tiny)
    monkeypatch.setattr("frdm_engine.cli.train.VALIDATION_WINDOWS", 1)
    options = ("--preset", "tiny", "--device", "cpu", "--workers", 0, "--minutes", 0.001, "--log-every", 1)
    result = frdm("train", "--data", pack, "--run", run, *options, "--validate-every", 0.00001)
    assert result.exit_code == 0, result.output
    assert "1 sources held apart" in result.stderr
    assert "held apart: whole" in result.stdout
    assert any(json.loads(line).get("validation") for line in (run / "log.jsonl").read_text().splitlines())
    result = frdm("plot", run)
    assert result.exit_code == 0, result.output
    assert (run / "log.svg").read_text("utf-8").startswith("<?xml")


def test_what_cannot_be_packed(refused: Refused, root: Path, tmp_path: Path) -> None:
    def told(*options: object) -> str:
        return refused("pack", "--root", root, *options)

    assert "must end in .zip" in told("--out", tmp_path / "free.tar")
    (tmp_path / "there.zip").touch()
    assert "--overwrite" in told("--out", tmp_path / "there.zip")
    assert "too little" in told("--out", tmp_path / "a.zip", "--limit", "10k")
    assert "not a size" in told("--out", tmp_path / "a.zip", "--limit", "much")
    assert "no training footage of class none" in told("--out", tmp_path / "a.zip", "--classes", "none")
    assert "would take what is trained on" in refused(
        "train", "--data", tmp_path / "there.zip", "--run", tmp_path / "r", "--validate-on", "free"
    )
