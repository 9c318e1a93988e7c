"""What FRDM has installed beside the hosts: modules in its way there, a farm's folder, the engine as a service."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from frdm_engine.doctor.finding import Asked, Finding, failure, ok, warning
from frdm_engine.server.home import default_home
from frdm_engine.version import __version__

if TYPE_CHECKING:
    from frdm_install.doctor import Unit
    from frdm_install.engine import Place


def host_modules(asked: Asked) -> Finding:
    """No other module of FRDM's names lies where a host looks before it looks at FRDM's."""
    from frdm_install import doctor
    from frdm_install.errors import InstallError

    del asked
    name = "host modules"
    try:
        found = doctor.shadowing(os.environ)
    except InstallError as error:
        return failure(name, str(error).rstrip("."), "install FRDM in that host again")
    ours = [one for one in found if one.name != "zmq"]
    if ours:
        said = "; ".join(f"{one.path} would be loaded in place of FRDM's own" for one in ours)
        return failure(name, said, "move it away, or take its folder out of PYTHONPATH and NUKE_PATH for the host")
    if found:
        said = "; ".join(f"{one.path} is found before FRDM's pyzmq" for one in found)
        return warning(
            name, said, "it is used where it works in the host's Python; where it does not, take it off that path"
        )
    return ok(name, "nothing lies before FRDM's in PYTHONPATH, NUKE_PATH and the packages of Nuke")


def service(asked: Asked) -> Finding:
    """The engine's unit, of this user and of the machine: as this version writes it, and of an FRDM that is there."""
    from frdm_install.errors import InstallError

    del asked
    name = "engine's unit"
    try:
        places = (_unit(machine=False), _unit(machine=True))
    except InstallError as error:
        return failure(name, str(error).rstrip("."), "frdm install engine")
    said = []
    for where, one in (place for place in places if place is not None):
        again = "frdm install engine" + (" --system" if where.machine else "")
        if not one.exists:
            return failure(name, f"{one.path} is not there any more", f"{again}, or frdm uninstall engine")
        if one.program is None or shutil.which(one.program) is None:
            found = f"{one.path} starts {one.program or 'nothing'}, which is no program here"
            return failure(name, found, f"install FRDM there again, or with the one that is there: {again}")
        if one.changed:
            found = f"{one.path} was changed since it was installed"
            return warning(name, found, f"keep the change in a drop-in (systemctl edit), then {again}")
        if one.version != __version__ or one.outdated:
            older = f"FRDM {one.version}" if one.version != __version__ else "another build"
            found = f"{one.path} was written by {older}, and this is {__version__}"
            return warning(name, found, f"{again}, then {where.start}")
        said.append(f"{one.path}, as this version writes it; it starts {one.program}")
    return ok(name, "; ".join(said) or "the engine is not installed as a service")


def _unit(*, machine: bool) -> tuple[Place, Unit] | None:
    from frdm_install import doctor, engine
    from frdm_install.errors import InstallError

    try:
        where = engine.place(machine=machine, environment=os.environ)
    except InstallError:
        return None  # no engine runs on this system, or nobody lives here: there can be none
    found = doctor.unit(where, state=str(default_home()))
    return None if found is None else (where, found)


def farm(asked: Asked, *, folder: Path) -> Finding:
    """Template and submitter in a farm's folder are whole, of this version, and call an FRDM that is there."""
    from frdm_install import doctor
    from frdm_install.errors import InstallError

    name, again = f"farm {folder}", f"frdm install farm --folder {folder}"
    del asked
    try:
        found = doctor.in_farm(folder)
    except InstallError as error:
        return failure(name, str(error).rstrip("."), again)
    if found is None:
        return failure(name, "FRDM is not installed there", again)
    if found.damaged:
        more = f" and {len(found.damaged) - 1} more" if len(found.damaged) > 1 else ""
        return failure(name, f"{found.damaged[0]}{more} is missing or was changed", f"move it away, then {again}")
    if not found.command or shutil.which(found.command[0]) is None:
        called = found.command[0] if found.command else "nothing"
        return failure(
            name, f"its submitter calls {called}, which is no program here", f"{again}, or name one in $FRDM"
        )
    if found.version != __version__ or found.outdated:
        older = f"FRDM {found.version}" if found.version != __version__ else "another build"
        return warning(name, f"it is of {older}, and this is {__version__}", again)
    return ok(name, f"template and submitter of this version, which calls {found.command[0]}")
