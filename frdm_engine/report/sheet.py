"""The pictures of a report: frames of the contact sheet and crops of the largest repairs, within a budget of bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from frdm_engine.errors import FrdmError
from frdm_engine.report.pictures import Bytes, Look, Where, data_uri, look, webp
from frdm_engine.report.places import Place

BUDGET = 6_000_000
"""Characters the contact sheet may take in the page."""
SIDES = (1280, 960, 640, 480)
"""Longest side of a frame on the sheet: the largest with which all of them fit."""
CROP, LEAST_CROP = 288, 64
"""Longest side of a crop in the page, and the least it shows of the plate."""
POSTER = 240


@dataclass(frozen=True)
class Images:
    """Before, after and matte as addresses for a browser, and the size they have in pixels."""

    before: str
    after: str
    matte: str
    width: int
    height: int

    @classmethod
    def of(cls, pictures: tuple[Bytes, Bytes, Bytes]) -> Images:
        """Codes the three."""
        before, after, matte = (data_uri(webp(one)) for one in pictures)
        return cls(before, after, matte, pictures[0].shape[1], pictures[0].shape[0])

    @property
    def cost(self) -> int:
        """Characters they take in a page."""
        return len(self.before) + len(self.after) + len(self.matte)


@dataclass(frozen=True)
class Crop:
    """The surroundings of a repair; None where they could not be read."""

    place: Place
    images: Images | None


@dataclass
class Sheet:
    """What there is to see. `chosen` are the frames that were to be shown, of which `frames` hold those that fit."""

    chosen: tuple[int, ...] = ()
    frames: dict[int, Images] = field(default_factory=dict)
    crops: dict[str, list[Crop]] = field(default_factory=dict)
    poster: str = ""
    classes: tuple[str, ...] = ()
    """Those the matte tells apart; ("",) where it tells none."""
    checked: int = 0
    """Frames whose every pixel was compared with the plate where the matte is 0 ..."""
    strays: dict[int, int] = field(default_factory=dict)
    """... and the pixels that differed there, by frame."""
    problems: list[str] = field(default_factory=list)


def draw(where: Where, chosen: Sequence[int], places: Mapping[str, Sequence[Place]], *, budget: int = BUDGET) -> Sheet:
    """Reads the frames one after the other, each once for its view; what cannot be read is named in `problems`."""
    sheet = Sheet(chosen=tuple(chosen))
    wanted: dict[tuple[int, str], list[Place]] = {(frame, ""): [] for frame in chosen}
    for place in (place for several in places.values() for place in several):
        key = (place.frame, "") if (place.frame, "") in wanted and not place.view else (place.frame, place.view)
        wanted.setdefault(key, []).append(place)
    images: dict[int, Images] = {}
    side = 0
    for (frame, view), here in wanted.items():
        try:
            seen = look(where, frame, view=view or None)
        except FrdmError as error:
            sheet.problems.append(str(error))
            continue
        if frame in sheet.chosen and not view:
            side = side or _fitting(seen, len(sheet.chosen), budget)
            _hang(sheet, frame, seen, side, budget)
        for place in here:
            images[id(place)] = Images.of(seen.pictures(most=CROP, box=around(place, seen)))
    sheet.frames = dict(sorted(sheet.frames.items()))
    sheet.crops = {kind: [Crop(one, images.get(id(one))) for one in several] for kind, several in places.items()}
    return sheet


def undrawn(places: Mapping[str, Sequence[Place]], why: str) -> Sheet:
    """A sheet without pictures, and the reason."""
    return Sheet(crops={kind: [Crop(one, None) for one in several] for kind, several in places.items()}, problems=[why])


def around(place: Place, seen: Look) -> tuple[int, int, int, int]:
    """[x, y, width, height] of a square about the repair with half its size again, as far as the frame reaches.

    Of long and thin ones it is the middle, pixel by pixel: all of a scratch would be too small to see.
    """
    x, y, width, height, _ = place.box
    most = max(CROP, 3 * min(width, height))
    side = max(LEAST_CROP, min(most, round(1.5 * max(width, height))))
    spans = (_span(x, width, side, seen.before.shape[1]), _span(y, height, side, seen.before.shape[0]))
    (left, wide), (top, high) = spans
    return left, top, wide, high


def _span(start: int, length: int, side: int, whole: int) -> tuple[int, int]:
    wanted = min(side, whole)
    return min(max(0, start + length // 2 - wanted // 2), whole - wanted), wanted


def _fitting(seen: Look, count: int, budget: int) -> int:
    """The largest side with which `count` frames like this one, and a fifth more, stay within the budget."""
    for side in SIDES:
        if Images.of(seen.pictures(most=side)).cost * count * 1.2 <= budget:
            return side
    return SIDES[-1]


def _hang(sheet: Sheet, frame: int, seen: Look, side: int, budget: int) -> None:
    images = Images.of(seen.pictures(most=side))
    if sum(other.cost for other in sheet.frames.values()) + images.cost <= budget:
        sheet.frames[frame] = images
    sheet.poster = sheet.poster or data_uri(webp(seen.pictures(most=POSTER)[1]))
    sheet.classes = tuple(dict.fromkeys((*sheet.classes, *seen.matte.names)))
    strays = seen.strays
    if strays is not None:
        sheet.checked += 1
        if strays:
            sheet.strays[frame] = strays
