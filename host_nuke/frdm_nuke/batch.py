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

from frdm_nuke import chain, ranges, settings, shown
from frdm_nuke import node as nodes
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
    sentence = restoration.summary()
    restoration.refresh()
    shown.say(node, sentence)
    return restored


def restore_all(nodes_: Optional[Iterable[nuke.Node]] = None, frames: Optional[str] = None) -> int:
    """Restores nodes one after the other, all of the script unless told, and returns how many frames that were.

    What lies above one of them, and what its frames need of that, comes first. ``frames`` such as 1001-1048 stands in
    for each node's own range.

    Raises:
        RuntimeError: one could not be restored, in one sentence; its cause is the HostError.
    """
    try:
        chosen = None if frames is None else ranges.parse(frames)
        restored = 0
        for one in chain.in_order(nodes.everywhere() if nodes_ is None else list(nodes_)):
            settle_above(one)
            wish = settings.read(one)
            wish = wish if chosen is None else wish.at(chosen)
            restored += restore_above(one, ranges.windows(wish.frames, chain.REACH, wish.hull))
            restored += restore(one, wish)
    except HostError as error:
        raise RuntimeError(str(error)) from error
    return restored


def settle_above(below: nuke.Node) -> None:
    """Has the nodes above a node name their files and frames, by which those below know what there is.

    Raises:
        SetupError: one has nothing it could restore.
    """
    for one, _ in chain.needed(below, ()):
        shown.point(one, settings.read(one))


def restore_above(below: nuke.Node, frames: Iterable[int]) -> int:
    """Restores the nodes above a node, for the frames of theirs that it takes to show these.

    Raises:
        HostError: see `restore`.
    """
    restored = 0
    for one, wanted in chain.needed(below, frames):
        wish = settings.read(one)
        restored += restore(one, wish if wanted is None else wish.at(tuple(sorted(wanted))))
    return restored


def main(arguments: Sequence[str]) -> int:
    """Opens the script, restores, and returns the exit code."""
    told = _parser().parse_args(list(arguments))
    try:
        nuke.scriptOpen(told.script)
    except RuntimeError as error:
        sys.stderr.write(f"frdm: {told.script} cannot be opened ({error}); name a Nuke script.\n")
        return UNUSABLE
    try:
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
