"""`frdm bench`: reports written, settings refused in one sentence, kept results used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import Result

FRAMES = 6


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Six frames of 96 x 64 that drift."""
    folder = tmp_path / "film"
    folder.mkdir()
    soft = cv2.GaussianBlur(np.random.default_rng(2).random((64, 120, 3)), (0, 0), 2.0)
    for number in range(FRAMES):
        coded = np.clip(600 * (soft[:, 2 * number : 2 * number + 96] - 0.5) + 120, 0, 255).astype(np.uint8)
        assert cv2.imwrite(str(folder / f"{number}.png"), coded)
    return folder


def test_quality_writes_its_report_and_goes_on_from_what_is_kept(
    frdm: Callable[..., Result], film: Path, model: Path, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    what = (
        "--clips",
        film,
        "--recipe",
        "heavy",
        "--seeds",
        7,
        "--frames",
        2,
        "--steps",
        "1,2",
        "--out",
        tmp_path / "out",
    )
    words = ("bench", "quality", *what, "--methods", "telea,ours", "--model", model, "--also", f"twin={model}")
    first = frdm(*words, "--device", "cpu", "--docs", tmp_path / "docs")
    assert first.exit_code == 0, first.output
    held = json.loads((tmp_path / "out" / "benchmark.json").read_text())
    assert [one["name"] for one in held["methods"]] == [
        "clean clip", "input", "Telea with the true matte", "tiny", "tiny at 1 step", "tiny at 2 steps",
        "tiny in tiles of 256", "twin",
    ]  # fmt: skip
    assert held["cases"][0]["frames"] == 2
    assert str(tmp_path) not in json.dumps({**held, "command": ""})
    assert "NOT REACHED" in first.stdout
    assert (tmp_path / "docs" / "benchmark.md").read_text().startswith("# Benchmark\n\n```sh\nfrdm")
    assert (tmp_path / "docs" / "images" / "benchmark-kinds.svg").is_file()
    assert "](images/benchmark-kinds.svg)" in (tmp_path / "docs" / "benchmark.md").read_text()
    assert "](kinds.svg)" in (tmp_path / "out" / "benchmark.md").read_text()
    again = frdm(*words, "--device", "cpu")
    assert again.stderr.count("  kept") == 8
    assert json.loads((tmp_path / "out" / "benchmark.json").read_text())["tables"] == held["tables"]


def test_real_writes_sheets_and_figures(frdm: Callable[..., Result], film: Path, model: Path, tmp_path: Path) -> None:
    (tmp_path / "data" / "real").mkdir(parents=True)
    film.rename(tmp_path / "data" / "real" / "film")
    words = ("--data", tmp_path / "data", "--out", tmp_path / "out", "--model", model, "--device", "cpu")
    done = frdm("bench", "real", *words, "--frames", 3)
    assert done.exit_code == 0, done.output
    held = json.loads((tmp_path / "out" / "real.json").read_text())
    assert [(one["name"], one["frames"]) for one in held["films"]] == [("film", 3)]
    assert cv2.imread(str(tmp_path / "out" / "film.png")) is not None
    assert "# Real film" in (tmp_path / "out" / "real.md").read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--seeds", "one"), "--seeds 'one' is no list"),
        (("--steps", "0"), "--steps '0' is no list"),
        (("--also", "twin"), "--also 'twin' names no model"),
        (("--methods", "magic"), "--methods names 'magic'"),
        (("--recipe", "nonesuch"), "nonesuch"),
        (("--model", "nonesuch"), "neither an embedded model"),
        (("--clips", "nowhere"), "nowhere is not there; give paths"),
    ],
)
def test_wrong_settings_are_refused_in_one_sentence(
    refused: Callable[..., str], film: Path, model: Path, tmp_path: Path, words: tuple[str, str], told: str
) -> None:
    given = () if "--model" in words else ("--model", model)
    assert told in refused("bench", "quality", "--clips", film, "--out", tmp_path / "out", *given, *words)


def test_footage_that_is_missing_is_named(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "val/video is not there" in refused("bench", "quality", "--data", tmp_path)
    assert "real is not there" in refused("bench", "real", "--data", tmp_path)


@pytest.mark.parametrize("command", ["quality", "real"])
def test_each_command_explains_itself(frdm: Callable[..., Result], command: str) -> None:
    result = frdm("bench", command, "--help")
    assert result.exit_code == 0
    assert "Usage: " in result.stdout
