"""What the doctor says of modules in a host's way, a farm's folder and the engine's unit: all really installed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from frdm_engine.cli.app import app
from frdm_engine.doctor import installed
from frdm_engine.doctor.finding import Asked, Finding, Status
from frdm_engine.version import __version__
from frdm_install import engine, farm, nuke, units, wheels
from tests.doctor.test_hosts import home, shelf
from tests.install.conftest import fill

__all__ = ["home", "shelf"]


def frdm(*arguments: object) -> str:
    """A command that must do."""
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    return Asked(home=tmp_path)


@pytest.fixture
def where(home: Path, monkeypatch: pytest.MonkeyPatch) -> engine.Place:
    """The place of a service of this user."""
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    found = engine.place(machine=False, environment=os.environ)
    assert found.folder.is_relative_to(home)
    return found


def is_bad(found: Finding, status: Status, *words: str) -> None:
    assert found.status is status, found
    assert all(word in found.found + " -> " + found.remedy for word in words), found


def test_the_engine_s_unit(where: engine.Place, asked: Asked) -> None:
    assert installed.service(asked).found == "the engine is not installed as a service"
    frdm("install", "engine", "--read", "/shows", "--write", "/shows", "--vram", "8G")
    unit = where.folder / where.unit
    found = installed.service(asked)
    assert (found.status, found.remedy) == (Status.OK, "")
    assert found.found == f"{unit}, as this version writes it; it starts {sys.executable}"
    content = unit.read_bytes()
    unit.write_bytes(content + b"# mine\n")
    is_bad(installed.service(asked), Status.WARNING, f"{unit} was changed", "drop-in", "frdm install engine")
    unit.unlink()
    is_bad(installed.service(asked), Status.FAILURE, f"{unit} is not there any more", "frdm install engine")
    frdm("install", "engine")
    assert installed.service(asked).status is Status.OK


def test_a_unit_of_another_version_or_of_an_engine_that_is_gone(
    where: engine.Place, asked: Asked, tmp_path: Path
) -> None:
    python = tmp_path / "env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    options = ["--read", "/shows", "--write", "/shows"]

    def install(version: str, *, network: bool = False) -> None:
        service = engine.service_of(where, options, python=str(python), user=None, state=str(tmp_path))
        if network:
            service = units.Service(**vars(service) | {"network": True})
        engine.install(where, service, version=version, options=options)

    install("0.0.9")
    is_bad(installed.service(asked), Status.WARNING, "was written by FRDM 0.0.9", f"and this is {__version__}")
    install(__version__, network=True)  # as a version that had its own idea of the same options
    is_bad(installed.service(asked), Status.WARNING, "another build", where.start)
    install(__version__)
    assert installed.service(asked).status is Status.OK
    python.unlink()
    is_bad(
        installed.service(asked), Status.FAILURE, f"starts {python}, which is no program here", "frdm install engine"
    )
    (where.folder / where.at / "manifest.json").write_text("{")
    is_bad(installed.service(asked), Status.FAILURE, "is damaged")


def test_the_program_in_a_unit_is_read_as_it_is_written() -> None:
    odd = "/opt/100% $x/py thon"
    service = units.Service((odd, "-m", "frdm_engine"), home=Path("/var/lib/frdm"))
    assert units.program(units.systemd(service)) == odd
    assert units.program(units.launchd(service)) == odd
    assert units.program(b"[Service]\nExecStart=\n") is None
    assert units.program(b"<?xml no list") is None
    assert units.program(b"") is None


def test_a_farm_s_folder(asked: Asked, tmp_path: Path) -> None:
    folder = tmp_path / "studio"
    folder.mkdir()

    def look() -> Finding:
        return installed.farm(asked, folder=folder)

    is_bad(look(), Status.FAILURE, "FRDM is not installed there", f"frdm install farm --folder {folder}")
    frdm("install", "farm", "--folder", folder)
    found = look()
    assert (found.name, found.status) == (f"farm {folder}", Status.OK)
    assert found.found.endswith(f"which calls {sys.executable}")
    template = folder / farm.TEMPLATE
    content = template.read_bytes()
    template.write_bytes(content + b"# mine\n")
    is_bad(look(), Status.FAILURE, f"{farm.TEMPLATE} is missing or was changed", "move it away, then")
    template.write_bytes(content)
    farm.install(folder, version="0.0.9", command=[sys.executable])
    is_bad(look(), Status.WARNING, f"it is of FRDM 0.0.9, and this is {__version__}")
    farm.install(folder, version=__version__, command=["/nowhere/python", "-m", "frdm_engine"])
    is_bad(look(), Status.FAILURE, "its submitter calls /nowhere/python, which is no program here", "$FRDM")


def test_modules_that_lie_before_those_of_hosts(
    home: Path, shelf: Path, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = tmp_path / "studio"
    fill(studio, {"frdm_bridge/__init__.py": b"", "zmq/__init__.py": b""})
    monkeypatch.setenv("NUKE_PATH", str(studio))
    assert installed.host_modules(asked).status is Status.OK  # FRDM is in no host: nothing is in its way
    nuke.install(home / ".nuke", version=__version__, platforms=[wheels.this_platform()], wheel_folder=shelf)
    is_bad(
        installed.host_modules(asked), Status.FAILURE, f"{studio / 'frdm_bridge'} would be loaded in place", "NUKE_PATH"
    )
    (studio / "frdm_bridge" / "__init__.py").unlink()
    is_bad(installed.host_modules(asked), Status.WARNING, f"{studio / 'zmq'} is found before FRDM's pyzmq")
    monkeypatch.setenv("NUKE_PATH", str(home / ".nuke" / "frdm"))  # its own place is not in its way
    assert installed.host_modules(asked).status is Status.OK
