"""The engine among the services: units that systemd and launchd take, folders quoted, an enabled one left alone."""

from __future__ import annotations

import configparser
import os
import plistlib
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from frdm_install import engine, units
from frdm_install.errors import InstallError
from frdm_install.units import Service
from tests.install.conftest import tree_of

ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="no systemd-analyze here")
COMMAND = ("/usr/bin/env", "frdm_engine", "serve", "--read", "/srv/my shows", "--label", 'a"b\\c$d%e')


def service(**changes: object) -> Service:
    given: dict[str, object] = {
        "command": COMMAND,
        "home": Path("/var/lib/frdm"),
        "read": (Path("/srv/my shows"),),
        "write": (Path("/srv/out%1"),),
    }
    return Service(**{**given, **changes})  # type: ignore[arg-type]  # fields by name


def fields(content: bytes) -> configparser.SectionProxy:
    """A unit's section [Service]; of a key that is repeated the last."""
    parser = configparser.ConfigParser(interpolation=None, strict=False, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names of settings have capitals
    parser.read_string(content.decode())
    return parser["Service"]


@needs_systemd
@pytest.mark.parametrize("user", [None, "root"])
@pytest.mark.parametrize("network", [False, True])
def test_systemd_takes_the_unit(tmp_path: Path, user: str | None, network: bool) -> None:
    path = tmp_path / units.NAME
    path.write_bytes(units.systemd(service(user=user, network=network)))
    manager = [] if user else ["--user"]
    command = [str(ANALYZE), *manager, "verify", "--man=no", str(path)]
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stderr
    broken = tmp_path / "broken.service"
    broken.write_bytes(path.read_bytes().replace(b"ProtectSystem=strict", b"ProtectSystem=very"))
    command[-1] = str(broken)
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert "Failed to parse" in ran.stderr  # it does look


@needs_systemd
@pytest.mark.parametrize(("user", "most"), [("render", 2.0), (None, 5.0)])
def test_little_is_exposed(tmp_path: Path, user: str | None, most: float) -> None:
    path = tmp_path / units.NAME
    path.write_bytes(units.systemd(service(user=user)))
    command = [str(ANALYZE), *([] if user else ["--user"]), "security", "--offline=yes", "--no-pager", str(path)]
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if "unrecognized option" in ran.stderr:
        pytest.skip("this systemd-analyze does not look at files")
    told = re.search(r"exposure level for \S+: ([0-9.]+)", ran.stdout)
    assert told is not None, ran.stderr
    assert float(told[1]) <= most


@pytest.mark.parametrize("user", [None, "render"])
def test_it_writes_to_its_own_folders_and_those_open_to_jobs(user: str | None) -> None:
    found = fields(units.systemd(service(user=user)))
    assert found["NoNewPrivileges"] == "yes"
    assert found["ProtectSystem"] == "strict"
    assert found["ReadWritePaths"] == "/var/lib/frdm /srv/out%%1"
    assert found.get("User") == user
    assert found.get("PrivateUsers") == (None if user else "yes")
    # A shell's quotes are those of systemd, but for $ and %.
    words = shlex.split(found["ExecStart"].replace("$$", "$").replace("%%", "%"))
    assert words == list(COMMAND)


@pytest.mark.parametrize("network", [False, True])
def test_the_network_only_where_it_listens_there(network: bool) -> None:
    found = fields(units.systemd(service(network=network)))
    assert found["PrivateNetwork"] == ("no" if network else "yes")
    assert ("AF_INET" in found["RestrictAddressFamilies"]) == network


@pytest.mark.parametrize("user", [None, "render"])
def test_launchd_takes_the_job(user: str | None) -> None:
    job = plistlib.loads(units.launchd(service(user=user)))
    assert job["Label"] == "frdm.engine"
    assert job["ProgramArguments"] == list(COMMAND)
    assert job["KeepAlive"] == {"SuccessfulExit": False}
    assert job.get("UserName") == user


def test_what_a_unit_cannot_hold_is_refused() -> None:
    for make in (units.systemd, units.launchd):
        with pytest.raises(InstallError, match="control character"):
            make(service(command=("serve", "--read", "/shows\nExecStart=evil")))
    with pytest.raises(InstallError, match=r"/tmp/shows is in a folder for temporary files"):
        units.systemd(service(read=(Path("/tmp/shows"),)))


@pytest.mark.parametrize(
    ("system", "machine", "folder", "unit"),
    [
        ("linux", False, "/home/ann/.config", "systemd/user/frdm-engine.service"),
        ("linux", True, "/etc", "systemd/system/frdm-engine.service"),
        ("darwin", False, "/home/ann/Library", "LaunchAgents/frdm.engine.plist"),
        ("darwin", True, "/Library", "LaunchDaemons/frdm.engine.plist"),
    ],
)
def test_the_place(system: str, machine: bool, folder: str, unit: str) -> None:
    found = engine.place(machine=machine, environment={"HOME": "/home/ann"}, system=system)
    assert (found.folder, found.unit) == (Path(folder), unit)


def test_places_there_are_none_of() -> None:
    with pytest.raises(InstallError, match="Linux and macOS"):
        engine.place(machine=False, environment={"HOME": "/home/ann"}, system="win32")
    with pytest.raises(InstallError, match="--folder DIR"):
        engine.place(machine=False, environment={}, system="linux")
    found = engine.place(machine=False, environment={"HOME": "/home/ann", "XDG_CONFIG_HOME": "/conf"}, system="linux")
    assert found.folder == Path("/conf")


@pytest.mark.skipif(shutil.which("systemctl") is None, reason="no systemctl here")
def test_an_enabled_engine_is_not_taken_away(tmp_path: Path) -> None:
    """systemctl itself enables and disables it, in the tree of an image."""
    (tmp_path / "etc").mkdir()
    before = tree_of(tmp_path)
    found = engine.place(machine=True, environment={}, system="linux")
    where = engine.Place(**{**vars(found), "folder": tmp_path / "etc"})
    engine.install(where, service(user="render"), version="1", options=[])
    control = ["systemctl", f"--root={tmp_path}"]
    subprocess.run([*control, "enable", units.NAME], check=True, capture_output=True)
    with pytest.raises(InstallError, match="disable --now"):
        engine.uninstall(where)
    assert not engine.install(where, service(user="render"), version="1", options=[]).changed
    subprocess.run([*control, "disable", units.NAME], check=True, capture_output=True)
    engine.uninstall(where)
    assert {name for name in tree_of(tmp_path) if "wants" not in name} == set(before)


def test_a_unit_that_was_changed_is_left_alone(tmp_path: Path) -> None:
    found = engine.place(machine=True, environment={}, system="linux")
    where = engine.Place(**{**vars(found), "folder": tmp_path})
    engine.install(where, service(user="render"), version="1", options=["--user", "render"])
    assert engine.remembered(where) == ["--user", "render"]
    path = tmp_path / where.unit
    path.write_bytes(path.read_bytes() + b"# mine\n")
    with pytest.raises(InstallError, match="was changed since"):
        engine.install(where, service(user="render"), version="2", options=[])
    assert engine.uninstall(where).kept == (where.unit,)
    assert path.read_bytes().endswith(b"# mine\n")
