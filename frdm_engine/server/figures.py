"""What the engine counts while it runs, and the same in the text format Prometheus reads."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from frdm_engine.version import __version__

RECENT_S = 600.0
"""What `Figures.per_minute` looks back over."""
BUCKETS_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper ends of the classes of the histogram of seconds a frame."""


@dataclass
class Figures:
    """Counters since the engine started. Time is that of the monotonic clock."""

    began: float = field(default_factory=time.monotonic)
    frames: int = 0
    skipped: int = 0
    deaths: int = 0
    warnings: int = 0
    seconds: float = 0.0
    classes: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=100_000))

    def frame(self, seconds: float, *, skipped: bool) -> None:
        """A frame was delivered."""
        self.frames += 1
        self.recent.append(time.monotonic())
        if skipped:
            self.skipped += 1
            return
        self.seconds += seconds
        self.classes[sum(seconds > end for end in BUCKETS_S)] += 1

    @property
    def uptime(self) -> float:
        """Seconds since the engine started."""
        return time.monotonic() - self.began

    @property
    def per_minute(self) -> float:
        """Frames a minute over the last ten minutes, or since the start if that is less."""
        now = time.monotonic()
        while self.recent and self.recent[0] < now - RECENT_S:
            self.recent.popleft()
        return 60 * len(self.recent) / max(min(now - self.began, RECENT_S), 1.0)


def resident_bytes(pids: Iterable[int]) -> int:
    """Host memory of processes, as far as the system tells (0 where there is no /proc)."""
    total = 0
    for pid in pids:
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except (OSError, IndexError):
            continue  # it ended just now
    return total * os.sysconf("SC_PAGE_SIZE")


def prometheus(figures: Figures, status: Mapping[str, Any]) -> str:
    """The figures and a `Service.status` as Prometheus text, version 0.0.4; ends with a line feed."""
    lines: list[str] = []

    def family(name: str, kind: str, said: str, *samples: tuple[str, float]) -> None:
        lines.append(f"# HELP frdm_{name} {said}")
        lines.append(f"# TYPE frdm_{name} {kind}")
        lines.extend(f"frdm_{name}{labels} {value:.10g}" for labels, value in samples)

    states = ("queued", "running", "done", "failed", "cancelled")
    family("info", "gauge", "Version.", (_labels(version=__version__), 1))
    family("uptime_seconds", "gauge", "Time since the engine started.", ("", figures.uptime))
    family("jobs", "gauge", "Jobs in the journal.", *((_labels(state=name), status[name]) for name in states))
    family("frames_total", "counter", "Frames delivered.", ("", figures.frames))
    family("frames_skipped_total", "counter", "Frames of them that were there already.", ("", figures.skipped))
    family("warnings_total", "counter", "Warnings told to clients.", ("", figures.warnings))
    family("worker_deaths_total", "counter", "Worker processes that died.", ("", figures.deaths))
    counts, total = [], 0
    for end, count in zip((*BUCKETS_S, float("inf")), figures.classes, strict=True):
        total += count
        counts.append((f"_bucket{_labels(le='+Inf' if end == float('inf') else f'{end:g}')}", float(total)))
    family("frame_seconds", "histogram", "Time a restored frame took.", *counts)
    lines += [f"frdm_frame_seconds_sum {figures.seconds:.10g}", f"frdm_frame_seconds_count {total}"]
    family("host_memory_bytes", "gauge", "Memory of the engine and its workers.", ("", status["memory"]))
    devices = status["devices"]
    for name, said in (("memory_used", "Device memory in use."), ("memory_total", "Device memory there is.")):
        samples = ((_labels(device=device["name"]), device[name]) for device in devices)
        family(f"device_{name}_bytes", "gauge", said, *samples)
    working = ((_labels(device=device["name"]), device["state"] == "working") for device in devices)
    family("device_working", "gauge", "1 while a frame is computed.", *working)
    loaded = ((_labels(device=device["name"]), device["state"] in ("idle", "working")) for device in devices)
    family("device_loaded", "gauge", "1 while the model is on the device.", *loaded)
    return "\n".join(lines) + "\n"


def _labels(**labels: str) -> str:
    def quoted(value: str) -> str:
        return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

    return "{" + ",".join(f'{name}="{quoted(value)}"' for name, value in labels.items()) + "}"
