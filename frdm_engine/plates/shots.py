"""Where one shot ends and the next begins.

A cut is decided from the two frames at it and at most one more on either side, so every chunk of a
sequence that reads those frames sees the same cuts. Frames are compared as small grey pictures, block
by block, each block at its best place nearby and freed of brightness and contrast: neither flicker nor
motion nor dirt makes a cut. A single strange frame (a flash, a torn frame) is none either, as the frames
around it agree.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from frdm_engine.errors import SettingError
from frdm_engine.plates.bands import bands
from frdm_engine.plates.sequence import parse_frames

Small = npt.NDArray[np.float32]

SMALL_SIDE = 64
# Between the highest score inside very dirty, flickering shots and the lowest between two of them.
CUT_THRESHOLD = 0.18
_BLOCK, _STRIDE, _SEARCH = 16, 8, 8
_TEXTURE = 0.01  # standard deviation below which a block says nothing
_CLEAR_TEXTURE = 0.04  # and from which its absence in the other frame says much
_ENOUGH_BLOCKS = 4
_SHARE_OF_MOTION = 0.75


def small_frame(rgb: npt.NDArray[np.float32]) -> Small:
    """The picture cuts are judged on: (H, W, 3) model encoding to (h, w) grey, the longer side 64 px."""
    height, width = rgb.shape[:2]
    scale = SMALL_SIDE / max(height, width)
    size = (max(round(width * scale), _BLOCK), max(round(height * scale), _BLOCK))
    grey = np.empty((height, width), np.float32)
    for rows in bands(height):
        red, green, blue = np.moveaxis(np.clip(rgb[rows], 0.0, 1.2), -1, 0)
        np.divide((red + green) + blue, np.float32(3), out=grey[rows])
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.medianBlur(small, 5), dtype=np.float32)


def difference(a: Small, b: Small) -> float:
    """How unlike two small frames are: about 0 for the same scene, over 0.25 for two scenes, at most 1.

    Raises:
        SettingError: the frames differ in size.
    """
    if a.shape != b.shape:
        raise SettingError(f"Frames of {a.shape} and {b.shape} cannot be compared; give frames of one size.")
    return (_unmatched(a, b) + _unmatched(b, a)) / 2


def cut_score(a: Small, b: Small, *, before: Small | None = None, after: Small | None = None) -> float:
    """How likely a cut lies between consecutive small frames `a` and `b`; one from CUT_THRESHOLD on.

    `before` and `after` are the frames beside them where the sequence has them.

    Raises:
        SettingError: the frames differ in size.
    """
    left = [a] if before is None else [a, before]
    right = [b] if after is None else [b, after]
    across = min(difference(x, y) for x in left for y in right)
    sides = ([] if before is None else [difference(before, a)]) + ([] if after is None else [difference(b, after)])
    # What moves fast, or is very dirty, looks new in every frame.
    return across - _SHARE_OF_MOTION * min(sides, default=0.0)


def is_cut(a: Small, b: Small, *, before: Small | None = None, after: Small | None = None) -> bool:
    """Whether a cut lies between consecutive small frames `a` and `b`: see `cut_score`.

    Raises:
        SettingError: the frames differ in size.
    """
    if difference(a, b) < CUT_THRESHOLD:
        return False  # the score cannot be higher; most frames end here
    return cut_score(a, b, before=before, after=after) >= CUT_THRESHOLD


def find_cuts(frames: Sequence[int], *, small: Callable[[int], Small]) -> tuple[int, ...]:
    """First frames of the shots after the first one. `small` gives the small frame of a number.

    To judge the first and last frame of a chunk, give two frames more on either side.

    Raises:
        SettingError: the frames differ in size.
    """
    shown = {number: small(number) for number in frames}
    around = [None, *frames, None]
    cuts = []
    for index, (last, first) in enumerate(pairwise(frames)):
        before, after = around[index], around[index + 3]
        if is_cut(
            shown[last],
            shown[first],
            before=None if before is None else shown[before],
            after=None if after is None else shown[after],
        ):
            cuts.append(first)
    return tuple(cuts)


@dataclass(frozen=True)
class Shots:
    """The shots of a sequence, by the sorted first frames of all but the first."""

    firsts: tuple[int, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Shots:
        """Shots of a list such as `1010,1055`, or of an empty one.

        Raises:
            SequenceError: the text is not a list of frames.
        """
        return cls(parse_frames(text) if text.strip() else ())

    def shot_of(self, frame: int) -> int:
        """The number of the frame's shot, counted from 0."""
        return bisect_right(self.firsts, frame)

    def window(self, frame: int, *, radius: int, frames: Sequence[int]) -> tuple[int, ...]:
        """Those of `frames` at most `radius` from `frame` and in its shot, itself included, sorted."""
        shot = self.shot_of(frame)
        near = (number for number in frames if abs(number - frame) <= radius)
        return tuple(sorted(number for number in near if self.shot_of(number) == shot))


def _unmatched(a: Small, b: Small) -> float:
    """1 minus the median correlation of a's textured blocks with their best places in b."""
    padded = cv2.copyMakeBorder(b, _SEARCH, _SEARCH, _SEARCH, _SEARCH, cv2.BORDER_REFLECT)
    reach = _BLOCK + 2 * _SEARCH
    found: list[float] = []
    for y in range(0, a.shape[0] - _BLOCK + 1, _STRIDE):
        for x in range(0, a.shape[1] - _BLOCK + 1, _STRIDE):
            block = a[y : y + _BLOCK, x : x + _BLOCK]
            if block.std() >= _TEXTURE:
                places = cv2.matchTemplate(padded[y : y + reach, x : x + reach], block, cv2.TM_CCOEFF_NORMED)
                found.append(float(places.max()))
    if len(found) >= _ENOUGH_BLOCKS:
        return float(np.clip(1 - np.median(found), 0.0, 1.0))
    # An almost even frame matches anything but a frame full of detail.
    return 1.0 if b.std() >= _CLEAR_TEXTURE else 0.0
