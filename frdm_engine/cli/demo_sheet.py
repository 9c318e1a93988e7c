"""The demo's contact sheet: crops of several frames at 100 %, before, after and what was changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from frdm_engine.cli.demo_clip import Clip
from frdm_engine.errors import OutputError
from frdm_engine.plates.curves import linear_to_model

Pixels = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]

WIDE, TALL = 400, 260
LABEL, GAP = 18, 4
TINTS: dict[str, Colour] = {
    "dirt": (255, 90, 60),
    "scratch": (80, 220, 120),
    "stain": (250, 200, 60),
    "flicker": (110, 150, 255),
}
"""How the matte's classes are shown, RGB."""


def write_sheet(path: Path, clip: Clip, after: list[Pixels], mattes: list[dict[str, Pixels]], *, first: int) -> None:
    """Write the sheet as PNG: a row each for before, after and matte.

    Raises:
        OutputError: it cannot be written.
    """
    length = len(clip.damaged)
    shown = sorted({1, length // 2, length - 2})
    rows: list[list[Bytes]] = [[], [], []]
    for index in shown:
        spoiled = (clip.clean[index] != clip.damaged[index]).any(axis=-1)
        y, x = _busiest(spoiled)
        here = slice(y, y + TALL), slice(x, x + WIDE)
        pictures = (_display(clip.damaged[index]), _display(after[index]), _tinted(mattes[index], spoiled.shape))
        for row, name, picture in zip(rows, ("before", "after", "matte"), pictures, strict=True):
            words = [(f"{name}  frame {first + index}", (220, 220, 220))]
            row.append(_labelled(picture[here], words + (list(TINTS.items()) if name == "matte" else [])))
    sheet = np.concatenate([np.concatenate(row, axis=1) for row in rows], axis=0)
    done, coded = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    try:
        path.write_bytes(coded.tobytes() if done else b"")
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}); choose another --out.") from error


def _busiest(spoiled: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """Corner (y, x) of the crop that holds the most damage."""
    tall, wide = min(TALL, spoiled.shape[0]), min(WIDE, spoiled.shape[1])
    sums = np.pad(spoiled.astype(np.int64).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    held = sums[tall:, wide:] - sums[:-tall, wide:] - sums[tall:, :-wide] + sums[:-tall, :-wide]
    y, x = np.unravel_index(int(held.argmax()), held.shape)
    return int(y), int(x)


def _display(light: npt.NDArray[Any]) -> Bytes:
    coded = linear_to_model(light.astype(np.float32))
    return np.asarray(np.rint(np.clip(coded, 0, 1) * 255), np.uint8)


def _tinted(classes: dict[str, Pixels], shape: tuple[int, ...]) -> Bytes:
    picture = np.zeros((*shape, 3), np.float32)
    for name, tint in TINTS.items():
        if name in classes:
            picture = np.maximum(picture, classes[name][..., None] * np.array(tint, np.float32))
    return np.asarray(np.rint(np.clip(picture, 0, 255)), np.uint8)


def _labelled(picture: Bytes, words: list[tuple[str, Colour]]) -> Bytes:
    framed = cv2.copyMakeBorder(picture, LABEL, GAP, GAP, GAP, cv2.BORDER_CONSTANT, value=(24, 24, 24))
    x, font, size = GAP, cv2.FONT_HERSHEY_SIMPLEX, 0.42
    for word, colour in words:
        framed = cv2.putText(framed, word, (x, LABEL - 5), font, size, colour, 1, cv2.LINE_AA)
        x += cv2.getTextSize(word, font, size, 1)[0][0] + 10
    return np.asarray(framed, np.uint8)
