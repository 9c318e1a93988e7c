"""A long reel: memory stays flat, and the sidecar stays quick. 300 frames here, 10,000 with FRDM_FULL=1."""

from __future__ import annotations

import os
import re
import statistics
import time
from pathlib import Path

import psutil
import pytest

from tests.batch.conftest import Child, Shoot

FULL = bool(os.environ.get("FRDM_FULL"))
FRAMES = 10_000 if FULL else 300
GROWTH = 12 * 2**20
"""Bytes that a process may grow by from a fifth of its way to the end: what the allocator rounds, and frame numbers."""


def _many(folder: Path, frames: int) -> Path:
    """So many frames of the few that are there, as further names of the same files."""
    few = sorted(folder.iterdir())
    for number in range(frames):
        os.link(few[number % len(few)], folder / f"long.{number:05d}.exr")
    return folder / "long.#####.exr"


SLOWER = 1.05 if FULL else 1.5
"""Processor time a frame at the end over that at the start; few frames tell it less well."""


def _run(command: tuple[object, ...], child: Child) -> tuple[dict[float, tuple[int, float]], float]:
    """Resident bytes and processor seconds by share of the frames done; seconds from the first frame to the last."""
    process = child(*command, "--every", 0.2 if FULL else 0)
    held, sizes, began = psutil.Process(process.pid), {}, 0.0
    assert process.stderr is not None
    for line in process.stderr:
        if match := re.search(r"^frame \S+  (\d+)/(\d+)  ", line):
            began = began or time.monotonic()
            spent = held.cpu_times()
            sizes[int(match[1]) / int(match[2])] = held.memory_info().rss, spent.user + spent.system
    seconds = time.monotonic() - began
    process.communicate()
    assert process.returncode == 0
    return sizes, seconds


def _pace(sizes: dict[float, tuple[int, float]], first: float, last: float) -> float:
    """Processor seconds for a share of the frames, between two of them."""
    within = [(share, spent) for share, (_, spent) in sizes.items() if first <= share <= last]
    return (within[-1][1] - within[0][1]) / (within[-1][0] - within[0][0])


@pytest.mark.slow
def test_memory_is_flat_and_resuming_is_quick(child: Child, shoot: Shoot, model: Path, tmp_path: Path) -> None:
    plates = _many(shoot("long", range(1001, 1041)), FRAMES)
    command = ("restore", plates, tmp_path / "out", "--model", model, "--device", "cpu", "--log", tmp_path / "log")
    for again in ((), ("--resume",)):
        sizes, seconds = _run((*command, *again), child)
        early = statistics.median(size for share, (size, _) in sizes.items() if 0.15 < share <= 0.3)
        late = statistics.median(size for share, (size, _) in sizes.items() if share > 0.9)
        # Others use the machine as well, so that processor time tells of us what the clock cannot.
        slower = _pace(sizes, 0.7, 1.0) / _pace(sizes, 0.1, 0.4)
        print(
            f"{FRAMES} frames{' resumed' if again else ''}: {early / 2**20:.1f} MiB at a fifth, {late / 2**20:.1f} MiB "
            f"at the end, {1000 * seconds / FRAMES:.2f} ms a frame, {slower:.3f} of the processor time at the start"
        )
        assert late - early < GROWTH
        assert again or slower < SLOWER
    assert len(list((tmp_path / "out").glob("*.exr"))) == FRAMES
