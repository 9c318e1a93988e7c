"""What Nuke tells: nodes that come and go, scripts that open and close, knobs that change."""

from __future__ import annotations

from typing import Dict, Tuple

import nuke

from frdm_nuke import node as nodes
from frdm_nuke import settings, shown
from frdm_nuke.errors import HostError
from frdm_nuke.pixels import raw

_PATHS = ("cache_folder", "connection")
_LOOKED_AGAIN = [
    "inputChange",
    "showPanel",
    "cache_folder",
    "old_files",
    "datatype",
    "colourspace",
    "strength",
    "grain",
    "steps",
    "seed",
    "cuts",
    "cut_frames",
    "views",
    "range",
    "frames",
    "protect_channel",
    "force_channel",
    "proxy_mode",
]
_hashes: Dict[str, Tuple[int, ...]] = {}
"""What Nuke said of each node's plate when it was last looked at; good for this session alone."""


def install() -> None:
    """Registers for what concerns our nodes, in the interface and in the terminal."""
    nuke.addOnCreate(created, nodeClass="Group")
    if nuke.GUI:
        nuke.addOnDestroy(destroyed, nodeClass="Group")
        nuke.addOnScriptClose(closed)
        nuke.addKnobChanged(changed, nodeClass="Group")
        nuke.addUpdateUI(updated, nodeClass="Group")


def created() -> None:
    """A group has come into being; a copy of one of ours is made independent."""
    node = nuke.thisNode()
    if nodes.is_ours(node) and node[settings.ID_KNOB].value():
        nodes.keep_apart(node)


def destroyed() -> None:
    """One of ours is deleted: what it has under way ends."""
    node = nuke.thisNode()
    if nodes.is_ours(node):
        from frdm_nuke.requests import queue

        queue.cancel(str(node[settings.ID_KNOB].value()))


def closed() -> None:
    """The script is closed: all ends."""
    from frdm_nuke.requests import queue

    queue.cancel_all()


def changed() -> None:
    """A knob of ours has changed: paths are written with forward slashes, and staleness is looked at again."""
    node, knob = nuke.thisNode(), nuke.thisKnob()
    if not nodes.is_ours(node):
        return
    name = knob.name()
    if name in _PATHS and "\\" in raw(knob):
        knob.setValue(raw(knob).replace("\\", "/"))
    if name == "cache_folder":
        nodes.show_files(node)
    if (name in _LOOKED_AGAIN or name.startswith("fix_")) and node.input(0) is not None:
        _look_again(node)


def updated() -> None:
    """Something has changed, perhaps above one of ours: then its results may be stale, which is looked at."""
    node = nuke.thisNode()
    plate = node.input(0) if nodes.is_ours(node) else None
    if plate is None:
        return
    identity, hashes = str(node[settings.ID_KNOB].value()), tuple(plate.opHashes())
    if _hashes.get(identity) != hashes:
        _hashes[identity] = hashes
        _look_again(node, keep_error=True)


def _look_again(node: nuke.Node, *, keep_error: bool = False) -> None:
    from frdm_nuke.look import look_again

    try:
        look_again(node, keep_error=keep_error)
    except HostError as error:
        shown.say(node, f"error: {error}")
