"""Where the time goes: the network's operators, and the functions of a whole restoration."""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

LISTED = 14
LEAST = 0.01
"""Functions that take a smaller share are not listed."""
PACKAGE = "frdm_engine"


def operators(go: Callable[[], None], device: torch.device) -> list[tuple[str, float]]:
    """The operators that a call spends its time in, the longest first, each with its share of the whole."""
    from torch.profiler import ProfilerActivity, profile

    gpu = device.type == "cuda"
    with profile(activities=[ProfilerActivity.CUDA if gpu else ProfilerActivity.CPU]) as seen:
        go()
        if gpu:
            torch.cuda.synchronize()

    def own(event: Any) -> float:
        return float(event.self_device_time_total if gpu else event.self_cpu_time_total)

    events = sorted(seen.key_averages(), key=own, reverse=True)
    total = sum(own(event) for event in events) or 1.0
    return [(str(event.key), own(event) / total) for event in events[:LISTED]]


def functions(go: Callable[[], Any]) -> list[tuple[str, float]]:
    """This project's functions that a call spends its time in, with all they call in turn, each with its share.

    What other threads do is not seen.
    """
    profiler = cProfile.Profile()
    profiler.runcall(go)
    seen = pstats.Stats(profiler).get_stats_profile()
    whole = seen.total_tt or 1.0
    own = [
        (f"{Path(one.file_name).stem}.{name}", one.cumtime / whole)
        for name, one in seen.func_profiles.items()
        if PACKAGE in Path(one.file_name).parts and "evaluation" not in Path(one.file_name).parts
    ]
    return [(name, share) for name, share in sorted(own, key=lambda pair: -pair[1])[:LISTED] if share >= LEAST]
