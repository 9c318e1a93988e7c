"""Callbacks in the order that nuke_internal/callbacks.py documents: those of the class first, then those of `*`.

Added again, a callback moves to the end. `nuke.onCreate()` and the like run the list for nuke.thisNode().
"""

from __future__ import annotations

import traceback
from typing import Any, Callable, Dict, List, Optional, Tuple

from tests.host_nuke.standin import state

_Entry = Tuple[Callable[..., Any], Tuple[Any, ...], Dict[str, Any], Any]
_List = Dict[str, List[_Entry]]

lists: Dict[str, _List] = {}
"""By event, by class."""

EVENTS: Dict[str, str] = {
    "OnUserCreate": "*",
    "OnCreate": "*",
    "OnDestroy": "*",
    "OnScriptLoad": "Root",
    "OnScriptSave": "Root",
    "OnScriptClose": "Root",
    "KnobChanged": "*",
    "UpdateUI": "*",
    "Autolabel": "*",
    "BeforeRender": "Write",
    "BeforeFrameRender": "Write",
    "AfterFrameRender": "Write",
    "AfterRender": "Write",
    "RenderProgress": "Write",
}
"""Each event with the class that its add function takes unless told."""


def _tuple(args: Any) -> Tuple[Any, ...]:
    return args if isinstance(args, tuple) else (args,)


def add(event: str, call: Any, args: Any, kwargs: Any, kind: str, node: Any = None) -> None:
    """Appends a callback.

    Raises:
        ValueError: it cannot be called, or kwargs is no dictionary.
    """
    if not callable(call):
        raise ValueError("call must be a callable")
    if not isinstance(kwargs, dict):
        raise ValueError("kwargs must be a dictionary")
    remove(event, call, args, kwargs, kind, node)
    lists.setdefault(event, {}).setdefault(kind, []).append((call, _tuple(args), kwargs, node))


def remove(event: str, call: Any, args: Any, kwargs: Any, kind: str, node: Any = None) -> None:
    """Takes it out, if it is there."""
    entries = lists.get(event, {}).get(kind, [])
    entry = (call, _tuple(args), kwargs, node)
    if entry in entries:
        entries.remove(entry)


def chosen(event: str, node: Any) -> List[_Entry]:
    """Those that an event of a node calls, in order."""
    by_class = lists.get(event, {})
    both = [*by_class.get(node.Class(), []), *by_class.get("*", [])]
    return [one for one in both if one[3] is None or one[3] is node]


def call(event: str, node: Any, **context: Any) -> None:
    """Runs an event's callbacks for a node. What they raise goes to the caller, and ends the list."""
    with state.now().within(node=node, group=home(node), **context):
        for function, args, kwargs, _ in chosen(event, node):
            function(*args, **kwargs)
        _own(event, node)


def home(node: Any) -> Any:
    """The group that callbacks and buttons of a node work in: a group's own inside, as writers of gizmos find."""
    return node if hasattr(node, "_children") else node.parent()


def call_safely(event: str, node: Any, **context: Any) -> None:
    """The same where Nuke prints what goes wrong and goes on."""
    try:
        call(event, node, **context)
    except Exception as error:  # noqa: BLE001 - as Nuke does
        traceback.print_exc()
        state.now().console.append(f"{event} of {node.fullName()}: {type(error).__name__}: {error}")


def _own(event: str, node: Any) -> None:
    """The knob of the event's name holds Python as well."""
    knob = node.knob(event[0].lower() + event[1:])
    text = str(knob.value()).strip() if knob is not None else ""
    if text:
        exec(compile(text, f"<{node.fullName()}.{knob.name()}>", "exec"), {"nuke": __import__("nuke")})


def knob_changed(node: Any, knob: Any) -> None:
    """A knob of a node has another value.

    A callback that changes knobs of its own node is not called for these: only KNOB_CHANGED_RECURSIVE allows that.
    """
    session = state.now()
    session.stirred = session.modified = True
    if session.loading or any(one is node for one in session.knob_changing):
        return
    session.knob_changing.append(node)
    try:
        call_safely("KnobChanged", node, knob=knob)
    finally:
        session.knob_changing.pop()


def idle() -> None:
    """The main thread has nothing to do: updateUI, if something has changed."""
    session = state.now()
    if not session.stirred or not session.gui or session.root is None:
        return
    session.stirred = False
    if lists.get("UpdateUI"):
        for node in session.root._all_nodes():
            call_safely("UpdateUI", node)


def reset() -> None:
    """Forgets all callbacks."""
    lists.clear()


def functions() -> Dict[str, Callable[..., None]]:
    """The nuke.add..., nuke.remove... of all events, and nuke.onCreate and the like."""
    made: Dict[str, Callable[..., None]] = {}
    for event, kind in EVENTS.items():
        made.update(_pair(event, kind))
        made[event[0].lower() + event[1:]] = _run(event)
    return made


def _run(event: str) -> Callable[..., None]:
    def run() -> None:
        call(event, state.now().current("node") or state.now().root)

    return run


def _pair(event: str, default: str) -> Dict[str, Callable[..., None]]:
    def add_one(call: Any, args: Any = (), kwargs: Optional[Dict[str, Any]] = None, nodeClass: str = default) -> None:
        add(event, call, args, {} if kwargs is None else kwargs, nodeClass)

    def remove_one(
        call: Any, args: Any = (), kwargs: Optional[Dict[str, Any]] = None, nodeClass: str = default
    ) -> None:
        remove(event, call, args, {} if kwargs is None else kwargs, nodeClass)

    def add_for(
        call: Any, args: Any = (), kwargs: Optional[Dict[str, Any]] = None, nodeClass: str = default, node: Any = None
    ) -> None:
        add(event, call, args, {} if kwargs is None else kwargs, nodeClass, node)

    def remove_for(
        call: Any, args: Any = (), kwargs: Optional[Dict[str, Any]] = None, nodeClass: str = default, node: Any = None
    ) -> None:
        remove(event, call, args, {} if kwargs is None else kwargs, nodeClass, node)

    if event == "KnobChanged":
        return {f"add{event}": add_for, f"remove{event}": remove_for}
    return {f"add{event}": add_one, f"remove{event}": remove_one}
