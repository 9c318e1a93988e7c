"""Nodes that pass on one input as it is, at another time or of another branch."""

from __future__ import annotations

from typing import Any, Callable, Dict, Tuple

from tests.host_nuke.standin import state
from tests.host_nuke.standin.images import Moment

Chosen = Tuple[int, Moment]
"""Number of the input, and the moment it is asked for."""


def _switch(node: Any, moment: Moment) -> Chosen:
    if node["disable"].value():
        return 0, moment
    last = max(0, node.inputs() - 1)
    # Nuke clamps to the inputs there are. Only the input that is picked is looked at, so errors of others do no harm.
    return min(max(int(node["which"]._number_value(moment.frame)), 0), last), moment


def _offset(node: Any, moment: Moment) -> Chosen:
    return 0, moment.at(moment.frame - node["time_offset"]._number_value(moment.frame))


def _hold(node: Any, moment: Moment) -> Chosen:
    first, step = int(node["first_frame"].value()), int(node["increment"].value())
    if step <= 0:
        return 0, moment.at(first)
    return 0, moment.at(first + ((moment.frame - first) // step) * step)


def _retime(node: Any, moment: Moment) -> Chosen:
    start = node["input.first"].value() + (moment.frame - node["output.first"].value()) * node["speed"].value()
    return 0, moment.at(round(start))


def _warp(node: Any, moment: Moment) -> Chosen:
    return 0, moment.at(round(node["lookup"]._number_value(moment.frame)))


def _join(node: Any, moment: Moment) -> Chosen:
    views = str(state.now().root["views"].value()).split()
    return (views.index(moment.view) if moment.view in views else 0), moment


def _one_view(node: Any, moment: Moment) -> Chosen:
    return 0, Moment(moment.frame, str(node["view"].value()), moment.scale)


CHOOSERS: Dict[str, Callable[[Any, Moment], Chosen]] = {
    "Switch": _switch,
    "TimeOffset": _offset,
    "FrameHold": _hold,
    "Retime": _retime,
    "TimeWarp": _warp,
    "JoinViews": _join,
    "OneView": _one_view,
}


def shifted(node: Any, span: Tuple[int, int]) -> Tuple[int, int]:
    """The frame range of a node whose input has this one."""
    if node.Class() == "TimeOffset":
        offset = int(node["time_offset"].value())
        return (span[0] + offset, span[1] + offset)
    return span
