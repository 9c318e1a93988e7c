"""`frdm info`, `frdm models` and `frdm plan`: facts in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from frdm_engine.cli.demo_clip import FIRST, write_plate_of

Frdm = Callable[..., Result]
Refused = Callable[..., str]


def _facts(result: Result) -> dict[str, str]:
    assert result.exit_code == 0, result.output
    return {line[:18].strip(): line[19:] for line in result.stdout.splitlines()}


def test_a_sequence(frdm: Frdm, plates: Path) -> None:
    (plates / "plate.1002.exr").unlink()
    facts = _facts(frdm("info", plates / "plate.####.exr"))
    assert facts == {
        "sequence": str(plates / "plate.%04d.exr"),
        "frames": "1001,1003-1005 (4 files)",
        "gaps": "1002",
        "shown": "plate.1001.exr",
        "image": "64 x 40",
        "data": "from 0, 0",
        "display": "64 x 40 from 0, 0",
        "channels": "R, G, B",
        "pixels": "half",
        "packed": "zip",
        "views": "one",
        "colour": "linear: EXR with no colour space given",
    }


def test_timecode_is_read_as_such(frdm: Frdm, tmp_path: Path) -> None:
    write_plate_of(tmp_path / "scan.1013.exr", np.zeros((16, 16, 3), np.float16), frame=FIRST + 12)
    facts = _facts(frdm("info", tmp_path / "scan.1013.exr"))
    assert facts["smpte:TimeCode"] == "01:00:00:12"
    assert facts["gaps"] == "none"


def test_an_image_without_colours_is_still_told_of(
    frdm: Frdm, refused: Refused, tmp_path: Path, save: Callable[..., Path]
) -> None:
    save(tmp_path / "matte.exr", np.zeros((16, 16, 2), np.float32), ("dirt", "stain"))
    facts = _facts(frdm("info", tmp_path / "matte.exr"))
    assert facts["channels"] == "dirt, stain"
    assert facts["colours"].startswith("none to restore: ")
    assert "matte.exr" in refused("info", tmp_path / "matte.exr", "--layer", "beauty")


def test_what_is_not_there_or_no_image(refused: Refused, tmp_path: Path) -> None:
    assert "nothing.exr is not there" in refused("info", tmp_path / "nothing.exr")
    (tmp_path / "text.exr").write_text("text")
    assert "text.exr cannot be read" in refused("info", tmp_path / "text.exr")


def test_a_model_folder(frdm: Frdm, refused: Refused, model: Path, tmp_path: Path) -> None:
    for command in ("info", "models"):
        shown = frdm(command, model).stdout
        assert shown.startswith("tiny\n  where ")
        assert "  steps       1 unless" in shown
        assert "  window      2 frames on each side" in shown
    assert "'frdm-xxl' is neither an embedded model" in refused("models", "frdm-xxl")
    (tmp_path / "config.json").write_text("{}")
    assert str(tmp_path) in refused("models", tmp_path)


def test_embedded_models_with_their_cards(frdm: Frdm, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frdm_engine.model.folder.embedded", lambda: {"frdm-t": model})
    card = model / "README.md"
    card.write_text("---\nlicense: apache-2.0\n---\n# frdm-t\n\nRestores tiny films.\n", encoding="utf-8")
    try:
        shown = frdm("models").stdout
    finally:
        card.unlink()
    assert shown.startswith("frdm-t\n")
    assert "  about       Restores tiny films.\n" in shown
    assert "license" not in shown


def test_without_embedded_models(frdm: Frdm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frdm_engine.model.folder.embedded", dict)
    assert "No model is embedded" in frdm("models").stdout


def test_a_plan_without_any_plate(frdm: Frdm, refused: Refused, model: Path) -> None:
    result = frdm("plan", "4096x3112", "--model", model, "--vram", "8G")
    assert result.exit_code == 0
    assert result.stdout.startswith("frame   4096 x 3112")
    assert "budget 8.0 GiB" in result.stdout
    assert "256 x 256" in frdm("plan", "4096x3112", "--model", model, "--tile", 256).stdout
    assert "'4K' is not a size" in refused("plan", "4K", "--model", model)
    assert "--vram '24' is not a size" in refused("plan", "64x64", "--model", model, "--vram", "24")
    refused("plan", "4096x3112", "--model", model, "--vram", "64MB", code=4)
