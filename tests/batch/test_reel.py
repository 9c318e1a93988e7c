"""Several shots in one run: where they go, what happens to bad ones, what is on the record."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tests.batch.conftest import Shoot, pictures, torn

Frdm = Callable[..., Result]
Refused = Callable[..., str]


def test_several_folders_go_into_one_as_each_alone_would(frdm: Frdm, shoot: Shoot, model: Path, tmp_path: Path) -> None:
    one, two = shoot("sh010"), shoot("sh020", range(1, 4))
    for shot in (one, two):
        assert frdm("restore", shot, tmp_path / "alone" / shot.name, "--model", model).exit_code == 0
    result = frdm("restore", one, two, tmp_path / "out", "--model", model)
    assert result.exit_code == 0, result.output
    assert pictures(tmp_path / "out") == pictures(tmp_path / "alone")
    assert len(pictures(tmp_path / "out")) == 9
    assert "sh010: 6 frames; " in result.stdout
    assert "2 shots: 9 of 9 frames done, 0 failed\n" in result.stdout


def test_a_bad_frame_ends_neither_its_shot_nor_the_reel(frdm: Frdm, shoot: Shoot, model: Path, tmp_path: Path) -> None:
    one, two, log = shoot("sh010"), shoot("sh020"), tmp_path / "run.jsonl"
    whole = (one / "plate.1003.exr").read_bytes()
    torn(one / "plate.1003.exr")
    command = ("restore", one, two, tmp_path / "out", "--model", model, "--log", log)
    result = frdm(*command)
    assert result.exit_code == 3
    assert "sh010: frame 1003 failed: " in result.stderr
    assert "sh010: 5 of 6 frames; " in result.stdout
    assert "1 failed: 1003" in result.stdout
    assert len(pictures(tmp_path / "out")) == 11
    record = json.loads((tmp_path / "out" / "sh010" / "plate.frdm.json").read_text())
    assert (record["frames"], record["done"], record["failed"]) == ("1001-1006", 5, 1)
    assert [failure["frame"] for failure in record["failures"]] == [1003]
    assert "plate.1003.exr" in record["failures"][0]["error"]
    assert any("restored without it" in note for note in record["notes"])
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert [event["event"] for event in events if event["event"] != "frame"] == [
        *("run started", "shot started", "note", "failed", "shot ended", "shot started", "shot ended", "run ended")
    ]
    assert events[-1]["exit_code"] == 3
    assert all(event["time"] for event in events)

    # Mended, the frame and those that looked at it are done again, and all is as if nothing had been.
    (one / "plate.1003.exr").write_bytes(whole)
    result = frdm(*command, "--resume")
    assert result.exit_code == 0, result.output
    assert "sh020: 6 frames; " in result.stdout
    assert frdm("restore", one, tmp_path / "alone" / "sh010", "--model", model).exit_code == 0
    assert pictures(tmp_path / "out" / "sh010") == pictures(tmp_path / "alone" / "sh010")


def test_a_first_frame_that_is_bad_costs_itself_alone(frdm: Frdm, shoot: Shoot, model: Path, tmp_path: Path) -> None:
    one, two = shoot("sh010"), shoot("sh020")
    torn(one / "plate.1001.exr")
    result = frdm("restore", one, two, tmp_path / "out", "--model", model)
    assert result.exit_code == 3
    assert sorted(pictures(tmp_path / "out" / "sh010")) == [f"plate.{n}.exr" for n in range(1002, 1007)]


def test_frames_without_their_bad_neighbour_are_those_of_a_gap(
    frdm: Frdm, shoot: Shoot, model: Path, tmp_path: Path
) -> None:
    one, log = shoot("sh010"), tmp_path / "log"
    torn(one / "plate.1003.exr")
    assert frdm("restore", one, tmp_path / "bad", "--model", model, "--log", log).exit_code == 3
    (one / "plate.1003.exr").unlink()
    frames = "1001-1002,1004-1006"
    assert frdm("restore", one, tmp_path / "gap", "--frames", frames, "--model", model).exit_code == 0
    assert pictures(tmp_path / "bad") == pictures(tmp_path / "gap")


def test_all_bad_shots_are_told_and_nothing_is_written(frdm: Frdm, shoot: Shoot, model: Path, tmp_path: Path) -> None:
    one, out = shoot("sh010"), tmp_path / "out"
    result = frdm("restore", one, tmp_path / "none1", tmp_path / "none2", out, "--model", model)
    assert result.exit_code == 2
    assert [line[:17] for line in result.stderr.splitlines()] == ["frdm: Shot none1:", "frdm: Shot none2:"]
    assert not out.exists()


def test_shots_that_would_meet_are_refused(refused: Refused, shoot: Shoot, model: Path, tmp_path: Path) -> None:
    one, two, out = shoot("sh010"), shoot("sh020"), tmp_path / "out"
    patterns = (one / "plate.####.exr", two / "plate.####.exr")
    assert "would both be written to" in refused("restore", *patterns, out, "--model", model)
    listed = tmp_path / "reel.toml"
    listed.write_text(
        f'[[shot]]\nplate = "{one}"\noutput = "{out}/a.####.exr"\nmatte = "{out}/b.####.exr"\n'
        f'[[shot]]\nplate = "{two}"\noutput = "{out}/b.####.exr"\n'
    )
    assert "would be written over files of shot sh010" in refused("restore", "--shots", listed, "--model", model)
    listed.write_text(
        f'[[shot]]\nplate = "{one}"\noutput = "{out}/a.####.exr"\nprotect = "{two}"\n'
        f'[[shot]]\nplate = "{one}"\noutput = "{two}/plate.####.exr"\noverwrite = true\n'
    )
    assert "would be written over files of shot" in refused("restore", "--shots", listed, "--model", model)
    assert not out.exists()


def test_a_shot_list_sets_each_shots_own(frdm: Frdm, shoot: Shoot, model: Path, tmp_path: Path) -> None:
    shoot("sh010"), shoot("sh020")
    listed = tmp_path / "reel.toml"
    listed.write_text(
        f"""[defaults]
