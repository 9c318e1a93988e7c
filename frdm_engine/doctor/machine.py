"""Torch, the driver, the devices and their memory, the host's memory."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from frdm_engine.doctor.child import Told, ask
from frdm_engine.doctor.finding import Asked, Finding, failure, ok, warning
from frdm_engine.doctor.probes import TOLERANCE

GIB = 2**30
LITTLE = 8 * GIB
"""Host memory below which frames of 4K are a squeeze."""
GET_TORCH = "install the build of torch for this machine: see https://pytorch.org/get-started/locally"


def torch(asked: Asked) -> Finding:
    """Torch can be loaded; which build it is."""
    told = _devices(asked.device, asked.limit_s)
    if "torch" not in told.facts:
        if "No module named 'torch'" in told.end:
            return failure("torch", "it is not installed", "python -m pip install -c constraints.txt torch")
        return failure("torch", f"it does not load: {told.end}", GET_TORCH)
    build = f"built for CUDA {told.facts['cuda']}" if told.facts["cuda"] else "built without CUDA"
    if told.facts.get("hip"):
        build = f"built for ROCm {told.facts['hip']}"
    return ok("torch", f"{told.facts['torch']}, {build}")


def driver(asked: Asked) -> Finding:
    """NVIDIA's driver, and whether there is a card that needs one."""
    version = driver_version()
    if version:
        return ok("driver", f"NVIDIA {version}")
    if _devices(asked.device, asked.limit_s).facts.get("hip"):
        return ok("driver", "AMD's: this torch is built for ROCm")
    if _has_card():
        return (failure if "cuda" in asked.device else warning)(
            "driver", "there is an NVIDIA card and no driver", "install NVIDIA's driver, 570 or newer, and start again"
        )
    if "cuda" in asked.device:
        return failure(
            "driver",
            "no NVIDIA card and no driver are found",
            "in a container or virtual machine, pass the GPU through; else use --device cpu",
        )
    return ok("driver", "no NVIDIA card in this machine: FRDM runs on the CPU, many times slower than on a GPU")


def device(asked: Asked) -> Finding:
    """Each device that is to be used can compute, and computes what the CPU does."""
    told = _devices(asked.device, asked.limit_s)
    sums: dict[str, dict[str, float | str]] = told.facts.get("sums", {})
    name = "device"
    seen = told.facts.get("seen", [])
    if not sums:
        return failure(name, f"{told.facts.get('trying', 'torch')}: {told.end}", "update the driver, then torch")
    said = "; ".join(told.facts.get("said", []))
    bad = [f"{one} cannot be used: {facts['error']}" for one, facts in sums.items() if "error" in facts]
    if bad:
        sees = f"torch sees {len(seen)} GPU{'' if len(seen) == 1 else 's'}" + (f" ({said})" if said else "")
        return failure(name, f"{bad[0]}; {sees}", _no_device(told, len(seen)))
    if told.end:
        return failure(name, f"{told.facts['trying']}: {told.end}", "update the driver, then torch")
    wrong = [one for one, facts in sums.items() if not float(facts["off"]) <= TOLERANCE]
    if wrong:
        return failure(
            name,
            f"{wrong[0]} computes other values than the CPU does",
            "take the card out of use and have it examined; update the driver",
        )
    used = ", ".join(f"{one} ({facts['name']})" if "name" in facts else one for one, facts in sums.items())
    if _has_card() and not seen:
        return warning(
            name, f"{used}; torch sees no GPU, though the machine has one" + (f": {said}" if said else ""),
            _no_device(told, 0),
        )  # fmt: skip
    return ok(name, f"{used} computes as it should")


def device_memory(asked: Asked) -> Finding:
    """What is free on each GPU, against the budget."""
    sums: dict[str, dict[str, float | str]] = _devices(asked.device, asked.limit_s).facts.get("sums", {})
    name = "device memory"
    cards = {one: facts for one, facts in sums.items() if "free" in facts}
    if not cards:
        return ok(name, "that of the host")
    found = ", ".join(f"{one} {_gib(facts['free'])} of {_gib(facts['total'])} free" for one, facts in cards.items())
    short = [facts for facts in cards.values() if float(facts["free"]) < asked.vram]
    if short:
        least = min(float(facts["free"]) for facts in short)
        return warning(
            name,
            f"{found}; the budget is {_gib(asked.vram)}",
            f"end what else uses the GPU, or give --vram {max(int(least / GIB), 1)}G",
        )
    return ok(name, found)


def host_memory(asked: Asked) -> Finding:
    """What is free on the host, within the limit of its container."""
    name = "host memory"
    free, total = host_memory_bytes()
    if not total:
        return ok(name, "this system does not tell")
    found = f"{_gib(free)} of {_gib(total)} free"
    if free < LITTLE:
        return warning(name, found, "end other programs, or give smaller --tile; frames of 4K want 8 GiB and more")
    return ok(name, found)


@functools.lru_cache(maxsize=4)
def _devices(device: str, limit_s: float) -> Told:
    """Asked once: several checks look at the same facts."""
    return ask("devices", limit_s=limit_s, device=device)


def _no_device(told: Told, seen: int) -> str:
    if told.facts.get("cuda") is None and not told.facts.get("hip"):
        return f"this torch is built without CUDA; {GET_TORCH}; or use --device cpu"
    if not seen:
        return "install or update NVIDIA's driver, pass the GPU through to a container, look at CUDA_VISIBLE_DEVICES"
    return f"choose of cuda:0 to cuda:{seen - 1}; where the card is too old or new for this torch, {GET_TORCH}"


def facts(asked: Asked) -> dict[str, Any]:
    """What torch told of itself and the devices, for the bundle."""
    return _devices(asked.device, asked.limit_s).facts


def driver_version() -> str:
    """The version of NVIDIA's driver; empty where there is none."""
    told = Path("/proc/driver/nvidia/version")
    if told.is_file():
        match = re.search(r"\s(\d+\.\d+(?:\.\d+)?)\s", told.read_text(errors="replace"))
        return match[1] if match else "of unknown version"
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ""
    command = [tool, "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return ""  # a tool that hangs or is broken goes with a driver that is
    return ran.stdout.split("\n")[0].strip() if ran.returncode == 0 else ""


def _has_card() -> bool:
    """Whether a display or compute device of NVIDIA's is on the bus (Linux; elsewhere the driver tells)."""
    for entry in Path("/sys/bus/pci/devices").glob("*"):
        try:
            vendor, kind = (entry / "vendor").read_text().strip(), (entry / "class").read_text().strip()
        except OSError:
            continue  # a device of which nothing is told is none that can be used
        if vendor == "0x10de" and kind.startswith("0x03"):
            return True
    return False


def host_memory_bytes() -> tuple[int, int]:
    """Bytes free and in all; zeros where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        pages = {name for name in ("SC_PHYS_PAGES", "SC_PAGE_SIZE") if name in getattr(os, "sysconf_names", {})}
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if len(pages) == 2 else 0
        return total, total
    told = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith("kB")}
    free, total = told.get("MemAvailable", 0), told.get("MemTotal", 0)
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
    except (OSError, ValueError):
        return free, total  # no container, or one without a limit ("max")
    return min(free, max(limit - used, 0)), min(total, limit)


def _gib(size: float | str) -> str:
    return f"{float(size) / GIB:.1f} GiB"
