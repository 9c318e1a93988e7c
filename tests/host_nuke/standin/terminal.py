"""Nuke's command line without its interface: `nuke -t a.py ...`, `nuke -x script.nk 1-10`, `nuke -X Write1 ...`."""

from __future__ import annotations

import re
import runpy
import sys
import traceback
from dataclasses import dataclass, field
from typing import List, Optional, Sequence

from tests.host_nuke.standin import execute, files, graph, startup, state
from tests.host_nuke.standin.nodes import Node
from tests.host_nuke.standin.ranges import FrameRange

_TAKES_VALUE = ("-F", "-X", "-m", "-c", "-s", "-V", "--view", "-o", "--remap")
_RANGE = re.compile(r"-?\d+(?:--?\d+(?:x\d+)?)?(?:,-?\d+(?:--?\d+(?:x\d+)?)?)*")


@dataclass
class Command:
    """What a command line asks for."""

    executes: bool = False
    terminal: bool = False
    names: List[str] = field(default_factory=list)
    """Nodes to render; none: all Writes that are on."""
    frames: List[int] = field(default_factory=list)
    views: List[str] = field(default_factory=list)
    file: str = ""
    arguments: List[str] = field(default_factory=list)
    """What is left for a Python script."""


def understood(raw: Sequence[str]) -> Command:
    """Reads a command line, all but its first word.

    A number or range at its end is Nuke's, not the script's: it is the frames, and sys.argv lacks it.
    """
    told, rest = Command(), list(raw[1:])
    while rest and rest[0].startswith("-") and not told.file:
        flag = rest.pop(0)
        value = rest.pop(0) if flag in _TAKES_VALUE and rest else ""
        if flag == "-F":
            told.frames += _frames(value)
        elif flag == "-X":
            told.executes, told.names = True, [*told.names, *value.split(",")]
        elif flag == "--view":
            told.views = value.split(",")
        elif not flag.startswith("--") and not value:
            told.executes = told.executes or "x" in flag
            told.terminal = told.terminal or "t" in flag
    told.file = rest.pop(0) if rest else ""
    if rest and _RANGE.fullmatch(rest[-1]):
        told.frames += _frames(rest.pop())
    told.arguments = rest
    return told


def _frames(text: str) -> List[int]:
    return [frame for one in text.split(",") for frame in FrameRange(one)]


def run(*folders: str) -> int:
    """Does what the session's command line asks, with these plug-in folders; the exit code."""
    session = state.now()
    told = understood(session.raw_args)
    before = sys.argv
    sys.argv = [told.file, *told.arguments]
    try:
        startup.start(*folders)
        if told.file.endswith(".py"):
            runpy.run_path(told.file, run_name="__main__")
        elif told.file:
            files.scriptOpen(told.file)
            if told.executes:
                execute.executeMultiple(_wanted(told), [_range(told)], told.views or None)
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else int(left.code is not None)
    except Exception:  # noqa: BLE001 - Nuke prints it and exits
        traceback.print_exc()
        return 1
    finally:
        sys.argv = before
    return 0


def _wanted(told: Command) -> List[Node]:
    if not told.names:
        return [one for one in graph.allNodes("Write") if not one["disable"].value()]
    found: List[Optional[Node]] = [graph.toNode(name) for name in told.names]
    if None in found:
        raise RuntimeError(f"{told.names[found.index(None)]}: no such node")
    return [one for one in found if one is not None]


def _range(told: Command) -> List[int]:
    root = state.now().root
    return told.frames or list(FrameRange(root.firstFrame(), root.lastFrame()))
