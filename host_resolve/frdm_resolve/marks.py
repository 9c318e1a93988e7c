"""What the adapter writes into the markers it sets, and finding it again: JSON in a marker's custom data."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Literal, Tuple, Union

from frdm_resolve.errors import PlacementError

if TYPE_CHECKING:
    from fusionscript import Folder, MediaPool, MediaPoolItem, Timeline, TimelineItem

    Marked = Union[TimelineItem, MediaPoolItem]

FORMAT = 1
COLOUR: Literal["Mint"] = "Mint"
NAME = "FRDM"
BIN = "FRDM"


@dataclass(frozen=True)
class Mark:
    """One result. Frames count from 0, the clip's first; the ends are the frames after the last."""

    run: str
    """Names the result; 32 digits."""
    way: str
    """take, track or bin."""
    digest: str
    """Of everything that decides the pixels: settings, source range, the source's files."""
    settings: Dict[str, Any]
    clip: str
    """Unique id of the original clip in the media pool."""
    item: str
    """Unique id of the original on the timeline; empty: none."""
    first: int
    end: int
    result: str
    """Unique id of the result's clip."""
    files: str
    """Pattern of the result's files."""
    number: int
    """Number of the first of them."""
    job: str
    model: str
    engine: str
    before: str = ""
    """Unique id of the clip of the take that was selected before."""
    selector: bool = False
    """Whether the item had takes before."""
    made_track: bool = False
    made_bin: bool = False

    def text(self) -> str:
        """As it is kept."""
        return json.dumps({"frdm": FORMAT, **asdict(self)}, sort_keys=True, separators=(",", ":"))


def read(thing: Marked) -> List[Mark]:
    """The marks of an item or clip, in the order of their frames."""
    found = []
    markers: Dict[float, Any] = dict(thing.GetMarkers() or {})
    for frame in sorted(markers):
        try:
            plain = json.loads(markers[frame].get("customData") or "null")
        except ValueError:
            continue  # somebody else's
        if isinstance(plain, dict) and plain.pop("frdm", None) == FORMAT:
            known = {one.name for one in fields(Mark)}
            found.append(Mark(**{name: value for name, value in plain.items() if name in known}))
    return found


def put(thing: Marked, mark: Mark, *, length: int, note: str) -> None:
    """Marks an item or clip, at its first frame that has no marker.

    Raises:
        PlacementError: Resolve takes no marker; a locked track takes none.
    """
    text = mark.text()
    taken = {int(frame) for frame in (thing.GetMarkers() or {})}
    for frame in (one for one in range(max(length, 1)) if one not in taken):
        thing.AddMarker(frame, COLOUR, NAME, note, 1, text)
        if thing.GetMarkerByCustomData(text):
            return
        break
    raise PlacementError(f"Resolve sets no marker on {thing.GetName()}; unlock its track, or remove a marker from it.")


def drop(thing: Marked, mark: Mark) -> None:
    """Removes a mark.

    Raises:
        PlacementError: it is still there.
    """
    text = mark.text()
    thing.DeleteMarkerByCustomData(text)
    if thing.GetMarkerByCustomData(text):
        raise PlacementError(f"The marker FRDM on {thing.GetName()} cannot be removed; unlock its track and try again.")


def items(line: Timeline) -> Iterator[Tuple[int, TimelineItem]]:
    """Every item of the video tracks, with its track's number, from below."""
    for track in range(1, line.GetTrackCount("video") + 1):
        for item in line.GetItemListInTrack("video", track) or []:
            yield track, item


def folders(root: Folder) -> Iterator[Folder]:
    """A bin and all within."""
    yield root
    for one in root.GetSubFolderList() or []:
        yield from folders(one)


def clips(pool: MediaPool) -> Iterator[MediaPoolItem]:
    """Every clip of the media pool."""
    for folder in folders(pool.GetRootFolder()):
        yield from folder.GetClipList() or []


def clip_of(pool: MediaPool, unique: str) -> Union[MediaPoolItem, None]:
    """The clip of an id, if it is still there."""
    return next((one for one in clips(pool) if one.GetUniqueId() == unique), None)
