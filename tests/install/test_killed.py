"""Installing, upgrading and taking out, killed by SIGKILL at any moment: finished or taken out, nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.install.test_layouts import ForNuke, ForResolve, Studio, entries, release, shelf

CHILD = """
import sys
from pathlib import Path
from frdm_install import nuke, resolve

host, verb, folder, version, wheels, package = sys.argv[1:]
module = {"nuke": nuke, "resolve": resolve}[host]
print("ready", flush=True)
sys.stdin.readline()
if verb == "install":
    module.install(
        Path(folder), version=version, platforms=("linux_x86_64",), wheel_folder=Path(wheels), package=Path(package)
    )
else:
    module.uninstall(Path(folder))
print("done", flush=True)
"""
KILLS = 20 if os.environ.get("FRDM_FULL") else 6


def run(arguments: list[str], *, kill_after: float | None) -> float:
    """Starts one in a process of its own and kills it so many seconds later; returns how long it took."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        begun = time.perf_counter()
        child.stdin.write("go\n")
        child.stdin.flush()
        if kill_after is None:
            assert child.stdout.readline() == "done\n"
        else:
            time.sleep(kill_after)
            child.kill()
        spent = time.perf_counter() - begun
    assert child.returncode in (0, -signal.SIGKILL)
    return spent


@pytest.mark.parametrize("host", ["nuke", "resolve"])
@pytest.mark.parametrize("verb", ["install", "upgrade", "uninstall"])
def test_killed_at_any_moment(tmp_path: Path, host: str, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    first, second = release(tmp_path / "first", newer=False), release(tmp_path / "second", newer=True)
    wheels = shelf(tmp_path / "wheels", version="27.3.0")
    spent, cut = 0.0, 0
    for step in range(-1, KILLS):
        studio = Studio(tmp_path / f"machine{step}", "linux")
        studio.home.mkdir(parents=True)
        one = (ForNuke if host == "nuke" else ForResolve)(studio)
        one.used()
        before = entries(studio.root)
        if verb != "install":
            one.install("1", first, wheels)
        version, package = ("1", first) if verb == "install" else ("2", second)
        what = "uninstall" if verb == "uninstall" else "install"
        took = run(
            [host, what, str(one.folder), version, str(wheels), str(package)],
            kill_after=None if step < 0 else spent * (step + 0.5) / KILLS,
        )
        if step < 0:
            spent = took
            continue
        cut += entries(studio.root) != before
        if step % 2 and verb != "uninstall":
            one.install("2", second, wheels)
            assert not one.install("2", second, wheels).changed
        assert not one.uninstall().kept
        assert entries(studio.root) == before
    assert cut > KILLS / 4  # it was killed at work, not only before or after
