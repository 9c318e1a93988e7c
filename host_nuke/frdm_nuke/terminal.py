"""Nuke without an interface: what the caches lack is restored before frames downstream of it are rendered."""

from __future__ import annotations

import re
from typing import Dict, List, Optional, Sequence, Set, Tuple

import nuke

from frdm_nuke import batch
from frdm_nuke import node as nodes
from frdm_nuke.errors import HostError

_RANGE = re.compile(r"(-?\d+)(?:[-,](-?\d+)(?:[x,](\d+))?)?")
_looked_at: Dict[str, Set[int]] = {}
"""Frames that each Write was found to have all for, in the render that runs."""
_TAKES_VALUE = ("-F", "-c", "-m", "-s", "-X", "--view", "-b", "--cont", "--gpu", "--priority", "-V")


def install() -> None:
    """Registers for what Nuke does in the terminal."""
    nuke.addOnScriptLoad(before_execution)
    nuke.addBeforeRender(before_render)
    nuke.addBeforeFrameRender(before_frame)


def before_execution() -> None:
    """A script was loaded: if it is to be executed (-x, -X), what its Writes need is restored first."""
    asked = executed(nuke.rawArgs)
    if asked is None:
        return
    names, frames = asked
    root = nuke.root()
    wanted = frames or range(int(root["first_frame"].value()), int(root["last_frame"].value()) + 1)
    for write in _writes(names):
        restore_above(write, set(wanted))


def before_render() -> None:
    """A Write is about to render; what was looked at for an earlier render may have changed since."""
    if not nodes.is_ours(nuke.thisNode().parent()):
        _looked_at.clear()


def before_frame() -> None:
    """A frame is about to be rendered by a Write: what it needs is restored, where that was not done before."""
    write = nuke.thisNode()
    if nodes.is_ours(write.parent()):
        return  # one of ours, rendering a plate
    restore_above(write, {nuke.frame()})


def restore_above(write: nuke.Node, frames: Set[int]) -> None:
    """Restores the nodes above a Write, for the frames it will show.

    Raises:
        RuntimeError: in one sentence, so that the render fails.
    """
    lacking = frames - _looked_at.get(write.fullName(), set())
    if not lacking:
        return
    try:
        batch.settle_above(write)
        batch.restore_above(write, lacking)
    except HostError as error:
        raise RuntimeError(str(error)) from error
    _looked_at.setdefault(write.fullName(), set()).update(lacking)


def executed(raw: Sequence[str]) -> Optional[Tuple[List[str], Tuple[int, ...]]]:
    """The Writes (none: all) and frames (none: the project's) that a command line executes; None where it does not."""
    names: List[str] = []
    frames: Set[int] = set()
    executes = False
    arguments = list(raw)
    for index, argument in enumerate(arguments):
        following = arguments[index + 1] if index + 1 < len(arguments) else ""
        if argument == "-X":
            executes, names = True, [*names, *following.split(",")]
        elif re.fullmatch(r"-[a-zA-Z]*x[a-zA-Z]*", argument):
            executes = True
        elif argument == "-F":
            frames.update(_frames(following))
    if arguments and (len(arguments) < 2 or arguments[-2] not in _TAKES_VALUE):
        frames.update(_frames(arguments[-1]))
    return (names, tuple(sorted(frames))) if executes else None


def _frames(text: str) -> Sequence[int]:
    match = _RANGE.fullmatch(text)
    if match is None:
        return ()
    first = int(match[1])
    return range(first, int(match[2] or first) + 1, int(match[3] or 1))


def _writes(names: Sequence[str]) -> List[nuke.Node]:
    if names:
        return [one for one in map(nuke.toNode, names) if one is not None]
    return [one for one in nuke.allNodes("Write", nuke.root(), recurseGroups=True) if not one["disable"].value()]
