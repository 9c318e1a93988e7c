"""nuke.execute: renders Writes, in the main thread, at the project's present proxy state, with all callbacks."""

from __future__ import annotations

from typing import Any, Iterable, List, Optional, Sequence, Tuple, Union

from tests.host_nuke.standin import callbacks, evaluate, mainthread, readwrite, state
from tests.host_nuke.standin.images import Moment, OpError
from tests.host_nuke.standin.loop import loop
from tests.host_nuke.standin.nodes import Group, Node, views
from tests.host_nuke.standin.ranges import FrameRange

BUSY = "I'm already executing something else."


def execute(
    nameOrNode: Union[Node, str],
    start: Any = None,
    end: Optional[int] = None,
    incr: int = 1,
    views: Optional[Sequence[str]] = None,
    continueOnError: bool = False,
    frameRangeSet: Any = None,
) -> None:
    """Renders a Write, or the Writes in a group, in order of render_order.

    Raises:
        RuntimeError: no such node, nothing to render, an error of a node, a cancel (the text has "cancel"), or Nuke
            renders already.
    """
    mainthread.check("nuke.execute")
    node = _node(nameOrNode)
    root = state.now().root
    if start is None:
        start = frameRangeSet
    first = root.firstFrame() if start is None else start
    frames = list(first) if isinstance(first, Iterable) else list(FrameRange(int(first), int(end or first), int(incr)))
    executeMultiple([node], [frames], views, continueOnError)


def executeMultiple(
    nodes: Sequence[Node], ranges: Any, views: Optional[Sequence[str]] = None, continueOnError: bool = False
) -> None:
    """Renders several nodes: each frame of all of them before the next.

    Raises:
        RuntimeError: see execute().
    """
    mainthread.check("nuke.executeMultiple")
    session = state.now()
    if session.executing and not session.options.nested_execute:
        raise RuntimeError(BUSY)
    if session.knob_changing and not session.options.execute_in_knob_changed:
        raise RuntimeError(BUSY)
    writes = sorted(
        (one for node in nodes for one in _writes(node)), key=lambda one: float(one["render_order"].value())
    )
    if not writes:
        raise RuntimeError(f"{nodes[0].fullName() if nodes else 'nothing'}: no executable nodes")
    frames = _frames(ranges)
    with loop.executing():
        session.executing += 1
        try:
            _render(writes, frames, list(views or _own_views(writes)), continueOnError)
        finally:
            session.executing -= 1


def _node(name: Union[Node, str]) -> Node:
    if isinstance(name, Node):
        name._alive()
        return name
    found = state.now().root.node(name)
    if found is None:
        raise RuntimeError(f'No node is named "{name}"')
    node: Node = found
    return node


def _writes(node: Node) -> List[Node]:
    if node.Class() == "Write":
        if node["disable"].value():
            # Documented for the Render menu only: a disabled Write renders nothing. The strict way is to say so.
            raise RuntimeError(f"{node.fullName()} is disabled")
        return [node]
    inside = node._all_nodes() if isinstance(node, Group) else []
    return [one for one in inside if one.Class() == "Write" and not one["disable"].value()]


def _own_views(writes: Sequence[Node]) -> List[str]:
    told = " ".join(str(one["views"].value()) for one in writes).split()
    return told or views()


def _frames(ranges: Any) -> List[int]:
    return sorted({int(frame) for one in ranges for frame in (one if isinstance(one, Iterable) else [one])})


def _render(writes: Sequence[Node], frames: Sequence[int], wanted: Sequence[str], go_on: bool) -> None:
    session = state.now()
    session.cancelled = False
    for unknown in set(wanted) - set(views()):
        raise RuntimeError(f'No view is named "{unknown}"')
    for write in writes:
        callbacks.call("BeforeRender", write, **_moment(frames[0] if frames else 1, wanted[0]))
    failed: List[str] = []
    for frame in frames:
        for write in writes:
            failed += _frame(write, frame, wanted, go_on)
    for write in writes:
        callbacks.call("AfterRender", write, **_moment(frames[-1] if frames else 1, wanted[0]))
    if failed:
        raise RuntimeError("; ".join(failed))


def _moment(frame: int, view: str) -> Any:
    return {"frame": float(frame), "view": view}


def _frame(write: Node, frame: int, wanted: Sequence[str], go_on: bool) -> List[str]:
    session = state.now()
    if session.cancelled or session.cancel_at == frame:
        session.cancel_at, session.cancelled = None, False
        raise RuntimeError("Cancelled")
    try:
        callbacks.call("BeforeFrameRender", write, **_moment(frame, wanted[0]))
        for view in _of_file(write, wanted):
            moment = Moment(float(frame), view, evaluate.proxy_scale())
            with session.within(node=write, group=write.parent(), **_moment(frame, view)):
                readwrite.write(write, moment, evaluate.Evaluation().image)
            session.rendered.append((write.fullName(), frame, view))
        callbacks.call("AfterFrameRender", write, **_moment(frame, wanted[0]))
    except OpError as error:
        if not go_on:
            raise RuntimeError(str(error)) from error
        return [str(error)]
    return []


def _of_file(write: Node, wanted: Sequence[str]) -> Tuple[str, ...]:
    """All views, if the name tells them apart; else the last would be written over the others, so only the first."""
    pattern = str(write["file"].getText())
    return tuple(wanted) if "%V" in pattern or "%v" in pattern else tuple(wanted[:1])
