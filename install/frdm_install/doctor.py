"""How FRDM's installations in hosts are: whole, of which version, and what each host's own Python makes of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from frdm_install import locations, manifest, resolve
from frdm_install.nuke import FOLDER

PROBE = Path(__file__).with_name("host_probe.py")
# The interpreter of a Nuke, relative to its folder: Linux, macOS, Windows.
_PROGRAMS = ("python3", "python3.[0-9]*", "*.app/Contents/MacOS/python3*", "python.exe")


@dataclass(frozen=True)
class Installation:
    """FRDM in a folder of a host: `packages` holds its modules; `damaged` files are missing or changed."""

    packages: Path
    version: str
    damaged: tuple[str, ...]


@dataclass(frozen=True)
class Interpreter:
    """What a host's Python said, run here: its version, the pyzmq it will use and from where, or what is wrong."""

    program: Path
    python: str = ""
    pyzmq: str = ""
    fault: str = ""


def in_nuke(environment: Mapping[str, str]) -> list[Installation]:
    """FRDM in the user's folder for Nuke, and in those of $NUKE_PATH.

    Raises:
        InstallError: a record cannot be read.
    """
    folders = [locations.user_folder(environment=environment)]
    folders += [Path(one) for one in environment.get("NUKE_PATH", "").split(os.pathsep) if one]
    found = (_installation(folder / FOLDER, folder / FOLDER) for folder in dict.fromkeys(folders))
    return [one for one in found if one is not None]


def in_resolve(environment: Mapping[str, str]) -> list[Installation]:
    """FRDM in Resolve's folder of the user, and in that of the machine. Raises as `in_nuke`."""
    folders = [resolve.fusion_folder(everybody=one, environment=environment) for one in (False, True)]
    found = (_installation(folder / resolve.FOLDER, folder) for folder in folders)
    return [one for one in found if one is not None]


def program_of(nuke: locations.Nuke) -> Path | None:
    """The interpreter that comes with a Nuke, to be run by itself."""
    for pattern in _PROGRAMS:
        for path in sorted(nuke.folder.glob(pattern)):
            if path.is_file() and os.access(path, os.X_OK) and "config" not in path.name:
                return path
    return None


def python_for_resolve(environment: Mapping[str, str]) -> Path | None:
    """The Python that Resolve is likely to take: the system's first one, not that of FRDM's own environment."""
    own = Path(sys.prefix).resolve()
    for folder in environment.get("PATH", os.defpath).split(os.pathsep):
        found = shutil.which("python3", path=folder) or shutil.which("python", path=folder)
        if found and not Path(folder).resolve().is_relative_to(own):
            return Path(found)
    return None


def run(program: Path, *, packages: Path, host: str, limit_s: float) -> Interpreter:
    """Lets a host's Python load pyzmq and FRDM's modules as the host will, and end again."""
    command = [str(program), "-B", str(PROBE), json.dumps({"packages": str(packages), "host": host})]
    try:
        ran = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=limit_s, stdin=subprocess.DEVNULL,
            errors="replace",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Interpreter(program, fault=f"{program} did not end within {limit_s:g} s")
    except OSError as error:
        return Interpreter(program, fault=f"{program} cannot be run ({error.strerror})")
    if ran.returncode or not ran.stdout.strip():
        said = [line for line in ran.stderr.splitlines() if line.strip()] or [f"it ended with code {ran.returncode}"]
        return Interpreter(program, fault=f"{program}: {said[-1].strip()}")
    told = json.loads(ran.stdout.splitlines()[-1])
    return Interpreter(program, told["python"], told["pyzmq"], told["fault"])


def builds(packages: Path) -> Iterable[str]:
    """The folders of pyzmq's builds that were put beside FRDM's modules."""
    return sorted(path.parent.name for path in packages.glob("vendor/*/zmq") if path.is_dir())


def _installation(place: Path, base: Path) -> Installation | None:
    record = manifest.load(place)
    if record is None:
        return None
    damaged = []
    for path in record.files:
        try:
            whole = record.wrote(path, (base / path).read_bytes())
        except OSError:
            whole = False
        if not whole:
            damaged.append(path)
    return Installation(place, record.version, tuple(damaged))
