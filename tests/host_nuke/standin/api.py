"""The functions of module `nuke` that are not told of elsewhere, and the table of all its names."""

from __future__ import annotations

import os
import runpy
import sys
import traceback
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Union

from tests.host_nuke.standin import (
    arrays,
    callbacks,
    execute,
    expressions,
    formats,
    graph,
    knobs,
    mainthread,
    menus,
    nodes,
    progress,
    script,
    state,
    tcl,
    undo,
)
from tests.host_nuke.standin.files import scriptClear, scriptName, scriptOpen, scriptSave, scriptSaveAs
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
    return int(nodes.Node.session_frame())


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
    """A node's file name with brackets carried out. Without the second argument `%04d` and `%V` stay; the proxy's in proxy mode.

    None where the node has no file knob, or it is empty.
    """
    knob: Any = node.knob("file")
    proxy: Any = node.knob("proxy")
    if proxy is not None and root()["proxy"].value() and proxy.evaluated():
        knob = proxy
    text = str(knob.evaluated()) if isinstance(knob, knobs.File_Knob) else ""
    if not text:
        return None
    if i is not None:
        from tests.host_nuke.standin.names import file_at

        return file_at(text, int(nodes.Node.session_frame()), thisView())
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
    node, now = thisNode(), nodes.Node.session_frame()
    return float(
        expressions.evaluate(s, lambda name: node.number_named(name, now), lambda inner: tcl.run(inner, node))
    )


def value(knob: str, default: Optional[str] = None) -> str:
    """Value of a knob by its dotted name, as text.

    Raises:
        NameError: there is none, and no default was told.
    """
    found = thisNode().find_knob(knob) or root().find_knob(f"root.{knob}") or _at_root(knob)
    if found is None:
        if default is None:
            raise NameError(f'Nothing is named "{knob}"')
        return default
    return found.text_value()


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


def pluginPath() -> List[str]:
    """Where plug-ins are looked for."""
    return list(state.now().plugin_path)


def pluginAddPath(args: Union[str, List[str]], addToSysPath: bool = True) -> None:
    """Puts folders first on the plug-in path, and on sys.path.

    A relative one is seen from the init.py that calls. Called in an init.py, the folder's init.py runs.
    """
    _add_paths(args, addToSysPath, first=True)


def pluginAppendPath(args: Union[str, List[str]], addToSysPath: bool = True) -> None:
    """The same, last."""
    _add_paths(args, addToSysPath, first=False)


def _add_paths(args: Union[str, List[str]], to_sys_path: bool, *, first: bool) -> None:
    session = state.now()
    for one in [args] if isinstance(args, str) else args:
        here = session.running_init[-1] if session.running_init else os.getcwd()
        path = os.path.normpath(os.path.join(here, os.path.expanduser(one))).replace(os.sep, "/")
        if path in session.plugin_path:
            if not first:
                continue
            session.plugin_path.remove(path)
        session.plugin_path.insert(0 if first else len(session.plugin_path), path)
        if to_sys_path and path not in sys.path:
            sys.path.insert(0 if first else len(sys.path), path)
        if session.running_init:
            run_start(path, "init.py")


def run_start(folder: str, name: str) -> None:
    """Runs a folder's init.py or menu.py as starting Nuke does. (The stand-in's own.)

    Raises:
        whatever the file raises: Nuke would not start.
    """
    path = Path(folder) / name
    if not path.is_file():
        return
    state.now().running_init.append(str(path.parent))
    try:
        runpy.run_path(str(path), run_name="__main__")
    finally:
        state.now().running_init.pop()


def start(*folders: str) -> None:
    """Starts Nuke with these plug-in folders: every init.py, then with the interface every menu.py. (The stand-in's own.)"""
    for folder in folders:
        pluginAddPath(folder)
        run_start(folder, "init.py")
    if state.now().gui:
        for folder in reversed(pluginPath()):
            run_start(folder, "menu.py")


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


def modified(status: Optional[bool] = None) -> bool:
    """Whether the script has changed since it was saved."""
    if status is not None:
        state.now().modified = status
    return state.now().modified


