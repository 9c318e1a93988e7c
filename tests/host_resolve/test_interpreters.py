"""The adapter and the stand-in on every Python from 3.9 to 3.13 found on this machine that has what they need.

Interpreters are looked for as in tests/bridge: those of $FRDM_PYTHONS (separated by colons), python3.9 ... python3.13
on the path, and pyenv's. One needs pyzmq, pytest, numpy and OpenImageIO, the last two for the stand-in alone. Where no
Python of a version has them, its test is skipped, in words. Nothing is downloaded.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.bridge.test_interpreters import ROOT, VERSIONS, found, tells
from tests.server.served import Served

HERE = Path(__file__).parent


def equipped(python: Path) -> bool:
    return tells(python, "import zmq, pytest, numpy, OpenImageIO; print('yes')") == "yes"


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_resolve_s_adapter_runs_on(version: str, served: Served, tmp_path: Path) -> None:
    pythons = found(version)
    if not pythons:
        pytest.skip(f"no Python {version} is on this machine")
    python = next((one for one in pythons if equipped(one)), None)
    if python is None:
        pytest.skip(f"{pythons[0]} lacks pyzmq, pytest, numpy or OpenImageIO; name one with them in $FRDM_PYTHONS")
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'host_resolve'}:{ROOT / 'bridge'}:{ROOT}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "FRDM_CONNECTION": str(served.connection),
        "FRDM_OUT": str(served.folder / f"on {version}"),
    }
    tests = [*sorted(HERE.glob("test_standin_*.py")), *sorted((HERE / "portable").glob("test_*.py"))]
    command = [str(python), "-m", "pytest", "-q", "-W", "error", "--noconftest", "-c", os.devnull]
    command += ["--rootdir", str(ROOT), "-p", "no:cacheprovider"]
    command += ["--basetemp", str(tmp_path / "pytest"), *map(str, tests)]
    ran = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=600
    )
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]
    counted = re.search(r"(\d+) passed", ran.stdout)
    assert counted is not None
    assert "skipped" not in ran.stdout
    print(f"Python {version} at {python}: {counted[1]} passed")
