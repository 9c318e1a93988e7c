"""What Python would import in place of FRDM's modules: found as Python itself finds it."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from frdm_install import nuke, resolve, shadows
from frdm_install.errors import InstallError
from tests.install.conftest import fill, make_wheel


@pytest.mark.parametrize(
    ("file", "found"),
    [
        ("zmq.py", "zmq.py"),
        ("zmq/__init__.py", "zmq"),
        ("zmq.cpython-311-x86_64-linux-gnu.so", "zmq.cpython-311-x86_64-linux-gnu.so"),
        ("zmq/backend.py", None),  # a folder without __init__ gives way to any module
        ("zmq.txt", None),
        ("zmqx.py", None),
    ],
)
def test_what_counts_as_a_module(tmp_path: Path, file: str, found: str | None) -> None:
    fill(tmp_path / "first", {file: b""})
    fill(tmp_path / "ours", {"zmq/__init__.py": b""})
    names = [(one.name, one.path) for one in shadows.find(["zmq"], [tmp_path / "missing", tmp_path / "first"])]
    assert names == ([] if found is None else [("zmq", tmp_path / "first" / found)])
    code = "import importlib.machinery as m, sys; print(m.PathFinder.find_spec('zmq', sys.argv[1:]).origin)"
    command = [sys.executable, "-S", "-c", code, str(tmp_path / "first"), str(tmp_path / "ours")]
    origin = Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
    if not file.endswith(".so") or f".{sysconfig.get_config_var('SOABI')}." in file:
        assert origin.is_relative_to(tmp_path / ("ours" if found is None else "first"))


def test_a_copy_in_nuke_s_folder_stops_the_installation(tmp_path: Path, source: Path, shelf: Path) -> None:
    fill(tmp_path / ".nuke", {"frdm_bridge/__init__.py": b""})
    with pytest.raises(InstallError, match=r"frdm_bridge in place of what is installed; move it away"):
        nuke.install(tmp_path / ".nuke", version="1", wheel_folder=shelf, platforms=["linux_x86_64"], package=source)
    assert not (tmp_path / ".nuke/frdm").exists()


def test_the_list_of_folders() -> None:
    environment = {"PYTHONPATH": "/a:/b::", "NUKE_PATH": "C:\\x;D:\\y"}
    assert shadows.python_path(environment, separator=":") == [Path("/a"), Path("/b")]
    assert len(shadows.python_path(environment, name="NUKE_PATH", separator=";")) == 2
    assert shadows.python_path({}) == []


def test_resolve_s_own_wheels_for_several_platforms(tmp_path: Path) -> None:
    for platform in ("manylinux2014_x86_64", "win_amd64"):
        make_wheel(tmp_path / "shelf", platform=platform)
    done = resolve.install(
        tmp_path / "Fusion", version="1", platforms=("linux_x86_64", "win_amd64"), wheel_folder=tmp_path / "shelf"
    )
    assert set(done.tags) == {"cp311-linux_x86_64", "cp311-win_amd64"}
    assert (tmp_path / "Fusion/frdm/vendor/cp311-win_amd64/zmq/__init__.py").is_file()
