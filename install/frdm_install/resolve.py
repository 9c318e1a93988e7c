"""FRDM in the scripts of DaVinci Resolve, for one user or all of a machine: put there, updated, taken out again."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from frdm_install import locations, manifest, placing, vendored
from frdm_install.errors import InstallError
from frdm_install.manifest import Manifest
from frdm_install.placing import Done

FOLDER = "frdm"
"""The packages, beside Resolve's folder Scripts: within it each of their files would be listed as a script."""
VENDOR = f"{FOLDER}/vendor"
SCRIPTS = "Scripts/Utility"
"""Scripts here are listed on every page."""
MODULES = ("frdm_resolve", "frdm_bridge")
"""What Resolve's Python imports of FRDM."""
PLACE = b'FRDM = ""'
"""The line of a script that is to tell where the packages are: Resolve does not tell a script its own place."""


def fusion_folder(*, everybody: bool, environment: Mapping[str, str], system: str = sys.platform) -> Path:
    """Resolve's folder Fusion, of a user or of the machine.

    Raises:
        InstallError: the environment does not name it.
    """
    product = Path("Blackmagic Design") / "DaVinci Resolve"
    if system == "win32":
        base = environment.get("PROGRAMDATA" if everybody else "APPDATA")
        if not base:
            raise InstallError("There is no folder for programs' data in the environment; say where with --folder DIR.")
        return Path(base) / product / ("Fusion" if everybody else "Support/Fusion")
    home = environment.get("HOME")
    if not everybody and not home:
        raise InstallError("There is no home folder in the environment; say where to install with --folder DIR.")
    if system == "darwin":
        return Path("/" if everybody else str(home)) / "Library" / "Application Support" / product / "Fusion"
    return Path("/opt/resolve/Fusion") if everybody else Path(str(home)) / ".local/share/DaVinciResolve/Fusion"


def install(
    folder: Path,
    *,
    version: str,
    platforms: Iterable[str] | None = None,
    wheel_folder: Path | None = None,
    dry_run: bool = False,
    package: Path | None = None,
) -> Done:
    """Puts scripts and packages into a folder Fusion, or brings what is there up to date.

    `platforms` are names of `wheels.PLATFORMS`: this machine's unless told, and those already there.

    Raises:
        InstallError: something cannot be read, fetched or written, or is in the way.
    """
    place = folder / FOLDER
    if place.is_symlink() or (place.exists() and not place.is_dir()):
        raise InstallError(f"{place} is not a folder of FRDM's; move it away, then run this again.")
    wanted = {
        f"{SCRIPTS}/{name}": content.replace(PLACE, f"FRDM = {str(place)!r}".encode())
        for name, content in locations.resolve_scripts(package).items()
    }
    wanted |= {f"{FOLDER}/{path}": content for path, content in locations.resolve_packages(package).items()}
    zmq = vendored.gather(
        folder,
        at=VENDOR,
        known=manifest.load(place) or Manifest(),
        platforms=platforms,
        wheel_folder=wheel_folder,
        dry_run=dry_run,
    )
    todo = placing.plan(
        folder,
        wanted | zmq.files,
        at=FOLDER,
        record=Manifest(version=version, wheels=zmq.record),
        unknown=tuple(f"{VENDOR}/{tag}/" for tag in zmq.fetched if dry_run),
    )
    if not dry_run:
        placing.apply(todo)
    return Done(
        written=todo.changes.write,
        removed=todo.changes.remove,
        fetched=zmq.fetched,
        lacking=zmq.lacking,
        tags=tuple(dict.fromkeys((*zmq.record, *zmq.fetched))),
    )


def uninstall(folder: Path, *, dry_run: bool = False) -> Done:
    """Takes out what was installed; a file that was changed since is kept and told of.

    Raises:
        InstallError: something cannot be read or removed.
    """
    return placing.take(folder, at=FOLDER, dry_run=dry_run)
