"""Cores are those that affinity and control groups leave, and the libraries keep to them."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from frdm_engine import cores
from frdm_engine.cores import usable_cores

HAS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
SHOW = """
import os, sys
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from frdm_engine.cores import set_threads
said = set_threads(int(sys.argv[1]) if sys.argv[1:] else None)
import cv2, torch, OpenImageIO as oiio
print(said, torch.get_num_threads(), cv2.getNumThreads(), oiio.get_int_attribute("threads"))
"""


def grouped(folder: Path, files: dict[str, str], *, own: str) -> int:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "own").write_text(own)
    return usable_cores(cgroups=folder, own=folder / "own")


def test_without_groups_they_are_those_of_the_affinity(tmp_path: Path) -> None:
    assert usable_cores(cgroups=tmp_path, own=tmp_path / "none") == HAS


@pytest.mark.parametrize(
    "files",
    [
        {"cpu.max": "100000 100000\n"},
        {"cpu.max": "50000 100000\n"},  # half a core is one thread
        {"a/cpu.max": "100000 100000\n"},
        {"a/b/cpu.max": "100000 100000\n", "cpu.max": "max 100000\n"},
        {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "1000 1000\n"},
        {"cpu/a/b/cpu.cfs_quota_us": "50000\n", "cpu/a/b/cpu.cfs_period_us": "50000\n"},
        {"cpu,cpuacct/cpu.cfs_quota_us": "50000\n", "cpu,cpuacct/cpu.cfs_period_us": "50000\n"},
    ],
)
def test_the_tightest_quota_above_the_process_counts(tmp_path: Path, files: dict[str, str]) -> None:
    assert grouped(tmp_path, files, own="0::/a/b\n") == 1


@pytest.mark.parametrize(
    "files",
    [
        {"cpu.max": "max 100000\n"},
        {"cpu.max": "99900000 100000\n"},
        {"c/cpu.max": "100000 100000\n"},  # another's
        {"cpu/a/b/cpu.cfs_quota_us": "-1\n", "cpu/a/b/cpu.cfs_period_us": "50000\n"},
        {"cpu.max": "nonsense"},
    ],
)
def test_no_quota_takes_none_away(tmp_path: Path, files: dict[str, str]) -> None:
    assert grouped(tmp_path, files, own="0::/a/b\n4:cpu:/a/b\n") == HAS


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
@pytest.mark.parametrize(("told", "omp", "torch"), [([], None, 1), ([], "3", 3), (["2"], "3", 2)])
def test_the_libraries_keep_to_them(told: list[str], omp: str | None, torch: int) -> None:
    """By affinity, by the user's own OMP_NUM_THREADS, by what was asked for; image libraries never have more cores."""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    environment |= {"PYTHONPATH": str(Path(cores.__file__).parents[1])} | ({"OMP_NUM_THREADS": omp} if omp else {})
    ran = subprocess.run(
        [sys.executable, "-c", SHOW, *told], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    assert ran.stdout.split() == [str(torch), str(torch), "1", "1"]


FAULTS = """
import resource, sys
import torch
from frdm_engine.cores import set_threads

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    x = torch.ones(12 << 20)
    y = x + x
    del x
    y * y
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if sys.argv[1] == "kept":
    set_threads(1)
print(min([faults() for _ in range(16)][8:]))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told to keep what is freed")
def test_freed_memory_is_handed_out_again() -> None:
    """Buffers of 48 MB cost a fault a page each time, unless the library keeps what was freed."""

    def asked(how: str) -> int:
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("MALLOC_", "GLIBC_"))}
        made = subprocess.run(
            [sys.executable, "-c", FAULTS, how], check=True, capture_output=True, text=True, env=environment
        )
        return int(made.stdout)

    assert asked("plain") > 30_000
    assert asked("kept") < 1_000


GIVEN_BACK = """
import psutil, torch
from frdm_engine.cores import give_back_memory, set_threads
set_threads(1)
held = torch.ones(12_000_000)
kept = torch.ones(1)  # what lies behind it, so that the heap does not shrink by itself
full = psutil.Process().memory_info().rss
del held
freed = psutil.Process().memory_info().rss
give_back_memory()
print(full - freed, full - psutil.Process().memory_info().rss)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told to keep what is freed")
def test_freed_memory_is_given_back_when_asked_to() -> None:
    made = subprocess.run([sys.executable, "-c", GIVEN_BACK], check=True, capture_output=True, text=True)
    by_itself, asked = map(int, made.stdout.split())
    assert by_itself < 10_000_000
    assert asked > 40_000_000
