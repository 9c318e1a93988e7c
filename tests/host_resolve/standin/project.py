"""A project: its timelines, settings, media pool and render queue."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from tests.host_resolve.standin import timecode
from tests.host_resolve.standin.clips import COLOR_SPACES, MediaPoolItem
from tests.host_resolve.standin.items import TimelineItem
from tests.host_resolve.standin.pool import MediaPool
from tests.host_resolve.standin.queue import Queue
from tests.host_resolve.standin.remote import call
from tests.host_resolve.standin.timelines import Timeline, looked_up

if TYPE_CHECKING:
    from tests.host_resolve.standin.manager import ProjectManager

SETTINGS = {
    "timelineFrameRate": "24",
    "timelineResolutionWidth": "64",
    "timelineResolutionHeight": "48",
    "timelineOutputResolutionWidth": "64",
    "timelineOutputResolutionHeight": "48",
    "colorScienceMode": "davinciYRGB",
    "isAutoColorManage": "0",
    "colorSpaceInput": "Rec.709 Gamma 2.4",
    "colorSpaceTimeline": "Rec.709 Gamma 2.4",
    "colorSpaceOutput": "Rec.709 Gamma 2.4",
    "colorAcesODT": "No Output Transform",
    "superScale": "1",
    "perfProxyMediaMode": "1",
}
SCIENCES = ("davinciYRGB", "davinciYRGBColorManaged", "davinciYRGBColorManagedv2", "acescc", "acescct")
UNTITLED = "Untitled Project"


class Project(Queue):
    """A project that is, or was, open."""

    def __init__(self, manager: ProjectManager, name: str) -> None:
        super().__init__()
        self._manager = manager
        self._name = name
        self._settings: Dict[str, str] = dict(SETTINGS)
        self._timelines: List[Timeline] = []
        self._current: Optional[Timeline] = None
        self._pool = MediaPool(self)
        self._saves = 0
        self._unsaved: List[TimelineItem] = []

    def _rate(self) -> Fraction:
        return timecode.exact(self._settings["timelineFrameRate"])

    def _managed(self) -> bool:
        return self._settings["colorScienceMode"].startswith("davinciYRGBColorManaged")

    def _new_timeline(self, name: str) -> Optional[Timeline]:
        if not name or any(one._name == name for one in self._timelines):
            return None
        made = Timeline(self, name)
        made._clip = MediaPoolItem(self, None, name)
        made._clip._timeline = made
        self._timelines.append(made)
        self._pool._current._clips.append(made._clip)
        self._current = made
        return made

    def _forget(self, line: Timeline) -> None:
        self._timelines.remove(line)
        if line._clip is not None:
            self._pool._take_out(line._clip)
            line._clip._alive = False
        line._alive = False
        if self._current is line:
            # Which one is current then is not documented: none is the stricter.
            self._current = None

    @call
    def GetMediaPool(self) -> MediaPool:
        return self._pool

    @call
    def GetTimelineCount(self) -> int:
        return len(self._timelines)

    @call
    def GetTimelineByIndex(self, idx: int) -> Optional[Timeline]:
        return self._timelines[int(idx) - 1] if 1 <= idx <= len(self._timelines) else None

    @call
    def GetCurrentTimeline(self) -> Optional[Timeline]:
        return self._current

    @call
    def SetCurrentTimeline(self, timeline: Timeline) -> bool:
        if timeline not in self._timelines:
            return False
        self._current = timeline
        return True

    @call
    def GetName(self) -> str:
        return self._name

    @call
    def SetName(self, projectName: str) -> bool:
        if not projectName or self._manager._find(projectName) is not None:
            return False
        self._name = projectName
        return True

    @call
    def GetUniqueId(self) -> str:
        return self._id

    @call
    def GetSetting(self, settingName: str = "") -> Any:
        return looked_up(self._settings, settingName, numbers=self._session.options.rates_are_numbers)

    @call
    def SetSetting(self, settingName: str, settingValue: str) -> bool:
        if settingName not in self._settings:
            return False
        if settingName == "timelineFrameRate" and self._timelines:
            return False  # Fixed with the first timeline.
        if settingName == "colorScienceMode" and settingValue not in SCIENCES:
            return False
        if settingName.startswith("colorSpace") and settingValue not in COLOR_SPACES:
            return False
        self._settings[settingName] = str(settingValue)
        return True

    @call
    def GetPresetList(self) -> List[Any]:
        return []

    @call
    def RefreshLUTList(self) -> bool:
        return True
