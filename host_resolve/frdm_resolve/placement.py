"""A result beside its original on the timeline. What Resolve answers is not believed: the timeline is read back."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Iterator, List, Optional, Tuple

from frdm_resolve import marks, timecode
from frdm_resolve.clips import Media, Shot
from frdm_resolve.errors import PlacementError
from frdm_resolve.session import Open

if TYPE_CHECKING:
    from fusionscript import MediaPoolClipInfo, Timeline, TimelineItem


@dataclass(frozen=True)
class Placed:
    """Where a result lies: its item, or the original with a new take."""

    item: TimelineItem
    before: str = ""
    selector: bool = False
    made_track: bool = False


def in_sync(item: TimelineItem, shot: Shot, shift: int, line: Timeline) -> bool:
    """Whether an item that shows the result lies as its original does, and shows the same source frames.

    `shift` is the source's frame that the result's first one shows.
    """
    pace = shot.media.rate / timecode.rate(line.GetSetting("timelineFrameRate"))
    left = round(Fraction(float(item.GetLeftOffset(True))).limit_denominator(100_000) * pace)
    return (
        int(item.GetStart(False)) == shot.record
        and int(item.GetDuration(False)) == shot.duration
        and left + shift == shot.first
    )


def on_track(opened: Open, shot: Shot, result: Media, shift: int) -> Placed:
    """Places a result on a track above its original.

    Raises:
        PlacementError: it does not lie there in sync; what was placed is taken out again.
        SessionError: another project is open by now.
    """
    opened.check()
    line = opened.line()
    track, made = _free_track(line, shot)
    item = None
    try:
        item = _appended(opened, line, shot, result, shift, track)
    finally:
        if item is None and made and not line.GetItemListInTrack("video", track):
            line.DeleteTrack("video", track)
    if item is None:
        raise PlacementError(
            f"Resolve did not place the result of {shot.name} in sync on track {track}; it was taken out again: choose "
            "a media-pool clip as the place, and lay it over the original by hand."
        )
    return Placed(item, made_track=made)


def _appended(
    opened: Open, line: Timeline, shot: Shot, result: Media, shift: int, track: int
) -> Optional[TimelineItem]:
    for start, end in _ranges(shot, result, shift):
        info: MediaPoolClipInfo = {
            "mediaPoolItem": result.clip,
            "startFrame": start,
            "endFrame": end,
            "mediaType": 1,
            "trackIndex": track,
            "recordFrame": shot.record,
        }
        before = {item.GetUniqueId() for _, item in marks.items(line)}
        if _append(opened, line, info, result):
            _append(opened, line, info, result)  # the artist switched in between: what fell elsewhere is taken off
        # The artist may have put something there in that moment: only what shows the result is ours.
        new = [(at, item) for at, item in showing(line, result.unique) if item.GetUniqueId() not in before]
        if len(new) == 1 and new[0][0] == track and in_sync(new[0][1], shot, shift, line):
            return new[0][1]
        delete(opened, line, [item for _, item in new])
    return None


def _append(opened: Open, line: Timeline, info: MediaPoolClipInfo, result: Media) -> bool:
    """Appends to a timeline, and shows again the one that the artist had open; True where it went elsewhere."""
    shown = opened.project.GetCurrentTimeline()
    make_current(opened, line)
    opened.pool.AppendToTimeline([info])  # type: ignore[arg-type]  # its overload is misspelt in the stubs
    strayed = _strays(opened, line, result)
    if shown and shown.GetUniqueId() != line.GetUniqueId() and not strayed:
        opened.project.SetCurrentTimeline(shown)
    return strayed


def _ranges(shot: Shot, result: Media, shift: int) -> Iterator[Tuple[int, int]]:
    """Start and end, not counted, as Resolve may count them: from the first file's number, or from 0.

    At mixed rates it floors the duration, so that one frame more is tried, too.
    """
    for origin in dict.fromkeys((result.number, 0)):
        for more in (0, 1):
            end = shot.end - shift + more
            if end <= result.frames:
                yield shot.first - shift + origin, end + origin


def make_current(opened: Open, line: Timeline) -> None:
    """Appending goes to the current timeline, whichever the artist has opened meanwhile."""
    current = opened.project.GetCurrentTimeline()
    if current and current.GetUniqueId() == line.GetUniqueId():
        return
    opened.project.SetCurrentTimeline(line)
    current = opened.project.GetCurrentTimeline()
    if not current or current.GetUniqueId() != line.GetUniqueId():
        raise PlacementError(f"The timeline {line.GetName()} is no longer there; open it and run FRDM Restore again.")


def _strays(opened: Open, line: Timeline, result: Media) -> bool:
    """Takes the result off another timeline, where it fell because the artist switched in that very moment."""
    current = opened.project.GetCurrentTimeline()
    if not current or current.GetUniqueId() == line.GetUniqueId():
        return False
    delete(opened, current, [item for _, item in showing(current, result.unique)])
    return True


def showing(line: Timeline, unique: str) -> List[Tuple[int, TimelineItem]]:
    """The items of a timeline that show a clip, with their tracks."""
    found = []
    for track, item in marks.items(line):
        clip = item.GetMediaPoolItem()
        if clip and clip.GetUniqueId() == unique:
            found.append((track, item))
    return found


def _free_track(line: Timeline, shot: Shot) -> Tuple[int, bool]:
    """The next track above that is free, over earlier results of the same original; else a new one in between."""
    if shot.item is None:
        raise PlacementError(f"{shot.name} is not on the timeline; choose a media-pool clip as the place.")
    unique, count = shot.item.GetUniqueId(), line.GetTrackCount("video")
    track = shot.track + 1
    while track <= count:
        there = [one for one in line.GetItemListInTrack("video", track) or [] if _over(one, shot)]
        if not there and not line.GetIsTrackLocked("video", track):
            return track, False
        if not there or not all(any(mark.item == unique for mark in marks.read(one)) for one in there):
            break
        track += 1
    if track > count:
        line.AddTrack("video")  # type: ignore[call-overload]  # the second argument is for audio, says the README
    else:
        line.AddTrack("video", {"index": track})
    if line.GetTrackCount("video") != count + 1 or line.GetItemListInTrack("video", track):
        raise PlacementError(f"Resolve adds no video track above track {shot.track}; add one, then run this again.")
    return track, True


def _over(item: TimelineItem, shot: Shot) -> bool:
    return item.GetStart(False) < shot.record + shot.duration and item.GetEnd(False) > shot.record


def as_take(opened: Open, shot: Shot, result: Media, shift: int) -> Placed:
    """Adds a result as a take of its original, and selects it; the original stays the take it was.

    Raises:
        PlacementError: it is not there in sync; what was added is taken out again.
        SessionError: another project is open by now.
    """
    opened.check()
    line, item = opened.line(), shot.item
    if item is None:
        raise PlacementError(f"{shot.name} is not on the timeline; choose a media-pool clip as the place.")
    if line.GetIsTrackLocked("video", shot.track):
        raise PlacementError(f"Track {shot.track}, where {shot.name} lies, is locked; unlock it, then run this again.")
    selector, picked = item.GetTakesCount() > 0, max(1, item.GetSelectedTakeIndex())
    shown = item.GetMediaPoolItem()
    before = shown.GetUniqueId() if shown else ""
    for origin in dict.fromkeys((result.number, 0)):
        start, end = shot.first - shift + origin, shot.end - shift + origin
        # Whether the last frame or the one after it is meant is nowhere told: the shorter is tried first.
        for stop in (end - 1, end):
            count = max(1, item.GetTakesCount())
            item.AddTake(result.clip, start, stop)
            index = item.GetTakesCount()
            if index != count + 1 or not _is_take(item, index, result):
                continue
            item.SelectTakeByIndex(index)
            if item.GetSelectedTakeIndex() == index and in_sync(item, shot, shift, line):
                return Placed(item, before=before, selector=selector)
            item.SelectTakeByIndex(picked)
            item.DeleteTakeByIndex(index)
    close_selector(item, selector)
    raise PlacementError(
        f"Resolve did not add the result of {shot.name} as a take in sync; it was taken out again: choose a track "
        "above as the place."
    )


def _is_take(item: TimelineItem, index: int, result: Media) -> bool:
    clip = (item.GetTakeByIndex(index) or {}).get("mediaPoolItem")
    return bool(clip) and clip.GetUniqueId() == result.unique


def close_selector(item: TimelineItem, had: bool) -> None:
    """Closes a take selector that was not there before. Finalizing throws away all other takes, so only of one."""
    if not had and item.GetTakesCount() == 1:
        item.FinalizeTake()


def take_of(item: TimelineItem, clip: str) -> int:
    """The number of the take that shows a clip; 0: none."""
    for index in range(1, (item.GetTakesCount() or 0) + 1):
        found = (item.GetTakeByIndex(index) or {}).get("mediaPoolItem")
        if found and found.GetUniqueId() == clip:
            return index
    return 0


def delete(opened: Open, line: Timeline, items: List[TimelineItem]) -> None:
    """Deletes items of a timeline without moving any other.

    Raises:
        PlacementError: one is still there.
    """
    ids = {one.GetUniqueId() for one in items}
    for attempt in (1, 2):
        left = [item for _, item in marks.items(line) if item.GetUniqueId() in ids]
        if not left:
            return
        if attempt == 2:
            opened.session.resolve.OpenPage("edit")  # on some pages deleting comes to nothing
        line.DeleteClips(left, False)
    if any(item.GetUniqueId() in ids for _, item in marks.items(line)):
        raise PlacementError(f"Resolve does not delete a result on {line.GetName()}; unlock its track and try again.")
