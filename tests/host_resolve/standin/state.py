"""What one run of the stand-in knows: its product, its quirks, and what it was asked.

Everything else reads and changes the session of `now()`; `begin()` starts a new one, as starting Resolve does.
"""

from __future__ import annotations

import contextlib
import itertools
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Set, Tuple

STUDIO, FREE = "DaVinci Resolve Studio", "DaVinci Resolve"


@dataclass
class Options:
    """Quirks, measured in the field or reported both ways; each stands as it breaks a careless caller sooner."""

    source_start_off_by_one: bool = True
    """GetSourceStartFrame reads one frame early on some items: here those whose in-point is odd."""
    sequences_count_from_start: bool = True
    """Whether source frames of an image sequence count from its first number, as two pipelines' scripts have it, or
    from 0, as of movies. Not documented."""
    marks_from_start: bool = True
    """Whether a timeline's in and out count from its start, as some scripts have it, or are its frames."""
    take_end_inclusive: bool = False
    """Whether AddTake's endFrame is the take's last frame, and not the one after. Nowhere documented."""
    complete_without_frames: bool = False
    """The next renders say Complete and write nothing."""
    lose_last_frame: bool = False
    """The next renders say Complete and write all but the last frame."""
    fail_after: int = -1
    """The next renders fail when they have written this many frames; -1: they do not."""
    disk_full_after: int = -1
    """The same, as a full disk does it: the last file is cut short."""
    polls_per_job: int = 2
    """How often GetRenderJobStatus says Rendering before a job is over."""
    import_fails: bool = False
    """ImportMedia makes nothing, as on a path that Resolve cannot see."""
    individual_frames: bool = False
    """Media Storage > Show Individual Frames: a sequence is imported as so many clips."""
    rates_are_numbers: bool = False
    """GetSetting("timelineFrameRate") gives a float, as newer versions do, and not the documented text."""
    lacking: Set[str] = field(default_factory=set)
    """Methods that this version does not have yet, as `TimelineItem.GetSourceStartTime`."""
    append_errors: bool = False
    """AppendToTimeline answers None; its items are there, and are gone when the project is saved. Measured."""
    take_fails: bool = False
    """AddTake says True and adds nothing."""


@dataclass
class Session:
    """One run of Resolve."""

    place: Path
    """A folder of its own: the scripting modules are below it."""
    product: str = STUDIO
    version: Tuple[int, int, int] = (21, 0, 2)
    gui: bool = True
    running: bool = True
    external: bool = True
    """Preferences > General > External scripting using: Local, and not None."""
    inside: bool = False
    """The caller runs from Workspace > Scripts."""
    options: Options = field(default_factory=Options)
    resolve: Any = None
    page: str = "edit"
    modal: str = ""
    """Text of the dialog that waits for a click; while it does, every call fails."""
    modals: List[str] = field(default_factory=list)
    """All that were shown."""
    calls: List[str] = field(default_factory=list)
    """Every call, as `Timeline.GetName`."""
    violations: List[str] = field(default_factory=list)
    """Calls that destroy what the artist made."""
    events: List[Tuple[str, Callable[[], None]]] = field(default_factory=list)
    windows: List[Any] = field(default_factory=list)
    """Windows of the UIManager, in the order made."""
    artist: List[Callable[[Any], None]] = field(default_factory=list)
    """What the artist does in each window when it waits: called once each with its dispatcher, in order."""
    printed: List[str] = field(default_factory=list)
    environment: Dict[str, Any] = field(default_factory=dict)
    ids: Iterator[int] = field(default_factory=itertools.count)
    quiet: int = 0

    def new_id(self) -> str:
        """A unique id, of the look of Resolve's, the same in every run."""
        return str(uuid.UUID(int=0x5E55_0000 + next(self.ids)))

    def meanwhile(self, call: str, act: Callable[[], None]) -> None:
        """The next time `Class.Method` is called, the artist does this just before."""
        self.events.append((call, act))

    def happen(self, call: str) -> None:
        """Notes a call, and lets the artist do what waits for it."""
        if self.quiet:
            return
        self.calls.append(call)
        for event in [one for one in self.events if one[0] == call]:
            self.events.remove(event)
            with self.unheard():
                event[1]()

    @contextlib.contextmanager
    def unheard(self) -> Iterator[None]:
        """Calls within are the artist's or the stand-in's own: neither noted nor stopped by a modal."""
        self.quiet += 1
        try:
            yield
        finally:
            self.quiet -= 1

    def gated(self, what: str) -> bool:
        """Whether a function of the Studio version may run; on the free one a modal comes up and stays."""
        if self.product == STUDIO:
            return True
        self.show_modal(f"You have reached a limitation with DaVinci Resolve: {what}")
        return False

    def show_modal(self, text: str) -> None:
        """A dialog that only a person can close."""
        self.modal = text
        self.modals.append(text)

    def click_away(self) -> None:
        """The artist closes the dialog."""
        self.modal = ""


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
    """Resolve has quit."""
    for one in _sessions:
        one.running = False
    _sessions.clear()
