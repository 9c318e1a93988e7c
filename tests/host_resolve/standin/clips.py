"""Clips of the media pool, and the bins they lie in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from tests.host_resolve.standin import timecode
from tests.host_resolve.standin.marks import Flagged
from tests.host_resolve.standin.media import STILLS, Media, MediaError, open_movie
from tests.host_resolve.standin.remote import Remote, call

if TYPE_CHECKING:
    from tests.host_resolve.standin.project import Project

COLOR_SPACES = (
    *("ACES", "ACEScc", "ACEScct", "ACEScg", "DaVinci WG", "DaVinci WG/Intermediate", "Linear"),
    *("Cineon Film Log", "Rec.709 (Scene)", "Rec.709 Gamma 2.4", "Rec.709-A", "sRGB"),
)
"""Input colour spaces that a colour-managed project knows here: names as in its menus, not all of them."""
_SETTABLE = ("Comments", "Description", "Keyword", "Scene", "Shot", "Take", "Reel Name", "Good Take", "Angle")


class MediaPoolItem(Flagged):
    """A clip. A timeline's own clip has no media."""

    def __init__(self, project: Project, media: Optional[Media], name: str) -> None:
        super().__init__()
        self._project = project
        self._media = media
        self._name = name
        self._timeline: Any = None
        self._endless = False
        """A title or a generator: it lies on timelines alone."""
        self._properties: Dict[str, Any] = {}
        self._metadata: Dict[str, str] = {}
        self._third: Dict[str, str] = {}
        self._marks: Dict[str, Dict[str, int]] = {}

    def _length(self) -> int:
        if self._media is not None:
            return self._media.frames
        if self._endless:
            return 1_000_000
        return int(self._timeline._frames()) if self._timeline is not None else 0

    def _origin(self) -> int:
        """What the first frame is called where source frames are counted in scripts."""
        media = self._media
        return media.first if media and media.sequence and self._session.options.sequences_count_from_start else 0

    @call
    def GetName(self) -> str:
        return self._name

    @call
    def SetName(self, name: str) -> bool:
        self._name = name
        return bool(name)

    @call
    def GetMediaId(self) -> str:
        return "" if self._media is None else f"media-{self._id}"

    @call
    def GetUniqueId(self) -> str:
        return self._id

    def _all(self) -> Dict[str, Any]:
        media = self._media
        found: Dict[str, Any] = {"Clip Name": self._name, "Clip Color": self._color, "Flags": ",".join(self._flags)}
        used = sum(item._clip() is self for line in self._project._timelines for item in line._everything())
        found["Usage"] = str(used)
        if media is None:
            found.update({"Type": "Timeline", "File Path": "", "FPS": float(timecode.named(self._timeline._rate()))})
            return {**found, **self._properties}
        rate = media.rate_name
        kind = "Video + Audio" if media.audio else "Still" if media.sequence and media.frames == 1 else "Video"
        form = STILLS.get(Path(media.path).suffix.lower(), "QuickTime")
        end = timecode.from_frames(media.start + media.frames, rate)  # Measured: End TC is the frame after the last.
        found.update(
            {
                "Type": kind,
                "File Path": media.listed(),
                "File Name": Path(media.listed()).name,
                "Format": form,
                "Frames": str(media.frames),
                "Start": str(media.first),
                "End": str(media.first + media.frames - 1),
                "FPS": timecode.named(media.rate),
                "Start TC": timecode.from_frames(media.start, rate),
                "End TC": end,
                "Slate TC": timecode.from_frames(media.start, rate),
                "Duration": timecode.from_frames(media.frames, rate.replace(" DF", "")),
                "Drop frame": str(int(media.drop)),
                "Resolution": f"{media.width}x{media.height}",
                "Video Codec": form if media.sequence else "Apple ProRes 4444",
                "Bit Depth": "16",
                "Online Status": "Online" if media.file(0).is_file() else "Offline",
                "Alpha mode": "None",
                "Data Level": "Auto",
                "PAR": "Square",
                "Input Color Space": "Rec.709 (Scene)" if self._project._managed() else "",
                "Input LUT": "",
                "IDT": "",
                "Proxy": "None",
                "Proxy Media Path": "",
                "Super Scale": 1,
            }
        )
        return {**found, **self._properties}

    @call
    def GetClipProperty(self, propertyName: Optional[str] = None) -> Any:
        """One property, or a dict of all. Of a key that is none, an empty text."""
        return self._all().get(propertyName, "") if propertyName else self._all()

    @call
    def SetClipProperty(self, propertyName: str, propertyValue: Any) -> bool:
        media = self._media
        if propertyName == "Clip Name":
            return self.SetName(str(propertyValue))
        if propertyName in _SETTABLE:
            self._properties[propertyName] = str(propertyValue)
            return True
        if media is None:
            return False
        if propertyName == "Input Color Space":
            # Disabled where colour is not managed, or ACES manages it: documented as an example of both.
            if not self._project._managed() or propertyValue not in COLOR_SPACES:
                return False
            self._properties[propertyName] = propertyValue
            return True
        if propertyName == "Start TC":
            try:
                media.start = timecode.to_frames(str(propertyValue), media.rate_name)
            except ValueError:
                return False
            return True
        if propertyName == "FPS":
            # Whether a clip in use may change its rate is not documented; the stricter is taken.
            if self._all()["Usage"] != "0":
                return False
            media.rate = timecode.exact(propertyValue)
            return True
        if propertyName in ("Alpha mode", "Data Level", "Input LUT", "PAR"):
            self._properties[propertyName] = propertyValue
            return True
        return False

    @call
    def GetMetadata(self, metadataType: Optional[str] = None) -> Any:
        return self._metadata.get(metadataType, "") if metadataType else dict(self._metadata)

    @call
    def SetMetadata(self, metadataType: Any, metadataValue: str = "") -> bool:
        return _store(self._metadata, metadataType, metadataValue)

    @call
    def GetThirdPartyMetadata(self, metadataType: Optional[str] = None) -> Any:
        return self._third.get(metadataType, "") if metadataType else dict(self._third)

    @call
    def SetThirdPartyMetadata(self, metadataType: Any, metadataValue: str = "") -> bool:
        return _store(self._third, metadataType, metadataValue)

    @call
    def GetMarkInOut(self) -> Dict[str, Dict[str, int]]:
        return {kind: dict(marks) for kind, marks in self._marks.items()}

    @call
    def SetMarkInOut(self, mark_in: int, mark_out: int, type: str = "all") -> bool:
        if not 0 <= mark_in <= mark_out < self._length():
            return False
        for kind in ("video", "audio") if type == "all" else (type,):
            self._marks[kind] = {"in": mark_in, "out": mark_out}
        return True

    @call
    def ClearMarkInOut(self, type: str = "all") -> bool:
        for kind in ("video", "audio") if type == "all" else (type,):
            self._marks.pop(kind, None)
        return True

    @call
    def TranscribeAudio(self, useSpeakerDetection: Optional[bool] = None) -> bool:
        return self._session.gated("Transcription") and self._media is not None and self._media.audio

    @call
    def ReplaceClip(self, filePath: str) -> bool:
        """Every timeline that uses the clip shows the other file from now on."""
        self._session.violations.append(f"ReplaceClip took {self._name} away from its file")
        try:
            self._media = open_movie(filePath)
        except MediaError:
            return False
        return True


def _store(into: Dict[str, str], key: Any, value: str) -> bool:
    into.update({str(one): str(what) for one, what in key.items()} if isinstance(key, dict) else {str(key): str(value)})
    return True


class Folder(Remote):
    """A bin."""

    def __init__(self, name: str, parent: Optional[Folder] = None) -> None:
        super().__init__()
        self._name = name
        self._parent = parent
        self._clips: List[MediaPoolItem] = []
        self._folders: List[Folder] = []

    def _walk(self) -> List[Folder]:
        return [self, *(deeper for one in self._folders for deeper in one._walk())]

    @call
    def GetName(self) -> str:
        return self._name

    @call
    def GetClipList(self) -> List[MediaPoolItem]:
        return list(self._clips)

    @call
    def GetSubFolderList(self) -> List[Folder]:
        return list(self._folders)

    @call
    def GetIsFolderStale(self) -> bool:
        return False

    @call
    def GetUniqueId(self) -> str:
        return self._id
