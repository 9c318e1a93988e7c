"""Opening, saving and clearing scripts, with the callbacks in their order."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional, Union

from tests.host_nuke.standin import callbacks, classes, formats, mainthread, script, state, undo


def new_root() -> Any:
    """An empty script. (The stand-in's own.)"""
    kind = classes.of("Root")
    return kind.python(kind, None)


def empty() -> None:
    """The script is empty, with no callback called. (The stand-in's own.)"""
    session = state.now()
    if session.root is not None:
        for node in session.root._all_nodes():
            node._deleted = True
    session.root = None
    session.root = new_root()
    if not session.formats:
        for text in formats.SHIPPED:
            formats.add(text)
    session.layers = {name: list(channels) for name, channels in state.SHIPPED_LAYERS.items()}
    session.panels.clear()
    session.view = "main"
    session.modified = False
    undo.store.clear()


def scriptClear(*_: Any) -> None:
    """Closes the script and begins an empty one: onScriptClose, then onDestroy of each node."""
    mainthread.check("nuke.scriptClear")
    root = state.now().root
    callbacks.call_safely("OnScriptClose", root)
    for node in root._all_nodes():
        callbacks.call_safely("OnDestroy", node)
    empty()


def scriptOpen(filename: Optional[str] = None) -> None:
    """Opens a script: onCreate of each node, then onScriptLoad. Nuke lets an open one stay; the stand-in closes it.

    Raises:
        RuntimeError: there is no such file, or it is no script.
    """
    mainthread.check("nuke.scriptOpen")
    path = Path(str(filename))
    if not path.is_file():
        raise RuntimeError(f"{filename}: No such file or directory")
    scriptClear()
    session = state.now()
    session.root.knobs()["name"]._restore(str(path).replace("\\", "/"))
    script.read(path.read_text(encoding="utf-8"), session.root)
    # The file may have been moved since it was saved.
    session.root.knobs()["name"]._restore(str(path).replace("\\", "/"))
    session.modified = False
    callbacks.call_safely("OnScriptLoad", session.root)


def scriptSave(filename: Optional[str] = None) -> bool:
    """Saves the script: onScriptSave first.

    Raises:
        RuntimeError: it has no name.
    """
    mainthread.check("nuke.scriptSave")
    session = state.now()
    if filename is not None:
        session.root.knobs()["name"]._restore(str(filename).replace("\\", "/"))
    if not str(session.root["name"].value()):
        raise RuntimeError("The script has no name")
    callbacks.call_safely("OnScriptSave", session.root)
    Path(str(session.root["name"].value())).write_text(script.written(session.root), encoding="utf-8")
    session.modified = False
    return True


def scriptSaveAs(filename: Optional[str] = None, overwrite: Union[int, bool] = -1) -> None:
    """Saves under another name; over a file that is there only if told.

    Raises:
        RuntimeError: a file is there, or no name was told.
    """
    if filename is None:
        raise RuntimeError("no filename")
    if Path(filename).exists() and overwrite != 1 and not state.now().gui:
        raise RuntimeError(f"{filename}: file exists")
    scriptSave(filename)


def scriptName() -> str:
    """File of the script.

    Raises:
        RuntimeError: it was not saved yet.
    """
    name = str(state.now().root["name"].value())
    if not name:
        raise RuntimeError("no script name, the script has not been saved yet")
    return name
