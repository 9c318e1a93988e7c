"""Probes run as processes of their own: what hangs, crashes or cannot be imported there is a finding here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

SIGN = "frdm-doctor "
"""Begins a line of facts, so that what libraries print is passed over."""
_running: set[subprocess.Popen[bytes]] = set()


@dataclass(frozen=True)
class Told:
    """The facts that a probe told, and why it ended before its time: empty if it did not."""

    facts: dict[str, Any] = field(default_factory=dict)
    end: str = ""
    late: bool = False


def run(command: list[str], *, limit_s: float, scratch: str = "") -> Told:
    """Runs a command that prints facts as `probes.telling` does; it is ended after `limit_s` seconds.

    Python compiles nothing to disk meanwhile, and libraries keep their caches in `scratch`, a folder that is removed
    afterwards: a look leaves no trace.
    """
    quiet = {"PYTHONDONTWRITEBYTECODE": "1", "CUDA_CACHE_DISABLE": "1"}
    if scratch:
        quiet |= dict.fromkeys(("TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME", "HF_HOME", "TRITON_CACHE_DIR"), scratch)
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | quiet,
        )
    except OSError as error:
        return Told({}, f"{command[0]} cannot be run ({error.strerror})")
    _running.add(process)
    try:
        out, err = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        out, _ = process.communicate()
        return Told(_facts(out), f"it did not end within {limit_s:g} s", late=True)
    finally:
        _running.discard(process)
    return Told(_facts(out), _end(process.returncode, err.decode("utf-8", "replace")))


def end_all() -> None:
    """Ends what still runs: the doctor was told to stop."""
    for process in list(_running):
        process.kill()


def ask(probe: str, *, limit_s: float, scratch: str = "", **what: Any) -> Told:
    """Runs a module of `probes` in the Python of this process, found as a worker of the engine finds its own."""
    command = [sys.executable, "-m", f"frdm_engine.doctor.probes.{probe}", json.dumps(what)]
    return run(command, limit_s=limit_s, scratch=scratch)


def _facts(printed: bytes) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for line in printed.decode("utf-8", "replace").splitlines():
        # One that was ended in the middle of a line has not told it.
        if line.startswith(SIGN) and line.endswith("}"):
            facts |= json.loads(line.removeprefix(SIGN))
    return facts


def _end(code: int, said: str) -> str:
    if code == 0:
        return ""
    if code < 0:
        try:
            return f"it was ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"it was ended by signal {-code}"
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1][:500] if lines else f"it ended with code {code} and said nothing"
