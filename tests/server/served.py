"""`frdm serve` as users run it: a process with its own home, socket and connection file."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from frdm_bridge import Client
from frdm_bridge.errors import BridgeError
from tests.server.engines import PATIENCE_S

ROOT = Path(__file__).parents[2]


class Served:
    """An engine that may read and write below ``folder``; started anew it finds its home again."""

    def __init__(self, folder: Path, model: Path, *options: str) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "XDG_RUNTIME_DIR": str(folder / "run"),
            "XDG_STATE_HOME": str(folder / "state"),
        }
        self.environment.pop("FRDM_CONNECTION", None)
        self.home = folder / "state" / "frdm"
        self.connection = folder / "run" / "frdm" / "engine.json"
        (folder / "run").mkdir(mode=0o700, exist_ok=True)
        self.options = ["--read", str(folder), "--write", str(folder), "--model", str(model), "--device", "cpu"]
        self.options += ["--threads", "1", *options]

    def frdm(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a command of the command line against this engine."""
        command = [sys.executable, "-m", "frdm_engine", *arguments]
        return subprocess.run(
            command, env=self.environment, cwd=ROOT, capture_output=True, text=True, check=check, timeout=PATIENCE_S
        )

    def start(self) -> Self:
        """Starts it in the foreground and waits until its worker has the model."""
        command: Sequence[str] = [sys.executable, "-m", "frdm_engine", "serve", *self.options]
        self.process = subprocess.Popen(command, env=self.environment, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        until = time.monotonic() + PATIENCE_S
        while not self._ready():
            assert self.process.poll() is None, self.process.communicate()[1]
            assert time.monotonic() < until, "it did not come up"
            time.sleep(0.1)
        return self

    def client(self, *, client: str | None = None) -> Client:
        """A client of it."""
        return Client.connect(self.connection, timeout=PATIENCE_S, client=client)

    @property
    def worker(self) -> psutil.Process:
        """Its worker process."""
        children = psutil.Process(self.process.pid).children()
        return next(one for one in children if "frdm_engine.server.worker" in " ".join(one.cmdline()))

    def stop(self) -> int:
        """Asks it to leave as a service manager does; returns its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        self.said = self.process.communicate(timeout=PATIENCE_S)[1]
        return self.process.returncode

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _ready(self) -> bool:
        try:
            with Client.connect(self.connection, timeout=2.0) as client:
                states = [device.state for device in client.status().devices]
            return states in (["idle"], ["working"])
        except BridgeError:
            return False
