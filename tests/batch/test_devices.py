"""Several devices: the same bits as one, whatever dies in between."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from frdm_engine.batch.crew import Crew, pieces_of
from frdm_engine.batch.shots import Shot
from tests.batch.conftest import Child, Shoot, pictures

PATIENCE_S = 60


def workers(process: int) -> list[psutil.Process]:
    return [one for one in psutil.Process(process).children() if "frdm_engine.batch.worker" in " ".join(one.cmdline())]


def test_two_processes_give_the_bits_of_one_though_one_is_killed(
    child: Child, shoot: Shoot, model: Path, tmp_path: Path
) -> None:
    shots = (shoot("sh010", range(1001, 1019)), shoot("sh020", range(1, 4)))
    alone = child("restore", *shots, tmp_path / "one", "--model", model, "--device", "cpu", "--log", tmp_path / "log")
    command = ("restore", *shots, tmp_path / "two", "--model", model, "--device", "cpu,cpu", "--every", 0)
    process = child(*command)
    assert process.stderr is not None
    for line in process.stderr:
        if "frame 100" in line:
            break
    found = workers(process.pid)
    assert len(found) == 2
    found[0].send_signal(signal.SIGKILL)
    said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    assert "was ended by SIGKILL" in said[1]
    alone.communicate(timeout=PATIENCE_S)
    assert alone.returncode == 0
    assert len(pictures(tmp_path / "two")) == 21
    assert pictures(tmp_path / "two") == pictures(tmp_path / "one")
    assert list((tmp_path / "two").rglob(".*")) == []
    assert not any(one.is_running() for one in found)


def test_workers_end_with_a_run_that_is_killed(child: Child, shoot: Shoot, model: Path, tmp_path: Path) -> None:
    command = ("restore", shoot("sh010", range(1, 60)), tmp_path / "out", "--model", model, "--device", "cpu,cpu")
    process = child(*command)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("frame "):
            break
    found = workers(process.pid)
    assert len(found) == 2
    process.kill()
    process.communicate()
    until = time.monotonic() + PATIENCE_S
    while any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in found):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_stop_leaves_whole_frames_on_every_device(child: Child, shoot: Shoot, model: Path, tmp_path: Path) -> None:
    command = ("restore", shoot("sh010", range(1, 60)), tmp_path / "out", "--model", model, "--device", "cpu,cpu")
    process = child(*command)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("frame "):
            process.terminate()
            break
    said = process.communicate(timeout=PATIENCE_S)[1]
    assert process.returncode == 130, said
    made = len(pictures(tmp_path / "out"))
    assert 0 < made < 59
    assert f"frdm: Stopped: {made} of 59 frames are written whole" in said
    assert list((tmp_path / "out").rglob(".*")) == []


def test_a_device_that_is_lost_while_stopping_does_not_hold_up_the_end(
    shoot: Shoot, model: Path, tmp_path: Path
) -> None:
    plates = str(shoot("sh010", range(1, 17)))
    shot = Shot("sh010", plates, str(tmp_path / "out" / "r.####.exr"), model=str(model))
    stop = threading.Event()
    heard: list[dict[str, Any]] = []

    def take(event: dict[str, Any]) -> None:
        heard.append(event)
        if event["event"] == "frame" and not stop.is_set():
            stop.set()  # and what ends this device's last frame is that the device is gone
            lost = next(hand for hand in crew._hands if hand.piece is not None)
            crew._heard.put((lost, {"event": "piece", "shot": 0, "ended": "device", "error": "it fell off the bus"}))

    crew = Crew(
        ("cpu", "cpu"), patience=0, take=take, begin=lambda index: None, note=lambda text: None, stop=stop.is_set
    )
    (tmp_path / "out").mkdir()
    pieces = list(pieces_of(0, shot, tuple(range(1, 17)), share=4))
    working = threading.Thread(target=crew.go, args=(pieces,), daemon=True)
    working.start()
    working.join(PATIENCE_S)
    assert not working.is_alive()
    assert stop.is_set(), heard
    assert sum(event["event"] == "piece" for event in heard) == 4
