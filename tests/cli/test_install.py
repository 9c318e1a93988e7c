"""`frdm install` and `frdm uninstall` as a user calls them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from frdm_engine.cli.install import describe_nukes
from frdm_install.locations import Nuke
from frdm_install.placing import Done
from frdm_install.wheels import ABIS, tag, this_platform
from tests.install.conftest import fill, make_wheel, tree_of

Frdm = Callable[..., Result]
Refused = Callable[..., str]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with a used ~/.nuke, and no Nuke where one is looked for."""
    home = tmp_path / "home"
    fill(home / ".nuke", {"init.py": b"x = 1", "menu.py": b"y = 2\n"})
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr("frdm_install.locations.places", lambda **_: (tmp_path / "opt",))
    return home


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """Wheels for Linux and Windows that serve Python 3.11, and nothing else."""
    for platform in ("manylinux2014_x86_64", "manylinux2014_aarch64", "win_amd64"):
        make_wheel(tmp_path / "shelf", platform=platform)
    return tmp_path / "shelf"


def test_installed_told_of_and_taken_out(frdm: Frdm, home: Path, shelf: Path, tmp_path: Path) -> None:
    before = tree_of(home)
    fill(tmp_path / "opt/Nuke16.0v3", {"libpython3.11.so.1.0": b""})
    fill(tmp_path / "opt/Nuke14.0v1", {"Nuke14.0": b""})
    options = ("--wheels", shelf, "--platform", "linux_x86_64")
    result = frdm("install", "nuke", *options, "--dry-run")
    assert result.exit_code == 0, result.output
    assert f"would write {home / '.nuke/init.py'}" in result.stdout
    assert tree_of(home) == before
    result = frdm("install", "nuke", *options)
    assert result.exit_code == 0, result.output
    assert f"{home / '.nuke'}: " in result.stdout
    assert f"Nuke 16.0v3  {tmp_path / 'opt/Nuke16.0v3'}: Python 3.11, vendor/cp311-linux_x86_64" in result.stdout
    assert f"Nuke 14.0v1  {tmp_path / 'opt/Nuke14.0v1'}: Python 3.9, no pyzmq that fits" in result.stdout
    assert "no wheel for cp39-linux_x86_64" in result.stderr
    assert "nothing to do" in frdm("install", "nuke", *options).stdout
    fill(home / ".nuke/frdm", {"mine.txt": b""})
    result = frdm("uninstall", "nuke")
    assert result.exit_code == 0, result.output
    assert f"kept {home / '.nuke/frdm/mine.txt'}" in result.stderr
    (home / ".nuke/frdm/mine.txt").unlink()
    (home / ".nuke/frdm").rmdir()
    assert tree_of(home) == before
    assert "nothing to do" in frdm("uninstall", "nuke").stdout


def test_a_shared_folder_for_two_platforms(frdm: Frdm, home: Path, shelf: Path, tmp_path: Path) -> None:
    shared = tmp_path / "studio"
    result = frdm(
        *("install", "nuke", "--folder", shared, "--wheels", shelf, "--platform", "linux_x86_64,win_amd64"),
    )
    assert result.exit_code == 0, result.output
    assert {path.name for path in (shared / "frdm/vendor").iterdir()} == {"cp311-linux_x86_64", "cp311-win_amd64"}
    assert "when NUKE_PATH names it" in result.stderr
    assert b"frdm" not in (home / ".nuke/init.py").read_bytes()
    assert frdm("uninstall", "nuke", "--folder", shared).exit_code == 0
    assert not shared.exists()


def test_what_cannot_be_done_is_one_sentence(refused: Refused, home: Path, shelf: Path, tmp_path: Path) -> None:
    assert "--platform amiga" in refused("install", "nuke", "--wheels", shelf, "--platform", "amiga")
    assert "is no folder" in refused("install", "nuke", "--wheels", tmp_path / "none")
    fill(home / ".nuke", {"frdm/menu.py": b"mine"})
    assert "is not FRDM's" in refused("install", "nuke", "--wheels", shelf, "--platform", "win_amd64")


def test_each_nuke_is_told_what_it_will_use() -> None:
    system = this_platform()
    found = [
        Nuke(Path("/opt/a"), (13, 2, 1), (3, 7)),
        Nuke(Path("/opt/b"), (17, 0, 1), (3, 11)),
        Nuke(Path("/opt/c"), (18, 0, 1), (3, 13)),
        Nuke(Path("/opt/d"), (99, 0, 1), None),
    ]
    lines = list(describe_nukes(found, Done(tags=tuple(tag(abi, system) for abi in ABIS))))
    assert "too old" in lines[0]
    assert f"Python 3.11, vendor/cp311-{system}" in lines[1]
    assert f"Python 3.13, vendor/cp312_abi3-{system}" in lines[2]
    assert "not known" in lines[3]


