"""Timelines and their tracks."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional

from tests.host_resolve.standin import timecode
from tests.host_resolve.standin.clips import COLOR_SPACES, MediaPoolItem
from tests.host_resolve.standin.items import Take, TimelineItem
from tests.host_resolve.standin.marks import Marked
from tests.host_resolve.standin.remote import call

if TYPE_CHECKING:
    from tests.host_resolve.standin.project import Project

KINDS = ("video", "audio", "subtitle")
_OWN = (
    *("timelineFrameRate", "timelineResolutionWidth", "timelineResolutionHeight"),
    *("timelineOutputResolutionWidth", "timelineOutputResolutionHeight", "colorSpaceTimeline", "colorSpaceOutput"),
)
_PAGES = ("cut", "edit", "color", "fairlight", "deliver")


class Track:
    """A track, and what lies on it in the order of time."""

    def __init__(self, line: Timeline, kind: str, name: str, subtype: str = "") -> None:
        self.line = line
        self.kind = kind
        self.name = name
        self.subtype = subtype
        self.enabled = True
        self.locked = False
        self.items: List[TimelineItem] = []

    def free(self, start: int, end: int) -> bool:
        """Whether nothing lies between two frames, the end not counted."""
        return all(one._end() <= start or one._start >= end for one in self.items)

    def put(self, item: TimelineItem) -> None:
        self.items.append(item)
        self.items.sort(key=lambda one: one._start)

    def end(self) -> int:
        return max((one._end() for one in self.items), default=self.line._start)


class Timeline(Marked):
    """A timeline. It starts at an hour; its rate is the project's of when it was made."""

    def __init__(self, project: Project, name: str) -> None:
        super().__init__()
        self._project = project
        self._name = name
        self._settings: Dict[str, str] = {"timelineFrameRate": project._settings["timelineFrameRate"]}
        self._start = timecode.to_frames("01:00:00:00", self._rate_name())
        self._tracks: Dict[str, List[Track]] = {kind: [] for kind in KINDS}
        self._tracks["video"].append(Track(self, "video", "Video 1"))
        self._tracks["audio"].append(Track(self, "audio", "Audio 1", "stereo"))
        self._playhead = self._start
        self._marks: Dict[str, Dict[str, int]] = {}
        self._clip: Optional[MediaPoolItem] = None

    def _rate_name(self) -> str:
        return self._settings["timelineFrameRate"]

    def _rate(self) -> Fraction:
        return timecode.exact(self._rate_name())

    def _everything(self) -> Iterator[TimelineItem]:
        for kind in KINDS:
            for track in self._tracks[kind]:
                yield from track.items

    def _last(self) -> int:
        return max((item._end() for item in self._everything()), default=self._start)

    def _frames(self) -> int:
        return self._last() - self._start

    def _length(self) -> int:
        return self._frames()

    def _track(self, kind: str, index: int) -> Optional[Track]:
        tracks = self._tracks.get(kind, [])
        return tracks[int(index) - 1] if 1 <= index <= len(tracks) else None

    def _top(self, frame: int) -> Optional[TimelineItem]:
        """What is seen at a frame: the topmost enabled item of the enabled tracks."""
        for track in reversed(self._tracks["video"]):
            for item in track.items if track.enabled else ():
                if item._enabled and item._start <= frame < item._end():
                    return item
        return None

    @call
    def GetName(self) -> str:
        return self._name

    @call
    def SetName(self, timelineName: str) -> bool:
        if not timelineName or any(one._name == timelineName for one in self._project._timelines):
            return False
        self._name = timelineName
        if self._clip is not None:
            self._clip._name = timelineName
        return True

    @call
    def GetUniqueId(self) -> str:
        return self._id

    @call
    def GetStartFrame(self) -> int:
        return self._start

    @call
    def GetEndFrame(self) -> int:
        """The frame after the last: measured of items, and taken so here."""
        return self._last()

    @call
    def GetStartTimecode(self) -> str:
        return timecode.from_frames(self._start, self._rate_name())

    @call
    def SetStartTimecode(self, timecode: str) -> bool:
        try:
            start = _frames(timecode, self._rate_name())
        except ValueError:
            return False
        for item in self._everything():
            item._start += start - self._start
        self._playhead += start - self._start
        self._start = start
        return True

    @call
    def GetTrackCount(self, trackType: str) -> int:
        return len(self._tracks.get(trackType, []))

    @call
    def AddTrack(self, trackType: str, newTrackOptions: Any = None) -> bool:
        if trackType not in KINDS:
            return False
        tracks = self._tracks[trackType]
        options = newTrackOptions if isinstance(newTrackOptions, dict) else {}
        index = options.get("index", 0)
        sub = newTrackOptions if isinstance(newTrackOptions, str) else options.get("audioType", "mono")
        made = Track(self, trackType, f"{trackType.title()} {len(tracks) + 1}", sub if trackType == "audio" else "")
        tracks.insert(index - 1 if 1 <= index <= len(tracks) else len(tracks), made)
        return True

    @call
    def DeleteTrack(self, trackType: str, trackIndex: int) -> bool:
        """Deletes it with all that lies on it. The last video track stays."""
        track = self._track(trackType, trackIndex)
        if track is None or track.locked or (trackType == "video" and len(self._tracks["video"]) == 1):
            return False
        if track.items:
            self._session.violations.append(f"DeleteTrack took {len(track.items)} items with {track.name}")
        self._tracks[trackType].remove(track)
        return True

    @call
    def GetTrackSubType(self, trackType: str, trackIndex: int) -> str:
        track = self._track(trackType, trackIndex)
        return track.subtype if track else ""

    @call
    def GetTrackName(self, trackType: str, trackIndex: int) -> str:
        track = self._track(trackType, trackIndex)
        return track.name if track else ""

    @call
    def SetTrackName(self, trackType: str, trackIndex: int, name: str) -> bool:
        track = self._track(trackType, trackIndex)
        if track is None:
            return False
        track.name = name
        return True

    @call
    def GetIsTrackEnabled(self, trackType: str, trackIndex: int) -> bool:
        track = self._track(trackType, trackIndex)
        return track is not None and track.enabled

    @call
    def SetTrackEnable(self, trackType: str, trackIndex: int, Bool: bool) -> bool:
        track = self._track(trackType, trackIndex)
        if track is None:
            return False
        track.enabled = bool(Bool)
        return True

    @call
    def GetIsTrackLocked(self, trackType: str, trackIndex: int) -> bool:
        track = self._track(trackType, trackIndex)
        return track is not None and track.locked

    @call
    def SetTrackLock(self, trackType: str, trackIndex: int, Bool: bool) -> bool:
        track = self._track(trackType, trackIndex)
        if track is None:
            return False
        track.locked = bool(Bool)
        return True

    @call
    def GetItemListInTrack(self, trackType: str, index: int) -> List[TimelineItem]:
        track = self._track(trackType, index)
        return list(track.items) if track else []

    @call
    def DeleteClips(self, timelineItems: List[TimelineItem], Bool: bool = False) -> bool:
        items = [one for one in timelineItems if not one._lost()]
        if not items or any(one._track.locked or one._line() is not self for one in items):
            return False
        if Bool:
            self._session.violations.append("DeleteClips rippled what follows")
        for one in items:
            one._track.items.remove(one)
        return True

    @call
    def SetClipsLinked(self, timelineItems: List[TimelineItem], Bool: bool) -> bool:
        for one in timelineItems:
            one._linked = [other for other in timelineItems if other is not one] if Bool else []
        return True

    @call
    def GetCurrentTimecode(self) -> str:
        return timecode.from_frames(self._playhead, self._rate_name()) if self._session.page in _PAGES else ""

    @call
    def SetCurrentTimecode(self, timecode: str) -> bool:
        try:
            frame = _frames(timecode, self._rate_name())
        except ValueError:
            return False
        if self._session.page not in _PAGES or frame < self._start:
            return False
        self._playhead = frame
        return True

    @call
    def GetCurrentVideoItem(self) -> Optional[TimelineItem]:
        """The item at the playhead; on the Media and Fusion pages none: documented of the timecode alone."""
        return self._top(self._playhead) if self._session.page in _PAGES else None

    @call
    def GetSetting(self, settingName: str = "") -> Any:
        merged = {**self._project._settings, **self._settings}
        return looked_up(merged, settingName, numbers=self._session.options.rates_are_numbers)

    @call
    def SetSetting(self, settingName: str, settingValue: str) -> bool:
        if settingName == "useCustomSettings":
            self._settings[settingName] = str(settingValue)
            return True
        if settingName not in _OWN or self._settings.get("useCustomSettings") != "1":
            return False
        if settingName.startswith("colorSpace") and settingValue not in COLOR_SPACES:
            return False
        if settingName == "timelineFrameRate":
            # Fixed as soon as something lies on the timeline.
            if any(True for _ in self._everything()):
                return False
            shown = timecode.from_frames(self._start, self._rate_name())
            self._settings[settingName] = str(settingValue)
            self._start = self._playhead = timecode.to_frames(shown.replace(";", ":"), self._rate_name())
            return True
        self._settings[settingName] = str(settingValue)
        return True

    @call
    def GetMediaPoolItem(self) -> Optional[MediaPoolItem]:
        return self._clip

    @call
    def GetMarkInOut(self) -> Dict[str, Dict[str, int]]:
        """The out is the last frame within."""
        origin = 0 if self._session.options.marks_from_start else self._start
        return {kind: {one: at + origin for one, at in marks.items()} for kind, marks in self._marks.items()}

    @call
    def SetMarkInOut(self, mark_in: int, mark_out: int, type: str = "all") -> bool:
        origin = 0 if self._session.options.marks_from_start else self._start
        if not 0 <= mark_in - origin <= mark_out - origin:
            return False
        for kind in ("video", "audio") if type == "all" else (type,):
            self._marks[kind] = {"in": mark_in - origin, "out": mark_out - origin}
        return True

    @call
    def ClearMarkInOut(self, type: str = "all") -> bool:
        for kind in ("video", "audio") if type == "all" else (type,):
            self._marks.pop(kind, None)
        return True

    @call
    def CreateSubtitlesFromAudio(self, autoCaptionSettings: Any = None) -> bool:
        return self._session.gated("Subtitles from audio")

    @call
    def DuplicateTimeline(self, timelineName: str = "") -> Optional[Timeline]:
        name = timelineName or f"{self._name} copy"
        made = self._project._new_timeline(name)
        if made is None:
            return None
        made._settings, made._start, made._playhead = dict(self._settings), self._start, self._playhead
        for kind in KINDS:
            made._tracks[kind] = []
            for track in self._tracks[kind]:
                copy = Track(made, kind, track.name, track.subtype)
                copy.enabled, copy.locked = track.enabled, track.locked
                made._tracks[kind].append(copy)
                for item in track.items:
                    copy.put(_copied(item, copy))
        return made


def looked_up(settings: Dict[str, str], name: str, *, numbers: bool) -> Any:
    """A setting, or all where no name is given; of one that is none, an empty text."""
    found: Dict[str, Any] = dict(settings)
    if numbers:
        found["timelineFrameRate"] = timecode.named(settings["timelineFrameRate"])
    return found.get(name, "") if name else found


def _copied(item: TimelineItem, track: Track) -> TimelineItem:
    made = TimelineItem(track, item._start, item._full, item._take())
    made._takes = [Take(one.clip, one.start, one.end) for one in item._takes]
    made._picked, made._selector, made._speed = item._picked, item._selector, item._speed
    made._enabled, made._name, made._gain = item._enabled, item._name, item._gain
    made._markers = {at: dict(one) for at, one in item._markers.items()}
    made._flags, made._color, made._properties = list(item._flags), item._color, dict(item._properties)
    return made


def _frames(text: str, rate: str) -> int:
    return timecode.to_frames(text, rate)
