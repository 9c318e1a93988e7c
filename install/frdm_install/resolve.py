"""FRDM in the scripts of DaVinci Resolve, for one user or all of a machine: put there, updated, taken out again."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from frdm_install import locations, manifest, tree, wheels
from frdm_install.errors import InstallError
from frdm_install.manifest import Manifest

FOLDER = "frdm"
"""The packages, beside Resolve's folder Scripts: within it each of their files would be listed as a script."""
SCRIPTS = "Scripts/Utility"
"""Scripts here are listed on every page."""
PLACE = b'FRDM = ""'
"""The line of a script that is to tell where the packages are: Resolve does not tell a script its own place."""


@dataclass(frozen=True)
class Done:
    """What was done, or would be: paths relative to Resolve's folder Fusion, and wheels that there were none of."""

    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()


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
    wheel_folder: Path | None = None,
    dry_run: bool = False,
    package: Path | None = None,
) -> Done:
    """Puts scripts and packages into a folder Fusion, or brings what is there up to date.

    Raises:
        InstallError: something cannot be read, fetched or written, or is in the way.
    """
    place = folder / FOLDER
    known = manifest.load(place) or Manifest()
    wanted = {
        f"{SCRIPTS}/{name}": content.replace(PLACE, f"FRDM = {str(place)!r}".encode())
        for name, content in locations.resolve_scripts(package).items()
    }
    wanted |= {f"{FOLDER}/{path}": content for path, content in locations.resolve_packages(package).items()}
    found, lacking, record = _wheels(folder, known, wheel_folder, dry_run=dry_run)
    wanted |= found
    changes = tree.compare(folder, wanted, known)
    done = Done(changes.write, changes.remove, lacking)
    files = {path: manifest.digest(content) for path, content in wanted.items()}
    final = Manifest(version=version, files=files, wheels=record, made_folder=known.made_folder)
    if dry_run or (final == known and not changes.write):
        return done
    # Should this be cut off, files are known both as they were and as they were to be.
    tree.write(place / manifest.NAME, manifest.text(replace(final, files={**files, **known.files}, pending=files)))
    for path in changes.write:
        tree.write(folder / path, wanted[path])
    tree.remove(folder, changes.remove)
    tree.write(place / manifest.NAME, manifest.text(final))
    return done


def uninstall(folder: Path, *, dry_run: bool = False) -> Done:
    """Takes out what was installed; a file that was changed since is kept, and named in `lacking`.

    Raises:
        InstallError: something cannot be read or removed.
    """
    known = manifest.load(folder / FOLDER)
    if known is None:
        return Done()
    there = {path: tree.read(folder / path) for path in known.paths}
    ours = tuple(path for path, content in there.items() if content is not None and known.wrote(path, content))
    kept = tuple(path for path, content in there.items() if content is not None and path not in ours)
    if not dry_run:
        tree.remove(folder, ours)
        tree.remove(folder, (f"{FOLDER}/{manifest.NAME}",))
    return Done(removed=ours, lacking=kept)


def _wheels(
    folder: Path, known: Manifest, wheel_folder: Path | None, *, dry_run: bool
) -> tuple[dict[str, bytes], tuple[str, ...], dict[str, dict[str, str]]]:
    """Wheels of pyzmq for each Python: the files, the tags there is none for, and what is to be recorded."""
    files: dict[str, bytes] = {}
    record: dict[str, dict[str, str]] = {}
    lacking = []
    system = wheels.this_platform()
    for abi in wheels.ABIS:
        tag = wheels.tag(abi, system)
        start = f"{FOLDER}/vendor/{tag}/"
        there = {path: tree.read(folder / path) for path in known.files if path.startswith(start)}
        whole = {path: content for path, content in there.items() if content and known.wrote(path, content)}
        current = known.wheels.get(tag, {}).get("file", "").startswith(f"pyzmq-{wheels.PYZMQ}-")
        if wheel_folder is None and current and there and len(whole) == len(there):
            files |= whole
            record[tag] = known.wheels[tag]
            continue
        path = wheels.choose(wheel_folder, abi, system) if wheel_folder else None
        if path is None and (wheel_folder or dry_run):
            lacking.append(tag)
            continue
        wheel = wheels.unpack(path) if path else wheels.fetch(abi, system)
        files |= {f"{start}{name}": content for name, content in wheel.files.items()}
        record[tag] = {"file": wheel.name, "sha256": wheel.sha256}
    if not files and not dry_run:
        raise InstallError(
            f"--wheels {wheel_folder} holds no wheel of pyzmq for this machine; put one there, such as "
            f"pyzmq-{wheels.PYZMQ}-cp311-cp311-....whl."
        )
    return files, tuple(lacking), record
