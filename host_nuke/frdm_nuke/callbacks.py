"""What Nuke tells: nodes that come and go, scripts that open and close, knobs that change."""

from __future__ import annotations

import nuke

from frdm_nuke import node as nodes
from frdm_nuke import settings, shown
from frdm_nuke.errors import HostError

_PATHS = ("cache_folder", "connection")
_NEXT_LOOK = (
    "old_files",
    "cache_folder",
    "inputChange",
    "datatype",
    "colourspace",
    "strength",
    "grain",
    "steps",
    "seed",
)


def install() -> None:
    """Registers for what concerns our nodes, in the interface and in the terminal."""
    nuke.addOnCreate(created, nodeClass="Group")
    if nuke.GUI:
        nuke.addOnDestroy(destroyed, nodeClass="Group")
        nuke.addOnScriptClose(closed)
        nuke.addKnobChanged(changed, nodeClass="Group")


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
    if name in _PATHS and "\\" in str(knob.getText()):  # type: ignore[attr-defined]
        knob.setValue(str(knob.getText()).replace("\\", "/"))  # type: ignore[attr-defined]
    if name == "cache_folder":
        nodes.show_files(node)
    if (name in _NEXT_LOOK or name.startswith("fix_")) and node.input(0) is not None:
        from frdm_nuke.look import look_again

        try:
            look_again(node)
        except HostError as error:
            shown.say(node, f"error: {error}")
