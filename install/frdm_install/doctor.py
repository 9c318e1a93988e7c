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

from frdm_install import engine, farm, locations, manifest, nuke, resolve, shadows, tree, units
from frdm_install.nuke import FOLDER
from frdm_install.shadows import Shadow

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


@dataclass(frozen=True)
class Unit:
    """The engine as a service: its unit's path, the program it starts, and how it stands.

    `exists`: it is there; `changed`: it is not as it was installed; `outdated`: this version would write another.
    """

    path: Path
    version: str
    program: str | None
    exists: bool
    changed: bool
    outdated: bool


@dataclass(frozen=True)
class Farm:
    """FRDM in a farm's folder; `command` is how its submitter calls FRDM. `damaged`, `outdated` as elsewhere."""

    version: str
    damaged: tuple[str, ...]
    command: tuple[str, ...]
    outdated: bool


def unit(where: engine.Place, *, state: str) -> Unit | None:
    """The unit at a place, if FRDM has put one there; `state` is the user's usual folder for an engine.

    Raises:
        InstallError: its record or the unit cannot be read.
    """
    record = manifest.load(where.folder / where.at)
    if record is None:
        return None
    path = where.folder / where.unit
    content = tree.read(path)
    if content is None:
        return Unit(path, record.version, None, exists=False, changed=True, outdated=False)
    program, options = units.program(content), list(record.options)
    user, options = (options[1], options[2:]) if options[:1] == ["--user"] else (None, options)
    service = engine.service_of(where, options, python=program or "", user=user, state=state)
    return Unit(
        path,
        record.version,
        program,
        exists=True,
        changed=not record.wrote(where.unit, content),
        outdated=engine.text(where, service) != content,
    )


def in_farm(folder: Path) -> Farm | None:
    """FRDM in a farm's folder.

    Raises:
        InstallError: a record or a file cannot be read.
    """
    there = _installation(folder / farm.RECORD, folder)
    if there is None:
        return None
    files = {name: tree.read(folder / name) for name in (farm.TEMPLATE, farm.SUBMITTER)}
    command = farm.command_in(files[farm.SUBMITTER] or b"")
    return Farm(there.version, there.damaged, command, outdated=farm.files_for(command) != files)


def shadowing(environment: Mapping[str, str]) -> list[Shadow]:
    """What hosts would import in place of what is installed in them; nothing where FRDM is in no host.

    Raises:
        InstallError: a record cannot be read.
    """
    paths = shadows.python_path(environment)
    found, nukes, resolves = [], in_nuke(environment), in_resolve(environment)
    if nukes:
        packages = [
            one
            for found_one in locations.find_nukes(locations.places(environment=environment))
            for one in locations.packages_of(found_one)
        ]
        searched = [*shadows.python_path(environment, name="NUKE_PATH"), *paths, *packages]
        found += shadows.find((*nuke.MODULES, "zmq"), searched)
    if resolves:
        found += shadows.find((*resolve.MODULES, "zmq"), paths)
    own = [one.packages.resolve() for one in (*nukes, *resolves)]
    apart = [one for one in found if not any(one.path.resolve().is_relative_to(place) for place in own)]
    return list(dict.fromkeys(apart))


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
