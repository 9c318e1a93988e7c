"""An engine that a client starts, that is killed in the middle of a job, and comes back."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from frdm_bridge import Client, JobSpec, Settings
from frdm_bridge.discovery import read_connection
from frdm_bridge.errors import DiscoveryError, UnreachableError
from frdm_bridge.messages import Event, FrameReady
from frdm_engine.plates import Sequence
from tests.restore.on_disk import contents

PATIENCE_S = 300.0


@pytest.fixture
def command(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """What starts an engine with a home of this test."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    (tmp_path / "run").mkdir(mode=0o700)
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
    serve = (sys.executable, "-m", "frdm_engine", "serve", "--home", str(tmp_path / "home"), "--model", str(model))
    return (
        *serve,
        "--device",
        "cpu",
        "--threads",
        "1",
        "--read",
        str(tmp_path / "in"),
        "--write",
        str(tmp_path / "out"),
    )


def kill(file: Path) -> None:
    """Kills an engine that a client started, which makes it a child of this process."""
    pid = read_connection(file).pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_a_job_outlives_the_engine_it_was_given_to(
    command: tuple[str, ...], tmp_path: Path, shoot: Callable[..., Sequence]
) -> None:
    shoot(tmp_path / "in", range(1, 9), height=128, width=192)
    spec = JobSpec(source=str(tmp_path / "in"), output=str(tmp_path / "out" / "a"), settings=Settings(strength=16))
    told: list[Event] = []
    file = tmp_path / "run" / "frdm" / "engine.json"

    def strike(event: Event) -> None:
        told.append(event)
        if isinstance(event, FrameReady) and event.index == 2 and len(told) < 9:
            kill(file)
            # The client is in the middle of a wait; another one starts the engine anew.
            Client.connect(start=command, timeout=PATIENCE_S).close()

    with Client.connect(start=command, timeout=PATIENCE_S) as client:
        job = client.submit(spec)
        done = client.wait(job, on_event=strike, patience=PATIENCE_S)
        assert done.frames == 8
        assert [event.seq for event in told] == list(range(1, len(told) + 1))
        assert sum(event.TYPE == "started" for event in told) == 2
        client.submit(
            JobSpec(source=spec.source, output=str(tmp_path / "out" / "b"), settings=spec.settings), job="b" * 32
        )
        client.wait("b" * 32, patience=PATIENCE_S)
        client.stop()
    os.waitpid(read_connection(file).pid, 0) if file.exists() else None
    assert contents(tmp_path / "out" / "a") == contents(tmp_path / "out" / "b")


def test_an_engine_that_cannot_be_started_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(UnreachableError, match="install FRDM"):
        Client.connect(start=("no-such-frdm", "serve"))
    with pytest.raises(UnreachableError, match="exit code 3: no device"):
        Client.connect(start=(sys.executable, "-c", "import sys; print('no device'); sys.exit(3)"))
    with pytest.raises(DiscoveryError, match="frdm serve"):
        Client.connect()
