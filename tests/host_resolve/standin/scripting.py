"""How scripts reach Resolve: the module DaVinciResolveScript, `bmd`, and what Resolve puts into a script it runs.

From outside, scriptapp() gives None where Resolve is not running, does not allow it, or is the free version. Since 21.1
Python from inside needs the Studio version as well.
"""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any, Dict

from tests.host_resolve.standin import state, ui

SOURCE = '''"""Blackmagic's module: it becomes the library that it loads."""
import os
import sys

if not os.path.isfile(os.environ.get("RESOLVE_SCRIPT_LIB") or {library!r}):
    raise ImportError("Could not locate module dependencies")
from tests.host_resolve.standin import scripting

sys.modules[__name__] = scripting.module()
'''


def lay_out(place: Path) -> None:
    """Puts the modules and the library where an installation has them."""
    modules = place / "Developer" / "Scripting" / "Modules"
    modules.mkdir(parents=True, exist_ok=True)
    library = place / "libs" / "Fusion" / "fusionscript.so"
    library.parent.mkdir(parents=True, exist_ok=True)
    library.write_bytes(b"")
    (modules / "DaVinciResolveScript.py").write_text(SOURCE.format(library=str(library)), encoding="utf-8")


def scriptapp(name: str, *_: Any) -> Any:
    """The application, or None."""
    session = state.now()
    if not session.running:
        return None
    studio = session.product == state.STUDIO
    reachable = session.inside and (studio or session.version < (21, 1, 0))
    if not reachable and not (studio and session.external):
        return None
    if name == "Resolve":
        return session.resolve
    return session.resolve._fusion if name == "Fusion" else None


def module() -> types.ModuleType:
    """fusionscript, which scripts know as bmd."""
    made = types.ModuleType("fusionscript", "The stand-in for fusionscript.")
    made.scriptapp = scriptapp  # type: ignore[attr-defined]
    made.UIDispatcher = ui.dispatcher  # type: ignore[attr-defined]
    return made


def names() -> Dict[str, Any]:
    """What Resolve puts into a script run from Workspace > Scripts."""
    session = state.now()
    resolve = scriptapp("Resolve")
    fusion = session.resolve._fusion if resolve is not None else None
    return {"resolve": resolve, "fusion": fusion, "fu": fusion, "app": resolve, "bmd": module()}
