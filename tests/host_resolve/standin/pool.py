"""The media pool: bins, importing, and placing on the current timeline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Union

from tests.host_resolve.standin.clips import Folder, MediaPoolItem
from tests.host_resolve.standin.items import Take, TimelineItem
from tests.host_resolve.standin.media import (
    STILLS,
    SUFFIXES,
    Media,
    MediaError,
    open_movie,
    open_sequence,
    pattern_of,
    runs,
)
from tests.host_resolve.standin.remote import Remote, call
from tests.host_resolve.standin.timelines import Timeline, Track

if TYPE_CHECKING:
    from tests.host_resolve.standin.project import Project

Asked = Union[MediaPoolItem, Dict[str, Any]]


class MediaPool(Remote):
    """Bins and clips of a project."""

    def __init__(self, project: Project) -> None:
        super().__init__()
        self._project = project
        self._root = Folder("Master")
        self._current = self._root
        self._selected: List[MediaPoolItem] = []

    def _clips(self) -> List[MediaPoolItem]:
        return [clip for folder in self._root._walk() for clip in folder._clips]

    @call
    def GetUniqueId(self) -> str:
        return self._id

    @call
    def GetRootFolder(self) -> Folder:
        return self._root

    @call
    def GetCurrentFolder(self) -> Folder:
        return self._current

    @call
    def SetCurrentFolder(self, folder: Folder) -> bool:
        if folder not in self._root._walk():
            return False
        self._current = folder
        return True

    @call
    def AddSubFolder(self, folder: Folder, name: str) -> Optional[Folder]:
        """A new bin, which becomes the current one: seen in the field, not documented."""
        if folder not in self._root._walk() or any(one._name == name for one in folder._folders):
            return None
        made = Folder(name, folder)
        folder._folders.append(made)
        self._current = made
        return made

    @call
    def RefreshFolders(self) -> bool:
        return True

    @call
    def DeleteFolders(self, subfolders: List[Folder]) -> bool:
        for folder in subfolders:
            if folder._parent is None or folder not in self._root._walk():
                return False
        for folder in subfolders:
            clips = [clip for deeper in folder._walk() for clip in deeper._clips]
            self._remove(clips)
            assert folder._parent is not None
            folder._parent._folders.remove(folder)
            for deeper in folder._walk():
                deeper._alive = False
            if self._current not in self._root._walk():
                self._current = self._root
        return True

    @call
    def MoveClips(self, clips: List[MediaPoolItem], targetFolder: Folder) -> bool:
        if targetFolder not in self._root._walk() or any(one not in self._clips() for one in clips):
            return False
        for clip in clips:
            self._take_out(clip)
            targetFolder._clips.append(clip)
        return True

    def _take_out(self, clip: MediaPoolItem) -> None:
        for folder in self._root._walk():
            if clip in folder._clips:
                folder._clips.remove(clip)

    def _remove(self, clips: List[MediaPoolItem]) -> None:
        """Deletes clips; the items that show them are gone, and their takes."""
        for clip in clips:
            for line in self._project._timelines:
                for item in list(line._everything()):
                    if any(take.clip is clip for take in item._takes):
                        self._session.violations.append(f"DeleteClips took {item._name} off {line._name}")
                        item._track.items.remove(item)
            self._take_out(clip)
            clip._alive = False

    @call
    def DeleteClips(self, clips: List[MediaPoolItem]) -> bool:
        if not clips or any(one not in self._clips() for one in clips):
            return False
        self._remove(clips)
        return True

    @call
    def DeleteTimelines(self, timeline: List[Timeline]) -> bool:
        if not timeline or any(one not in self._project._timelines for one in timeline):
            return False
        for one in timeline:
            self._project._forget(one)
        return True

    @call
    def GetSelectedClips(self) -> List[MediaPoolItem]:
        return list(self._selected)

    @call
    def SetSelectedClip(self, mediaPoolItem: MediaPoolItem) -> bool:
        if mediaPoolItem not in self._clips():
            return False
        self._selected = [mediaPoolItem]
        return True

    @call
    def CreateEmptyTimeline(self, name: str) -> Optional[Timeline]:
        """A new timeline, which becomes the current one."""
        return self._project._new_timeline(name)

    @call
    def CreateTimelineFromClips(self, name: str, clips: Any, *args: MediaPoolItem) -> Optional[Timeline]:
        listed: List[Asked] = list(clips) if isinstance(clips, list) else [clips, *args]
        # Measured: it fails where the clips do not lie in the current bin.
        asked = [one["mediaPoolItem"] if isinstance(one, dict) else one for one in listed]
        if any(one not in self._current._clips for one in asked):
            return None
        made = self._project._new_timeline(name)
        if made is not None:
            for one in listed:
                # Measured: here a clipInfo has no track.
                self._place(made, {**one, "trackIndex": 1} if isinstance(one, dict) else one)
        return made

    @call
    def AppendToTimeline(self, clips: Any, *args: MediaPoolItem) -> Optional[List[TimelineItem]]:
        """Places clips on the current timeline, whichever that is now.

        endFrame is the frame after the last. What would lie over another item, on a locked track or on none at all is
        dropped, and the answer has an item of no id for it.
        """
        line = self._project._current
        if line is None:
            return []
        listed: List[Asked] = list(clips) if isinstance(clips, list) else [clips, *args]
        made = [self._place(line, one) for one in listed]
        if self._session.options.append_errors:
            self._project._unsaved += made
            return None
        return made

    def _place(self, line: Timeline, asked: Asked) -> TimelineItem:
        info: Dict[str, Any] = asked if isinstance(asked, dict) else {"mediaPoolItem": asked}
        clip = info["mediaPoolItem"]
        index = int(info.get("trackIndex", 1))
        made: List[TimelineItem] = []
        if isinstance(clip, MediaPoolItem) and clip in self._clips():
            kinds = {1: ["video"], 2: ["audio"]}.get(info.get("mediaType", 0), ["video", "audio"])
            audio = clip._media is not None and clip._media.audio
            for kind in kinds:
                if kind == "video" or audio:
                    item = _laid(line, line._track(kind, index), clip, info)
                    made += [item] if item else []
        for one in made:
            one._linked = [other for other in made if other is not one]
        if made:
            return made[0]
        lost = TimelineItem(Track(line, "video", ""), 0, 0, Take(clip, 0, 0))
        lost._id = ""
        return lost

    @call
    def ImportMedia(self, items: Any) -> List[MediaPoolItem]:
        """Imports into the current bin. A path alone of a numbered file brings in its whole run."""
        if self._session.options.import_fails:
            return []
        made = []
        for one in items if isinstance(items, list) else [items]:
            opened = self._opened(one)
            found = [opened] if opened is not None else []
            if opened is not None and opened.sequence and self._session.options.individual_frames:
                found = [replace(opened, first=opened.first + at, frames=1) for at in range(opened.frames)]
            for media in found:
                clip = MediaPoolItem(self._project, media, Path(media.listed()).name)
                self._current._clips.append(clip)
                made.append(clip)
        return made

    def _opened(self, asked: Any) -> Optional[Media]:
        rate = self._project._rate()
        try:
            if isinstance(asked, dict):
                path = str(asked["FilePath"])
                if "%" not in path:
                    return self._opened(path)
                first, last = int(asked["StartIndex"]), int(asked["EndIndex"])
                there = [n for n in range(first, last + 1) if Path(path % n).is_file()]
                # Frames that are missing end the clip, without a word: not documented, and a reader must count.
                end = next((n for n in range(first, last + 1) if n not in there), last + 1)
                return open_sequence(path, first, end - 1, rate=rate) if there else None
            path = str(asked)
            if Path(path).suffix.lower() not in SUFFIXES:
                return None
            if Path(path).suffix.lower() not in STILLS:
                return open_movie(path)
            pattern = pattern_of(path)
            found = (
                next((run for run in runs(pattern) if path in {pattern % n for n in run}), None) if pattern else None
            )
            return open_sequence(pattern, found.start, found.stop - 1, rate=rate) if pattern and found else None
        except MediaError:
            return None


def _laid(line: Timeline, track: Optional[Track], clip: MediaPoolItem, info: Dict[str, Any]) -> Optional[TimelineItem]:
    if track is None or track.locked:
        return None
    origin, length = clip._origin(), clip._length()
    start = int(info["startFrame"]) - origin if "startFrame" in info else 0
    end = int(info["endFrame"]) - origin if "endFrame" in info else length
    start, end = max(0, start), min(length, end)  # Beyond the clip nothing is documented; it is cut, unsaid.
    media = clip._media
    rate = media.rate if media is not None else line._rate()
    duration = int((end - start) * line._rate() / rate)  # Measured: it floors.
    at = int(info["recordFrame"]) if "recordFrame" in info else track.end()
    if duration <= 0 or at < line._start or not track.free(at, at + duration):
        return None
    item = TimelineItem(track, at, duration, Take(clip, start, end))
    track.put(item)
    return item
