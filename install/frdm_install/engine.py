"""The engine as a service of a user or of a machine: the unit put where systemd or launchd reads it, and taken out."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from frdm_install import manifest, placing, units
from frdm_install.errors import InstallError
from frdm_install.manifest import Manifest
from frdm_install.placing import Done
from frdm_install.units import Service


@dataclass(frozen=True)
class Place:
    """Where a service manager reads: `folder`, the unit's path below it, and the folder of FRDM's record there.

    `home` is the engine's own folder unless told, `connection` the file by which hosts find it; "" where these are the
    user's usual ones. `start` and `stop` are the commands that do so, also after a change.
    """

    folder: Path
    unit: str
    at: str
    home: str
    start: str
    stop: str
    connection: str
    machine: bool = False

    @property
    def is_systemd(self) -> bool:
        """Whether the unit is one for systemd, else a job for launchd."""
        return self.unit.endswith(".service")


def place(*, machine: bool, environment: Mapping[str, str], system: str = sys.platform) -> Place:
    """The place for a service of the machine, or of the user.

    Raises:
        InstallError: engines do not run on this system, or the environment names no home folder.
    """
    if system == "win32":
        raise InstallError(
            "The engine runs on Linux and macOS, and under WSL 2; from Windows speak to one on another machine by its "
            "connection file."
        )
    home = environment.get("HOME", "")
    if not machine and not home:
        raise InstallError("There is no home folder in the environment; say where with --folder DIR.")
    if system == "darwin":
        record, name = "Application Support/frdm/engine", f"{units.LABEL}.plist"
        if machine:
            path = f"/Library/LaunchDaemons/{name}"
            return Place(
                folder=Path("/Library"),
                unit=f"LaunchDaemons/{name}",
                at=record,
                home="/usr/local/var/frdm",
                start=f"launchctl bootstrap system {path}",
                stop=f"launchctl bootout system/{units.LABEL}",
                connection="/usr/local/var/frdm/run/frdm/engine.json",
                machine=True,
            )
        return Place(
            folder=Path(home) / "Library",
            unit=f"LaunchAgents/{name}",
            at=record,
            home="",
            start=f"launchctl bootstrap gui/$(id -u) ~/Library/LaunchAgents/{name}",
            stop=f"launchctl bootout gui/$(id -u)/{units.LABEL}",
            connection="",
        )
    ctl = "systemctl" if machine else "systemctl --user"
    return Place(
        folder=Path("/etc") if machine else Path(environment.get("XDG_CONFIG_HOME") or Path(home) / ".config"),
        unit=f"systemd/{'system' if machine else 'user'}/{units.NAME}",
        at="frdm/engine",
        home="/var/lib/frdm" if machine else "",
        start=f"{ctl} daemon-reload && {ctl} enable {units.NAME} && {ctl} restart {units.NAME}",
        stop=f"{ctl} disable --now {units.NAME}",
        connection="/run/frdm/engine.json" if machine else "",
        machine=machine,
    )


def service_of(where: Place, options: Sequence[str], *, python: str, user: str | None, state: str) -> Service:
    """The engine that options of `frdm serve` ask for, each in full: a name, then its value, paths absolute.

    `python` is the interpreter that FRDM lies beside, `state` the user's usual folder for an engine.
    """
    said: dict[str, list[str]] = {}
    for name, value in zip(options[::2], options[1::2], strict=False):
        said.setdefault(name, []).append(value)
    told = said.get("--home", [""])[-1]
    home = told or where.home or ("" if where.is_systemd else state)
    home = str(Path(home).absolute()) if home else ""
    own = ["--home", home] if home and not told else []
    return Service(
        command=(python, "-m", "frdm_engine", "serve", *own, *options),
        home=Path(home) if home else None,
        read=tuple(Path(one) for one in said.get("--read", ())),
        write=tuple(Path(one) for one in said.get("--write", ())),
        user=user,
        network="--listen" in said,
    )


def remembered(where: Place) -> list[str] | None:
    """The options that the service was installed with; None if it is not installed.

    Raises:
        InstallError: the record cannot be read.
    """
    known = manifest.load(where.folder / where.at)
    return None if known is None else known.options


def install(where: Place, service: Service, *, version: str, options: Sequence[str], dry_run: bool = False) -> Done:
    """Writes the unit, or brings it up to date; it is neither started nor enabled. `options` are kept with the record.

    Raises:
        InstallError: something is in the way, or cannot be written.
    """
    content = text(where, service)
    record = Manifest(version=version, options=list(options))
    todo = placing.plan(where.folder, {where.unit: content}, at=where.at, record=record)
    if not dry_run:
        placing.apply(todo)
    return Done(written=todo.changes.write, removed=todo.changes.remove)


def text(where: Place, service: Service) -> bytes:
    """The unit as it is written.

    Raises:
        InstallError: a name holds what a unit cannot.
    """
    return units.systemd(service) if where.is_systemd else units.launchd(service)


def uninstall(where: Place, *, dry_run: bool = False) -> Done:
    """Takes the unit out. Journal, keys and logs in the engine's own folder stay.

    Raises:
        InstallError: the service is enabled still, or something cannot be removed.
    """
    unit = where.folder / where.unit
    for wants in sorted(unit.parent.glob("*.wants")):
        if (wants / unit.name).is_symlink():
            raise InstallError(f"{wants / unit.name} still starts the engine; run `{where.stop}`, then this again.")
    return placing.take(where.folder, at=where.at, dry_run=dry_run)
