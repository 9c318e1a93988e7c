"""What the node's buttons do. Each runs in the main thread, and returns at once in the interface."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Callable, List

import nuke

from frdm_nuke import knobs, settings, shown
from frdm_nuke import node as nodes
from frdm_nuke.errors import HostError, SetupError

Action = Callable[[nuke.Node], None]


def _told(action: Action) -> Action:
    """The action, whose errors are told to the artist as one sentence; in the terminal they end it."""

    def run(node: nuke.Node) -> None:
        try:
            if not nodes.is_current(node):
                raise SetupError(
                    f"{node.name()} was made by another version of the plug-in; make a new FRDM node and set it alike."
                )
            action(node)
        except HostError as error:
            shown.say(node, f"error: {error}")
            if not nuke.GUI:
                raise RuntimeError(str(error)) from error
            nuke.message(str(error))

    run.__name__, run.__doc__ = action.__name__, action.__doc__
    return run


@_told
def restore_frame(node: nuke.Node) -> None:
    """Restores the current frame alone."""
    _restore(node, settings.read(node).at((nuke.frame(),)))


@_told
def restore_range(node: nuke.Node) -> None:
    """Restores the frames of the range that lack or are stale."""
    _restore(node, settings.read(node))


def _restore(node: nuke.Node, wish: settings.Wish) -> None:
    if nuke.GUI:
        from frdm_nuke.requests import queue

        queue.add(node, wish)
    else:
        from frdm_nuke.batch import restore

        restore(node, wish)


@_told
def cancel(node: nuke.Node) -> None:
    """Ends the restoration of this node."""
    from frdm_nuke.requests import queue

    if queue.cancel(str(node[settings.ID_KNOB].value())):
        shown.say(node, "being cancelled")


@_told
def reload(node: nuke.Node) -> None:
    """Looks again which results are there, and whether they are stale."""
    from frdm_nuke.look import look_again

    look_again(node)


@_told
def clear_cache(node: nuke.Node) -> None:
    """Deletes the files the node has written."""
    from frdm_nuke.requests import queue

    wish = settings.read(node)
    if queue.is_busy(str(node[settings.ID_KNOB].value())):
        raise SetupError(f"{node.name()} is being restored; press Cancel first.")
    folders = [cache.folder for _, cache in shown.caches(node, wish)]
    if nuke.GUI and not nuke.ask(f"Delete what {node.name()} has written to {folders[0].parent}?"):
        return
    shown.has(node, (), wish.span)
    removed = sum(cache.clear() for _, cache in shown.caches(node, wish))
    shown.say(node, f"cache cleared, {removed} files deleted")


@_told
def open_report(node: nuke.Node) -> None:
    """Opens the engine's notes on each frame."""
    reports = [report for _, cache in shown.caches(node, settings.read(node)) for report in [cache.report()] if report]
    if not reports:
        raise SetupError(f"There is no report of {node.name()} yet; restore a frame first.")
    for report in reports:
        _open(report)


@_told
def check_engine(node: nuke.Node) -> None:
    """Asks the engine how it is, in a thread: one that is gone is waited for."""
    from frdm_nuke import engine

    wish = settings.read_engine(node)

    def ask() -> None:
        try:
            said = engine.health(wish, program=f"nuke {nuke.NUKE_VERSION_STRING}")
        except HostError as error:
            said = str(error)
        nuke.executeInMainThread(_say_engine, args=(node, said))

    if nuke.GUI:
        threading.Thread(target=ask, name="frdm-check", daemon=True).start()
    else:
        _say_engine(node, engine.health(wish, program=f"nuke {nuke.NUKE_VERSION_STRING}"))


def _say_engine(node: nuke.Node, said: str) -> None:
    from frdm_nuke.pixels import unrecorded

    with unrecorded():
        node["engine_status"].setValue(said)


def _open(path: Path) -> None:
    """Opens a file with what the system has for it."""
    if sys.platform == "win32":
        os.startfile(str(path))
        return
    command: List[str] = ["open" if sys.platform == "darwin" else "xdg-open", str(path)]
    try:
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError as error:
        raise SetupError(f"{path} cannot be opened with {command[0]} ({error.strerror}); open it by hand.") from error


BUTTONS = tuple(spec.action for spec in knobs.KNOBS if spec.action)
