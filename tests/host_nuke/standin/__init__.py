"""A stand-in for The Foundry's Nuke, as far as the adapter speaks with it: real graph, real EXR files, no interface.

```
session = standin.install()              # or gui=False, version=(14, 0, 0), raw_args=["nuke", "-x", "a.nk", "1-3"]
import nuke                              # the stand-in
read = nuke.nodes.Read(file="/tmp/p.%04d.exr", first=1, last=9, raw=True)
standin.press(node["restore_range"])     # as the artist does, an event of its own
standin.loop.run_until(lambda: node["status"].value() == "done", seconds=20)
standin.uninstall()
```

It follows what is documented of Nuke, quirks included; where nothing is, it does what breaks a careless caller sooner.
What would crash Nuke raises NukeCrash, and is kept in `session.violations`.

What no documentation tells, and is chosen so here:
- callbacks and buttons of a group have that group as the current one; onCreate of a group comes after its inside;
- knobChanged is called in the terminal too, and for every change by a script, never again for the same node within it;
- nuke.execute is refused within a render and knobChanged (`session.options` allows it), and for a Write that is off;
- a Write without a proxy name writes small images over the full one's name in proxy mode;
- names of channels and choices that are not known raise; a second knob of one name is refused;
- executeInMainThreadWithResult in the main thread or in the terminal hangs, so it crashes here;
- reading knobs from other threads is allowed, looking at pictures, sizes and errors is not.
Weaker than Nuke: proxies and Reformat take the nearest pixel, smooth keys are linear, knobs have no values of their own
for a view, EXR files hold one view, colours are converted in one case alone (see `colour`), there is no pixel cache.
"""

from __future__ import annotations

import sys
import threading
import types
from typing import Any, Iterable, List, Optional, Tuple

from tests.host_nuke.standin import api, callbacks, files, module, state, terminal, undo
from tests.host_nuke.standin.evaluate import Evaluation
from tests.host_nuke.standin.images import Image, Moment, OpError
from tests.host_nuke.standin.loop import loop
from tests.host_nuke.standin.mainthread import NukeCrash
from tests.host_nuke.standin.startup import start
from tests.host_nuke.standin.state import Session

__all__ = [
    "Image",
    "Moment",
    "NukeCrash",
    "OpError",
    "Session",
    "image",
    "install",
    "loop",
    "pick",
    "press",
    "settle",
    "start",
    "terminal",
    "uninstall",
]

_MODULES = ("nuke", "nukescripts")
_kept: List[Any] = []


def install(
    *, gui: bool = True, version: Tuple[int, int, int] = (15, 1, 0), raw_args: Optional[Iterable[str]] = None
) -> Session:
    """Starts a new session in this thread, and makes `import nuke` give the stand-in. One that ran is over."""
    uninstall()
    session = Session(gui=gui, version=version, raw_args=list(raw_args or ["nuke"]), main=threading.current_thread())
    state.begin(session)
    callbacks.reset()
    loop.clear()
    undo.store.clear()
    files.empty()
    nuke = types.ModuleType("nuke", "The stand-in for Nuke.")
    nuke.__dict__.update(module.names())
    scripts = types.ModuleType("nukescripts", "The stand-in for Nuke's scripts.")
    for name in ("executeInMainThread", "executeInMainThreadWithResult"):
        setattr(scripts, name, getattr(api, name))
    _kept[:] = [[sys.modules.get(name) for name in _MODULES], list(sys.path)]
    sys.modules["nuke"], sys.modules["nukescripts"] = nuke, scripts
    return session


def uninstall() -> None:
    """Nuke has quit: the modules are gone, sys.path is as it was."""
    if not _kept:
        return
    modules, path = _kept
    for name, before in zip(_MODULES, modules):
        if before is None:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = before
    sys.path[:] = path
    _kept.clear()
    state.end()


def settle(*, seconds: float = 20.0) -> None:
    """Lets the loop run until every thread that began in this session has ended: call it before uninstall().

    Raises:
        TimeoutError: one runs on.
    """
    before = state.now().threads
    loop.run_until(lambda: all(one in before for one in threading.enumerate()), seconds=seconds)


def press(button: Any) -> None:
    """The artist presses a button of a node: an event of its own. What its script raises comes out."""
    with loop.press_held():
        button.execute()


def pick(knob: Any, value: Any) -> None:
    """The artist sets a knob in a panel.

    Raises:
        RuntimeError: the panel does not show it, or it is greyed out.
    """
    if not knob.visible() or not knob.enabled():
        raise RuntimeError(f"The artist cannot change {knob.fullyQualifiedName()}")
    with loop.press_held():
        knob.setValue(value)


def image(node: Any, frame: float, *, view: str = "main", scale: float = 1.0) -> Image:
    """The image of a node.

    Raises:
        OpError: a node that it needs is in error.
    """
    return Evaluation().image(node, Moment(float(frame), view, scale))
