"""Contact sheets: crops at 100 % of input, result, matte and difference, each told where it is from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from frdm_engine.damage import CLASSES
from frdm_engine.errors import OutputError
from frdm_engine.evaluation.picture import Array

Bytes = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]

WIDE, TALL = 320, 220
LABEL, GAP = 18, 4
AMPLIFIED = 4
"""Differences are shown this many times as large, around middle gray."""
TINTS: tuple[Colour, ...] = ((255, 90, 60), (80, 220, 120), (250, 200, 60), (110, 150, 255))
"""How the matte's classes are shown, RGB, by ``CLASSES``."""


@dataclass(frozen=True)
class Crop:
    """One place of one frame: before and after (h, w, 3), model encoding; mattes (4, h, w); why it was chosen."""

    clip: str
    frame: str
    x: int
    y: int
    why: str
    before: Array
    after: Array
    mattes: Array


def place(weight: Array, taken: Sequence[tuple[int, int]] = ()) -> tuple[float, int, int] | None:
    """Weight held and corner (y, x) of the crop with the most ``weight`` (H, W), apart from those taken.

    None where nothing weighs anything.
    """
    height, width = weight.shape
    tall, wide = min(TALL, height), min(WIDE, width)
    sums = np.pad(weight.astype(np.float64).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    held = sums[tall:, wide:] - sums[:-tall, wide:] - sums[tall:, :-wide] + sums[:-tall, :-wide]
    for y, x in taken:  # no crop may share more than a quarter with another
        down, across = 3 * tall // 4, 3 * wide // 4
        held[max(0, y - down) : y + down + 1, max(0, x - across) : x + across + 1] = 0
    best = int(held.argmax())
    y, x = divmod(best, held.shape[1])
    return (float(held[y, x]), y, x) if held[y, x] > 1e-6 else None


def window(corner: tuple[int, int], shape: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of a crop in a frame of ``shape``."""
    y, x = corner
    return slice(y, min(y + TALL, shape[0])), slice(x, min(x + WIDE, shape[1]))


def write_sheet(path: Path, crops: Sequence[Crop]) -> None:
    """Write crops as PNG, a row each; a sheet without crops says so.

    Raises:
        OutputError: it cannot be written.
    """
    rows = [_row(crop) for crop in crops] or [_framed(np.full((40, WIDE, 3), 24, np.uint8), "nothing was repaired")]
    widest = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, 0), (0, widest - row.shape[1]), (0, 0)), constant_values=24) for row in rows]
    done, coded = cv2.imencode(".png", cv2.cvtColor(np.concatenate(padded), cv2.COLOR_RGB2BGR))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(coded.tobytes() if done else b"")
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}); choose another --out.") from error


def _row(crop: Crop) -> Bytes:
    difference = 0.5 + AMPLIFIED * (crop.after - crop.before)
    parts = (
        _framed(_display(crop.before), f"{crop.frame} at {crop.x},{crop.y}: {crop.why}"),
        _framed(_display(crop.after), f"result  {crop.clip[:40]}"),
        _framed(_tinted(crop.mattes), "matte ", list(zip(CLASSES, TINTS, strict=True))),
        _framed(_display(difference), f"difference x{AMPLIFIED}"),
    )
    return np.concatenate(parts, axis=1)


def _display(picture: Array) -> Bytes:
    return np.asarray(np.rint(np.clip(np.nan_to_num(picture), 0, 1) * 255), np.uint8)


def _tinted(mattes: Array) -> Bytes:
    shown = np.zeros((*mattes.shape[1:], 3), np.float32)
    for plane, tint in zip(mattes, TINTS, strict=True):
        shown = np.maximum(shown, plane[..., None] * np.array(tint, np.float32))
    return np.asarray(np.rint(np.clip(shown, 0, 255)), np.uint8)


def _framed(picture: Bytes, words: str, more: Sequence[tuple[str, Colour]] = ()) -> Bytes:
    made = cv2.copyMakeBorder(picture, LABEL, GAP, GAP, GAP, cv2.BORDER_CONSTANT, value=(24, 24, 24))
    x, font, size = GAP, cv2.FONT_HERSHEY_SIMPLEX, 0.38
    for word, colour in [(words, (220, 220, 220)), *more]:
        made = cv2.putText(made, word, (x, LABEL - 5), font, size, colour, 1, cv2.LINE_AA)
        x += cv2.getTextSize(word, font, size, 1)[0][0] + 8
    return np.asarray(made, np.uint8)