def exists(s: str) -> bool:
    """Whether a node or a knob is named so."""
    return graph.toNode(s) is not None or _at_root(s) is not None


def print_exception() -> None:
    """What Nuke does with an exception that nobody takes."""
    traceback.print_exc()


_CONSTANTS = {"INPUTS": 1, "HIDDEN_INPUTS": 2, "EXPRESSIONS": 4, "LINKINPUTS": 8, "TABBEGINGROUP": 1, "TABENDGROUP": -1}
_NOT_OFFERED = {"HIDDEN"}
"""Flags that scripts know and the module does not."""


def names() -> Dict[str, Any]:
    """Everything that `import nuke` gives."""
    session = state.now()
    major, minor, release = session.version
    found: Dict[str, Any] = {
        **_CONSTANTS,
        **{name: number for name, number in knobs.FLAGS.items() if name not in _NOT_OFFERED},
        **callbacks.functions(),
        "GUI": session.gui,
        "INTERACTIVE": session.gui,
        "NUKE_VERSION_MAJOR": major,
        "NUKE_VERSION_MINOR": minor,
        "NUKE_VERSION_RELEASE": release,
        "NUKE_VERSION_STRING": f"{major}.{minor}v{release}",
        "rawArgs": session.raw_args,
        "env": {"gui": session.gui, "NukeVersionMajor": major, "NukeVersionMinor": minor, "threads": 2},
        "nodes": graph.Nodes(),
        "Undo": undo.Undo,
        "ProgressTask": progress.ProgressTask,
        "formats": allFormats,
        "undo": undo_step,
        "redo": redo_step,
        "render": execute.execute,
        "expr": expression,
    }
    for kind in (*_KNOBS, Node, Group, Root, nodes.Gizmo, nodes.Info, nodes.FrameRange, formats.Format, Layer):
        found[kind.__name__] = kind
    for one in (menus.Menu, menus.MenuItem, menus.ToolBar, graph.NodeConstructor, graph.Nodes):
        found[one.__name__] = one
    for function in _FUNCTIONS:
        found[function.__name__] = function
    return found


_KNOBS = (
    knobs.Knob,
    knobs.String_Knob,
    knobs.EvalString_Knob,
    knobs.Multiline_Eval_String_Knob,
    knobs.File_Knob,
    knobs.Script_Knob,
    knobs.PyScript_Knob,
    knobs.Text_Knob,
    knobs.Tab_Knob,
    knobs.Channel_Knob,
    knobs.ChannelMask_Knob,
    knobs.Link_Knob,
    formats.Format_Knob,
    arrays.Array_Knob,
    arrays.Double_Knob,
    arrays.Unsigned_Knob,
    arrays.Int_Knob,
    arrays.Boolean_Knob,
    arrays.Disable_Knob,
    arrays.Enumeration_Knob,
    arrays.XY_Knob,
    arrays.WH_Knob,
    arrays.BBox_Knob,
    arrays.Color_Knob,
    arrays.AColor_Knob,
)
_FUNCTIONS: List[Callable[..., Any]] = [
    root,
    frame,
    thisNode,
    thisKnob,
    thisGroup,
    thisParent,
    thisClass,
    thisView,
    views,
    addView,
    deleteView,
    addFormat,
    layers,
    channels,
    filename,
    message,
    ask,
    tprint,
    warning,
    error,
    debug,
    critical,
    cancel,
    executing,
    expression,
    value,
    knobDefault,
    executeInMainThread,
    executeInMainThreadWithResult,
    pluginPath,
    pluginAddPath,
    pluginAppendPath,
    scriptReadText,
    show,
    modified,
    exists,
    scriptClear,
    scriptName,
    scriptOpen,
    scriptSave,
    scriptSaveAs,
    menus.menu,
    menus.toolbar,
    execute.execute,
    execute.executeMultiple,
    graph.createNode,
    graph.delete,
    graph.allNodes,
    graph.toNode,
    graph.selectedNode,
    graph.selectedNodes,
    graph.nodeCopy,
    graph.nodePaste,
]
