"""Shot lists as job bundles: what is in them, what is refused, and that a task's command line is the template's."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from typer.testing import Result

from frdm_engine.cli.farm_bundle import chunks, expression, without_gpu
from frdm_engine.plates.sequence import parse_frames
from frdm_install import farm
from tests.farm.conftest import Shoot
from tests.farm.nodes import PATIENCE_S, TEMPLATE, Node, files, openjd

Frdm = Callable[..., Result]
REEL = """
[defaults]
fix = "dirt,scratch"
matte = "matte/m.####.exr"

[[shot]]
name = "sh010"
plate = "in/plate.####.exr"
output = "out/sh010/p.####.exr"
frames = "1001-1012"
handles = 2
strength = 0
cuts = "none"

[[shot]]
name = "sh 020"
plate = "in"
output = "out/sh020"
frames = "1001-1005,1010-1020x2"
matte = "out/sh020/matte.####.exr"
resume = true
"""
OTHER = 'plate = "in"\noutput = "other"\n'


@pytest.fixture
def reel(tmp_path: Path, shoot: Shoot) -> Path:
    """A list of two shots of one plate."""
    shoot(tmp_path / "in", range(1001, 1021))
    (tmp_path / "reel.toml").write_text(REEL, encoding="utf-8")
    return tmp_path / "reel.toml"


def values_of(bundle: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((bundle / "parameters.json").read_text())
    return found


def test_a_bundle_holds_the_template_and_the_values_of_its_shot(frdm: Frdm, reel: Path, tmp_path: Path) -> None:
    options = ("--frdm", "/opt/frdm/bin/frdm", "--chunk", 4, "--ocio", reel)
    result = frdm("farm", "submit", reel, tmp_path / "jobs", *options)
    assert result.exit_code == 0, result.output
    first, second = tmp_path / "jobs" / "sh010", tmp_path / "jobs" / "sh_020"
    assert result.stdout == f"{first}: 8 frames in 2 tasks\n{second}: 11 frames in 8 tasks\n"
    assert (first / "template.yaml").read_text() == farm.template() == TEMPLATE.read_text()
    values = values_of(first)
    assert values["Frames"] == "1003-1010"
    assert values["Fix"] == "dirt,scratch"
    assert values["Strength"] == 0
    assert values["Output"] == str(tmp_path / "out/sh010/p.####.exr")
    assert values["Matte"] == str(tmp_path / "matte/m.####.exr")
    assert values["OcioConfig"] == str(reel)
    assert values_of(second)["Frames"] == "1001-1005,1010-1020:2"
    assert values_of(second)["Shot"] == "sh 020"
    listed = json.loads((first / "parameter_values.json").read_text())["parameterValues"]
    assert {one["name"]: one["value"] for one in listed} == values
    # Everything that is given is a parameter of the template; only handles, which are cut off already, are not given.
    known = {one["name"] for one in yaml.safe_load(TEMPLATE.read_text())["parameterDefinitions"]}
    assert known - set(values) == {"Handles"}
    assert not set(values) - known
    told = frdm("farm", "submit", reel, tmp_path / "jobs", "--json").stdout
    assert [one["shot"] for one in json.loads(told)] == ["sh010", "sh 020"]
    assert {path.name for path in first.iterdir()} == {
        *("template.yaml", "parameters.json", "parameter_values.json", "commands.txt")
    }


def test_openjd_takes_a_bundle_and_cuts_it_into_the_same_tasks(frdm: Frdm, reel: Path, tmp_path: Path) -> None:
    assert frdm("farm", "submit", reel, tmp_path / "jobs", "--chunk", 4, "--no-gpu").exit_code == 0
    for name, tasks in (("sh010", 8), ("sh_020", 11)):
        bundle = tmp_path / "jobs" / name
        order = [openjd(), "summary", "template.yaml", "-p", "file://parameters.json", "--output", "json"]
        said = subprocess.run(order, cwd=bundle, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
        assert json.loads(said.stdout)["total_tasks"] == tasks + 1  # the report's


def test_command_lines_do_what_the_template_does(frdm: Frdm, reel: Path, tmp_path: Path) -> None:
    assert frdm("farm", "submit", reel, tmp_path / "jobs", "--chunk", 4, "--frdm", "nice frdm").exit_code == 0
    bundle = tmp_path / "jobs" / "sh010"
    lines = [shlex.split(line) for line in (bundle / "commands.txt").read_text().splitlines()]
    assert [next(word for word in line if word.startswith("--frames")) for line in lines] == [
        *("--frames=1003-1006", "--frames=1007-1010")
    ]
    assert lines[0][:4] == ["nice", "frdm", "farm", "task"]
    values = values_of(bundle)
    action = yaml.safe_load(TEMPLATE.read_text())["steps"][0]["script"]["actions"]["onRun"]
    for argument in action["args"]:
        option = argument.partition("=")[0]
        if option.startswith("--") and option not in ("--frames", "--of", "--handles", "--label"):
            name = argument.partition("Param.")[2].rstrip("}")
            value = str(values[name]).replace("####", "@@@@")
            assert (f"{option}={value}" in lines[0]) == (value != ""), option
    assert lines[0][4:6] == [str(tmp_path / "in/plate.@@@@.exr"), str(tmp_path / "out/sh010/p.@@@@.exr")]
    assert not set("#'\"%") & set((bundle / "commands.txt").read_text())


def test_what_is_wrong_is_found_before_anything_is_written(
    refused: Callable[..., str], reel: Path, tmp_path: Path
) -> None:
    jobs = tmp_path / "jobs"
    for before, after, words in (
        ('"1001-1012"', '"1001-1022"', "Frame 1021 is outside"),
        ("handles = 2", "handles = 6", "leaves none"),
        ("handles = 2", 'protect = "none.####.exr"', "none"),
        ('name = "sh 020"', f'name = "sh_020"\n{OTHER}[[shot]]\nname = "sh 020"', "share a folder"),
        ("resume = true", "resume = true\noverwrite = true", "exclude each other"),
        ("resume = true", "resum = true", "resum"),
        ('plate = "in"', 'plate = "out"', "out"),
    ):
        reel.write_text(REEL.replace(before, after, 1), encoding="utf-8")
        assert words in refused("farm", "submit", reel, jobs)
        assert not jobs.exists()
    reel.write_text(REEL, encoding="utf-8")
    (tmp_path / "out/sh010").mkdir(parents=True)
    (tmp_path / "out/sh010/p.1004.exr").write_bytes(b"")
    assert "p.1004.exr exists" in refused("farm", "submit", reel, jobs)
    assert "cannot be read" in refused("farm", "submit", tmp_path / "no.toml", jobs)
    assert "template" in refused("farm", "submit", reel, jobs, "--template", tmp_path / "no.yaml")
    assert "choose session or node" in refused("farm", "submit", reel, jobs, "--engine", "x")
    assert not jobs.exists()


def test_a_plain_list_needs_a_place_for_results(
    frdm: Frdm, refused: Callable[..., str], reel: Path, tmp_path: Path
) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("# reel 3\nin\n", encoding="utf-8")
    refused("farm", "submit", listed, tmp_path / "jobs")
    assert frdm("farm", "submit", listed, tmp_path / "jobs", "--out", tmp_path / "clean").exit_code == 0
    values = values_of(tmp_path / "jobs" / "in")
    assert Path(values["Output"]) == tmp_path / "clean" / "in"
    assert values["Frames"] == "1001-1020"


def test_bundles_are_handed_to_a_queue(frdm: Frdm, refused: Callable[..., str], reel: Path, tmp_path: Path) -> None:
    queue = tmp_path / "queue.py"
    queue.write_text("import pathlib, sys\nassert sys.argv[1] == '--yes'\npathlib.Path(sys.argv[2], 'sent').touch()\n")
    order = f"{shlex.quote(sys.executable)} {shlex.quote(str(queue))}"
    assert frdm("farm", "submit", reel, tmp_path / "jobs", "--with", f"{order} --yes").exit_code == 0
    assert all((tmp_path / "jobs" / name / "sent").exists() for name in ("sh010", "sh_020"))
    assert "ended with code 1" in refused("farm", "submit", reel, tmp_path / "jobs", "--with", f"{order} --no")
    assert "cannot be run" in refused("farm", "submit", reel, tmp_path / "jobs", "--with", str(tmp_path / "none"))


def test_farms_without_gpus_are_asked_for_none() -> None:
    asked = yaml.safe_load(TEMPLATE.read_text())["steps"][0]["hostRequirements"]
    amounts = {one["name"]: one["min"] for one in asked["amounts"]}
    assert amounts["amount.worker.gpu"] == 1
    assert amounts["amount.worker.gpu.memory"] == 8192
    without = yaml.safe_load(without_gpu(TEMPLATE.read_text()))["steps"][0]["hostRequirements"]
    assert [one["name"] for one in without["amounts"]] == ["amount.worker.memory"]
    assert asked["attributes"] == without["attributes"]


@pytest.mark.parametrize(
    ("frames", "wanted"),
    [
        ("1", "1"),
        ("1-10", "1-10"),
        ("1-10,15", "1-10,15"),
        ("1-9x2", "1-9:2"),
        ("1,3,8-10,20", "1,3,8-10,20"),
        ("-5--1,4", "-5--1,4"),
        ("1,2,3,5,7,9", "1-3,5-9:2"),
    ],
)
def test_frames_as_the_specification_writes_them(frames: str, wanted: str) -> None:
    numbers = parse_frames(frames)
    assert expression(numbers) == wanted
    assert parse_frames(wanted.replace(":", "x")) == numbers
    assert [frame for one in chunks(numbers, 3) for frame in parse_frames(one)] == list(numbers)


def test_the_installed_script_submits(node: Node, reel: Path, tmp_path: Path) -> None:
    folder = tmp_path / "studio" / "frdm"
    node.frdm("install", "farm", "--folder", folder)
    script = [sys.executable, str(folder / "submit_frdm.py"), str(reel), str(tmp_path / "jobs")]
    sent = subprocess.run(script, env=node.environment, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    assert "8 frames in 1 task" in sent.stdout
    assert (tmp_path / "jobs/sh010/template.yaml").read_bytes() == (folder / "frdm_restore.yaml").read_bytes()
    missing = subprocess.run(
        script, env=node.environment | {"FRDM": str(tmp_path / "none")}, capture_output=True, text=True, check=False
    )
    assert (missing.returncode, "cannot be run" in missing.stderr) == (2, True)


@pytest.mark.slow
def test_a_command_line_of_a_bundle_restores_its_frames(
    frdm: Frdm, node: Node, reel: Path, tmp_path: Path, model: Path
) -> None:
    order = ("farm", "submit", reel, tmp_path / "jobs", "--chunk", 4, "--frdm", node.command, "--device", "cpu")
    reel.write_text(REEL.replace("[defaults]", f'[defaults]\nmodel = "{model}"'), encoding="utf-8")
    assert frdm(*order).exit_code == 0
    line = (tmp_path / "jobs/sh010/commands.txt").read_text().splitlines()[0]
    connection = node.start(tmp_path / "in", tmp_path / "out", model, "--root", tmp_path)
    environment = node.environment | {"FRDM_CONNECTION": connection}
    try:
        subprocess.run(line, shell=True, env=environment, check=True, capture_output=True, timeout=PATIENCE_S)
    finally:
        node.frdm("farm", "stop", "--session", node.session)
    assert set(files(tmp_path / "out/sh010")) == {f"p.{frame}.exr" for frame in range(1003, 1007)}
