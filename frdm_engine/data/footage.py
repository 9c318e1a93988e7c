"""The footage that training may use: the manifest's rows, decoded once into memory-mapped arrays."""

import csv
import json
import os
import re
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from frdm_engine.data.frames import VIDEO_SUFFIXES, Pixels, count_frames, iterate_frames, list_frames
from frdm_engine.errors import InputError

MOST_FRAMES = 300
BLOCK_FRAMES = 60
RECIPE = 1
"""Raised whenever the stored pixels or facts would come out differently, so that old caches are rebuilt."""

_KINDS = {"train/video": "video", "train/images": "still"}
_STALE_SECONDS = 600
_CUT = 0.06
_DISTINCT = 0.03


@dataclass(frozen=True)
class ManifestRow:
    """One source of the manifest: where it is and under which licence."""

    path: str
    licence: str
    kind: str
    """`video` or `still`."""


@dataclass
class Footage:
    """One decoded source: `pixels` is (N, H, W, 3) RGB, uint8, in which shots do not run into each other."""

    name: str
    licence: str
    kind: str
    shape: tuple[int, int, int]
    """Frames, height, width."""
    shots: tuple[tuple[int, int], ...]
    """First frame and one past the last, in stored frames."""
    distinct: int
    """How many of the frames differ visibly from the one kept before."""
    fingerprint: str
    store: Path | None = None
    _pixels: Pixels | None = field(default=None, repr=False, compare=False)

    @property
    def pixels(self) -> Pixels:
        """The frames, mapped from the cache on first use in each process."""
        if self._pixels is None:
            if self.store is None:
                raise InputError(f"{self.name} has neither pixels nor a cache: open the library again")
            self._pixels = np.load(self.store, mmap_mode="r")
        return self._pixels

    def __getstate__(self) -> dict[str, Any]:
        """Leave mapped pixels behind: each worker process maps them anew and shares the pages."""
        state = self.__dict__.copy()
        if self.store is not None:
            state["_pixels"] = None
        return state


def read_manifest(root: Path, *, classes: tuple[str, ...]) -> list[ManifestRow]:
    """The training rows of `root/MANIFEST.tsv` whose class is wanted; validation rows never come back.

    Raises:
        InputError: the manifest is missing, lacks a column, or has no such row.
    """
    manifest = root / "MANIFEST.tsv"
    if not manifest.is_file():
        raise InputError(f"{manifest} does not exist: name the folder that holds MANIFEST.tsv and train/")
    rows = []
    with manifest.open(encoding="utf-8", newline="") as lines:
        table = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        missing = {"path", "class", "licence"} - set(table.fieldnames or ())
        if missing:
            raise InputError(f"{manifest} lacks the column {min(missing)}: name path, class, licence in line 1")
        for line in table:
            parts = PurePosixPath(line["path"]).parts
            kind = _KINDS.get("/".join(parts[:2]))
            if kind and len(parts) > 2 and ".." not in parts and line["class"] in classes:
                rows.append(ManifestRow(path=line["path"], licence=line["licence"] or "unstated", kind=kind))
    if not rows:
        wanted = ", ".join(classes)
        raise InputError(f"{manifest} lists no training footage of class {wanted}: ask for a class it lists")
    return rows


def load_footage(root: Path, row: ManifestRow, *, cache: Path | None) -> list[Footage]:
    """Decode one manifest row, or find it in the cache: one video, or every still of a folder.

    Raises:
        InputError: a file is missing or cannot be decoded.
    """
    path = root / row.path
    if row.kind == "video" or not path.is_dir():
        return [_load(path, row.path, row, cache)]
    return [_load(entry, f"{row.path}/{entry.name}", row, cache) for entry in list_frames(path)]


def stored_size(width: int, height: int, *, kind: str, compressed: bool) -> tuple[int, int]:
    """Width and height to store, small enough to hide compression: videos lose a third to a half."""
    longest = max(width, height)
    if kind == "still":
        shrink = min(max(longest / 1280, 1.0), 4.0) if longest > 800 else 4 / 3
    elif compressed:
        shrink = min(max(longest / 720, 1.5), 2.0)
    else:
        shrink = 4 / 3 if longest <= 960 else min(longest / 720, 2.0)
    return max(1, round(width / shrink)), max(1, round(height / shrink))


