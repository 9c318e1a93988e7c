"""`frdm serve` and the commands that speak to it, as users run them."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import psutil
import pytest

from frdm_bridge import JobSpec
from frdm_bridge.errors import DiscoveryError
from tests.server.engines import PATIENCE_S, Shoot, pictures, until
from tests.server.served import Served


def test_a_daemon_from_its_start_to_its_end(tmp_path: Path, shoot: Shoot, model: Path) -> None:
    source = shoot(tmp_path / "in", range(1, 61), height=96, width=96)
    engine = Served(tmp_path, model)
    said = engine.frdm("serve", *engine.options, "--daemon").stderr
    assert "hosts find it by" in said
    pid = int(said.split()[1])
    try:
        refused = engine.frdm("serve", *engine.options, "--daemon", check=False)
        assert refused.returncode == 5
        assert f"An engine (process {pid}) runs in" in refused.stderr
        spec = JobSpec(source=source.pattern, output=str(tmp_path / "out"), frames="1-4", label="reel one")
        with engine.client() as client:
            first = client.submit(spec)
            client.wait(first)
            waits = client.submit(JobSpec(source=source.pattern, output=str(tmp_path / "b")))
            until(lambda: client.jobs(job=waits).jobs[0].state == "running")
        status = engine.frdm("status").stdout
        assert f"engine     {pid}, version" in status
        assert f"cpu        working, job {waits[:8]}" in status
        assert json.loads(engine.frdm("status", "--json").stdout)["pid"] == pid
        assert 'frdm_jobs{state="done"} 1' in engine.frdm("status", "--metrics").stdout
        listed = engine.frdm("jobs", "--all").stdout
        assert f"{first[:8]}  done      4/4" in listed
        assert "reel one" in listed
        assert [job["job"] for job in json.loads(engine.frdm("jobs", "--all", "--json").stdout)] == [waits, first]
        cancelled = engine.frdm("cancel", waits[:6]).stdout
        assert cancelled.startswith(waits[:8])
        unknown = engine.frdm("cancel", "zzzz", check=False)
        assert (unknown.returncode, "No job begins with 'zzzz'" in unknown.stderr) == (2, True)
    finally:
        assert engine.frdm("stop").stdout == f"engine {pid} has ended\n"
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    nobody = engine.frdm("status", check=False)
    assert nobody.returncode == 5
    assert "no engine runs here. Start one with `frdm serve`" in nobody.stderr
    for name in ("engine.log", "engine.jsonl"):
        assert f"engine {pid} left" in (engine.home / "logs" / name).read_text()
    assert engine.home.stat().st_mode & 0o777 == 0o700


def test_an_engine_that_cannot_run_says_why(tmp_path: Path, model: Path) -> None:
    engine = Served(tmp_path, tmp_path / "no-model")
    refused = engine.frdm("serve", *engine.options, "--daemon", check=False)
    assert refused.returncode == 5
    assert "neither an embedded model" in refused.stderr
    engine = Served(tmp_path, model, "--read", str(tmp_path / "nowhere"))
    refused = engine.frdm("serve", *engine.options, check=False)
    assert refused.returncode == 2
    assert f"The folder {tmp_path / 'nowhere'} cannot be opened" in refused.stderr


def test_a_client_waits_over_a_restart_of_the_engine(tmp_path: Path, shoot: Shoot, model: Path) -> None:
    source = shoot(tmp_path / "in", range(1, 9), height=96, width=96)
    engine = Served(tmp_path, model).start()
    seen: list[int] = []
    killed: list[int] = []
    with engine.client() as client:
        job = client.submit(JobSpec(source=source.pattern, output=str(tmp_path / "out")))

        def once() -> bool:
            """Kills the engine when the first frame is ready, in the middle of the client's wait."""
            if not killed and any((tmp_path / "out").glob("*.exr")):
                killed.append(engine.process.pid)
                engine.process.send_signal(signal.SIGKILL)
                engine.process.communicate()
                engine.start()
            return False

        done = client.wait(job, on_event=lambda event: seen.append(event.seq), cancelled=once, patience=PATIENCE_S)
    assert len(killed) == 1
    assert done.frames == 8
    assert seen == list(range(1, len(seen) + 1))  # each event once, none missed, over both engines
    assert len(pictures(tmp_path / "out")) == 8
    assert engine.stop() == 0
    with pytest.raises(DiscoveryError), engine.client():
        pass
