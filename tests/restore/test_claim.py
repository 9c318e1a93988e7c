"""Frames are written by one run at a time: by real processes, killed ones among them."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from frdm_engine.errors import OutputError
from frdm_engine.restore.claim import Claim, lock_path
from tests.restore.claims import output

ROOT = Path(__file__).parents[2]
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts processes that claim; what still lives in the end is ended."""
    started: list[subprocess.Popen[str]] = []

    def make(first: int, last: int, times: int = 0) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.restore.claims", tmp_path, first, last, times]
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        if not times:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
        return process

    yield make
    for process in started:
        process.kill()
        process.communicate()


def test_who_holds_a_frame_is_named(tmp_path: Path, start: Start) -> None:
    first, second = start(1, 8), start(20, 30)
    for frames, shown, holder in (((5, 12), "5-8", first), ((-3, 1), "1", first), ((9, 20), "20", second)):
        began = time.monotonic()
        with pytest.raises(OutputError) as error:
            Claim([output(tmp_path, *frames)])
        assert time.monotonic() - began < 10
        said = f"Another run is writing {shown} in {tmp_path / 'out'}: process {holder.pid} on {socket.gethostname()}, "
        assert str(error.value).startswith(said)
        assert re.search(r"since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", str(error.value))


def test_other_frames_are_free_and_the_last_one_takes_the_file_away(tmp_path: Path, start: Start) -> None:
    there = start(1, 8)
    mine = Claim([output(tmp_path, 9, 16), output(tmp_path, 9, 16, ".tif")])
    path = lock_path(output(tmp_path, 1, 1)[0])
    assert path.name == "plate.frdm.lock"
    assert mine.notes == []
    mine.release()
    assert path.exists()
    there.communicate("")
    assert not path.exists()
    assert list((tmp_path / "out").iterdir()) == []


def test_one_that_was_killed_blocks_nobody(tmp_path: Path, start: Start) -> None:
    dead, alive = start(1, 8), start(9, 16)
    os.kill(dead.pid, signal.SIGKILL)
    dead.wait()
    mine = Claim([output(tmp_path, 1, 8)])
    # Its line is still there; of the frames that are held, the one who holds them is named.
    with pytest.raises(OutputError, match=f"writing 9 in .*: process {alive.pid} "):
        Claim([output(tmp_path, 9, 9)])
    mine.release()
    os.kill(alive.pid, signal.SIGKILL)
    alive.wait()
    Claim([output(tmp_path, 1, 16)]).release()
    assert list((tmp_path / "out").iterdir()) == []


def test_lines_that_are_damaged_do_not_matter(tmp_path: Path, start: Start) -> None:
    holder = start(1, 8)
    path = lock_path(output(tmp_path, 1, 1)[0])
    told = json.loads(path.read_text())
    with path.open("a") as file:
        file.write('{"host": "torn", "fra\n[]\n{"frames": "x"}\n' + json.dumps(told | {"frames": "1-4", "pid": 1})[:9])
    with pytest.raises(OutputError, match=f"writing 4-8 in .*: process {holder.pid} "):
        Claim([output(tmp_path, 4, 12)])
    path.write_bytes(b"")
    with pytest.raises(OutputError, match="Another run is writing some of the frames 4-12 in "):
        Claim([output(tmp_path, 4, 12)])


def test_many_at_once_never_share_a_frame(tmp_path: Path, start: Start) -> None:
    spans = ((1, 4), (3, 6), (5, 8), (1, 8))
    processes = [start(*span, 40) for span in spans]
    had = [process.communicate(timeout=120)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0] * len(spans)  # else two had met at a mark
    assert all(int(count) > 0 for count in had)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(OutputError, match=r"out cannot be made \(File exists\); choose another"):
        Claim([output(tmp_path, 1, 2)])
