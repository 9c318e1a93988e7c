"""Which colour space the plate is in: what the artist says, or what the project's colour management tells."""

from __future__ import annotations

from typing import Tuple

import nuke

AUTO = "auto"
LINEAR = "linear"


def space(told: str) -> Tuple[str, str]:
    """The space by the engine's name for it, and why. Call in the main thread.

    Nuke computes in the project's working space. Nuke's own management calls it linear, with Rec.709 primaries;
    under OCIO it is whatever the configuration says, and its name goes to the engine as it is.
    """
    name = told.strip()
    if name and name.lower() != AUTO:
        return name, "set on the node"
    root = nuke.root()
    if _value(root, "colorManagement") != "OCIO":
        return LINEAR, "the project uses Nuke's own colour management"
    working = _value(root, "workingSpaceLUT")
    # The menu groups spaces by family and shows roles with the space in brackets: scene_linear (ACEScg).
    working = working.rsplit("/", 1)[-1].strip()
    if working.endswith(")") and "(" in working:
        working = working[working.rindex("(") + 1 : -1].strip()
    if not working:
        return LINEAR, "the project's OCIO configuration names no working space"
    return working, f"the working space of the project's OCIO configuration ({_config(root)})"


def _config(root: nuke.Root) -> str:
    chosen = _value(root, "OCIO_config")
    return _value(root, "customOCIOConfigPath") if chosen == "custom" else chosen


def _value(root: nuke.Root, name: str) -> str:
    knob = root.knob(name)
    return str(knob.value()) if knob is not None else ""
