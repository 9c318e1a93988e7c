"""The template, run by Open Job Description's own runner: pixels, a killed task, a cancel, no engine left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.farm.conftest import Shoot
from tests.farm.nodes import PATIENCE_S, TEMPLATE, Node, files, leftovers, lines, openjd, pixels
from tests.server.engines import until

FULL = bool(os.environ.get("FRDM_FULL"))
STEPS = 12
"""Sampling steps that make a frame last long enough for something to happen to it."""


def values(node: Node, plates: str, out: Path, model: Path, frames: str, **more: Any) -> dict[str, Any]:
    """Parameters of a shot on this node."""
    given = {"Plate": plates, "Output": str(out), "Frames": frames, "Model": str(model)}
    return given | {"Device": "cpu", "Frdm": str(node.command)} | more


def read_until(process: subprocess.Popen[str], pattern: str) -> str:
    """What a process says up to a line that holds this."""
    said = ""
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if re.search(pattern, line):
            return said
    raise AssertionError(f"{pattern} was not said:\n{said}")


def task_of(process: subprocess.Popen[str]) -> psutil.Process:
    """The task that openjd runs."""

    def found() -> psutil.Process | None:
        children = psutil.Process(process.pid).children(recursive=True)
        return next((one for one in children if "task" in one.cmdline() and "farm" in one.cmdline()), None)

    made = until(found)
    assert isinstance(made, psutil.Process)
    return made


def test_the_template_is_one() -> None:
    subprocess.run([openjd(), "check", TEMPLATE], check=True, capture_output=True, timeout=PATIENCE_S)


@pytest.mark.slow
def test_chunks_equal_one_run_and_a_killed_task_redoes_only_its_own(
    node: Node, tmp_path: Path, shoot: Shoot, model: Path
) -> None:
    count, chunk = (40, 8) if FULL else (8, 4)
    first, last = 1001, 1000 + count
    plates = shoot(tmp_path / "in", range(first, last + 1))
    one, out = tmp_path / "one", tmp_path / "out"
    options = ("--model", model, "--device", "cpu", "--steps", STEPS)
    node.frdm("restore", plates, one, "--matte", tmp_path / "m1/m.####.exr", *options)
    more = {"ChunkSize": chunk, "Steps": STEPS, "Matte": str(tmp_path / "m2" / "m.####.exr"), "Shot": f"sh {first}"}
    given = values(node, plates, out, model, f"{first}-{last}", **more)
    # The second task is killed when its first frame is whole.
    victim = first + chunk
    run = node.openjd(TEMPLATE, given)
    read_until(run, rf"openjd_status: frame {victim}:")
    task_of(run).kill()
    said, _ = run.communicate(timeout=PATIENCE_S)
    assert run.returncode != 0, said
    assert not list(node.processes())
    there = Counter(lines(out / "plate.frdm.jsonl"))
    assert set(there) >= set(range(first, victim + 1))
    assert len(there) < 2 * chunk
    # Run again: what is whole stays, the rest of that task and the other tasks are done.
    again, _ = (whole := node.openjd(TEMPLATE, given)).communicate(timeout=10 * PATIENCE_S)
    assert whole.returncode == 0, again
    assert f"Chunks run: {-(-count // chunk) + 1}" in again  # and the report
    assert Counter(lines(out / "plate.frdm.jsonl")) == Counter(range(first, last + 1))
    for frame in range(first, last + 1):
        assert (f"frame {frame}: there already" in again) == (frame in there)
    assert again.count("openjd_progress: 100.0") == -(-count // chunk)
    # The report comes once, after the last task: not after the run that lost one.
    page = out / "plate.report.html"
    assert "openjd_status: the report is " not in said
    assert again.count(f"openjd_status: the report is {page}") == 1
    assert again.index("the report is") > again.rindex("openjd_progress")
    assert f"<h1>sh {first}</h1>" in page.read_text(encoding="utf-8")
    data = json.loads((out / "plate.report.json").read_text(encoding="utf-8"))
    assert (data["shot"], data["state"], data["asked"]["count"]) == (f"sh {first}", "done", count)
    assert data["checked"]["frames"] > 0  # plate, result and matte were found
    record = json.loads((out / "plate.frdm.json").read_text(encoding="utf-8"))
    assert record["matte"].endswith("m2/m.%04d.exr")
    assert files(out) == files(one)
    assert len(files(out)) == count
    assert pixels(tmp_path / "m2") == pixels(tmp_path / "m1")
    assert not leftovers(tmp_path / "out")
    assert not list(node.processes())
    assert not list((node.folder / "tmp" / "OpenJD").iterdir())


@pytest.mark.slow
def test_a_cancelled_run_finishes_the_frame_in_hand(node: Node, tmp_path: Path, shoot: Shoot, model: Path) -> None:
    plates = shoot(tmp_path / "in", range(1, 41))
    out = tmp_path / "out"
    run = node.openjd(TEMPLATE, values(node, plates, out, model, "1-40", ChunkSize=40, Steps=STEPS))
    read_until(run, "openjd_status: frame 2:")
    run.send_signal(signal.SIGTERM)
    said, _ = run.communicate(timeout=PATIENCE_S)
    assert run.returncode != 0
    assert "stopping after frame" in said
    promised = int(re.findall(r"stopping after frame (\d+)", said)[0])
    there = sorted(lines(out / "plate.frdm.jsonl"))
    assert there[-1] >= promised
    assert len(there) < 40
    assert f"Stopped: {len(there)} of 40 frames whole" in said
    assert len(files(out)) == len(there)
    assert not leftovers(out)
    assert not list(node.processes())
