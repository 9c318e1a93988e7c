"""What is to be restored: which clips, and exactly which of their frames each shows. Timeline frames and clip frames
are told apart by name: `record` and `duration` are the timeline's, `first` and `end` the clip's, from 0."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, List, Optional, Sequence, Tuple

from frdm_resolve import marks, timecode
from frdm_resolve.errors import ChoiceError, ClipError
from frdm_resolve.marks import Mark
from frdm_resolve.session import Open, can

if TYPE_CHECKING:
    from fusionscript import MediaPoolItem, Timeline, TimelineItem

READABLE = (".exr", ".dpx", ".tif", ".tiff")
"""Kinds of image sequence that the engine reads itself."""
_LISTED = re.compile(r"(.*)\[(\d+)-(\d+)\](\.\w+)")
WAYS_IN = ("current", "colour", "flag", "range", "timeline", "pool")


@dataclass(frozen=True)
class Media:
    """A clip of the media pool. `pattern` and `number` (of its first file) are a sequence's."""

    clip: MediaPoolItem
    unique: str
    name: str
    path: str
    pattern: str
    number: int
    frames: int
    rate: Fraction
    start: int
    """Timecode of its first frame, in frames from midnight."""
    drop: bool
    space: str
    size: Tuple[int, int]

    @property
    def direct(self) -> bool:
        """Whether the engine reads its files itself."""
        return bool(self.pattern) and Path(self.path).suffix.lower() in READABLE

    def code(self, frame: int) -> str:
        """The timecode of a frame of the clip."""
        return timecode.code(self.start + frame, self.rate, drop=self.drop)


@dataclass(frozen=True)
class Shot:
    """A clip, or the part of one that an item of the timeline shows."""

    media: Media
    first: int
    end: int
    item: Optional[TimelineItem] = None
    track: int = 0
    record: int = 0
    duration: int = 0
    name: str = ""

    def wide(self, handles: int) -> Tuple[int, int]:
        """First frame and the one after the last, with handles as far as the clip has them."""
        return max(0, self.first - handles), min(self.media.frames, self.end + handles)


def media_of(clip: MediaPoolItem) -> Media:
    """What Resolve tells of a clip.

    Raises:
        ClipError: it has no file, or Resolve does not say what is needed.
    """
    name = clip.GetName() or "A clip without a name"
    told = clip.GetClipProperty(None)
    if not isinstance(told, dict):
        raise ClipError(f"{name} is no longer in the media pool; choose it again.")
    path = str(told.get("File Path") or "")
    if not path:
        raise ClipError(f"{name} is a {told.get('Type') or 'clip'} without a file; restore the clips it is made of.")
    match = _LISTED.fullmatch(path)
    try:
        rate, code = timecode.rate(told.get("FPS") or ""), str(told.get("Start TC") or "")
        frames = int(told.get("Frames") or 0)
        wide, _, high = str(told.get("Resolution") or "").partition("x")
        start, size = timecode.frames(code, rate), (int(wide), int(high))
    except ValueError as error:
        raise ClipError(f"Resolve does not tell rate, timecode or size of {name} ({error}); relink it.") from error
    if match:
        pattern, number = f"{match[1]}%0{len(match[2])}d{match[4]}", int(match[2])
        if int(match[3]) - number + 1 != frames:
            raise ClipError(f"{name} has {frames} frames and is listed as {path}; files lack: bring them back first.")
    else:
        pattern, number = _single(path, frames)
    space = str(told.get("Input Color Space") or "")
    return Media(clip, clip.GetUniqueId(), name, path, pattern, number, frames, rate, start, ";" in code, space, size)


def _single(path: str, frames: int) -> Tuple[str, int]:
    """Pattern and number of a sequence of one file, which Resolve may list by its own name."""
    match = re.fullmatch(r"(.*?)(\d+)(\.\w+)", path)
    if match is None or frames != 1 or match[3].lower() not in READABLE:
        return "", 0
    return f"{match[1]}%0{len(match[2])}d{match[3]}", int(match[2])


def shot_of(opened: Open, track: int, item: TimelineItem) -> Shot:
    """What an item shows, of its original where it shows a result of ours.

    Raises:
        ClipError: the item cannot be restored in sync.
    """
    line, name = opened.line(), item.GetName()
    clip = item.GetMediaPoolItem()
    if not clip:
        raise ClipError(f"{name} on track {track} has no clip: titles, generators and transitions are not restored.")
    media = media_of(clip)
    mark = next((one for one in marks.read(item) if one.way == "take" and one.result == media.unique), None)
    line_rate = timecode.rate(line.GetSetting("timelineFrameRate"))
    record, duration = int(item.GetStart(False)), int(item.GetDuration(False))
    pace = media.rate / line_rate
    first = round(Fraction(float(item.GetLeftOffset(True))).limit_denominator(100_000) * pace)
    _same_speed(item, name, media, duration, line_rate, first)
    shot = Shot(media, first, first + math.ceil(duration * pace), item, track, record, duration, name)
    if mark is None:
        return replace(shot, end=min(shot.end, media.frames))
    original = marks.clip_of(opened.pool, mark.clip)
    if original is None:
        raise ClipError(f"The original of {name} is no longer in the media pool; bring it back first.")
    source = media_of(original)
    return replace(shot, media=source, first=first + mark.first, end=min(shot.end + mark.first, source.frames))


