"""Nuke and Resolve as the doctor sees them: installations on disk, and other Pythons that really run."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from frdm_engine.doctor import hosts
from frdm_engine.doctor.finding import Asked
from frdm_engine.version import __version__
from frdm_install import doctor, nuke, resolve, wheels
from frdm_install.locations import Nuke
from tests.bridge.test_interpreters import found
from tests.install.conftest import make_wheel


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """Wheels of pyzmq for each Python, whose zmq says which it is for."""
    for python, abi in (("cp39", "cp39"), ("cp310", "cp310"), ("cp311", "cp311"), ("cp312", "abi3")):
        init = f"__version__ = '27.3.0 for {python}'\nclass Context:\n    def term(self): pass\n"
        make_wheel(tmp_path / "shelf", python=python, abi=abi, files={"zmq/__init__.py": init.encode()})
    return tmp_path / "shelf"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home; Nukes are looked for in `opt` beside it."""
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    for name in ("NUKE_PATH", "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("frdm_install.locations.places", lambda **_: (tmp_path / "opt",))
    (tmp_path / "home" / ".nuke").mkdir(parents=True)
    return tmp_path / "home"


def nuke_with(python: Path, home: Path, name: str = "Nuke15.1v3") -> Nuke:
    """A Nuke whose folder holds an interpreter, as Nuke's does."""
    # The one below a virtual environment: a Nuke's Python knows nothing of the packages that FRDM runs with.
    bare = "import sys; print(f'{sys.base_prefix}/bin/python{sys.version_info[0]}.{sys.version_info[1]}')"
    python = Path(subprocess.run([python, "-c", bare], capture_output=True, text=True, check=True).stdout.strip())
    folder = home.parent / "opt" / name
    folder.mkdir(parents=True)
    program = folder / "python3"
    program.write_text(f'#!/bin/sh\nexec "{python}" "$@"\n')
    program.chmod(0o755)
    return Nuke(folder, (15, 1, 3), (3, 10))


def test_nothing_is_installed(home: Path, tmp_path: Path) -> None:
    asked = Asked(home=tmp_path)
    assert hosts.nuke(asked).found == "FRDM is not installed in it (no Nuke where it installs itself)"
    assert hosts.resolve(asked).found == "FRDM is not installed in it"


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12"])
def test_a_nuke_is_asked_with_its_own_python(version: str, home: Path, shelf: Path, tmp_path: Path) -> None:
    pythons = found(version)
    if not pythons:
        pytest.skip(f"no Python {version} is on this machine")
    nuke.install(home / ".nuke", version=__version__, platforms=[wheels.this_platform()], wheel_folder=shelf)
    one = nuke_with(pythons[0], home)
    before = {path: path.stat().st_mtime_ns for path in sorted(home.rglob("*"))}
    told = hosts.nuke(Asked(home=tmp_path))
    assert told.status == "ok", told
    build = f"cp{version.replace('.', '')}"
    assert f"Nuke 15.1v3 uses Python {version}." in told.found
    assert f"pyzmq 27.3.0 for {build} in {home / '.nuke' / 'frdm' / 'vendor' / build}" in told.found
    assert {path: path.stat().st_mtime_ns for path in sorted(home.rglob("*"))} == before
    assert doctor.program_of(one) == one.folder / "python3"


def test_a_build_for_another_python_and_a_shadow(
    home: Path, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pythons = found("3.10")
    if not pythons:
        pytest.skip("no Python 3.10 is on this machine")
    (shelf / next(one.name for one in shelf.iterdir() if "cp310" in one.name)).unlink()
    nuke.install(home / ".nuke", version=__version__, platforms=[wheels.this_platform()], wheel_folder=shelf)
    nuke_with(pythons[0], home)
    told = hosts.nuke(Asked(home=tmp_path))
    assert told.status == "failure"
    assert "VendorError: FRDM has no pyzmq for the Python of this Nuke" in told.found
    assert told.remedy.startswith("frdm install nuke")
    studio = tmp_path / "studio"
    shutil.copytree(home / ".nuke" / "frdm" / "frdm_bridge", studio / "frdm_bridge")
    shutil.copytree(next((home / ".nuke" / "frdm" / "vendor").glob("cp311-*")) / "zmq", studio / "zmq")
    monkeypatch.setenv("PYTHONPATH", str(studio))
    told = hosts.nuke(Asked(home=tmp_path))
    assert f"frdm_bridge is taken from {studio / 'frdm_bridge'}, in place of the one in " in told.found
    assert "PYTHONPATH" in told.remedy


def test_old_and_damaged_installations(
    home: Path, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    monkeypatch.setenv("NUKE_PATH", str(shared))
    nuke.install(shared, version="0.0.9", platforms=[wheels.this_platform()], wheel_folder=shelf)
    told = hosts.nuke(Asked(home=tmp_path))
    assert (told.status, told.remedy) == ("warning", "frdm install nuke")
    assert told.found == f"{shared / 'frdm'} holds FRDM 0.0.9, and this is {__version__}"
    (shared / "frdm" / "menu.py").write_text("print('mine')\n")
    told = hosts.nuke(Asked(home=tmp_path))
    assert (told.status, "menu.py is missing or was changed" in told.found) == ("failure", True)
    (shared / "frdm" / "manifest.json").write_text("{")
    assert "is damaged" in hosts.nuke(Asked(home=tmp_path)).found


def test_resolve_is_asked_with_the_system_s_python(
    home: Path, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pythons = found("3.10")
    if not pythons:
        pytest.skip("no Python 3.10 is on this machine")
    folder = resolve.fusion_folder(everybody=False, environment={"HOME": str(home)})
    resolve.install(folder, version=__version__, wheel_folder=shelf)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(pythons[0])
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    told = hosts.resolve(Asked(home=tmp_path))
    assert told.status == "ok", told
    assert f"({tmp_path / 'bin' / 'python3'}) uses pyzmq 27.3.0 for cp310 in {folder / 'frdm' / 'vendor'}" in told.found


def test_a_python_that_hangs_or_breaks(tmp_path: Path) -> None:
    script = tmp_path / "python3"
    script.write_text("#!/bin/sh\nexec sleep 600\n")
    script.chmod(0o755)
    told = doctor.run(script, packages=tmp_path, host="frdm_nuke", limit_s=0.3)
    assert told.fault == f"{script} did not end within 0.3 s"
    script.write_text("#!/bin/sh\necho 'cannot find libpython' >&2\nexit 127\n")
    assert doctor.run(script, packages=tmp_path, host="frdm_nuke", limit_s=60).fault.endswith("cannot find libpython")
    assert "cannot be run" in doctor.run(tmp_path / "none", packages=tmp_path, host="frdm_nuke", limit_s=1).fault
    assert json.dumps(told.python) == '""'
