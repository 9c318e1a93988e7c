"""How long commands and hosts take to start, each in a fresh process, and a cold restoration's first frame."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frdm_engine.errors import RestoreError

HELP = "frdm --help"
HOSTS = {
    "node for Nuke": "frdm_nuke.start, frdm_nuke.vendor, frdm_nuke.callbacks",
    "scripts for Resolve": "frdm_resolve.vendor, frdm_resolve.cli",
}
"""What a host program imports when it starts, or when the script is chosen; an empty module stands for Nuke's own."""
_IMPORT = """
import sys, time, types
sys.modules["nuke"] = types.ModuleType("nuke")
began = time.perf_counter()
import {modules}
print(time.perf_counter() - began)
"""
COLD_IMPORTS, COLD_LOAD, COLD_FRAME, COLD_ALL = "libraries", "model", "first frame", "whole process"


@dataclass(frozen=True)
class Start:
    """Seconds that something took to start, one entry a try."""

    what: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.seconds)

    def plain(self) -> dict[str, Any]:
        """All of it, as plain data."""
        return {"what": self.what, "seconds": [round(one, 4) for one in self.seconds], "median": round(self.median, 4)}


def starts(*, tries: int) -> list[Start]:
    """Help, and the imports of hosts, taken in turns."""
    taken: dict[str, list[float]] = {HELP: [], **{f"import, {name}": [] for name in HOSTS}}
    for _ in range(tries):
        began = time.perf_counter()
        _asked([sys.executable, "-m", "frdm_engine", "--help"])
        taken[HELP].append(time.perf_counter() - began)
        for name, modules in HOSTS.items():
            told = _asked([sys.executable, "-c", _IMPORT.format(modules=modules)])
            taken[f"import, {name}"].append(float(told.split()[-1]))
    return [Start(what, tuple(seconds)) for what, seconds in taken.items()]


def cold(plate: Path, *, model: str, device: str, tries: int) -> list[Start]:
    """One frame restored by a process that had loaded nothing: where its seconds went."""
    taken: dict[str, list[float]] = {what: [] for what in (COLD_IMPORTS, COLD_LOAD, COLD_FRAME, COLD_ALL)}
    for _ in range(tries):
        began = time.perf_counter()
        words = [sys.executable, "-m", "frdm_engine.evaluation.speed.cold", str(plate), model, device]
        told = json.loads(_asked(words).splitlines()[-1])
        taken[COLD_ALL].append(time.perf_counter() - began)
        for what in (COLD_IMPORTS, COLD_LOAD, COLD_FRAME):
            taken[what].append(told[what])
    return [Start(f"cold, {what}", tuple(seconds)) for what, seconds in taken.items()]


def _asked(words: list[str]) -> str:
    folders = os.pathsep.join(path for path in sys.path if path)
    environment = os.environ | {"PYTHONPATH": folders}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise RestoreError(
            f"{' '.join(words[1:4])} ended with {done.returncode} ({lines[-1] if lines else 'it said nothing'})",
            frame=None,
            remedy="mend the installation",
        )
    return done.stdout