def _same_speed(item: TimelineItem, name: str, media: Media, duration: int, line_rate: Fraction, first: int) -> None:
    """Refuses what does not run forward at its own speed: scripts cannot place such a result in sync."""
    # At one rate the times are exact; at two, Resolve floors the duration to whole frames.
    slack = float(1 / min(media.rate, line_rate)) * (0.05 if media.rate == line_rate else 1.01)
    if can(item, "GetSourceStartTime"):
        begin, end = float(item.GetSourceStartTime()), float(item.GetSourceEndTime())
    else:
        # Frames may be off by one at either end, so that less is seen by them.
        begin, end = (float(one / media.rate) for one in (item.GetSourceStartFrame(), item.GetSourceEndFrame()))
        slack += float(1 / media.rate)
    seconds, wanted = end - begin, float(duration / line_rate)
    refused = f"{name} at {media.code(max(first, 0))} is retimed, and scripts cannot retime its result alike; "
    if begin == end == 0:
        raise ClipError(f"Resolve does not tell the speed of {name}; restore its clip from the media pool instead.")
    if abs(seconds - wanted) >= slack:
        raise ClipError(refused + "restore its clip from the media pool instead, and retime the result by hand.")
    early = int(item.GetSourceStartFrame())
    if min(abs(early - first), abs(early - first - media.number)) > 1:
        raise ClipError(refused + "restore its clip from the media pool instead, and retime the result by hand.")


def whole(clip: MediaPoolItem) -> Shot:
    """A clip of the media pool, all of it. Raises as `media_of`."""
    media = media_of(clip)
    return Shot(media, 0, media.frames, name=media.name)


def choose(opened: Open, way: str, *, value: str = "", names: Sequence[str] = ()) -> Tuple[List[Shot], List[str]]:
    """What is to be restored, and a sentence for each clip that cannot be.

    ``way`` is one of WAYS_IN; ``value`` is the colour or flag; ``names`` are those of media-pool clips, the selected
    ones where there are none.

    Raises:
        ChoiceError: nothing is found.
    """
    if way not in WAYS_IN:
        raise ChoiceError(f"There is no choice {way!r}; choose one of {', '.join(WAYS_IN)}.")
    if way == "pool":
        return _from_pool(opened, names)
    line = opened.line()
    if way == "current":
        item = line.GetCurrentVideoItem()
        if not item:
            raise ChoiceError("There is no clip at the playhead; put it on one in the Edit or Color page.")
        found = [(_track(line, item), item)]
    else:
        found = [one for one in marks.items(line) if one[1].GetMediaPoolItem()]
        if way == "colour":
            found = [one for one in found if (one[1].GetClipColor() or "").lower() == value.lower()]
        elif way == "flag":
            found = [one for one in found if _flagged(one[1], value)]
        elif way == "range":
            begin, end = _range(line)
            found = [one for one in found if one[1].GetStart(False) < end and one[1].GetEnd(False) > begin]
    if not found:
        raise ChoiceError(_nothing(way, value))
    return _shots(opened, found)


def _nothing(way: str, value: str) -> str:
    if way in ("colour", "flag"):
        return f"No clip of the timeline has the {way} {value or '(none was named)'}; give it to those to restore."
    where = "between the in and out point" if way == "range" else "on the timeline"
    return f"There is no clip {where}; choose another range."


def _track(line: Timeline, item: TimelineItem) -> int:
    unique = item.GetUniqueId()
    return next((track for track, one in marks.items(line) if one.GetUniqueId() == unique), 1)


def _flagged(item: TimelineItem, value: str) -> bool:
    flags = [one.lower() for one in item.GetFlagList() or []]
    clip = item.GetMediaPoolItem()
    flags += [one.lower() for one in (clip.GetFlagList() if clip else None) or []]
    return value.lower() in flags


def _range(line: Timeline) -> Tuple[int, int]:
    """In and out as frames of the timeline, the end not counted.

    They are told from the timeline's start or from midnight; a mark before the timeline's own first frame can only be
    the former.
    """
    told = (line.GetMarkInOut() or {}).get("video")
    if not told:
        raise ChoiceError("The timeline has no in and out point; set them with I and O, or choose another range.")
    begin, end, start = int(told.get("in", 0)), int(told.get("out", 0)), int(line.GetStartFrame())
    shift = start if end < start else 0
    return begin + shift, end + 1 + shift


def _from_pool(opened: Open, names: Sequence[str]) -> Tuple[List[Shot], List[str]]:
    if names:
        clips = [one for one in marks.clips(opened.pool) if one.GetName() in names]
        lacking = set(names) - {one.GetName() for one in clips}
        if lacking:
            raise ChoiceError(f"The media pool has no clip named {', '.join(sorted(lacking))}; look at its name there.")
    else:
        clips = list(opened.pool.GetSelectedClips() or [])
    if not clips:
        raise ChoiceError("No clip is selected in the media pool; select some, or name them.")
    shots, refused = [], []
    for clip in clips:
        if marks.read(clip):
            continue  # a result of ours
        try:
            shots.append(whole(clip))
        except ClipError as error:
            refused.append(str(error))
    return shots, refused


def _shots(opened: Open, found: List[Tuple[int, TimelineItem]]) -> Tuple[List[Shot], List[str]]:
    """The shots of items; a result of ours on a track above stands for its original."""
    everything = {item.GetUniqueId(): (track, item) for track, item in marks.items(opened.line())}
    shots, refused, seen = [], [], set()
    for chosen in found:
        mark = _placed(chosen[1])
        track, item = everything.get(mark.item, chosen) if mark is not None else chosen
        unique = item.GetUniqueId()
        if unique in seen:
            continue
        seen.add(unique)
        try:
            shots.append(shot_of(opened, track, item))
        except ClipError as error:
            refused.append(str(error))
    return shots, refused


def _placed(item: TimelineItem) -> Optional[Mark]:
    return next((one for one in marks.read(item) if one.way == "track"), None)
