"""Taking results out of a project again: only what the adapter placed, told by its marks. Files stay on the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Optional, Set

from frdm_resolve import importing, marks, placement
from frdm_resolve.errors import AdapterError
from frdm_resolve.runs import Outcome, undo
from frdm_resolve.session import Open

if TYPE_CHECKING:
    from fusionscript import Timeline


def remove(opened: Open, *, only: Optional[str] = None) -> List[Outcome]:
    """Takes the results out of every timeline of the project, then their clips out of the media pool.

    ``only`` is the unique id of an original item: then just its results. Takes that the artist made, markers,
    tracks with anything else on them, and the originals stay, and the timeline that is open stays open.

    Raises:
        SessionError: another project is open by now.
    """
    opened.check()
    found: List[Outcome] = []
    shown = opened.project.GetCurrentTimeline()
    try:
        for line in _lines(opened):
            found += _off(opened, line, only)
    finally:
        if shown:
            opened.project.SetCurrentTimeline(shown)
    made_bin = False
    used = _in_use(opened)
    for clip in list(marks.clips(opened.pool)):
        own = [mark for mark in marks.read(clip) if mark.result == clip.GetUniqueId()]
        if not own or (only is not None and own[0].item != only):
            continue
        name = clip.GetName()
        if clip.GetUniqueId() in used:
            found.append(Outcome(name, "kept", f"{name} stays in the media pool: a timeline still shows it."))
            continue
        made_bin = made_bin or own[0].made_bin
        opened.pool.DeleteClips([clip])
        if own[0].way == "bin":
            found.append(Outcome(name, "done", f"{name} is taken out of the media pool."))
    if made_bin:
        importing.empty_bin(opened.pool)
    return found


def _lines(opened: Open) -> List[Timeline]:
    """Every timeline of the project; one that cannot be had is passed over."""
    every = [opened.project.GetTimelineByIndex(index + 1) for index in range(opened.project.GetTimelineCount())]
    return [line for line in every if line]


def _off(opened: Open, line: Timeline, only: Optional[str]) -> List[Outcome]:
    """Takes the results out of one timeline, which is opened for it if it holds any."""
    found: List[Outcome] = []
    # From above, so that a track that was made last goes first.
    for _, item in reversed(list(marks.items(line))):
        for mark in reversed(marks.read(item)):
            if mark.way == "bin" or (only is not None and mark.item != only):
                continue
            if mark.way == "track" and mark.item == item.GetUniqueId():
                continue
            name = item.GetName()
            try:
                placement.make_current(opened, line)
                undo(opened, line, item, mark)
            except AdapterError as error:
                found.append(Outcome(name, "failed", str(error)))
                continue
            found.append(Outcome(name, "done", f"{name}: its restored {_what(mark.way)} is taken out."))
    return found


def _what(way: str) -> str:
    return "take" if way == "take" else "clip on the track above"


def _in_use(opened: Open) -> Set[str]:
    """Unique ids of the clips that any timeline shows, takes that are not selected included."""
    found: Set[str] = set()
    for line in _lines(opened):
        for _, item in marks.items(line):
            clip = item.GetMediaPoolItem()
            shown = [clip] if clip else []
            shown += [
                (item.GetTakeByIndex(take) or {}).get("mediaPoolItem")
                for take in range(1, (item.GetTakesCount() or 0) + 1)
            ]
            found |= {one.GetUniqueId() for one in shown if one}
    return found
