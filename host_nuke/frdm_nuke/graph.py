"""The inside of the node: what is written for the engine, what is read back, and what leaves the node.

```
plate ──┬─ plate_write                         plate ─┐
        ├─ protect_copy ─ protect_bbox ─ protect_write │ (and the same for force)
        │                                             │
        ├─ restored (rgb of result) ─ classes ─ opacity ─ bounded ─┐
        ├──────────────────────────────────────────────────────────┤ pick ─┬─────────────┐
        │                                    lacking ──────────────┘       ├ matte_view  ├ show ─ Output
        │                                                                  ├ difference  │
        └──────────────────────────────────────────────────────────────────┴ overlay ────┘
```

Every node is of a class that all of Nuke 14 to 17 have, and nothing needs this package once the files are there.
"""

from __future__ import annotations

from typing import Dict, Tuple

import nuke

from frdm_nuke.knobs import CLASSES

INPUTS = ("plate", "protect", "force")
MASKS = ("protect", "force")
WRITES = ("plate", *MASKS)
LAYER = "frdm"
RESULT, MATTE, LACKING = "result", "matte", "lacking"
LACKING_FILE = "not_restored"
"""A file that is never there: its Read is the error of a frame that lacks."""
COLOURS: Dict[str, Tuple[float, float, float]] = {
    "dirt": (1.0, 0.1, 0.1),
    "scratch": (0.1, 1.0, 0.1),
    "stain": (1.0, 0.7, 0.0),
    "flicker": (0.1, 0.4, 1.0),
}
PICK = "parent.frdm_have ? 0 : 2 - parent.missing_frames"


def add_layer() -> None:
    """Makes the layer `frdm` known to the script: a channel for each kind of damage, and the opacity of the repair."""
    nuke.Layer(LAYER, [f"{LAYER}.{name}" for name in (*CLASSES, "opacity")])


def build(group: nuke.Group) -> None:
    """Makes all nodes inside an empty group."""
    add_layer()
    with group:
        plate = _inputs()
        _writes(plate)
        picked = _picked(plate)
        _views(plate, picked)


def _node(kind: str, name: str, *inputs: nuke.Node, **knobs: object) -> nuke.Node:
    node: nuke.Node = getattr(nuke.nodes, kind)(name=name)
    for index, one in enumerate(inputs):
        node.setInput(index, one)
    for knob, value in knobs.items():
        node[knob].setValue(value)
    return node


def _inputs() -> nuke.Node:
    made = [_node("Input", name, number=number) for number, name in enumerate(INPUTS)]
    return made[0]


def _writes(plate: nuke.Node) -> None:
    write_of("plate", plate, "rgb")
    for mask in MASKS:
        source = nuke.toNode(mask)
        if source is None:
            raise RuntimeError(f"The input {mask} was not made.")
        # On the plate: the engine wants a mask of its very size, whatever size the artist's roto has.
        copied = _node("Copy", f"{mask}_copy", plate, source, from0="rgba.alpha", to0="rgba.alpha")
        bounded = _node("CopyBBox", f"{mask}_bbox", copied, plate)
        write_of(mask, bounded, "alpha")


def write_of(role: str, source: nuke.Node, channels: str) -> None:
    """A Write that is off but while we use it, so that rendering all Writes of a script leaves it alone."""
    write = _node("Write", f"{role}_write", source, channels=channels, file_type="exr")
    for knob, value in (
        ("raw", True),
        ("datatype", "32 bit float"),
        ("compression", "Zip (1 scanline)"),
        ("autocrop", False),
        ("create_directories", True),
        ("disable", True),
    ):
        write[knob].setValue(value)


def _picked(plate: nuke.Node) -> nuke.Node:
    """The plate with the restored colours and the layer `frdm`; all else is the plate's own."""
    reads = {name: _node("Read", name) for name in (RESULT, MATTE, LACKING)}
    for read in reads.values():
        read["raw"].setValue(True)
        read["on_error"].setValue("error")
    colours = {f"{end}{n}": f"rgba.{c}" for n, c in enumerate(("red", "green", "blue")) for end in ("from", "to")}
    restored = _node("Copy", "restored", plate, reads[RESULT], **colours)
    layer = {f"{end}{n}": f"{LAYER}.{name}" for n, name in enumerate(CLASSES) for end in ("from", "to")}
    classes = _node("Copy", "classes", restored, reads[MATTE], **layer)
    opacity = _node("Copy", "opacity", classes, reads[MATTE], from0="rgba.alpha", to0=f"{LAYER}.opacity")
    bounded = _node("CopyBBox", "bounded", opacity, plate)
    picked = _node("Switch", "pick", bounded, plate, reads[LACKING])
    picked["which"].setExpression(PICK)
    return picked


def _views(plate: nuke.Node, picked: nuke.Node) -> None:
    matte = _node("Expression", "matte_view", picked, **{f"expr{n}": f"{LAYER}.opacity" for n in range(3)})
    difference = _node(
        "Merge2", "difference", plate, picked, operation="minus", Achannels="rgb", Bchannels="rgb", output="rgb"
    )
    marked = _node(
        "Copy",
        "marked",
        picked,
        plate,
        **{f"{end}{n}": f"rgba.{c}" for n, c in enumerate(("red", "green", "blue")) for end in ("from", "to")},
    )
    overlay = _node("Expression", "overlay", marked, **{f"expr{n}": _tinted(n) for n in range(3)})
    shown = _node("Switch", "shown", picked, plate, matte, difference, overlay)
    shown["which"].setExpression("parent.show")
    _node("Output", "Output1", shown)


def _tinted(channel: int) -> str:
    """Expression of the overlay: the plate, and over it the colour of each kind of damage."""
    name = "rgb"[channel]
    tint = " + ".join(f"{COLOURS[kind][channel]:g} * {LAYER}.{kind}" for kind in CLASSES)
    return f"{name} * (1 - 0.6 * {LAYER}.opacity) + 0.6 * ({tint})"
