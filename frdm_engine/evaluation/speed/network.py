"""Arithmetic of a piece of work on the device."""

from __future__ import annotations

from collections.abc import Callable

from torch.utils.flop_counter import FlopCounterMode


def flops_of(go: Callable[[], None]) -> int:
    """Floating-point operations of a call, a multiply and an add as two, as torch counts them."""
    with FlopCounterMode(display=False) as counter:
        go()
    return int(counter.get_total_flops())
