"""Nodes with two pictures. Input 0 is B, the stream that goes on; input 1 is A."""

from __future__ import annotations

from typing import Any, Callable, Dict

import numpy as np

from tests.host_nuke.standin.filters import Ask
from tests.host_nuke.standin.images import Box, Image, Moment, Pixels, union


def _copy(node: Any, moment: Moment, ask: Ask) -> Image:
    """Channels of A onto B. The box is B's unless told: what A has outside is cut, what it lacks is black."""
    b, a = ask(node.input(0), moment), ask(node.input(1), moment)
    box = _box(str(node["bbox"].value()), a.box, b.box)
    made = b.within(box)
    for index in range(4):
        source, target = str(node[f"from{index}"].value()), str(node[f"to{index}"].value())
        if "none" not in (source, target):
            made.channels[target] = a.over(source, box)
    for name in node["channels"]._picked(list(a.channels)):
        made.channels[name] = a.over(name, box)
    return made


def _box(choice: str, a: Box, b: Box) -> Box:
    if choice in ("A side", "A"):
        return a
    if choice in ("B side", "B"):
        return b
    if choice == "union":
        return union(a, b)
    return (max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3]))


def _copy_bbox(node: Any, moment: Moment, ask: Ask) -> Image:
    """B with A's box; where B has no pixels, black."""
    b, a = ask(node.input(0), moment), ask(node.input(1), moment)
    return b.within(a.box)


def _copy_metadata(node: Any, moment: Moment, ask: Ask) -> Image:
    """The picture of input 0 with the metadata of input 1."""
    return ask(node.input(0), moment).having(metadata=dict(ask(node.input(1), moment).metadata))


_ALPHA = "rgba.alpha"


def _merge(node: Any, moment: Moment, ask: Ask) -> Image:
    """A on B. `minus` is A-B, `from` is B-A. Channels outside of `output` are B's."""
    b, a = ask(node.input(0), moment), ask(node.input(1), moment)
    box = _box(str(node["bbox"].value()), a.box, b.box)
    operation = str(node["operation"].value())
    made = b.within(box)
    mix = np.float32(node["mix"]._number_value(moment.frame))
    alpha_a, alpha_b = a.over(_ALPHA, box), b.over(_ALPHA, box)
    sides_a, sides_b = node["Achannels"]._picked(list(a.channels)), node["Bchannels"]._picked(list(b.channels))
    for name in node["output"]._picked(list({**b.channels, **a.channels})):
        if name not in a.channels and name not in b.channels:
            continue
        black: Pixels = np.zeros(made.shape, np.float32)
        one = a.over(name, box) if name in sides_a else black
        two = b.over(name, box) if name in sides_b else black
        result = _OPERATIONS[operation](one, two, alpha_a, alpha_b)
        made.channels[name] = (two + (result - two) * mix if mix != 1 else result).astype(np.float32)
    return made


_OPERATIONS: Dict[str, Callable[[Pixels, Pixels, Pixels, Pixels], Pixels]] = {
    "over": lambda a, b, aa, ab: a + b * (1 - aa),
    "minus": lambda a, b, aa, ab: a - b,
    "from": lambda a, b, aa, ab: b - a,
    "plus": lambda a, b, aa, ab: a + b,
    "copy": lambda a, b, aa, ab: a,
    "multiply": lambda a, b, aa, ab: a * b,
    "difference": lambda a, b, aa, ab: np.abs(a - b),
}

MAKERS: Dict[str, Callable[[Any, Moment, Ask], Image]] = {
    "Copy": _copy,
    "CopyBBox": _copy_bbox,
    "CopyMetaData": _copy_metadata,
    "Merge2": _merge,
}
