"""The node itself: making it, knowing it, keeping copies apart. All of it in the main thread."""

from __future__ import annotations

import re
import secrets
from typing import List, Optional

import nuke

from frdm_nuke import cache, graph, knobs
from frdm_nuke.knobs import LAYOUT
from frdm_nuke.pixels import raw, unrecorded
from frdm_nuke.settings import ID_KNOB, NODE_KNOB

CLASS_NAME = "FRDM"
TILE = 0x7A3B2FFF
LABEL = "[if {[value frdm_stale] > 0} {return {stale: }}][string range [value status] 0 59]"
"""How the frame and the node stand, on the node itself, as far as it fits; shown also where this package is missing."""


def create(*, inpanel: bool = True) -> nuke.Group:
    """A new node, connected below what is selected as Nuke does it for any node."""
    chosen = nuke.selectedNodes()
    # One step for undo and redo, with all that is inside.
    with nuke.Undo():
        group = nuke.createNode("Group", f"name {CLASS_NAME}1", inpanel)
        if not isinstance(group, nuke.Group):
            raise RuntimeError("Nuke made no Group; is the licence one that can?")
        nuke.Undo.name(f"Create {group.name()}")
        knobs.add_all(group)
        graph.build(group)
        group["label"].setValue(LABEL)
        group["tile_color"].setValue(TILE)
        _name_anew(group)
        show_files(group)
        group["status"].setValue("nothing restored yet")
        # A group that is still empty has no input that Nuke could have connected.
        if chosen and group.input(0) is None:
            group.setInput(0, chosen[0])
    return group


def is_ours(node: Optional[nuke.Node]) -> bool:
    """Whether a node is one of FRDM's."""
    return node is not None and node.knob(NODE_KNOB) is not None


def everywhere() -> List[nuke.Node]:
    """All nodes of ours in the script, also those within other groups."""
    return [one for one in nuke.allNodes("Group", nuke.root(), recurseGroups=True) if is_ours(one)]


def keep_apart(node: nuke.Node) -> bool:
    """Gives a copy of another node an identity, a folder and so an empty cache of its own; whether it was one.

    Called for each node that comes into being: made, read from a script, pasted, or brought back by undo.
    """
    own = node[ID_KNOB].value()
    twins = [one for one in everywhere() if one[ID_KNOB].value() == own and one.fullName() != node.fullName()]
    if own and not twins:
        return False
    with unrecorded():
        _name_anew(node)
        for knob in ("frdm_have", "frdm_stale"):
            node[knob].fromScript("0")
        show_files(node)
        node["status"].setValue("nothing restored yet")
    return True


def show_files(node: nuke.Node) -> None:
    """Lets the inner nodes name the files of the node's folder."""
    folder, leaf = raw(node["cache_folder"]), str(node["frdm_leaf"].value())
    if not isinstance(node, nuke.Group):
        return
    pairs = [*((f"{role}_write", role) for role in graph.WRITES), (graph.RESULT, "result"), (graph.MATTE, "matte")]
    for name, role in (*pairs, (graph.LACKING, graph.LACKING_FILE)):
        inner = node.node(name)
        if inner is not None:
            inner["file"].setValue(cache.text(folder, leaf, "", role))


def is_current(node: nuke.Node) -> bool:
    """Whether the node's inside is of this version of the plug-in."""
    return str(node[NODE_KNOB].value()) == LAYOUT


def _name_anew(node: nuke.Node) -> None:
    identity = secrets.token_hex(16)
    node[ID_KNOB].setValue(identity)
    # The name is for people who look into the folder; it stays when the node is given another one.
    name = re.sub(r"[^A-Za-z0-9_]", "_", node.name())
    node["frdm_leaf"].setValue(f"{name}_{identity[:8]}")
