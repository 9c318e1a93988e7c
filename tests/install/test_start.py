"""What was installed starts: `~/.nuke/init.py` and the menus, run as Nuke runs them, with nothing else on the path."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

import pytest

from frdm_install.nuke import install
from frdm_install.wheels import ABIS, this_platform
from tests.install.conftest import make_wheel

STARTER = '''
"""Runs the start-up files of a folder in the order and in the way that Nuke does."""
import json, os, sys, types, unittest.mock

folder = sys.argv[1]
said, running = [], [folder]


def plugin_add_path(path):
    whole = os.path.normpath(os.path.join(running[-1], path))
    if whole not in plugin_path:
        plugin_path.insert(0, whole)
        sys.path.insert(0, whole)
        run(whole, "init.py")


def run(place, name):
    path = os.path.join(place, name)
    if os.path.isfile(path):
        running.append(place)
        with open(path, "rb") as file:
            exec(compile(file.read(), path, "exec"), {"__name__": "__main__", "__file__": path, "nuke": nuke})
        running.pop()


plugin_path = [folder]
nuke = unittest.mock.MagicMock(name="nuke")
nuke.pluginAddPath, nuke.tprint, nuke.GUI = plugin_add_path, said.append, sys.argv[2] == "gui"
sys.modules["nuke"] = nuke
run(folder, "init.py")
for place in reversed(plugin_path) if nuke.GUI else ():
    run(place, "menu.py")
zmq = sys.modules.get("zmq")
commands = [str(call) for call in nuke.mock_calls if ".addCommand" in str(call)]
print(json.dumps({"said": said, "zmq": zmq and zmq.__file__, "commands": commands, "loaded": sorted(sys.modules)}))
'''


def pyzmq_as_wheel(folder: Path) -> Path:
    """The pyzmq this Python runs, packed as the wheel that it came as."""
    here: Distribution = distribution("pyzmq")
    files = {
        str(path): Path(str(path.locate())).read_bytes()
        for path in here.files or ()
        if path.parts[0] in ("zmq", "pyzmq.libs") and path.suffix != ".pyc"
    }
    abi = "cp{}{}".format(*sys.version_info[:2])
    platform = {"macos": "macosx_11_0_universal2", "win_amd64": "win_amd64"}.get(
        this_platform(), f"manylinux2014_{this_platform().partition('_')[2]}"
    )
    return make_wheel(folder, python=abi, abi=abi, platform=platform, version=here.version, files=files)


def started(folder: Path, *, mode: str) -> dict[str, Any]:
    """Starts a bare Python, without site-packages, as a Nuke with or without an interface."""
    command = [sys.executable, "-I", "-S", "-c", STARTER, str(folder), mode]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


@pytest.fixture
def nuke_folder(tmp_path: Path) -> Path:
    """An installed ~/.nuke, with the pyzmq of this Python."""
    if "cp{}{}".format(*sys.version_info[:2]) not in ABIS:
        pytest.skip("Nuke has no such Python")
    pyzmq_as_wheel(tmp_path / "wheels")
    (tmp_path / "home").mkdir()
    install(tmp_path / "home/.nuke", version="1", wheel_folder=tmp_path / "wheels")
    return tmp_path / "home/.nuke"


@pytest.mark.parametrize("mode", ["gui", "terminal"])
def test_it_starts_with_the_pyzmq_it_brought(nuke_folder: Path, mode: str) -> None:
    found = started(nuke_folder, mode=mode)
    assert found["said"] == []
    assert Path(found["zmq"]).is_relative_to(nuke_folder / "frdm/vendor")
    assert {"frdm_nuke.callbacks", "frdm_bridge"} <= set(found["loaded"])
    assert bool(found["commands"]) == (mode == "gui")
    assert "numpy" not in found["loaded"]


def test_without_a_pyzmq_that_fits_nuke_starts_and_says_so(nuke_folder: Path) -> None:
    for path in (nuke_folder / "frdm/vendor").glob("cp*"):
        path.rename(path.with_name("cp27-amiga"))
    found = started(nuke_folder, mode="gui")
    (sentence,) = found["said"]
    assert "has no pyzmq for the Python of this Nuke" in sentence
    assert "frdm install nuke" in sentence
    assert found["commands"]


def test_a_damaged_plug_in_does_not_keep_nuke_from_starting(nuke_folder: Path) -> None:
    (nuke_folder / "frdm/frdm_nuke/start.py").write_text("this is not Python")
    found = started(nuke_folder, mode="gui")
    assert len(found["said"]) == 2
    assert all("run `frdm install nuke` again" in sentence for sentence in found["said"])
