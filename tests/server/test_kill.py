"""Killed workers and killed engines: the job ends, the pixels are those of a quiet run, nothing is left over (C5).

A small version runs always; with FRDM_FULL=1 in the environment 20 kills of each kind in a job of 40 frames.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from frdm_engine.plates import Sequence
from frdm_engine.restore.ledger import Ledger, ledger_path
from frdm_engine.server.journal import Journal
from frdm_engine.server.records import COLUMNS, Record
from tests.server.engines import (
    PATIENCE_S,
    Engine,
    Reference,
    Shoot,
    all_events,
    ended,
    frame_in_hand,
    kinds,
    pictures,
    request_of,
    temporary_files,
    until,
)

FULL = bool(os.environ.get("FRDM_FULL"))
FRAMES, KILLS = (40, 20) if FULL else (8, 2)
SIDE = 96


class Killable:
    """An engine process that can be killed and started again on the same home, watched through its journal."""

    def __init__(self, home: Path, model: Path, *requests: dict[str, Any]) -> None:
        self.arguments = json.dumps({"home": str(home), "model": str(model), "requests": requests})
        self.home = home
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-m", "tests.server.run_engine", self.arguments])

    def record(self, job: str) -> Record | None:
        """How a job stands, read as any other program could."""
        path = self.home / "journal.sqlite3"
        if not path.exists():
            return None
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            row = connection.execute(f"SELECT {', '.join(COLUMNS)} FROM jobs WHERE id = ?", (job,)).fetchone()
        except sqlite3.OperationalError:
            return None  # it is being made, or opened after a kill
        finally:
            connection.close()
        return None if row is None else Record.from_row(row)

    def worker(self) -> psutil.Process | None:
        try:
            found = psutil.Process(self.process.pid).children()
            return next((one for one in found if "frdm_engine.server.worker" in " ".join(one.cmdline())), None)
        except psutil.NoSuchProcess:
            return None  # it ended between two looks

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE_S)


@pytest.mark.parametrize("victim", ["worker", "engine"])
def test_killed_at_random_moments(victim: str, tmp_path: Path, shoot: Shoot, model: Path, reference: Reference) -> None:
    source = shoot(tmp_path / "in", range(1, FRAMES + 1), height=SIDE, width=SIDE)
    began = time.monotonic()
    wanted = reference(source, tmp_path / "wanted")
    a_frame = (time.monotonic() - began) / FRAMES
    request = request_of(source, tmp_path / "out", matte=str(tmp_path / "matte"))
    engine = Killable(tmp_path / "home", model, request)
    key, rng, kills = request["key"], random.Random(7), 0
    try:
        for index in range(KILLS):
            # Spread over the job, each at a moment of a frame that nobody chose.
            due = index * (FRAMES - 2) // KILLS
            while (now := engine.record(key)) is None or not now.opened or now.done < due:
                assert time.monotonic() < began + 10 * PATIENCE_S
                time.sleep(0.01)
            time.sleep(rng.uniform(0, 2 * a_frame))
            if victim == "worker":
                while (process := engine.worker()) is None:  # the next one is not there yet
                    time.sleep(0.01)
                process.kill()
                kills += 1
            else:
                engine.process.kill()
                engine.process.wait()
                kills += 1
                engine.start()
        until(lambda: (now := engine.record(key)) and now.ended_already)
    finally:
        engine.stop()
    record = engine.record(key)
    assert record is not None
    assert (record.state, record.done, kills) == ("done", FRAMES, KILLS), record
    assert pictures(tmp_path / "out") == wanted
    assert len(pictures(tmp_path / "matte")) == FRAMES
    assert temporary_files(tmp_path / "out", tmp_path / "matte") == []
    journal = Journal(tmp_path / "home" / "journal.sqlite3")
    told = journal.events(key, limit=10_000)
    journal.close()
    assert [event.seq for event in told] == list(range(1, len(told) + 1))
    assert [event.body["frame"] for event in told if event.kind == "frame_ready"] == list(range(1, FRAMES + 1))
    assert sum(event.kind == "done" for event in told) == 1
    made = Sequence.output(tmp_path / "out", frames=source.frames, like=source)
    assert sorted(Ledger(ledger_path(made)).lines) == list(range(1, FRAMES + 1))


def test_both_at_once(tmp_path: Path, shoot: Shoot, model: Path, reference: Reference) -> None:
    source = shoot(tmp_path / "in", range(1, 7), height=SIDE, width=SIDE)
    wanted = reference(source, tmp_path / "wanted")
    request = request_of(source, tmp_path / "out")
    engine = Killable(tmp_path / "home", model, request)
    try:
        until(lambda: (now := engine.record(request["key"])) and now.done >= 2)
        worker = engine.worker()
        assert worker is not None
        worker.kill()
        engine.process.kill()
        engine.process.wait()
        engine.start()
        until(lambda: (now := engine.record(request["key"])) and now.ended_already)
    finally:
        engine.stop()
    assert engine.process.returncode == 0
    assert pictures(tmp_path / "out") == wanted
    assert temporary_files(tmp_path / "out") == []


def test_sigterm_finishes_the_frame_in_hand(tmp_path: Path, shoot: Shoot, model: Path) -> None:
    source = shoot(tmp_path / "in", range(1, 9), height=SIDE, width=SIDE)
    request = request_of(source, tmp_path / "out")
    engine = Killable(tmp_path / "home", model, request)
    until(lambda: (now := engine.record(request["key"])) and now.done >= 1)
    engine.process.send_signal(signal.SIGTERM)
    assert engine.process.wait(PATIENCE_S) == 0
    record = engine.record(request["key"])
    assert record is not None
    assert record.state == "running"
    assert 1 <= record.done == len(pictures(tmp_path / "out")) < 8
    assert temporary_files(tmp_path / "out") == []


@pytest.fixture
def killer() -> Any:
    """Kills the worker of a service whenever a frame of a job is in hand."""

    def kill(service: Any, job: str, frame: int) -> int:
        kills = 0
        while service.job(job)["state"] not in ("done", "failed", "cancelled"):
            device = service.status()["devices"][0]
            if device["job"] == job and device["frame"] == frame and device["pid"]:
                try:
                    os.kill(device["pid"], signal.SIGKILL)
                except ProcessLookupError:
                    continue
                kills += 1
                while service.status()["devices"][0]["pid"] == device["pid"]:
                    time.sleep(0.002)
            time.sleep(0.002)
        return kills

    return kill


def test_three_deaths_on_one_frame_fail_the_job_and_the_next_is_served(
    tmp_path: Path, shoot: Shoot, engine: Engine, killer: Any, reference: Reference
) -> None:
    source = shoot(tmp_path / "in", range(1, 7), height=128, width=128)
    service = engine()
    bad, good = request_of(source, tmp_path / "bad"), request_of(source, tmp_path / "good", range(1, 3))
    service.submit("anna", bad)
    service.submit("anna", good)
    assert killer(service, bad["key"], 4) == 3
    [failed] = ended(service, bad["key"])
    assert failed["state"] == "failed"
    assert "Frame 4 could not be restored: 3 workers in a row died at frame 4" in failed["error"]
    assert "SIGKILL" in failed["error"]
    told = all_events(service, bad["key"])
    assert [event["kind"] for event in told].count("warning") == 3
    assert (told[-1]["kind"], told[-1]["frame"], told[-1]["code"]) == ("failed", 4, "internal")
    assert kinds(service, bad["key"])[-1] == "failed"
    assert sorted(pictures(tmp_path / "bad")) == [f"plate.{number:04d}.exr" for number in (1, 2, 3)]
    assert temporary_files(tmp_path / "bad") == []
    assert ended(service, good["key"])[0]["state"] == "done"
    assert service.status()["devices"][0]["restarts"] == 3


def test_a_job_cancelled_while_its_worker_dies_ends_cancelled_and_swept(
    tmp_path: Path, shoot: Shoot, engine: Engine
) -> None:
    source = shoot(tmp_path / "in", range(1, 7), height=128, width=128)
    service = engine()
    request = request_of(source, tmp_path / "out")
    service.submit("anna", request)
    until(lambda: frame_in_hand(service) == 2)
    pid = service.status()["devices"][0]["pid"]
    # What a worker killed while it writes leaves behind.
    (tmp_path / "out" / f".plate.0002.{pid}-0a1b2c3d.tmp.exr").write_bytes(b"half")
    os.kill(pid, signal.SIGSTOP)
    service.cancel(request["key"])
    os.kill(pid, signal.SIGKILL)
    [job] = ended(service, request["key"])
    assert job["state"] == "cancelled"
    assert temporary_files(tmp_path / "out") == []
