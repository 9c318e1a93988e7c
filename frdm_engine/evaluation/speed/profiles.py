"""The network's arithmetic, and where the time goes: its operators, and the functions of a whole restoration."""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode, conv_flop_count

from frdm_engine.model.convolve import ONE_PASS

LISTED = 14
LEAST = 0.01
"""Functions that take a smaller share are not listed."""
PACKAGE = "frdm_engine"


@contextmanager
def _one_thread() -> Iterator[None]:
    """All in the caller's thread: what others do is neither counted nor seen."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def flops_of(go: Callable[[], Any]) -> int:
    """Floating-point operations of a call, a multiply and an add as two, as torch counts them."""
    fused = {torch.ops.mkldnn._convolution_pointwise: _fused_flops} if ONE_PASS else {}
    with _one_thread(), FlopCounterMode(display=False, custom_mapping=fused) as counter:
        go()
    return int(counter.get_total_flops())


def _fused_flops(x: list[int], *shapes: Any, out_shape: list[int], **_: Any) -> int:
    """Operations of the convolution in one that adds and cuts off; the weight alone of its tensors has four sides, but
    for what is added, which comes first."""
    sides = [shape for shape in shapes[:2] if shape is not None and len(shape) == 4]
    return int(conv_flop_count(x, sides[-1], out_shape))


def operators(go: Callable[[], Any], device: torch.device) -> list[tuple[str, float]]:
    """The operators that a call spends its time in, on one thread, longest first, each with its share of the whole."""
    from torch.profiler import ProfilerActivity, profile

    gpu = device.type == "cuda"
    with _one_thread(), profile(activities=[ProfilerActivity.CUDA if gpu else ProfilerActivity.CPU]) as seen:
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

    The network's work is done in the caller's thread for it; reading and writing go on in theirs, unseen.
    """
    profiler = cProfile.Profile()
    with _one_thread():
        profiler.runcall(go)
    seen = pstats.Stats(profiler).get_stats_profile()
    whole = max(one.cumtime for one in seen.func_profiles.values()) or 1.0
    own = [
        (f"{Path(one.file_name).stem}.{name}", one.cumtime / whole)
        for name, one in seen.func_profiles.items()
        if PACKAGE in Path(one.file_name).parts and "evaluation" not in Path(one.file_name).parts
    ]
    return [(name, share) for name, share in sorted(own, key=lambda pair: -pair[1])[:LISTED] if share >= LEAST]
