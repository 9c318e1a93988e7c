"""Plug-in folders, and what runs in them when Nuke starts."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path
from typing import List, Union

from tests.host_nuke.standin import state


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
    """Starts Nuke with these plug-in folders: each init.py, in the GUI each menu.py after it. (The stand-in's own.)"""
    for folder in folders:
        pluginAddPath(folder)
        run_start(folder, "init.py")
    if state.now().gui:
        for folder in reversed(state.now().plugin_path):
            run_start(folder, "menu.py")
