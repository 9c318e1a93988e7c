"""The functions of module `nuke` that are not told of elsewhere, and the table of all its names."""

from __future__ import annotations

import sys
from typing import Any, Callable, Dict, List, Optional

from tests.host_nuke.standin import (
    expressions,
    formats,
    graph,
    mainthread,
    nodes,
    script,
    state,
    tcl,
    texts,
    undo,
)
from tests.host_nuke.standin.loop import loop
from tests.host_nuke.standin.nodes import Group, Node, Root


def root() -> Root:
    """The script."""
    found: Root = state.now().root
    return found


def frame(f: Optional[int] = None) -> int:
    """The current frame, or goes to one."""
    if f is not None:
        root()["frame"].setValue(f)
    return int(nodes.Node._session_frame())


def thisNode() -> Node:
    """The node of the callback or button that runs; the script where none does."""
    found: Node = state.now().current("node") or root()
    return found


def thisKnob() -> Any:
    """The knob of it, or None."""
    return state.now().current("knob")


def thisGroup() -> Group:
    """The group that nodes are made in and looked for."""
    return graph.group()


def thisParent() -> Optional[Group]:
    """Group of thisNode()."""
    found: Optional[Group] = thisNode().parent()
    return found


def thisClass() -> str:
    """Class of thisNode()."""
    return thisNode().Class()


def thisView() -> str:
    """The view that is rendered or looked at."""
    return str(state.now().current("view") or state.now().view)


def views() -> List[str]:
    """Names of the script's views."""
    return nodes.views()


def addView(s: str) -> None:
    """Another view."""
    mainthread.check("nuke.addView")
    root().addView(s)


def deleteView(s: str) -> None:
    """One less."""
    mainthread.check("nuke.deleteView")
    root().deleteView(s)


def addFormat(s: str) -> formats.Format:
    """Another format: `w h aspect name`."""
    return formats.add(s)


def allFormats() -> List[formats.Format]:
    """nuke.formats."""
    return list(state.now().formats)


class Layer:
    """A layer of channels; making one makes it known to the script."""

    def __init__(self, name: str, channels: Optional[List[str]] = None) -> None:
        mainthread.check("nuke.Layer")
        known = state.now().layers.setdefault(name, [])
        known += [one for one in channels or [] if one not in known]
        self._name = name

    def name(self) -> str:
        """Its name."""
        return self._name

    def channels(self) -> List[str]:
        """Its channels, each with its layer's name."""
        return list(state.now().layers[self._name])


def layers(node: Optional[Node] = None) -> List[str]:
    """All layers, or those a node has."""
    if node is None:
        return list(state.now().layers)
    return sorted({one.partition(".")[0] for one in node.channels()})


def channels(node: Optional[Node] = None) -> List[str]:
    """All channels, or those a node has."""
    if node is None:
        return sorted({one for group in state.now().layers.values() for one in group})
    return node.channels()


def filename(node: Node, i: Optional[int] = None) -> Optional[str]:
    """A node's file name with brackets carried out; in proxy mode the proxy's. `%04d` and `%V` stay unless `i` is told.

    None where the node has no file knob, or it is empty.
    """
    knob: Any = node.knob("file")
    proxy: Any = node.knob("proxy")
    if proxy is not None and root()["proxy"].value() and proxy._evaluated():
        knob = proxy
    text = str(knob._evaluated()) if isinstance(knob, texts.File_Knob) else ""
    if not text:
        return None
    if i is not None:
        from tests.host_nuke.standin.names import file_at

        return file_at(text, int(nodes.Node._session_frame()), thisView())
    return text


def message(prompt: str) -> None:
    """A panel with an OK. In the terminal it is printed."""
    mainthread.check("nuke.message")
    state.now().messages.append(str(prompt))
    if not state.now().gui:
        print(prompt)


def ask(prompt: str) -> bool:
    """A question; in the stand-in `session.answer` says what the artist says."""
    mainthread.check("nuke.ask")
    if not state.now().gui:
        raise RuntimeError("nuke.ask needs the interface")
    state.now().questions.append(str(prompt))
    return state.now().answer(prompt)


def tprint(*args: Any, sep: str = " ", end: str = "\n", file: Any = None) -> None:
    """Prints to the terminal."""
    state.now().printed.append(sep.join(str(one) for one in args))
    print(*args, sep=sep, end=end, file=file or sys.stdout)


def warning(message: str) -> None:
    """To the error console."""
    state.now().console.append(message)


def error(message: str) -> None:
    """To the error console, which opens."""
    state.now().console.append(message)


def debug(message: str) -> None:
    """To the error console, if it is to say much."""


def critical(message: str) -> None:
    """To the error console, and a panel."""
    mainthread.check("nuke.critical")
    state.now().console.append(message)
    state.now().messages.append(message)


def cancel() -> None:
    """Cancels the render that runs."""
    state.now().cancelled = True


def executing(f: Optional[float] = None) -> bool:
    """Whether a render runs."""
    return state.now().executing > 0


def expression(s: str) -> float:
    """Value of an expression, seen from thisNode()."""
    node, now = thisNode(), nodes.Node._session_frame()

    def look(name: str) -> float:
        return node._number_named(name, now)

    return float(expressions.evaluate(s, look, lambda inner: tcl.run(inner, node)))


def value(knob: str, default: Optional[str] = None) -> str:
    """Value of a knob by its dotted name, as text.

    Raises:
        NameError: there is none, and no default was told.
    """
    found = thisNode()._find_knob(knob) or root()._find_knob(f"root.{knob}") or _at_root(knob)
    if found is None:
        if default is None:
            raise NameError(f'Nothing is named "{knob}"')
        return default
    return found._text_value()


def _at_root(path: str) -> Any:
    name, _, knob = path.rpartition(".")
    node = root().node(name) if name else None
    return node.knob(knob) if node is not None else None


def knobDefault(classknob: str, value: Optional[str] = None) -> Optional[str]:
    """The default that new nodes of a class get for a knob: asked for, or put."""
    if value is None:
        return state.now().knob_defaults.get(classknob)
    state.now().knob_defaults[classknob] = value
    return None


def executeInMainThread(call: Callable[..., Any], args: Any = (), kwargs: Optional[Dict[str, Any]] = None) -> None:
    """Has it called in the main thread, and does not wait. Arguments that are no tuple become one."""
    loop.request(call, args, kwargs or {}, wait=False)


def executeInMainThreadWithResult(
    call: Callable[..., Any], args: Any = (), kwargs: Optional[Dict[str, Any]] = None
) -> Any:
    """The same, and waits. An exception is printed, and the result is None."""
    return loop.request(call, args, kwargs or {}, wait=True)


def scriptReadText(s: str) -> None:
    """Makes the nodes of a text in the current group."""
    script.read(s, graph.group())


def undo_step() -> None:
    """nuke.undo."""
    mainthread.check("nuke.undo")
    undo.Undo.undo()


def redo_step() -> None:
    """nuke.redo."""
    mainthread.check("nuke.redo")
    undo.Undo.redo()


def show(n: Node, forceFloat: bool = False) -> None:
    """Opens a node's panel."""
    n.showControlPanel()


def _session() -> state.Session:
    return state.now()


def modified(state: Optional[bool] = None) -> bool:
    """Whether the script has changed since it was saved."""
    session = _session()
    if state is not None:
        session.modified = state
    return session.modified


def exists(s: str) -> bool:
    """Whether a node or a knob is named so."""
    return graph.toNode(s) is not None or _at_root(s) is not None
