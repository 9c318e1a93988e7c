"""Items of a timeline: where they lie, what they show of which clip, and their takes."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Union

from tests.host_resolve.standin import timecode
from tests.host_resolve.standin.clips import MediaPoolItem
from tests.host_resolve.standin.marks import Flagged
from tests.host_resolve.standin.remote import call

if TYPE_CHECKING:
    from tests.host_resolve.standin.timelines import Timeline, Track

PROPERTIES: Dict[str, Any] = {
    "Pan": 0.0,
    "Tilt": 0.0,
    "ZoomX": 1.0,
    "ZoomY": 1.0,
    "ZoomGang": True,
    "RotationAngle": 0.0,
    "FlipX": False,
    "FlipY": False,
    "CropLeft": 0.0,
    "CropRight": 0.0,
    "CropTop": 0.0,
    "CropBottom": 0.0,
    "CompositeMode": 0,
    "Opacity": 100.0,
    "RetimeProcess": 0,
    "MotionEstimation": 0,
    "Scaling": 0,
    "ResizeFilter": 0,
}
"""None of them is the speed: neither reading nor setting it is possible."""


@dataclass
class Take:
    """A range of a clip, in its own frames, from 0; the end is the frame after the last."""

    clip: MediaPoolItem
    start: int
    end: int


class TimelineItem(Flagged):
    """A clip on a track. Its frames are the timeline's, `speed` is 1 where it is not retimed."""

    def __init__(self, track: Track, start: int, duration: int, take: Take) -> None:
        super().__init__()
        self._track = track
        self._start = start
        self._full = duration
        self._takes = [take]
        self._picked = 0
        self._selector = False
        self._speed = Fraction(1)
        self._enabled = True
        self._name = take.clip._name
        self._properties = dict(PROPERTIES)
        self._gain = 1.0
        self._linked: List[TimelineItem] = []

    def _lost(self) -> bool:
        return not self._alive or self not in self._track.items

    def _line(self) -> Timeline:
        return self._track.line

    def _fixed(self) -> bool:
        return self._track.locked

    def _take(self) -> Take:
        return self._takes[self._picked]

    def _clip(self) -> MediaPoolItem:
        return self._take().clip

    def _pace(self, take: Optional[Take] = None) -> Fraction:
        """Frames of the clip to one of the timeline."""
        media = (take or self._take()).clip._media
        rate = media.rate if media is not None else self._line()._rate()
        return self._speed * rate / self._line()._rate()

    def _length(self) -> int:
        # A take shorter than the item leaves a gap at its end, a longer one does not move what follows. Not documented.
        take = self._take()
        return min(self._full, int((take.end - take.start) / self._pace(take)))

    def _end(self) -> int:
        return self._start + self._length()

    def _source_end(self) -> int:
        """The clip's frame after the last shown."""
        take = self._take()
        if int((take.end - take.start) / self._pace()) == self._length():
            return take.end
        return take.start + int(self._length() * self._pace())

    def _source(self, frame: int) -> int:
        """The clip's frame shown at one of the timeline."""
        return self._take().start + int((frame - self._start) * self._pace())

    def _origin(self) -> int:
        return self._clip()._origin()

    @call
    def GetName(self) -> str:
        return self._name

    @call
    def SetName(self, name: str) -> bool:
        if not name or self._fixed():
            return False
        self._name = name
        return True

    @call
    def GetDuration(self, subframe_precision: bool = False) -> Any:
        return float(self._length()) if subframe_precision else self._length()

    @call
    def GetStart(self, subframe_precision: bool = False) -> Any:
        return float(self._start) if subframe_precision else self._start

    @call
    def GetEnd(self, subframe_precision: bool = False) -> Any:
        """The frame after its last."""
        return float(self._end()) if subframe_precision else self._end()

    @call
    def GetLeftOffset(self, subframe_precision: bool = False) -> Any:
        """Frames before its in-point, in the timeline's, retimed as it is: exact only at 100 % and one rate."""
        left = self._take().start / self._pace()
        return float(left) if subframe_precision else int(left)

    @call
    def GetRightOffset(self, subframe_precision: bool = False) -> Any:
        right = (self._clip()._length() - self._source_end()) / self._pace()
        return float(right) if subframe_precision else int(right)

    @call
    def GetSourceStartFrame(self) -> int:
        early = self._session.options.source_start_off_by_one and self._take().start % 2 == 1
        return self._take().start + self._origin() - early

    @call
    def GetSourceEndFrame(self) -> int:
        """Measured: the frame after the last where the rates are one, the last where they differ."""
        media = self._clip()._media
        differs = media is not None and media.rate != self._line()._rate()
        return self._source_end() + self._origin() - differs

    def _seconds(self, frame: Union[int, Fraction]) -> float:
        media = self._clip()._media
        if media is None:
            return float(frame / self._line()._rate())
        return float((media.start + frame) / media.rate)

    @call
    def GetSourceStartTime(self) -> float:
        """Seconds, timecode's: measured, a clip that starts at one o'clock reads 3600."""
        return self._seconds(self._take().start)

    @call
    def GetSourceEndTime(self) -> float:
        """Measured in parts of frames: of a retimed item, just as far as it goes."""
        if self._speed != 1:
            return self._seconds(self._take().start + self._length() * self._pace())
        return self._seconds(self._source_end())

    @call
    def GetMediaPoolItem(self) -> Optional[MediaPoolItem]:
        """The clip; of a title or a generator, None."""
        return None if self._clip()._endless else self._clip()

    @call
    def GetTrackTypeAndIndex(self) -> List[Any]:
        tracks = self._line()._tracks[self._track.kind]
        return [self._track.kind, tracks.index(self._track) + 1]

    @call
    def GetUniqueId(self) -> str:
        return self._id

    @call
    def GetClipEnabled(self) -> bool:
        return self._enabled

    @call
    def SetClipEnabled(self, Bool: bool) -> bool:
        if self._fixed():
            return False
        self._enabled = bool(Bool)
        return True

    @call
    def GetProperty(self, propertyKey: Optional[str] = None) -> Any:
        return self._properties.get(propertyKey) if propertyKey else dict(self._properties)

    @call
    def SetProperty(self, propertyKey: str, propertyValue: Any) -> bool:
        if propertyKey not in self._properties or self._fixed():
            return False
        self._properties[propertyKey] = propertyValue
        return True

    @call
    def GetLinkedItems(self) -> List[TimelineItem]:
        return list(self._linked)

    @call
    def GetFusionCompCount(self) -> int:
        return 0

    @call
    def GetFusionCompNameList(self) -> List[str]:
        return []

    @call
    def CopyGrades(self, tgtTimelineItems: List[TimelineItem]) -> bool:
        if any(one._lost() or one._fixed() for one in tgtTimelineItems):
            return False
        for one in tgtTimelineItems:
            one._gain = self._gain
        return bool(tgtTimelineItems)

    @call
    def SmartReframe(self) -> bool:
        return self._session.gated("Smart Reframe")

    @call
    def AddTake(self, mediaPoolItem: Any, startFrame: Optional[int] = None, endFrame: Any = None) -> bool:
        """Adds one, which is not selected by that: not documented, and the stricter."""
        if self._fixed() or not isinstance(mediaPoolItem, MediaPoolItem) or mediaPoolItem._lost():
            return False
        if self._session.options.take_fails:
            return True
        length, origin = mediaPoolItem._length(), mediaPoolItem._origin()
        start = 0 if startFrame is None else int(startFrame) - origin
        end = length if endFrame is None else int(endFrame) - origin + self._session.options.take_end_inclusive
        start, end = max(0, start), min(length, end)  # Beyond the clip nothing is documented; it is cut, unsaid.
        if start >= end:
            return False
        self._selector = True
        self._takes.append(Take(mediaPoolItem, start, end))
        return True

    @call
    def GetTakesCount(self) -> int:
        return len(self._takes) if self._selector else 0

    @call
    def GetSelectedTakeIndex(self) -> int:
        return self._picked + 1 if self._selector else 0

    @call
    def GetTakeByIndex(self, idx: int) -> Dict[str, Any]:
        if not self._selector or not 1 <= idx <= len(self._takes):
            return {}
        take = self._takes[int(idx) - 1]
        origin = take.clip._origin()
        end = take.end + origin - self._session.options.take_end_inclusive
        return {"startFrame": take.start + origin, "endFrame": end, "mediaPoolItem": take.clip}

    @call
    def DeleteTakeByIndex(self, idx: int) -> bool:
        """Deletes one that is not selected; of the selected one nothing is documented, so it is refused."""
        at = int(idx) - 1
        if not self._selector or not 0 <= at < len(self._takes) or at == self._picked or self._fixed():
            return False
        del self._takes[at]
        self._picked -= at < self._picked
        return True

    @call
    def SelectTakeByIndex(self, idx: int) -> bool:
        if not self._selector or not 1 <= idx <= len(self._takes) or self._fixed():
            return False
        self._picked = int(idx) - 1
        return True

    @call
    def FinalizeTake(self) -> bool:
        """The selected take becomes the item, the others are gone with the selector."""
        if not self._selector or self._fixed():
            return False
        if len(self._takes) > 1:
            self._session.violations.append(f"FinalizeTake threw takes of {self._name} away")
        self._takes = [self._take()]
        self._picked, self._selector = 0, False
        return True

    def _timecode(self) -> str:
        return timecode.from_frames(self._start, self._line()._rate_name())
