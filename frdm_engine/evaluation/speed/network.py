"""The network alone: one frame's work on the device with everything resident, and its arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch.utils.flop_counter import FlopCounterMode

from frdm_engine.restore.global_residual import low_resolution
from frdm_engine.restore.restorer import Restorer
from frdm_engine.restore.window import Picture, encode


def rehearse(restorer: Restorer, window: Mapping[int, Picture], frame: int) -> Callable[[], None]:
    """Puts the window on the device and returns a call that does one frame's work there.

    One frame encoded, motion of the window, the small whole frame, every tile.
    """
    height, width = window[frame].shape[:2]
    plan = restorer.plan(width, height)
    half = restorer.precision == torch.bfloat16
    order = restorer._order(window, frame, "")

    def context() -> torch.autocast:
        return torch.autocast(restorer.device.type, torch.bfloat16, enabled=half)

    with torch.inference_mode(), context():
        kept = {number: encode(restorer.model, window[number], plan, restorer.device) for number in set(order)}
    encoded = [kept[number] for number in order]

    def go() -> None:
        with torch.inference_mode(), context():
            encode(restorer.model, window[frame], plan, restorer.device)
            motion = restorer._motion(encoded)
            whole = low_resolution(restorer.model, [one.small for one in encoded])
            centre = kept[frame].planes
            for tile in plan.tiles:
                restorer._tile(tile, plan, encoded, motion, whole, frame, centre=centre, force=None)

    return go


def flops_of(go: Callable[[], None]) -> int:
    """Floating-point operations of a call, a multiply and an add as two, as torch counts them."""
    with FlopCounterMode(display=False) as counter:
        go()
    return int(counter.get_total_flops())