model = "{model}"
fix = ["dirt"]
[[shot]]
plate = "scans/sh010"
output = "out/one.####.exr"
matte = "out/matte.####.exr"
frames = "1002-1003"
[[shot]]
name = "last"
plate = "scans/sh020/plate.####.exr"
output = "out/last"
strength = 0
"""
    )
    result = frdm("restore", "--shots", listed)
    assert result.exit_code == 0, result.output
    assert sorted(pictures(tmp_path / "out")) == [
        *(f"last/plate.{n}.exr" for n in range(1001, 1007)),
        *("matte.1002.exr", "matte.1003.exr", "one.1002.exr", "one.1003.exr"),
    ]
    settings = json.loads((tmp_path / "out" / "one.frdm.json").read_text())["settings"]
    assert (settings["fix"], settings["strength"]) == (["dirt"], 1.0)
    assert "last: 6 frames; 0.00 % of pixels changed" in result.stdout
    # What stands on the command line goes before what the list says.
    assert frdm("restore", "--shots", listed, "--overwrite", "--strength", 0).stdout.count("; 0.00 % of") == 2


def test_the_plan_of_a_reel_writes_nothing(frdm: Frdm, shoot: Shoot, model: Path, tmp_path: Path) -> None:
    log = tmp_path / "run.jsonl"
    shots = (shoot("sh010"), shoot("sh020"))
    result = frdm("restore", *shots, tmp_path / "out", "--model", model, "--plan", "--log", log)
    assert result.exit_code == 0
    assert result.stdout.count("frame   64 x 40") == 2
    assert not (tmp_path / "out").exists()
    assert not log.exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "Give a plate and an output"),
        (("x", "y", "z", "--report", "r.json"), "--report is one file for one shot"),
        (("x", "y", "z", "--device", "cpu,cuda:9"), "--device cuda:9"),
    ],
)
def test_commands_that_make_no_sense(refused: Refused, arguments: tuple[str, ...], says: str) -> None:
    code = 4 if "--device" in arguments else 2
    assert says in refused("restore", *arguments, code=code)


def test_progress_of_many_frames_is_a_line_now_and_then(frdm: Frdm, shoot: Shoot, model: Path, tmp_path: Path) -> None:
    one, two = shoot("sh010"), shoot("sh020")
    options = ("--model", model, "--cuts", "none", "--every", 3600)
    lines = [line for line in frdm("restore", one, tmp_path / "one", *options).stderr.splitlines() if "1001" in line]
    assert [line.split()[:3] for line in lines] == [["frame", "1001", "1/6"]]
    lines = [line for line in frdm("restore", one, two, tmp_path / "out", *options).stderr.splitlines() if "/6" in line]
    assert [line.split()[:4] for line in lines] == [
        ["sh010:", "frame", "1001", "1/6"],
        ["sh020:", "frame", "1006", "6/6"],
    ]
    assert lines[-1].endswith("(12/12 of all)")
