"""Which wheel serves which interpreter; what is refused."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from frdm_install import wheels
from frdm_install.errors import InstallError

ROOT = Path(__file__).parents[2]
Make = Callable[..., Path]


def test_the_release_is_the_one_the_tests_run_with() -> None:
    pin = re.search(r"^pyzmq==(\S+)$", (ROOT / "constraints.txt").read_text("utf-8"), re.MULTILINE)
    assert pin is not None
    assert pin[1] == wheels.PYZMQ


@pytest.mark.parametrize(
    ("python", "expected"),
    [
        ((3, 7), None),
        ((3, 9), "cp39-win_amd64"),
        ((3, 10), "cp310-win_amd64"),
        ((3, 11), "cp311-win_amd64"),
        ((3, 12), "cp312_abi3-win_amd64"),
        ((3, 13), "cp312_abi3-win_amd64"),
        ((3, 14), "cp312_abi3-win_amd64"),
    ],
)
def test_the_folder_that_serves_an_interpreter(python: tuple[int, int], expected: str | None) -> None:
    assert wheels.tag_for(python, "win_amd64") == expected


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [
        ("linux", "x86_64", "linux_x86_64"),
        ("linux", "aarch64", "linux_aarch64"),
        ("darwin", "arm64", "macos"),
        ("darwin", "x86_64", "macos"),
        ("win32", "AMD64", "win_amd64"),
    ],
)
def test_the_platform_of_a_machine(system: str, machine: str, expected: str) -> None:
    assert wheels.this_platform(system, machine) == expected


@pytest.mark.parametrize(("system", "machine"), [("linux", "riscv64"), ("freebsd14", "amd64")])
def test_other_machines_must_name_one(system: str, machine: str) -> None:
    with pytest.raises(InstallError, match="--platform"):
        wheels.this_platform(system, machine)


def test_the_newest_wheel_for_the_oldest_system_is_chosen(tmp_path: Path, wheel: Make) -> None:
    wheel(tmp_path, version="27.1.0")
    wheel(tmp_path, version="27.10.0", platform="manylinux_2_28_x86_64")
    best = wheel(tmp_path, version="27.10.0", platform="manylinux2014_x86_64.manylinux_2_17_x86_64")
    wheel(tmp_path, version="27.9.0")
    wheel(tmp_path, version="28.0.0", python="cp310", abi="cp310")
    wheel(tmp_path, version="28.0.0", platform="musllinux_1_1_x86_64")
    wheel(tmp_path, version="28.0.0", platform="manylinux_2_28_aarch64")
    assert wheels.choose(tmp_path, "cp311", "linux_x86_64") == best
    assert wheels.choose(tmp_path, "cp311", "macos") is None
    assert wheels.choose(tmp_path, "cp312_abi3", "linux_x86_64") is None


def test_a_wheel_is_read_whole(tmp_path: Path, wheel: Make) -> None:
    path = wheel(tmp_path)
    read = wheels.unpack(path)
    with zipfile.ZipFile(path) as archive:
        assert read.files == {name: archive.read(name) for name in archive.namelist()}
    assert (read.name, len(read.sha256)) == (path.name, 64)


@pytest.mark.parametrize("name", ["../evil.py", "zmq/../../evil.py", "evil.py", "/etc/evil", "zmq\\evil.py", "C:/evil"])
def test_a_wheel_that_would_write_elsewhere_is_refused(tmp_path: Path, wheel: Make, name: str) -> None:
    path = wheel(tmp_path, files={name: b""})
    with pytest.raises(InstallError, match="no wheel of pyzmq"):
        wheels.unpack(path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_wheel_damaged_within_a_file_is_refused(tmp_path: Path, wheel: Make, compression: int) -> None:
    path = wheel(tmp_path)
    text = bytes(range(256)) * 64
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("zmq/core.py", text)
    raw = bytearray(path.read_bytes())
    start = raw.index(b"zmq/core.py") + len(b"zmq/core.py")
    raw[start : start + 40] = b"\xff" * 40
    path.write_bytes(raw)
    with pytest.raises(InstallError, match="no whole wheel"):
        wheels.unpack(path)


def test_what_is_no_wheel_is_refused(tmp_path: Path, wheel: Make) -> None:
    path = wheel(tmp_path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InstallError, match="no whole wheel"):
        wheels.unpack(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("zmq/core.py", b"")
    with pytest.raises(InstallError, match="holds no zmq"):
        wheels.unpack(path)
    with pytest.raises(InstallError, match="is no folder"):
        wheels.choose(tmp_path / "missing", "cp311", "win_amd64")


def test_pip_takes_the_wheel_of_another_interpreter(
    shelf: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """pip itself, on a folder instead of an index."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        pytest.skip("this Python has no pip")
    for abi, system, name in (
        ("cp39", "linux_x86_64", "pyzmq-27.3.0-cp39-cp39-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"),
        ("cp312_abi3", "win_amd64", "pyzmq-27.3.0-cp312-abi3-win_amd64.whl"),
    ):
        assert wheels.fetch(abi, system) == wheels.unpack(shelf / name)
    with pytest.raises(InstallError, match=r"cp311-macos cannot be fetched \(.+\); .*--wheels DIR"):
        wheels.fetch("cp311", "macos")
