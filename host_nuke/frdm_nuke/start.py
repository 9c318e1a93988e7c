"""What `init.py` and `menu.py` do. Nothing here may keep Nuke from starting."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import List

import nuke

HERE = Path(__file__).resolve().parent.parent
trouble: List[str] = []
"""Why the plug-in does not work in this Nuke, in a sentence; empty where it does."""


def start() -> None:
    """Makes pyzmq and the bridge importable and registers for what Nuke tells; in GUI and terminal."""
    # Installed, the bridge lies beside this package; in the source tree in a folder of its own.
    if not (HERE / "frdm_bridge").is_dir():
        sys.path.append(str(HERE.parent / "bridge"))
    from frdm_nuke import vendor
    from frdm_nuke.errors import VendorError

    try:
        vendor.choose()
    except VendorError as error:
        trouble.append(str(error))
        nuke.tprint(f"FRDM: {error}")
        return
    from frdm_nuke import callbacks, terminal

    callbacks.install()
    if not nuke.GUI:
        terminal.install()


def add_menus() -> None:
    """Puts the node into the toolbar Nodes, and so into the Tab menu, and Restore into the menu Render; GUI only."""
    icon = "frdm.png"
    nodes = nuke.menu("Nodes").addMenu("FRDM", icon=icon)
    nodes.addCommand("FRDM restore", "import frdm_nuke.start; frdm_nuke.start.create()", icon=icon)
    render = nuke.menu("Nuke").addMenu("Render")
    render.addCommand("FRDM: restore selected nodes", "import frdm_nuke.start; frdm_nuke.start.restore_selected()")


def create() -> None:
    """Makes a node, or says why none can be."""
    if trouble:
        nuke.message(trouble[0])
        return
    from frdm_nuke import node

    node.create()


def restore_selected() -> None:
    """Queues the range of each FRDM node that is selected."""
    if trouble:
        nuke.message(trouble[0])
        return
    from frdm_nuke import buttons
    from frdm_nuke import node as nodes

    chosen = [one for one in nuke.selectedNodes() if nodes.is_ours(one)]
    if not chosen:
        nuke.message("No FRDM node is selected; select those to be restored.")
    for one in chosen:
        buttons.restore_range(one)
