"""A stand-in for DaVinci Resolve's scripting, as far as the adapter speaks with it: real EXR files, no interface.

```
session = standin.install(tmp_path)               # or product=standin.FREE, gui=False, external=False, inside=True
project = standin.project("Film", fps="24")       # as the artist makes it; a timeline "Edit" is open
standin.sequence(tmp_path / "a.%04d.exr", range(1001, 1049), timecode="01:02:00:00")
clip = standin.bring(tmp_path / "a.%04d.exr", 1001, 1048)
item = standin.cut(clip, track=1, first=10, last=33, at=86400)  # the clip's frames from 0, the last one within
standin.retime(item, 50)
import DaVinciResolveScript                       # once the adapter has set its path: session.modules, or the variables
before = standin.snapshot(project)                # to be compared with a later one
session.meanwhile("Project.AddRenderJob", act)    # the artist does something just before that call
standin.uninstall()
```

It follows what is documented and what was measured in the field, quirks included; where nothing is known, it does what
breaks a careless caller sooner, and a comment says so. `session.options` turns quirks on and off. What destroys the
artist's work is kept in `session.violations`, every call in `session.calls`.
"""

from __future__ import annotations

import math
import os
import runpy
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Tuple

import numpy as np

from tests.host_resolve.standin import exr, scripting, state, ui
from tests.host_resolve.standin import snapshot as _snapshot
from tests.host_resolve.standin.clips import MediaPoolItem
from tests.host_resolve.standin.exr import Picture
from tests.host_resolve.standin.items import Take, TimelineItem
from tests.host_resolve.standin.media import movie
from tests.host_resolve.standin.rendering import seen
from tests.host_resolve.standin.resolve import Resolve
from tests.host_resolve.standin.state import FREE, STUDIO, Options, Session
from tests.host_resolve.standin.timecode import from_frames, to_frames
from tests.host_resolve.standin.ui import close, pick, press

__all__ = [
    "FREE",
    "STUDIO",
    "Options",
    "Session",
    "bring",
    "close",
    "cut",
    "install",
    "movie",
    "pick",
    "picture",
    "press",
    "project",
    "retime",
    "run_script",
    "seen",
    "select",
    "sequence",
    "snapshot",
    "title",
    "uninstall",
]

_MODULES = ("DaVinciResolveScript", "fusionscript")
_VARIABLES = ("RESOLVE_SCRIPT_API", "RESOLVE_SCRIPT_LIB")
_kept: List[Any] = []


def install(
    place: Path,
    *,
    product: str = STUDIO,
    version: Tuple[int, int, int] = (21, 0, 2),
    gui: bool = True,
    external: bool = True,
    running: bool = True,
    inside: bool = False,
    variables: bool = True,
) -> Session:
    """Starts Resolve; a session that ran is over.

    Its modules lie below `place`. With `variables` the environment names them, as its manual asks for; sys.path is
    left to the caller.
    """
    uninstall()
    session = Session(place / "resolve", product, version, gui, running, external, inside)
    state.begin(session)
    scripting.lay_out(session.place)
    session.resolve = Resolve()
    session.resolve._fusion = ui.Fusion()
    _kept[:] = [{name: sys.modules.pop(name, None) for name in _MODULES}, list(sys.path)]
    _kept.append({name: os.environ.pop(name, None) for name in _VARIABLES})
    if variables:
        os.environ["RESOLVE_SCRIPT_API"] = str(session.place / "Developer" / "Scripting")
        os.environ["RESOLVE_SCRIPT_LIB"] = str(session.place / "libs" / "Fusion" / "fusionscript.so")
    return session


def uninstall() -> None:
    """Resolve has quit: modules, variables and sys.path are as they were; objects that are left come to nothing."""
    if not _kept:
        return
    modules, path, variables = _kept
    for name, before in modules.items():
        sys.modules.pop(name, None)
        if before is not None:
            sys.modules[name] = before
    for name, value in variables.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    sys.path[:] = path
    _kept.clear()
    state.end()


