"""Markers, flags and clip colours: what clips, timeline items and timelines carry."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from tests.host_resolve.standin.remote import Remote, call

MARKER_COLORS = (
    *("Blue", "Cyan", "Green", "Yellow", "Red", "Pink", "Purple", "Fuchsia"),
    *("Rose", "Lavender", "Sky", "Mint", "Lemon", "Sand", "Cocoa", "Cream"),
)
CLIP_COLORS = (
    *("Orange", "Apricot", "Yellow", "Lime", "Olive", "Green", "Teal", "Navy"),
    *("Blue", "Purple", "Violet", "Pink", "Tan", "Beige", "Brown", "Chocolate"),
)
"""Measured: these sixteen and no other; the markers' names are refused."""


class Marked(Remote):
    """What has markers. Their frames count from its start."""

    def __init__(self) -> None:
        super().__init__()
        self._markers: Dict[float, Dict[str, Any]] = {}

    def _length(self) -> int:
        raise NotImplementedError

    def _fixed(self) -> bool:
        """Whether it cannot be changed: it lies on a locked track. Not documented for markers, so refused."""
        return False

    @call
    def AddMarker(
        self, frameId: float, color: str, name: str, note: str, duration: float, customData: str = ""
    ) -> bool:
        frame = float(frameId)
        # A frame has one marker. Beyond the end nothing is documented, so it is refused.
        if color not in MARKER_COLORS or frame in self._markers or not 0 <= frame < self._length() or self._fixed():
            return False
        if duration < 1:
            return False
        self._markers[frame] = {
            "color": color,
            "duration": float(duration),
            "note": str(note),
            "name": str(name),
            "customData": str(customData),
        }
        return True

    @call
    def GetMarkers(self) -> Dict[float, Dict[str, Any]]:
        return {frame: dict(self._markers[frame]) for frame in sorted(self._markers)}

    def _with_data(self, data: str) -> Optional[float]:
        return next((at for at in sorted(self._markers) if self._markers[at]["customData"] == data), None)

    @call
    def GetMarkerByCustomData(self, customData: str) -> Dict[float, Dict[str, Any]]:
        at = self._with_data(customData)
        return {} if at is None else {at: dict(self._markers[at])}

    @call
    def UpdateMarkerCustomData(self, frameId: float, customData: str) -> bool:
        if float(frameId) not in self._markers or self._fixed():
            return False
        self._markers[float(frameId)]["customData"] = str(customData)
        return True

    @call
    def GetMarkerCustomData(self, frameId: float) -> str:
        marker = self._markers.get(float(frameId))
        return str(marker["customData"]) if marker else ""

    @call
    def DeleteMarkersByColor(self, color: str) -> bool:
        gone = [at for at, one in self._markers.items() if color in ("All", one["color"])]
        if not gone or self._fixed():
            return False
        for at in gone:
            del self._markers[at]
        return True

    @call
    def DeleteMarkerAtFrame(self, frameNum: float) -> bool:
        return not self._fixed() and self._markers.pop(float(frameNum), None) is not None

    @call
    def DeleteMarkerByCustomData(self, customData: str) -> bool:
        at = self._with_data(customData)
        if at is None or self._fixed():
            return False
        del self._markers[at]
        return True


class Flagged(Marked):
    """What has flags and a colour, too."""

    def __init__(self) -> None:
        super().__init__()
        self._flags: List[str] = []
        self._color = ""

    @call
    def AddFlag(self, color: str) -> bool:
        if color not in MARKER_COLORS or color in self._flags or self._fixed():
            return False
        self._flags.append(color)
        return True

    @call
    def GetFlagList(self) -> List[str]:
        return list(self._flags)

    @call
    def ClearFlags(self, color: str) -> bool:
        kept = [one for one in self._flags if color not in ("All", one)]
        if len(kept) == len(self._flags) or self._fixed():
            return False
        self._flags = kept
        return True

    @call
    def GetClipColor(self) -> str:
        return self._color

    @call
    def SetClipColor(self, colorName: str) -> bool:
        if colorName not in CLIP_COLORS or self._fixed():
            return False
        self._color = colorName
        return True

    @call
    def ClearClipColor(self) -> bool:
        if self._fixed():
            return False
        self._color = ""
        return True
