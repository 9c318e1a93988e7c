"""`frdm install farm` and `frdm uninstall farm`: there and back, byte for byte."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from frdm_install import farm
from frdm_install.errors import InstallError
from tests.install.conftest import fill, tree_of

Frdm = Callable[..., Result]


@pytest.mark.parametrize("used", [False, True], ids=["fresh", "used"])
def test_there_and_back(frdm: Frdm, tmp_path: Path, used: bool) -> None:
    folder = tmp_path / "studio" / "farm"
    if used:
        fill(folder, {"mine.yaml": b"steps: []\n", "tools/a.py": b"x = 1\r\n"})
    before = tree_of(tmp_path)
    dry = frdm("install", "farm", "--folder", folder, "--dry-run")
    assert f"would write {folder / 'frdm_restore.yaml'}" in dry.stdout
    assert tree_of(tmp_path) == before
    result = frdm("install", "farm", "--folder", folder)
    assert result.exit_code == 0, result.output
    assert "2 files written" in result.stdout
    assert (folder / "frdm_restore.yaml").read_text() == farm.template()
    assert stat.S_ISREG((folder / "submit_frdm.py").stat().st_mode)
    once = tree_of(tmp_path)
    assert "nothing to do" in frdm("install", "farm", "--folder", folder).stdout
    assert tree_of(tmp_path) == once
    assert frdm("uninstall", "farm", "--folder", folder, "--dry-run").exit_code == 0
    assert tree_of(tmp_path) == once
    assert frdm("uninstall", "farm", "--folder", folder).exit_code == 0
    assert tree_of(tmp_path) == before
    assert "nothing to do" in frdm("uninstall", "farm", "--folder", folder).stdout


def test_an_upgrade_in_place_and_a_file_of_ones_own(frdm: Frdm, refused: Callable[..., str], tmp_path: Path) -> None:
    old = tmp_path / "old" / "frdm_install"
    fill(old.parent / "farm", {"frdm_restore.yaml": b"old: 1\n", "submit_frdm.py": b"FRDM = []\n"})
    folder = tmp_path / "farm"
    farm.install(folder, version="0", command=("/old/frdm",), package=old)
    assert (folder / "submit_frdm.py").read_bytes() == b"FRDM = ['/old/frdm']\n"
    assert frdm("install", "farm", "--folder", folder).exit_code == 0
    assert (folder / "frdm_restore.yaml").read_text() == farm.template()
    (folder / "frdm_restore.yaml").write_bytes(b"mine\n")
    assert "was changed since it was installed" in refused("install", "farm", "--folder", folder)
    result = frdm("uninstall", "farm", "--folder", folder)
    assert f"kept {folder / 'frdm_restore.yaml'}" in result.stderr
    assert tree_of(folder) == {"frdm_restore.yaml": b"mine\n"}
    assert "is not FRDM's" in refused("install", "farm", "--folder", folder)
    assert tree_of(folder) == {"frdm_restore.yaml": b"mine\n"}


def test_a_wheel_without_the_files_says_so(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="install FRDM again"):
        farm.template(tmp_path / "frdm_install")
