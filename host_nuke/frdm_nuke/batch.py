"""Restoring without the interface: for wranglers, farms and other scripts.

    nuke -t .../frdm_nuke/batch.py SCRIPT [--node NAME]... [--frames 1001-1048]

Without --node all FRDM nodes of the script are restored, those upstream first; without --frames each node's own range.
Ends with 0 when done, 2 for input or settings that cannot be used, 3 where a frame cannot be restored, 5 without an
engine.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Iterable, List, Optional, Sequence

import nuke

from frdm_nuke import node as nodes
from frdm_nuke import ranges, settings, shown
from frdm_nuke.dispatch import Direct
from frdm_nuke.errors import CacheError, EngineError, HostError, PlateError, SetupError, StoppedError
from frdm_nuke.progress import Lines
from frdm_nuke.restoration import Restoration

DONE, UNUSABLE, FAILED, NO_ENGINE, STOPPED = 0, 2, 3, 5, 130


def restore(node: nuke.Node, wish: settings.Wish) -> int:
    """Restores what lacks of one wish and returns how many frames that were. Blocks; tells its progress on stdout.

    Raises:
        HostError: of the kind that fits; the node tells it too.
    """
    restoration = Restoration(node, wish, Direct(), Lines(wish.name))
    try:
        restored = restoration.run()
    except HostError as error:
        shown.say(node, f"error: {error}")
        raise
    shown.say(node, restoration.summary())
    return restored


def restore_all(nodes_: Optional[Iterable[nuke.Node]] = None, frames: Optional[str] = None) -> int:
    """Restores nodes one after the other, those upstream first; all of the script unless told. Returns frames restored.

    ``frames`` such as 1001-1048 stands in for each node's own range.

    Raises:
        RuntimeError: one could not be restored, in one sentence; its cause is the HostError.
    """
    wanted = nodes.everywhere() if nodes_ is None else list(nodes_)
    try:
        return sum(_restore_node(one, frames) for one in in_order(wanted))
    except HostError as error:
        raise RuntimeError(str(error)) from error


def in_order(wanted: Sequence[nuke.Node]) -> List[nuke.Node]:
    """The nodes, each after those of them that lie above it."""
    above = {one.fullName(): _names_above(one) for one in wanted}
    return sorted(wanted, key=lambda one: (len(above[one.fullName()] & set(above)), one.fullName()))


def _names_above(node: nuke.Node) -> set[str]:
    found: set[str] = set()
    waiting = list(node.dependencies(nuke.INPUTS | nuke.HIDDEN_INPUTS))
    while waiting:
        one = waiting.pop()
        if one.fullName() not in found:
            found.add(one.fullName())
            waiting += one.dependencies(nuke.INPUTS | nuke.HIDDEN_INPUTS)
    return found


def _restore_node(node: nuke.Node, frames: Optional[str]) -> int:
    wish = settings.read(node)
    if frames is not None:
        wish = wish.at(ranges.parse(frames))
    return restore(node, wish)


def main(arguments: Sequence[str]) -> int:
    """Opens the script, restores, and returns the exit code."""
    told = _parser().parse_args(list(arguments))
    try:
        nuke.scriptOpen(told.script)
        restored = restore_all(_named(told.node), told.frames)
    except RuntimeError as error:
        sys.stderr.write(f"frdm: {error}\n")
        return exit_code(error.__cause__)
    sys.stdout.write(f"FRDM: {restored} frames restored\n")
    return DONE


def exit_code(error: Optional[BaseException]) -> int:
    """The exit code for an error, as `frdm restore` has them."""
    if isinstance(error, EngineError):
        return FAILED if error.of_job else NO_ENGINE
    if isinstance(error, StoppedError):
        return STOPPED
    return UNUSABLE if isinstance(error, (SetupError, PlateError, CacheError)) else FAILED


def _named(names: Sequence[str]) -> Optional[List[nuke.Node]]:
    if not names:
        return None
    found = []
    for name in names:
        one = nuke.toNode(name)
        if one is None or not nodes.is_ours(one):
            known = ", ".join(sorted(node.fullName() for node in nodes.everywhere())) or "none"
            sentence = f"The script has no FRDM node {name!r}; it has {known}."
            raise RuntimeError(sentence) from SetupError(sentence)
        found.append(one)
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nuke -t batch.py", description="Restores the FRDM nodes of a script.")
    parser.add_argument("script", help="the Nuke script")
    parser.add_argument("--node", action="append", default=[], metavar="NAME", help="a node; may be repeated")
    parser.add_argument("--frames", metavar="LIST", help="1001-1048 in the place of each node's own range")
    return parser


def arguments(raw: Sequence[str], own: str) -> List[str]:
    """The arguments after this file's name. From rawArgs: Nuke strips a range at the end of sys.argv."""
    for index, argument in enumerate(raw):
        if Path(argument).name == Path(own).name:
            return list(raw[index + 1 :])
    return list(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main(arguments(nuke.rawArgs, __file__)))
