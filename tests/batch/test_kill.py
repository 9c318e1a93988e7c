"""Runs that are killed at random moments: in the end all frames are there, bit for bit as after a quiet run (C5).

Two kills here; with FRDM_FULL=1 in the environment 20 of each kind, in 60 frames.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path

import psutil
import pytest

from frdm_engine.restore.ledger import Ledger
from tests.batch.conftest import Child, Shoot, pictures

KILLS = 20 if os.environ.get("FRDM_FULL") else 2
FRAMES = 40 if os.environ.get("FRDM_FULL") else 24


@pytest.mark.slow
@pytest.mark.parametrize("devices", ["cpu", "cpu,cpu"])
def test_killed_at_random_moments(devices: str, child: Child, shoot: Shoot, model: Path, tmp_path: Path) -> None:
    shots = (shoot("sh010", range(1, FRAMES + 1)), shoot("sh020", range(1, FRAMES // 2 + 1)))
    common = ("--model", model, "--matte", tmp_path / "mattes", "--every", 0)
    quiet = child("restore", *shots, tmp_path / "quiet", "--model", model, "--device", "cpu", "--every", 0)
    began = time.monotonic()
    quiet.communicate()
    total, rng, kills, done = FRAMES + FRAMES // 2, random.Random(7), 0, 0
    a_frame = (time.monotonic() - began) / total
    command = ("restore", *shots, tmp_path / "out", *common, "--device", devices, "--resume")
    while kills < KILLS:
        process = child(*command)
        assert process.stderr is not None
        due = kills * total // KILLS  # spread over the reel, each at a moment of a frame that nobody chose
        for line in process.stderr:
            if "of all)" in line and int(line.rpartition("(")[2].split("/")[0]) > due:
                break
        time.sleep(rng.uniform(0, 2 * a_frame))
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        family = psutil.Process(process.pid).children() if process.poll() is None else []
        process.communicate()
        psutil.wait_procs(family, timeout=30)
        done += 1
        assert done < 2 * KILLS + 5
        left = pictures(tmp_path / "out")
        assert left.items() <= pictures(tmp_path / "quiet").items()  # whole, each of them
    process = child(*command)
    said = process.communicate()
    assert process.returncode == 0, said
    assert pictures(tmp_path / "out") == pictures(tmp_path / "quiet")
    assert len(pictures(tmp_path / "mattes")) == total
    assert [path for name in ("out", "mattes") for path in (tmp_path / name).rglob(".*")] == []
    for shot in shots:
        sidecar = tmp_path / "out" / shot.name / "plate.frdm.jsonl"
        assert sorted(Ledger(sidecar).lines) == list(range(1, len(list(shot.iterdir())) + 1))
        assert json.loads(sidecar.with_suffix(".json").read_text())["failed"] == 0
    print(f"{devices}: {kills} kills, {total} frames the same")
