"""The table of all that `import nuke` gives."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Tuple

from tests.host_nuke.standin import (
    api,
    arrays,
    callbacks,
    channels,
    execute,
    files,
    formats,
    graph,
    knobs,
    menus,
    nodes,
    numeric,
    progress,
    ranges,
    startup,
    state,
    texts,
    undo,
)

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
        "formats": api.allFormats,
        "undo": api.undo_step,
        "redo": api.redo_step,
        "render": execute.execute,
        "expr": api.expression,
    }
    named: Tuple[Any, ...] = (*_KNOBS, *_CLASSES, *_FUNCTIONS)
    for one in named:
        found[one.__name__] = one
    return found


_KNOBS = (
    knobs.Knob,
    texts.String_Knob,
    texts.EvalString_Knob,
    texts.Multiline_Eval_String_Knob,
    texts.File_Knob,
    texts.Script_Knob,
    texts.PyScript_Knob,
    texts.Text_Knob,
    texts.Tab_Knob,
    channels.Channel_Knob,
    channels.ChannelMask_Knob,
    channels.Link_Knob,
    formats.Format_Knob,
    arrays.Array_Knob,
    numeric.Double_Knob,
    numeric.Unsigned_Knob,
    numeric.Int_Knob,
    numeric.Boolean_Knob,
    numeric.Disable_Knob,
    numeric.Enumeration_Knob,
    numeric.XY_Knob,
    numeric.WH_Knob,
    numeric.BBox_Knob,
    numeric.Color_Knob,
    numeric.AColor_Knob,
)
_CLASSES = (
    nodes.Node,
    nodes.Group,
    nodes.Root,
    nodes.Gizmo,
    ranges.Info,
    ranges.FrameRange,
    formats.Format,
    api.Layer,
    menus.Menu,
    menus.MenuItem,
    menus.ToolBar,
    graph.NodeConstructor,
    graph.Nodes,
)
_FUNCTIONS: List[Callable[..., Any]] = [
    api.root,
    api.frame,
    api.thisNode,
    api.thisKnob,
    api.thisGroup,
    api.thisParent,
    api.thisClass,
    api.thisView,
    api.views,
    api.addView,
    api.deleteView,
    api.addFormat,
    api.layers,
    api.channels,
    api.filename,
    api.message,
    api.ask,
    api.tprint,
    api.warning,
    api.error,
    api.debug,
    api.critical,
    api.cancel,
    api.executing,
    api.expression,
    api.value,
    api.knobDefault,
    api.executeInMainThread,
    api.executeInMainThreadWithResult,
    startup.pluginPath,
    startup.pluginAddPath,
    startup.pluginAppendPath,
    api.scriptReadText,
    api.show,
    api.modified,
    api.exists,
    files.scriptClear,
    files.scriptName,
    files.scriptOpen,
    files.scriptSave,
    files.scriptSaveAs,
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
