"""FRDM in Resolve's folder Fusion: installed, started from there, brought up to date, taken out to the last byte."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from frdm_install import resolve
from frdm_install.errors import InstallError
from frdm_install.placing import Done
from tests.host_resolve import standin
from tests.install.conftest import fill, make_wheel, tree_of


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    for platform in ("manylinux2014_x86_64", "manylinux2014_aarch64", "win_amd64"):
        make_wheel(tmp_path / "shelf", platform=platform)
    return tmp_path / "shelf"


@pytest.mark.parametrize(
    ("system", "everybody", "wanted"),
    [
        ("linux", False, "/home/a/.local/share/DaVinciResolve/Fusion"),
        ("linux", True, "/opt/resolve/Fusion"),
        ("darwin", False, "/home/a/Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion"),
        ("darwin", True, "/Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion"),
        ("win32", False, "/roaming/Blackmagic Design/DaVinci Resolve/Support/Fusion"),
        ("win32", True, "/data/Blackmagic Design/DaVinci Resolve/Fusion"),
    ],
)
def test_each_platforms_folder(system: str, everybody: bool, wanted: str) -> None:
    environment = {"HOME": "/home/a", "APPDATA": "/roaming", "PROGRAMDATA": "/data"}
    assert resolve.fusion_folder(everybody=everybody, environment=environment, system=system) == Path(wanted)
    if not everybody:
        with pytest.raises(InstallError, match="--folder DIR"):
            resolve.fusion_folder(everybody=False, environment={}, system=system)


def test_there_and_back(tmp_path: Path, shelf: Path) -> None:
    folder = tmp_path / "Fusion"
    fill(folder, {"Scripts/Utility/mine.py": b"x = 1"})
    before = tree_of(folder)
    assert resolve.install(folder, version="1", wheel_folder=shelf, dry_run=True).written
    assert tree_of(folder) == before
    done = resolve.install(folder, version="1", wheel_folder=shelf)
    assert "Scripts/Utility/FRDM Restore.py" in done.written
    assert "frdm/frdm_resolve/cli.py" in done.written
    assert resolve.install(folder, version="1", wheel_folder=shelf).written == ()
    script = folder / "Scripts/Utility/FRDM Restore.py"
    assert f"FRDM = {str(folder / 'frdm')!r}" in script.read_text("utf-8")
    kept = script.read_bytes()
    script.write_bytes(kept + b"# mine\n")
    with pytest.raises(InstallError, match="was changed since"):
        resolve.install(folder, version="2", wheel_folder=shelf)
    script.write_bytes(kept)
    resolve.uninstall(folder)
    assert tree_of(folder) == before
    assert resolve.uninstall(folder) == Done()


def test_an_installed_script_starts(tmp_path: Path, shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "Fusion"
    resolve.install(folder, version="1", wheel_folder=shelf)
    path = list(sys.path)
    standin.install(tmp_path)
    try:
        standin.run_script(folder / "Scripts/Utility/FRDM Remove.py")
        assert "No project is open" in capsys.readouterr().out
        assert str(folder / "frdm") in sys.path
    finally:
        standin.uninstall()
        sys.path[:] = path
