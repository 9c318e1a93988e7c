"""How many cores this process may really use, and the libraries' threads set to that.

Libraries start a thread for every core of the machine, in a container that may use two of them as well; their threads
then wait for each other at every step.
"""

from __future__ import annotations

import ctypes
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path

MOST_HELPERS = 4
"""Threads of the image libraries at most: their work on one frame is short, and runs beside the network's."""
CGROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


def usable_cores(*, cgroups: Path = CGROUPS, own: Path = OWN) -> int:
    """Cores by affinity and by the quota of the process's control groups (either version), at least 1.

    ``cgroups`` is where these are mounted, and ``own`` tells which are this process's.
    """
    has = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(min([has, *(math.ceil(quota) for quota in _quotas(cgroups, own))]), 1)


def set_threads(count: int | None = None) -> int:
    """Sets torch's, OpenCV's and OpenImageIO's threads to ``count``, or to the cores there are; returns torch's.

    Where nothing is asked for and OMP_NUM_THREADS is set, torch gets that.
    """
    import cv2
    import OpenImageIO as oiio
    import torch

    told = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    threads = count or (int(told) if told.isdecimal() else 0) or usable_cores()
    torch.set_num_threads(threads)
    helpers = min(threads, usable_cores(), MOST_HELPERS)
    cv2.setNumThreads(helpers)
    oiio.attribute("threads", helpers)
    _keep_freed_memory()
    return threads


KEPT = 1 << 30
"""Bytes: buffers up to this size are taken from memory that was freed before, and so much of it is kept at hand."""
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3


def _keep_freed_memory() -> None:
    """Lets the C library hand out again what was freed, instead of giving it back to the system at once.

    A tile's planes come and go by tens of megabytes: fetched from the system each time, a page at a time, they cost
    more than the sums done in them. Only glibc can be told.
    """
    if (library := _c_library()) is not None:
        library.mallopt(_MMAP_THRESHOLD, KEPT)
        library.mallopt(_TRIM_THRESHOLD, KEPT)


def give_back_memory() -> None:
    """Gives the system what was freed and is kept at hand."""
    if (library := _c_library()) is not None:
        library.malloc_trim(0)


def _c_library() -> ctypes.CDLL | None:
    """glibc; None where there is another C library, which has ways of its own."""
    if sys.platform != "linux":
        return None
    try:
        library = ctypes.CDLL(None)
    except OSError:
        return None
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None


def _quotas(cgroups: Path, own: Path) -> Iterator[float]:
    """Cores' worth of time each group allows, from the process's own up to the one at the top."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        lines = []  # no Linux, or nothing told: the top is looked at all the same
    for path in {parent for line in ["0::/", *lines] for parent in _ancestors(line.split(":", 2)[-1])}:
        new = _numbers(cgroups / path / "cpu.max")
        if len(new) == 2:
            yield new[0] / new[1]
        for mount in ("cpu", "cpu,cpuacct"):
            quota = _numbers(cgroups / mount / path / "cpu.cfs_quota_us")
            period = _numbers(cgroups / mount / path / "cpu.cfs_period_us")
            if quota and period and quota[0] > 0:
                yield quota[0] / period[0]


def _ancestors(path: str) -> list[str]:
    parts = [part for part in path.split("/") if part not in ("", "..")]
    return ["/".join(parts[:size]) for size in range(len(parts) + 1)]


def _numbers(path: Path) -> list[int]:
    """The numbers of a control group's file; none where it is absent or says "max"."""
    try:
        return [int(word) for word in path.read_text().split()]
    except (OSError, ValueError):
        return []