def test_resolve_there_and_back(frdm: Frdm, home: Path, shelf: Path) -> None:
    folder = home / ".local/share/DaVinciResolve/Fusion"
    before = tree_of(home)
    result = frdm("install", "resolve", "--wheels", shelf, "--dry-run")
    assert f"would write {folder / 'Scripts/Utility/FRDM Restore.py'}" in result.stdout, result.output
    assert tree_of(home) == before
    result = frdm("install", "resolve", "--wheels", shelf)
    assert result.exit_code == 0, result.output
    assert "nothing to do" in frdm("install", "resolve", "--wheels", shelf).stdout
    assert frdm("uninstall", "resolve").exit_code == 0
    assert not (folder / "Scripts").exists()
    assert "nothing to do" in frdm("uninstall", "resolve").stdout


@pytest.fixture
def config(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's ~/.config, used; where units go on this machine, if it runs Linux."""
    if sys.platform != "linux":
        pytest.skip("units of systemd are for Linux")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", "/var/lib/ann")
    fill(home / ".config", {"systemd/user/mine.service": b"[Service]\n"})
    return home / ".config"


def test_the_engine_there_and_back(frdm: Frdm, config: Path) -> None:
    before, unit = tree_of(config), config / "systemd/user/frdm-engine.service"
    options = ("--read", "/shows", "--write", "/shows/out", "--device", "cpu", "--idle", "3.5")
    result = frdm("install", "engine", *options, "--dry-run")
    assert f"would write {unit}" in result.stdout, result.output
    assert tree_of(config) == before
    result = frdm("install", "engine", *options)
    assert result.exit_code == 0, result.output
    assert "systemctl --user daemon-reload" in result.stdout
    assert "/shows/out is no folder here yet" in result.stderr
    words = " serve --home /var/lib/ann/frdm --read /shows --write /shows/out --device cpu --idle 3.5\n"
    assert words in unit.read_text()
    assert f"ExecStart={sys.executable} -m frdm_engine" in unit.read_text()
    # Without options it keeps those it had.
    assert "nothing to do" in frdm("install", "engine").stdout
    assert frdm("install", "engine", "--read", "/other").exit_code == 0
    assert " --read /other\n" in unit.read_text()
    assert frdm("uninstall", "engine").exit_code == 0
    assert tree_of(config) == before
    assert "nothing to do" in frdm("uninstall", "engine").stdout


def test_the_engine_of_a_machine(frdm: Frdm, config: Path, tmp_path: Path) -> None:
    options = ("--system", "--folder", tmp_path / "etc")
    result = frdm("install", "engine", *options, "--user", "render", "--listen", "tcp://0.0.0.0:7777")
    assert result.exit_code == 0, result.output
    assert "FRDM_CONNECTION=/run/frdm/engine.json" in result.stdout
    unit = (tmp_path / "etc/systemd/system/frdm-engine.service").read_text()
    assert "User=render\n" in unit
    assert "PrivateNetwork=no" in unit
    assert "nothing to do" in frdm("install", "engine", *options).stdout
    assert frdm("uninstall", "engine", *options).exit_code == 0
    assert not (tmp_path / "etc").exists()


def test_an_engine_that_cannot_be_installed(refused: Refused, frdm: Frdm, config: Path) -> None:
    before = tree_of(config)
    assert "--system needs --user" in refused("install", "engine", "--system")
    assert "add --system" in refused("install", "engine", "--user", "render")
    assert "leave --daemon out" in refused("install", "engine", "--daemon")
    assert frdm("install", "engine", "--no-such").exit_code == 2
    assert frdm("install", "engine", "--idle", "long").exit_code == 2
    assert tree_of(config) == before


def test_modules_that_shadow_are_told_of(
    frdm: Frdm, home: Path, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = tmp_path / "studio"
    fill(studio, {"zmq/__init__.py": b"", "frdm_bridge/__init__.py": b"", "frdm_resolve.py": b""})
    monkeypatch.setenv("NUKE_PATH", str(studio))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    result = frdm("install", "nuke", "--wheels", shelf, "--platform", "linux_x86_64")
    assert f"{studio / 'frdm_bridge'} would be loaded in place of FRDM's own" in result.stderr
    assert f"{studio / 'zmq'} is found before FRDM's pyzmq" in result.stderr
    assert "frdm_resolve" not in result.stderr
    monkeypatch.setenv("PYTHONPATH", str(studio))
    result = frdm("install", "resolve", "--wheels", shelf)
    assert f"{studio / 'frdm_resolve.py'} would be loaded" in result.stderr
