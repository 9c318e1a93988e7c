"""Where things are on Linux, macOS and Windows; which Python each Nuke has."""

from __future__ import annotations

from pathlib import Path

import pytest

from frdm_install.errors import InstallError
from frdm_install.locations import PYTHONS, find_nukes, host_files, places, user_folder
from tests.install.conftest import BRIDGE, HOST, NUKE, fill


@pytest.mark.parametrize(
    ("system", "environment", "expected"),
    [
        ("linux", {"HOME": "/home/ann"}, "/home/ann/.nuke"),
        ("darwin", {"HOME": "/Users/ann"}, "/Users/ann/.nuke"),
        ("win32", {"USERPROFILE": "C:/Users/ann"}, "C:/Users/ann/.nuke"),
        ("win32", {"HOME": "H:/ann", "USERPROFILE": "C:/Users/ann"}, "H:/ann/.nuke"),
    ],
)
def test_the_user_s_folder(system: str, environment: dict[str, str], expected: str) -> None:
    assert user_folder(environment=environment, system=system).as_posix() == expected


@pytest.mark.parametrize("system", ["linux", "win32"])
def test_without_a_home_the_user_must_say(system: str) -> None:
    environment = {"USERPROFILE": "C:/Users/ann"} if system == "linux" else {}
    with pytest.raises(InstallError, match="--folder DIR"):
        user_folder(environment=environment, system=system)


def test_the_places_nuke_installs_itself_into() -> None:
    assert Path("/usr/local") in places(environment={}, system="linux")
    assert places(environment={}, system="darwin") == (Path("/Applications"),)
    assert places(environment={"ProgramFiles": "D:/Programs"}, system="win32") == (Path("D:/Programs"),)


@pytest.mark.parametrize(
    "library",
    [
        "libpython3.10.so.1.0",
        "lib/python3.10/os.py",
        "python310.dll",
        "Nuke15.1v2.app/Contents/MacOS/libpython3.10.dylib",
        "Nuke15.1v2.app/Contents/Frameworks/Python.framework/Versions/3.10/Python",
    ],
)
def test_the_interpreter_is_read_off_an_installation(tmp_path: Path, library: str) -> None:
    fill(tmp_path / "Nuke17.0v2", {library: b"", "python3.dll": b""})
    (one,) = find_nukes([tmp_path, tmp_path / "missing"])
    assert (one.name, one.python) == ("Nuke 17.0v2", (3, 10))


def test_nukes_are_found_in_order_and_others_are_not(tmp_path: Path) -> None:
    for name in ("Nuke16.0v10", "Nuke16.0v9", "Nuke14.1v1", "NukeX", "Nuke99.0v1", "Nuke15.0v1.bak"):
        (tmp_path / name).mkdir()
    (tmp_path / "Nuke15.2v1").write_text("a file")
    found = find_nukes([tmp_path])
    assert [one.name for one in found] == ["Nuke 14.1v1", "Nuke 16.0v9", "Nuke 16.0v10", "Nuke 99.0v1"]
    assert [one.python for one in found] == [PYTHONS[14], PYTHONS[16], PYTHONS[16], None]


def test_source_tree_and_wheel_give_the_same_files(source: Path, installed: Path) -> None:
    expected = {name: content for name, content in HOST.items() if not name.endswith(".svg")}
    expected |= {f"frdm_nuke/{name}": content for name, content in NUKE.items() if "__pycache__" not in name}
    expected |= {f"frdm_bridge/{name}": content for name, content in BRIDGE.items()}
    assert host_files(source) == host_files(installed) == expected


@pytest.mark.parametrize("gone", ["../../host_nuke/menu.py", "../../bridge/frdm_bridge/client.py"])
def test_a_broken_copy_of_frdm_says_so(source: Path, gone: str) -> None:
    (source / gone).unlink()
    (source / "../../bridge/frdm_bridge/__init__.py").unlink()
    with pytest.raises(InstallError, match="install FRDM again"):
        host_files(source)