def project(name: str = "Film", *, fps: str = "24", timeline: str = "Edit", science: str = "davinciYRGB") -> Any:
    """The artist makes a project with a timeline, and both are open."""
    session = state.now()
    with session.unheard():
        made = session.resolve.GetProjectManager().CreateProject(name)
        made.SetSetting("timelineFrameRate", fps)
        made.SetSetting("colorScienceMode", science)
        made.GetMediaPool().CreateEmptyTimeline(timeline)
    return made


def picture(frame: int, *, width: int = 64, height: int = 48) -> Picture:
    """A picture that tells its frame: its upper left pixel is frame / 1024 in all channels, the rest is a texture."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = 0.5 + 0.25 * np.sin(rows / 5 + frame / 3) + 0.25 * np.cos(columns / 7)
    made = np.stack([waves, waves * 0.8, waves * 0.6], axis=-1).astype(np.float32)
    made[0, 0] = frame / 1024
    return made.astype(np.float16).astype(np.float32)


def sequence(
    pattern: Path, frames: Iterable[int], *, timecode: Optional[str] = None, fps: float = 24.0, **size: int
) -> Path:
    """Writes EXR files of a picture each; with a timecode of the first one, in the header of all."""
    numbers = list(frames)
    pattern.parent.mkdir(parents=True, exist_ok=True)
    start = to_frames(timecode, fps) if timecode else 0
    for at, number in enumerate(numbers):
        text = from_frames(start + at, fps) if timecode else None
        exr.write(Path(str(pattern) % number), picture(number, **size), timecode=text, fps=fps)
    return pattern


def bring(path: Path, first: int = 0, last: int = 0) -> Any:
    """The artist imports a sequence or a movie into the open project."""
    session = state.now()
    with session.unheard():
        pool = session.resolve.GetProjectManager().GetCurrentProject().GetMediaPool()
        asked: Any = str(path)
        if "%" in asked:
            asked = {"FilePath": asked, "StartIndex": first, "EndIndex": last}
        made = pool.ImportMedia([asked])
    if not made:
        raise RuntimeError(f"Resolve does not import {path}")
    return made[0]


def cut(clip: Any, *, first: int, last: int, at: int, track: int = 1) -> Any:
    """The artist places frames first to last of a clip (from 0, the last one within) on the current timeline."""
    session = state.now()
    with session.unheard():
        opened = session.resolve.GetProjectManager().GetCurrentProject()
        line = opened.GetCurrentTimeline()
        while line.GetTrackCount("video") < track:
            line.AddTrack("video")
        origin = clip._origin()
        info = {"mediaPoolItem": clip, "startFrame": first + origin, "endFrame": last + 1 + origin}
        made = opened.GetMediaPool().AppendToTimeline([{**info, "trackIndex": track, "recordFrame": at}])
    if not made or not made[0]._id:
        raise RuntimeError(f"Resolve does not place {clip._name} at {at}")
    return made[0]


def title(*, at: int, frames: int, track: int = 1) -> Any:
    """The artist puts a title on the current timeline: an item without a clip."""
    line = state.now().resolve._manager._current._current
    made = MediaPoolItem(line._project, None, "Text")
    made._endless = True
    item = TimelineItem(line._tracks["video"][track - 1], at, frames, Take(made, 0, frames))
    item._track.put(item)
    return item


def select(*clips: Any) -> None:
    """The artist selects clips in the media pool."""
    state.now().resolve._manager._current._pool._selected = list(clips)


def retime(item: TimelineItem, percent: int) -> None:
    """The artist gives an item a speed; its length on the timeline stays, its clip's range grows or shrinks."""
    length = item._length()
    item._speed = Fraction(percent, 100)
    take = item._take()
    take.end = take.start + math.ceil(length * item._pace())
    item._full = length


def run_script(path: Path) -> Dict[str, Any]:
    """The artist picks a script in Workspace > Scripts; its globals when it is through."""
    session = state.now()
    session.inside = True
    try:
        return runpy.run_path(str(path), init_globals=scripting.names(), run_name="__main__")
    finally:
        session.inside = False


def snapshot(project: Any) -> Dict[str, Any]:
    """All that there is in a project, in plain values."""
    with state.now().unheard():
        return _snapshot.of(project)
