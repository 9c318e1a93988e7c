"""Many clients with many small jobs: none lost, none done twice; the engine answers meanwhile and does not grow.

A small version runs always; with FRDM_FULL=1 in the environment 50 clients with 1,000 jobs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil

from tests.server.engines import Shoot, until
from tests.server.served import ROOT, Served

FULL = bool(os.environ.get("FRDM_FULL"))
CLIENTS, JOBS = (50, 20) if FULL else (8, 4)
PING_S = 0.05
"""At the 99th percentile, over what the machine itself takes to wake two processes in turn: others may keep it busy."""
ECHO = "import sys\nfor line in sys.stdin.buffer: sys.stdout.buffer.write(line); sys.stdout.buffer.flush()"
GROWTH = 24 * 2**20


def test_many_clients_with_many_jobs(tmp_path: Path, shoot: Shoot, model: Path) -> None:
    source = shoot(tmp_path / "in", range(1, 4), height=16, width=16)
    with Served(tmp_path, model) as engine, engine.client() as client:
        options = {
            "connection": str(engine.connection),
            "clients": CLIENTS,
            "jobs": JOBS,
            "source": source.pattern,
            "out": str(tmp_path / "out"),
            "frames": "2",
            "outcome": str(tmp_path / "outcome.json"),
        }
        process = psutil.Process(engine.process.pid)
        with (
            subprocess.Popen(
                [sys.executable, "-m", "tests.server.load_clients", json.dumps(options)], cwd=ROOT
            ) as load,
            subprocess.Popen(
                [sys.executable, "-c", ECHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            ) as echo,
        ):
            assert echo.stdin is not None
            assert echo.stdout is not None
            pings: list[float] = []
            echoes: list[float] = []
            memory: list[tuple[int, int]] = []
            while load.poll() is None:
                pings.append(client.ping(timeout=60.0))
                began = time.monotonic()
                echo.stdin.write(b"\n")
                echo.stdout.readline()
                echoes.append(time.monotonic() - began)
                time.sleep(0.01)
                if len(pings) % 100 == 0:
                    memory.append((client.status().done, process.memory_info().rss))
            echo.stdin.close()
            assert load.returncode == 0
        outcome = json.loads((tmp_path / "outcome.json").read_text())
        total = CLIENTS * JOBS
        health = until(lambda: (now := client.status()).done == total and now)
        memory.append((health.done, process.memory_info().rss))
        assert (health.queued, health.running, health.failed, health.cancelled) == (0, 0, 0, 0)
        assert health.frames == total  # none was restored twice
        assert len({one["job"] for one in outcome["jobs"]}) == len(outcome["jobs"]) == total
        for one in outcome["jobs"]:
            assert [kind for _, kind in one["events"]] == ["accepted", "started", "frame_ready", "progress", "done"]
            assert [seq for seq, _ in one["events"]] == [1, 2, 3, 4, 5]
        made = sorted((tmp_path / "out").rglob("*.exr"))
        assert len(made) == total
        assert len({path.read_bytes() for path in made}) == 1
        low, high, bare = np.percentile(pings, 50), np.percentile(pings, 99), np.percentile(echoes, 99)
        # The first fifth may warm up; from there on it must not grow with the number of jobs.
        warm = [rss for done, rss in memory if done >= total / 5]
        growth = warm[-1] - warm[0]
        print(f"\n{total} jobs of {CLIENTS} clients in {outcome['seconds']:.1f} s")
        print(f"{len(pings)} pings, median {1000 * low:.2f} ms, 99th percentile {1000 * high:.2f} ms")
        print(f"99th percentile of a bare echo {1000 * bare:.2f} ms")
        print(f"engine {warm[0] / 2**20:.1f} MiB, in the end {warm[-1] / 2**20:.1f} MiB")
        assert high <= PING_S + 2 * bare  # a ping wakes three times as many threads as an echo
        assert growth <= GROWTH
