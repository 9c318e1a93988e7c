"""The portable tests, on every Python from 3.9 to 3.13 found on this machine that has pyzmq and pytest.

Interpreters: those of $FRDM_PYTHONS (separated by colons), python3.9 ... python3.13 on the path, and pyenv's. Where one
lacks pyzmq or pytest and $FRDM_WHEELS names a folder of wheels, a throw-away environment is made of them; else it is
skipped, in words. Nothing is downloaded.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.bridge.doors import Door

ROOT = Path(__file__).parents[2]
VERSIONS = [f"3.{minor}" for minor in range(9, 14)]


def found(version: str) -> list[Path]:
    """Interpreters of a version, those that may have pyzmq first."""
    given = [Path(one) for one in os.environ.get("FRDM_PYTHONS", "").split(":") if one]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    here = [*sorted((ROOT / ".venv" / "bin").glob(f"python{version}"))]
    path = shutil.which(f"python{version}")
    candidates = [*given, *here, *sorted(pyenv.glob(f"{version}.*/bin/python")), *([Path(path)] if path else [])]
    return [one for one in candidates if tells(one, "import sys; print('%d.%d' % sys.version_info[:2])") == version]


def tells(python: Path, code: str) -> str:
    try:
        ran = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=False, timeout=60)
    except OSError:
        return ""
    return ran.stdout.strip() if ran.returncode == 0 else ""


def equipped(python: Path) -> bool:
    return tells(python, "import zmq, pytest; print('yes')") == "yes"


def made_of_wheels(python: Path, folder: Path) -> Path | None:
    wheels = os.environ.get("FRDM_WHEELS")
    if not wheels:
        return None
    subprocess.run([str(python), "-m", "venv", str(folder)], check=True, capture_output=True)
    made = folder / "bin" / "python"
    command = [str(made), "-m", "pip", "install", "-q", "--no-index", "--find-links", wheels, "pyzmq", "pytest"]
    return made if subprocess.run(command, capture_output=True, check=False).returncode == 0 else None


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_the_bridge_runs_on(version: str, door: Door, tmp_path: Path) -> None:
    pythons = found(version)
    if not pythons:
        pytest.skip(f"no Python {version} is on this machine")
    python = next((one for one in pythons if equipped(one)), None) or made_of_wheels(pythons[0], tmp_path / "venv")
    if python is None:
        pytest.skip(
            f"{pythons[0]} lacks pyzmq or pytest; name one that has them in $FRDM_PYTHONS, or wheels in $FRDM_WHEELS"
        )
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'bridge'}:{ROOT}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "FRDM_CONNECTION": str(door.listener.connection_file),
        "FRDM_PLATE": str(door.plate),
        "FRDM_OUT": str(door.out / version),
    }
    command = [str(python), "-m", "pytest", "-q", "-W", "error", "--noconftest", "-c", os.devnull]
    command += ["--rootdir", str(ROOT), "-p", "no:cacheprovider", str(ROOT / "tests" / "bridge" / "portable")]
    ran = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=600
    )
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]
    counted = re.search(r"(\d+) passed", ran.stdout)
    assert counted is not None
    print(f"Python {version} at {python}: {counted[1]} passed")
