"""The image of a node at a moment, and what can be asked of nodes without rendering: errors, ranges, hashes."""

from __future__ import annotations

import hashlib
from typing import Any, Dict, List, Optional, Tuple

from tests.host_nuke.standin import filters, mainthread, mergers, readwrite, state, timing
from tests.host_nuke.standin.images import Image, Moment, OpError, black
from tests.host_nuke.standin.nodes import Group, Node

Made = Dict[Tuple[int, Moment], Image]
"""Images of one evaluation, so that no node is made twice."""

MAKERS = {**readwrite.MAKERS, **filters.MAKERS, **mergers.MAKERS}
CHOOSERS = timing.CHOOSERS
"""Classes that pass one input on as it is at some other moment: nothing else is looked at."""


class Evaluation:
    """Makes images; one object a render or look."""

    def __init__(self) -> None:
        self._made: Made = {}

    def image(self, node: Optional[Node], moment: Moment) -> Image:
        """A node's image; black in the project's format where nothing is connected.

        Raises:
            OpError: it, or a node above it that is needed, is in error.
        """
        if node is None:
            return black(state.now().root["format"].value()._scaled_by(moment.scale))
        key = (id(node), moment)
        if key not in self._made:
            with state.now().within(frame=moment.frame, view=moment.view):
                self._made[key] = self._make(node, moment)
        return self._made[key]

    def _make(self, node: Node, moment: Moment) -> Image:
        kind = node.Class()
        if kind not in ("Input", "Output", "Group", "Switch") and _disabled(node):
            return self.image(node.input(0), moment)
        if isinstance(node, Group):
            if _disabled(node):
                return self.image(node.input(0), moment)
            inner = node.output()
            if inner is None:
                raise OpError(node, "no Output node")
            return self.image(inner, moment)
        if kind == "Input":
            number = int(node["number"].value())
            group = node.parent()
            return self.image(group.input(number), moment)
        if node._failed:
            raise OpError(node, node._failed)
        if kind in CHOOSERS:
            index, then = CHOOSERS[kind](node, moment)
            return self.image(node.input(index), then)
        maker = MAKERS.get(kind)
        if maker is None:
            return self.image(node.input(0), moment)
        made: Image = maker(node, moment, self.image)
        return made


def _disabled(node: Node) -> bool:
    # A Write that is off still passes its input on.
    return bool(node["disable"].value())


def now(frame: Optional[float] = None) -> Moment:
    """The moment that is looked at when nothing is rendered: this frame, this view, the project's proxy state."""
    session = state.now()
    view = session.current("view") or session.view
    return Moment(session.root._session_frame() if frame is None else float(frame), str(view), proxy_scale())


def proxy_scale() -> float:
    """Scale of all images now: 1 but in proxy mode."""
    root = state.now().root
    return float(root["proxy_scale"].value()) if root["proxy"].value() else 1.0


def looked_at(node: Node, frame: Optional[float] = None) -> Image:
    """The image now; a black one where there is an error, as node.width() and the like never raise."""
    mainthread.check(f"Looking at {node.fullName()}")
    try:
        return Evaluation().image(node, now(frame))
    except OpError:
        return black(state.now().root["format"].value())


def fault(node: Node) -> Optional[Node]:
    """The node whose error keeps this one from its image now, or None."""
    mainthread.check(f"Validating {node.fullName()}")
    try:
        Evaluation().image(node, now())
    except OpError as error:
        found: Node = error.node
        return found
    return None


def frame_range(node: Node) -> Tuple[int, int]:
    """First and last frame, as its inputs have them; the project's where no input has."""
    found = _range(node, set())
    root = state.now().root
    return found or (int(root["first_frame"].value()), int(root["last_frame"].value()))


def _range(node: Optional[Node], seen: set[int]) -> Optional[Tuple[int, int]]:
    if node is None or id(node) in seen:
        return None
    seen.add(id(node))
    kind = node.Class()
    if kind == "Read":
        return (int(node["first"].value()), int(node["last"].value()))
    if kind == "Input":
        return _range(node.parent().input(int(node["number"].value())), seen)
    if isinstance(node, Group):
        return _range(node.output(), seen)
    # Nuke makes the union of all inputs; a Switch too is asked of all of them.
    ranges: List[Tuple[int, int]] = []
    for index in range(len(node._inputs)):
        one = _range(node.input(index), seen)
        if one is not None:
            ranges.append(one)
    if not ranges:
        return None
    whole = (min(one[0] for one in ranges), max(one[1] for one in ranges))
    return timing.shifted(node, whole)


def hashed(node: Node) -> int:
    """Changes with every knob and file name that takes part in the image at this frame."""
    text = hashlib.sha256()
    seen: set[int] = set()
    waiting: List[Optional[Node]] = [node]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        waiting += [one.input(index) for index in range(len(one._inputs))]
        if isinstance(one, Group):
            waiting += one._children
        if one.Class() == "Input":
            waiting.append(one.parent().input(int(one["number"].value())))
        for name, knob in one.knobs().items():
            if name not in _LOOKS:
                text.update(f"{name}={_decided(knob)};".encode())
    return int.from_bytes(text.digest()[:8], "big")


def _decided(knob: Any) -> str:
    return f"{knob.getValue()}" if knob.isAnimated() else knob.toScript()


_LOOKS = {"xpos", "ypos", "selected", "label", "tile_color", "note_font", "note_font_size", "name", "help", "autolabel"}
