"""Nuke and DaVinci Resolve: FRDM in their folders, and the Python and pyzmq that each will use."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from frdm_engine.doctor.finding import Asked, Finding, failure, ok, warning
from frdm_engine.version import __version__

if TYPE_CHECKING:
    from frdm_install.doctor import Installation


def nuke(asked: Asked) -> Finding:
    """FRDM in Nuke; every Nuke of this machine is tried with its own Python, where that can be run."""
    from frdm_install import doctor, locations
    from frdm_install.errors import InstallError

    again = "frdm install nuke"
    found = locations.find_nukes(locations.places(environment=os.environ))
    names = ", ".join(one.name for one in found) or "no Nuke where it installs itself"
    try:
        there = doctor.in_nuke(os.environ)
    except InstallError as error:
        return failure("Nuke", str(error).rstrip("."), again)
    if not there:
        return ok("Nuke", f"FRDM is not installed in it ({names})")
    bad = _installed("Nuke", there, again)
    if bad is not None:
        return bad
    said = []
    for one in found:
        if one.python is not None and one.python < locations.OLDEST:
            said.append(f"{one.name} is too old")
            continue
        program = doctor.program_of(one)
        if program is None:
            said.append(f"{one.name}, whose Python cannot be run by itself")
            continue
        told = doctor.run(program, packages=there[0].packages, host="frdm_nuke", limit_s=asked.limit_s)
        if told.fault:
            return failure("Nuke", f"{one.name}, Python {told.python}: {told.fault}", _mend(told.fault, again))
        said.append(f"{one.name} uses Python {told.python} and {told.pyzmq}")
    where = ", ".join(str(one.packages) for one in there)
    return ok("Nuke", f"FRDM {there[0].version} in {where}; " + ("; ".join(said) or names))


def resolve(asked: Asked) -> Finding:
    """FRDM in Resolve, tried with the Python that Resolve is likely to take."""
    from frdm_install import doctor
    from frdm_install.errors import InstallError

    again = "frdm install resolve"
    try:
        there = doctor.in_resolve(os.environ)
    except InstallError as error:
        return failure("Resolve", str(error).rstrip("."), again)
    if not there:
        return ok("Resolve", "FRDM is not installed in it")
    bad = _installed("Resolve", there, again)
    if bad is not None:
        return bad
    found = f"FRDM {there[0].version} in {there[0].packages}"
    program = doctor.python_for_resolve(os.environ)
    if program is None:
        return warning("Resolve", f"{found}; no Python is found for it", "install Python 3.9 or newer for the system")
    told = doctor.run(program, packages=there[0].packages, host="frdm_resolve", limit_s=asked.limit_s)
    if told.fault:
        return failure("Resolve", f"Python {told.python} ({program}): {told.fault}", _mend(told.fault, again))
    return ok("Resolve", f"{found}; Python {told.python} ({program}) uses {told.pyzmq}")


def _installed(name: str, there: list[Installation], again: str) -> Finding | None:
    for one in there:
        folder = one.packages
        if one.damaged:
            more = f" and {len(one.damaged) - 1} more" if len(one.damaged) > 1 else ""
            found = f"{folder}: {one.damaged[0]}{more} is missing or was changed"
            return failure(name, found, f"move what was changed away, then {again}")
        if one.version != __version__:
            return warning(name, f"{folder} holds FRDM {one.version}, and this is {__version__}", again)
    return None


def _mend(fault: str, again: str) -> str:
    if "is taken from" in fault:
        return "take that folder out of PYTHONPATH for the host"
    return f"{again}; where Nuke runs on another system, with its --platform"