def _load(path: Path, name: str, row: ManifestRow, cache: Path | None) -> Footage:
    if not path.exists():
        raise InputError(f"{path} is in the manifest but does not exist: fetch the footage or drop the row")
    fingerprint = _fingerprint(path)
    if cache is None:
        pixels = np.stack(_shrunken(path, row.kind))
        return _describe(name, row, pixels, _joins(path), fingerprint, None)
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", name)
    store, facts = cache / f"{slug}.npy", cache / f"{slug}.json"
    known = _recall(facts, store, fingerprint)
    if known is not None:
        return known
    cache.mkdir(parents=True, exist_ok=True)
    # The facts are renamed into place last: a source without them was interrupted and is decoded again.
    part = store.with_suffix(f".{os.getpid()}.part")
    try:
        pixels = np.stack(_shrunken(path, row.kind))
        with part.open("wb") as out:
            np.save(out, pixels)
        footage = _describe(name, row, pixels, _joins(path), fingerprint, store)
        os.replace(part, store)
        _sweep(cache, slug, part)
        part.write_text(json.dumps(_facts(footage), indent=1), encoding="utf-8")
        os.replace(part, facts)
    finally:
        part.unlink(missing_ok=True)
    footage._pixels = None
    return footage


def _sweep(cache: Path, slug: str, own: Path) -> None:
    """Remove what interrupted runs left of this source; fresh files may be another process at work."""
    for left in cache.glob(f"{slug}.*.part"):
        if left != own and time.time() - left.stat().st_mtime > _STALE_SECONDS:
            left.unlink(missing_ok=True)


def _recall(facts: Path, store: Path, fingerprint: str) -> Footage | None:
    try:
        known = json.loads(facts.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(known, dict) or known.get("fingerprint") != fingerprint or not store.is_file():
        return None
    known["shape"] = tuple(known["shape"])
    known["shots"] = tuple((first, stop) for first, stop in known["shots"])
    return Footage(**known, store=store)


def _facts(footage: Footage) -> dict[str, Any]:
    return {key: value for key, value in vars(footage).items() if key not in ("store", "_pixels")}


def _fingerprint(path: Path) -> str:
    files = list_frames(path) if path.is_dir() else [path]
    return f"{RECIPE}:{len(files)}:{sum(entry.stat().st_size for entry in files)}"


def _blocks(path: Path) -> list[tuple[int, int]]:
    """The stretches of frames kept: all, or blocks spread evenly over a long source."""
    frames = count_frames(path)
    if frames <= MOST_FRAMES * 1.02:
        return [(0, max(frames, MOST_FRAMES))]
    count = MOST_FRAMES // BLOCK_FRAMES
    starts = np.linspace(0, frames - BLOCK_FRAMES, count).astype(int)
    return [(int(start), int(start) + BLOCK_FRAMES) for start in starts]


def _joins(path: Path) -> list[int]:
    """Stored positions where one block ends and the next begins, which count as cuts."""
    blocks = _blocks(path)
    return [BLOCK_FRAMES * index for index in range(1, len(blocks))]


def _shrunken(path: Path, kind: str) -> list[Pixels]:
    blocks = _blocks(path)
    compressed = path.suffix.lower() in VIDEO_SUFFIXES
    kept: list[Pixels] = []
    size: tuple[int, int] | None = None
    for index, frame in enumerate(iterate_frames(path)):
        if not any(first <= index < stop for first, stop in blocks):
            continue
        if size is None:
            size = stored_size(frame.shape[1], frame.shape[0], kind=kind, compressed=compressed)
        kept.append(np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8))
    return kept


def _describe(
    name: str, row: ManifestRow, pixels: Pixels, joins: list[int], fingerprint: str, store: Path | None
) -> Footage:
    tiny = np.stack([_tiny(frame) for frame in pixels])
    cuts = sorted({0, len(pixels), *(j for j in joins if j < len(pixels)), *find_cuts(tiny)})
    distinct, last = 1, tiny[0]
    for frame in tiny[1:]:
        if float(np.abs(frame - last).mean()) > _DISTINCT:
            distinct, last = distinct + 1, frame
    return Footage(
        name=name,
        licence=row.licence,
        kind=row.kind,
        shape=(pixels.shape[0], pixels.shape[1], pixels.shape[2]),
        shots=tuple(pairwise(cuts)),
        distinct=distinct,
        fingerprint=fingerprint,
        store=store,
        _pixels=pixels,
    )


def find_cuts(tiny: npt.NDArray[np.float32]) -> list[int]:
    """Frames of (N, h, w, 3) in 0..1 that begin a shot: a jump far above both neighbouring changes."""
    change = np.abs(np.diff(tiny, axis=0)).mean(axis=(1, 2, 3))
    cuts = []
    for index, jump in enumerate(change):
        around = np.concatenate([change[max(0, index - 3) : index], change[index + 1 : index + 4]])
        usual = float(np.median(around)) if around.size else 0.0
        if jump > _CUT and jump > 3 * usual:
            cuts.append(index + 1)
    return cuts


def _tiny(frame: Pixels) -> npt.NDArray[np.float32]:
    small = cv2.resize(frame, (24, 16), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255)
