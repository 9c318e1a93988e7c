"""Taking results out of a project again: only what the adapter placed, told by its marks. Files stay on the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Optional, Set

from frdm_resolve import importing, marks
from frdm_resolve.errors import AdapterError
from frdm_resolve.runs import Outcome, undo
from frdm_resolve.session import Open

if TYPE_CHECKING:
    from fusionscript import Timeline


def remove(opened: Open, *, only: Optional[str] = None) -> List[Outcome]:
    """Takes out the results on the open timeline, then their clips where no other timeline shows them.

    ``only`` is the unique id of an original item: then just its results. Takes that the artist made, markers,
    tracks with anything else on them, and the originals stay.

    Raises:
        SessionError: another project is open by now.
    """
    opened.check()
    found: List[Outcome] = []
    if opened.timeline:
        # From above, so that a track that was made last goes first.
        for _, item in reversed(list(marks.items(opened.line()))):
            for mark in reversed(marks.read(item)):
                if mark.way == "bin" or (only is not None and mark.item != only):
                    continue
                if mark.way == "track" and mark.item == item.GetUniqueId():
                    continue
                name = item.GetName()
                try:
                    undo(opened, item, mark)
                except AdapterError as error:
                    found.append(Outcome(name, "failed", str(error)))
                    continue
                found.append(Outcome(name, "done", f"{name}: its restored {_what(mark.way)} is taken out."))
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


def _what(way: str) -> str:
    return "take" if way == "take" else "clip on the track above"


def _in_use(opened: Open) -> Set[str]:
    """Unique ids of the clips that any timeline shows, takes that are not selected included."""
    found: Set[str] = set()
    for index in range(1, opened.project.GetTimelineCount() + 1):
        line: Optional[Timeline] = opened.project.GetTimelineByIndex(index)
        for _, item in marks.items(line) if line else ():
            clip = item.GetMediaPoolItem()
            shown = [clip] if clip else []
            shown += [
                (item.GetTakeByIndex(take) or {}).get("mediaPoolItem")
                for take in range(1, (item.GetTakesCount() or 0) + 1)
            ]
            found |= {one.GetUniqueId() for one in shown if one}
    return found
