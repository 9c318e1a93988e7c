"""`frdm scout`: lessons of seconds, gone on with, and a model that has a scout."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from typer.testing import Result

from frdm_engine.damage import PRESETS
from frdm_engine.training import scouting

Frdm = Callable[..., Result]
Refused = Callable[..., str]


@pytest.fixture
def footage(tmp_path: Path, picture: Callable[..., npt.NDArray[np.float32]]) -> Path:
    """Two stills of free footage with their manifest."""
    root = tmp_path / "footage"
    lines = ["path\tclass\tlicence"]
    for name in ("a", "b"):
        folder = root / "train" / "images" / name
        folder.mkdir(parents=True)
        still = np.clip(255 * picture(ord(name), height=420, width=520), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / "still.png"), still)
        lines.append(f"train/images/{name}\tfree\tCC0")
    (root / "MANIFEST.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def test_a_model_gets_its_scout(
    frdm: Frdm, footage: Path, plates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"EVERY": 2, "UNDAMAGED": 0.0, "RECIPES": (PRESETS["heavy"],)}.items():
        monkeypatch.setattr(scouting, name, value)
    run = tmp_path / "run"
    common = ("scout", "--data", footage, "--run", run, "--device", "cpu", "--learn", 0.02)
    result = frdm(*common, "--minutes", 0.15)
    assert result.exit_code == 0, result.output
    assert "0 lessons, 1 sources and 1 held apart" in result.stderr
    assert f"use it with: frdm restore IN OUT --model {run / 'last'}" in result.stdout
    assert json.loads((run / "last" / "config.json").read_text())["scouted"] is True
    result = frdm("restore", plates, tmp_path / "out", "--model", run / "last", "--device", "cpu")
    assert result.exit_code == 0, result.output
    result = frdm(*common, "--minutes", 0)
    assert result.exit_code == 0, result.output
    assert ": 0 lessons" not in result.stderr


def test_one_source_is_not_enough(refused: Refused, footage: Path, tmp_path: Path) -> None:
    manifest = footage / "MANIFEST.tsv"
    manifest.write_text("\n".join(manifest.read_text(encoding="utf-8").splitlines()[:2]) + "\n", encoding="utf-8")
    said = refused("scout", "--data", footage, "--run", tmp_path / "run", "--device", "cpu")
    assert "a scout is judged on another: give two" in said
