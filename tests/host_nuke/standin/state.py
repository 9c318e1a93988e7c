"""What one session of the stand-in knows: its script, its options, and what it was asked to show.

Everything else reads and changes the session of `now()`; `begin()` starts a new one, as starting Nuke does.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

SHIPPED_LAYERS: Dict[str, List[str]] = {
    "rgba": ["rgba.red", "rgba.green", "rgba.blue", "rgba.alpha"],
    "rgb": ["rgba.red", "rgba.green", "rgba.blue"],
    "alpha": ["rgba.alpha"],
    "depth": ["depth.Z"],
    "motion": ["forward.u", "forward.v", "backward.u", "backward.v"],
    "forward": ["forward.u", "forward.v"],
    "backward": ["backward.u", "backward.v"],
    "mask": ["mask.a"],
}


@dataclass
class Options:
    """How strict the stand-in is where Nuke is reported both ways."""

    nested_execute: bool = False
    """Whether nuke.execute may be called while it runs. The field reports both; refused unless told."""
    execute_in_knob_changed: bool = False
    """The same within knobChanged: reported as refused."""


@dataclass
class Session:
    """One run of Nuke."""

    gui: bool = True
    version: Tuple[int, int, int] = (15, 1, 0)
    raw_args: List[str] = field(default_factory=list)
    main: threading.Thread = field(default_factory=threading.current_thread)
    threads: List[threading.Thread] = field(default_factory=threading.enumerate)
    """Those that ran before it."""
    options: Options = field(default_factory=Options)
    root: Any = None
    context: List[Dict[str, Any]] = field(default_factory=list)
    """Innermost last: `node`, `knob` and `frame` of the callback or evaluation that runs, `group` of a `with group`."""
    layers: Dict[str, List[str]] = field(default_factory=lambda: {k: list(v) for k, v in SHIPPED_LAYERS.items()})
    formats: List[Any] = field(default_factory=list)
    plugin_path: List[str] = field(default_factory=list)
    running_init: List[str] = field(default_factory=list)
    """Folders of the init.py files that run just now, the innermost last."""
    violations: List[str] = field(default_factory=list)
    """What would have crashed Nuke."""
    messages: List[str] = field(default_factory=list)
    """Panels shown by nuke.message and nuke.alert."""
    questions: List[str] = field(default_factory=list)
    answer: Callable[[str], bool] = lambda _: True
    """What the artist says to nuke.ask."""
    printed: List[str] = field(default_factory=list)
    console: List[str] = field(default_factory=list)
    """The error console: nuke.warning, nuke.error, and what went wrong in callbacks."""
    tasks: List[Any] = field(default_factory=list)
    """Every ProgressTask made."""
    panels: List[str] = field(default_factory=list)
    """Full names of the nodes whose control panel is open."""
    clipboard: str = ""
    executing: int = 0
    cancelled: bool = False
    """The artist has pressed Cancel in the progress bar of a render."""
    cancel_at: Optional[int] = None
    """Press it when this frame is rendered."""
    knob_changing: List[Any] = field(default_factory=list)
    """Nodes whose knobChanged runs."""
    loading: int = 0
    view: str = "main"
    modified: bool = False
    stirred: bool = False
    """Something has changed since updateUI ran last."""
    rendered: List[Tuple[str, int, str]] = field(default_factory=list)
    """Name of the Write, frame and view of all that was rendered, in order."""
    knob_defaults: Dict[str, str] = field(default_factory=dict)
    menus: Dict[str, Any] = field(default_factory=dict)

    @contextlib.contextmanager
    def within(self, **what: Any) -> Iterator[None]:
        """Sets nuke.thisNode() and the like meanwhile."""
        self.context.append(what)
        try:
            yield
        finally:
            self.context.pop()

    def current(self, what: str) -> Any:
        """The innermost of a kind, or None."""
        return next((one[what] for one in reversed(self.context) if what in one), None)


_sessions: List[Session] = []


def now() -> Session:
    """The session that runs."""
    if not _sessions:
        raise RuntimeError("No stand-in runs; call standin.install() first.")
    return _sessions[-1]


def begin(session: Session) -> None:
    """Makes it the session that runs."""
    _sessions[:] = [session]


def end() -> None:
    """Nuke has quit."""
    _sessions.clear()
