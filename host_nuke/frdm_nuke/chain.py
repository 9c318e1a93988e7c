"""Nodes of ours that lie above one another: which of their frames are needed, and in which order."""

from __future__ import annotations

from typing import Dict, FrozenSet, Iterable, List, Optional, Set, Tuple

import nuke

from frdm_nuke import node as nodes
from frdm_nuke import ranges
from frdm_nuke.fingerprint import SHIFTS_TIME

REACH = 8
"""Frames to either side that an engine looks at, at most."""
_UP = nuke.INPUTS | nuke.HIDDEN_INPUTS

Frames = Optional[FrozenSet[int]]
"""Frames by number, or None: any the node has, as time runs otherwise in between."""


def needed(below: nuke.Node, frames: Iterable[int]) -> List[Tuple[nuke.Node, Frames]]:
    """The nodes of ours above a node with the frames it takes to show these, those furthest up first."""
    wanted: Dict[str, Frames] = {}
    found: Dict[str, nuke.Node] = {}
    seen: Set[Tuple[str, Frames]] = set()
    waiting: List[Tuple[nuke.Node, Frames]] = [(one, frozenset(frames)) for one in below.dependencies(_UP)]
    while waiting:
        one, asked = waiting.pop()
        name = one.fullName()
        if (name, asked) in seen:
            continue
        seen.add((name, asked))
        if nodes.is_ours(one) and one["show"].value() != "plate":
            found[name] = one
            asked = _both(wanted[name], asked) if name in wanted else asked
            wanted[name] = asked
            asked = _windows(one, asked)
        elif one.Class() in SHIFTS_TIME:
            asked = None
        waiting += [(more, asked) for more in one.dependencies(_UP)]
    return [(one, wanted[one.fullName()]) for one in in_order(list(found.values()))]


def in_order(wanted: List[nuke.Node]) -> List[nuke.Node]:
    """The nodes, each after those of them that lie above it."""
    names = {one.fullName() for one in wanted}
    return sorted(wanted, key=lambda one: (len(_names_above(one) & names), one.fullName()))


def _windows(node: nuke.Node, frames: Frames) -> Frames:
    plate = node.input(0)
    if frames is None or not frames or plate is None:
        return frames
    place = plate.frameRange()
    span = (min(int(place.first()), *frames), max(int(place.last()), *frames))
    return frozenset(ranges.windows(frames, REACH, span))


def _both(one: Frames, two: Frames) -> Frames:
    return None if one is None or two is None else one | two


def _names_above(node: nuke.Node) -> Set[str]:
    found: Set[str] = set()
    waiting = list(node.dependencies(_UP))
    while waiting:
        one = waiting.pop()
        if one.fullName() not in found:
            found.add(one.fullName())
            waiting += one.dependencies(_UP)
    return found
