"""`frdm bench speed` and `frdm bench memory` in small: every part measured, reports written, settings refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

SMALL = ("--sizes", "96x64", "--device", "cpu")


@pytest.mark.slow
def test_speed_measures_every_part_and_writes_its_report(
    frdm: Callable[..., Result], model: Path, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    words = ("--out", tmp_path / "out", "--docs", tmp_path / "docs", "--json", tmp_path / "all.json")
    done = frdm("bench", "speed", *SMALL, "--quick", "--rounds", 1, "--frames", 2, "--model", model, *words)
    assert done.exit_code == 0, done.output
    held = json.loads((tmp_path / "all.json").read_text())
    assert {*held["tables"]} >= {
        "machine", "sizes", "damage", "steps", "compressions", "ways", "baselines", "stages", "operators", "starts",
    }  # fmt: skip
    ways = [row[0] for row in held["tables"]["ways"]["rows"]]
    assert ways == ["network alone", "in process", "engine, by paths", "engine, streamed"]
    assert [row[0] for row in held["tables"]["damage"]["rows"]] == ["heavy", "medium", "light", "clean"]
    assert len(held["tables"]["compressions"]["rows"]) == 8
    assert held["tables"]["sizes"]["rows"][0][3] > 0
    assert str(tmp_path) not in json.dumps({**held, "command": ""})
    assert "not measured  end to end over network alone" in done.stdout
    assert "](images/speed-ways.svg)" in (tmp_path / "docs" / "speed.md").read_text()


def test_a_part_alone_is_measured(frdm: Callable[..., Result], model: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    words = (
        "--only",
        "damage",
        "--rounds",
        1,
        "--frames",
        2,
        "--out",
        tmp_path / "out",
        "--scratch",
        tmp_path / "plates",
    )
    done = frdm("bench", "speed", *SMALL, "--model", model, *words)
    assert done.exit_code == 0, done.output
    held = json.loads((tmp_path / "out" / "speed.json").read_text())
    assert "ways" not in held["tables"]
    assert "starts" not in held["tables"]
    assert not list((tmp_path / "plates").iterdir())


@pytest.mark.slow
def test_memory_is_measured_by_size_and_length(frdm: Callable[..., Result], model: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    words = ("--frames", 2, "--long", "none", "--budgets", "2G", "--out", tmp_path / "out")
    done = frdm("bench", "memory", *SMALL, "--model", model, *words)
    assert done.exit_code == 0, done.output
    held = json.loads((tmp_path / "out" / "memory.json").read_text())
    assert [one["frames"] for one in held["measured"]] == [2]
    assert held["measured"][0]["window"] == 9
    assert "## Host memory" in (tmp_path / "out" / "speed.md").read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("speed", "--sizes", "1080p"), "--sizes '1080p' is no size"),
        (("speed", "--only", "magic"), "--only names 'magic'"),
        (("speed", "--steps", "0"), "--steps '0' is no list"),
        (("speed", "--model", "nonesuch"), "neither an embedded model"),
        (("memory", "--budgets", "much"), "--budgets"),
        (("memory", "--long", "forty"), "is no size"),
    ],
)
def test_wrong_settings_are_refused_in_one_sentence(
    refused: Callable[..., str], tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    assert told in refused("bench", *words, "--out", tmp_path / "out")
