"""Pairs of scanned and restored film: their register, and training windows cut from them.

HaineiFRDM (arXiv 2512.24946) trains on real pairs beside synthetic ones. `pairs.json` names them; the truth matte is
derived (see `pair_truth`), once for every frame, and kept with the frames in a cache.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from frdm_engine.data.footage import find_cuts
from frdm_engine.data.pair_truth import Changes, Grade, Picture, changes, classify
from frdm_engine.errors import InputError

VERSION = 1
RECIPE = 1
"""Raised whenever the derived truth would come out differently, so that old caches are made anew."""
SUFFIXES = frozenset({".png", ".tif", ".tiff", ".jpg", ".jpeg"})
GRADE_FRAMES = 12
"""Frames, spread over the pair, from which its grade is told."""

_NUMBER = re.compile(r"%0(\d+)d")
_STORED = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}

Reader = Callable[[Path], npt.NDArray[Any]]
"""Reads a frame as (H, W, 3) RGB: uint8 or uint16 code values, or float32 in model encoding."""


@dataclass(frozen=True)
class Pair:
    """A scan and its restoration. Frame n of the scan is frame n + `offset` of the restoration."""

    name: str
    damaged: str
    """Files with `%04d` for the frame's number, relative to the register's folder or absolute."""
    restored: str
    first: int
    last: int
    """First and last frame of the scan, both included."""
    offset: int = 0
    licence: str = "unstated"
    note: str = ""

    @property
    def frames(self) -> range:
        """The scan's frame numbers."""
        return range(self.first, self.last + 1)


@dataclass(frozen=True)
class Register:
    """The pairs listed in one `pairs.json`."""

    path: Path
    pairs: tuple[Pair, ...] = ()

    @classmethod
    def load(cls, path: Path) -> Register:
        """Read a register.

        Raises:
            InputError: it is missing, no register, or of a version this release does not know.
        """
        try:
            plain = json.loads(path.read_text(encoding="utf-8"))
            if plain["version"] != VERSION:
                raise InputError(
                    f"{path} has version {plain['version']} and this release reads {VERSION}; use the release it is of."
                )
            pairs = tuple(_pair(path, one) for one in plain["pairs"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path} is no register of pairs ({error}); make one with frdm pairs add SCAN RESTORED --to {path}."
            ) from error
        return cls(path, pairs)

    def add(self, pair: Pair) -> Register:
        """This register with one more pair.

        Raises:
            InputError: a pair of that name is listed already.
        """
        if any(one.name == pair.name for one in self.pairs):
            raise InputError(f"{self.path} lists a pair named {pair.name} already; give another --name.")
        return replace(self, pairs=(*self.pairs, pair))

    def save(self) -> None:
        """Write the register under a temporary name and rename it."""
        plain = {"version": VERSION, "pairs": [asdict(pair) for pair in self.pairs]}
        part = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        try:
            part.write_text(json.dumps(plain, indent=2) + "\n", encoding="utf-8")
            os.replace(part, self.path)
        finally:
            part.unlink(missing_ok=True)

    def files(self, pair: Pair, frame: int) -> tuple[Path, Path]:
        """The scan's and the restoration's file of one frame of the scan."""
        folder = self.path.parent
        return folder / numbered(pair.damaged, frame), folder / numbered(pair.restored, frame + pair.offset)


def _pair(path: Path, plain: dict[str, Any]) -> Pair:
    known = {field.name for field in fields(Pair)}
    unknown = sorted(set(plain) - known)
    if unknown:
        raise InputError(f"{path}: a pair has the unknown key {unknown[0]}; the keys are {', '.join(sorted(known))}.")
    pair = Pair(**plain)
    wrong = [
        name for name in ("name", "damaged", "restored", "licence", "note") if type(plain.get(name, "")) is not str
    ]
    wrong += [name for name in ("first", "last", "offset") if type(plain.get(name, 0)) is not int]
    if wrong or pair.last < pair.first:
        raise InputError(
            f"{path}: pair {pair.name} has a {wrong[0] if wrong else 'last'} that does not fit; correct it."
        )
    return pair


def numbered(pattern: str, frame: int) -> str:
    """The file name of a frame: `scan.%04d.png`, 7 -> `scan.0007.png`; a name without a number is itself."""
    return _NUMBER.sub(lambda match: f"{frame:0{match[1]}d}", pattern)


def read_picture(path: Path) -> npt.NDArray[Any]:
    """A PNG, TIFF or JPEG as (H, W, 3) RGB, uint8 or uint16 as stored; grey comes three times.

    Raises:
        InputError: the file is missing, of another kind, or cannot be decoded.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist: correct the register, or bring the file back.")
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path} is no PNG, TIFF or JPEG: convert it, or pass a `reader` that knows it.")
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    image = cv2.imread(str(path), flags)
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise InputError(f"{path} cannot be read as an 8- or 16-bit image: replace the file, or convert it to PNG.")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def coded(pixels: npt.NDArray[Any]) -> Picture:
    """Stored pixels as float32 code values: integers become 0..1, floats stay."""
    scale = _STORED.get(pixels.dtype, 1.0)
    return np.asarray(pixels, np.float32) / np.float32(scale)


def _stored(values: Picture, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    scale = _STORED.get(dtype)
    return values.astype(dtype) if scale is None else np.rint(np.clip(values, 0, 1) * scale).astype(dtype)


def read_frame(register: Register, pair: Pair, frame: int, reader: Reader) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Scan and restoration of one frame as stored, of one size.

    Raises:
        InputError: a file cannot be read, or the two differ in size.
    """
    files = register.files(pair, frame)
    damaged, restored = (reader(file) for file in files)
    if damaged.shape != restored.shape:
        sizes = [f"{one.shape[1]}x{one.shape[0]}" for one in (damaged, restored)]
        raise InputError(
            f"pair {pair.name}: {files[0].name} has {sizes[0]} pixels and {files[1].name} {sizes[1]}; "
            "crop or scale one of them outside of frdm, or leave the pair out."
        )
    return damaged, restored


def fit_grade(register: Register, pair: Pair, reader: Reader) -> Grade:
    """The grade common to a pair, told from frames spread over it."""
    chosen = sorted({int(n) for n in np.linspace(pair.first, pair.last, min(GRADE_FRAMES, len(pair.frames)))})
    damaged: list[Picture] = []
    restored: list[Picture] = []
    for frame in chosen:
        both = read_frame(register, pair, frame, reader)
        stride = max(1, int(np.sqrt(both[0].shape[0] * both[0].shape[1] / 40_000)))
        for held, pixels in zip((damaged, restored), both, strict=True):
            held.append(coded(pixels[::stride, ::stride]).reshape(-1, 3))
    return Grade.fit(np.concatenate(damaged), np.concatenate(restored))


@dataclass(frozen=True)
class Compared:
    """One frame of a pair: the scan as stored, what the restoration changed, and mattes (H, W, 4) uint8, 0 or 1."""

    frame: int
    damaged: npt.NDArray[Any]
    restored: npt.NDArray[Any]
    changes: Changes
    matte: npt.NDArray[np.uint8]
    starts_shot: bool


def compare(register: Register, pair: Pair, *, reader: Reader = read_picture) -> Iterator[Compared]:
    """Every frame of a pair, in order, with its truth; reads each file once or twice.

    Raises:
        InputError: a file cannot be read or differs in size.
    """
    grade = fit_grade(register, pair, reader)
    cuts = pair_cuts(register, pair, reader)

    def at(frame: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any], Changes] | None:
        if frame not in pair.frames:
            return None
        damaged, restored = read_frame(register, pair, frame, reader)
        return damaged, restored, changes(coded(damaged), grade.apply(coded(restored)))

    before, now = None, at(pair.first)
    for frame in pair.frames:
        if now is None:
            raise InputError(f"pair {pair.name} ends before frame {frame}; correct `last` in {register.path}.")
        after = at(frame + 1)
        starts, ends = frame in cuts or frame == pair.first, frame + 1 in cuts
        matte = classify(
            now[2],
            before=None if before is None or starts else before[2],
            after=None if after is None or ends else after[2],
        )
        yield Compared(frame, now[0], now[1], now[2], matte, starts)
        before, now = now, after


def pair_cuts(register: Register, pair: Pair, reader: Reader) -> set[int]:
    """Frames of the scan's numbering that begin a shot, told from the restoration."""
    tiny = []
    for frame in pair.frames:
        pixels = coded(reader(register.files(pair, frame)[1]))
        tiny.append(np.clip(cv2.resize(pixels, (24, 16), interpolation=cv2.INTER_AREA), 0, 1))
    return {pair.first + index for index in find_cuts(np.stack(tiny).astype(np.float32))}


# Windows


@dataclass(frozen=True)
class PairWindow:
    """A window as the network sees it: float32 code values, alike to a synthetic one."""

    damaged: Picture  # (T, H, W, 3)
    truth: Picture  # (H, W, 3) of the centre frame
    matte: Picture  # (H, W, 4), 0 or 1


@dataclass(frozen=True)
class Prepared:
    """One pair ready for training: frames as stored, N of them, mapped from the cache or held in memory."""

    pair: Pair
    damaged: npt.NDArray[Any]  # (N, H, W, 3)
    truth: npt.NDArray[Any]  # (N, H, W, 3)
    matte: npt.NDArray[np.uint8]  # (N, H, W), bit k for class k
    shots: tuple[tuple[int, int], ...]


class PairLibrary:
    """Real damage with its truth, and the random windows cut from it."""

    def __init__(self, pairs: list[Prepared]) -> None:
        self.pairs = pairs

    @classmethod
    def open(cls, path: Path, *, cache: Path | None = None, reader: Reader = read_picture) -> PairLibrary:
        """Open every pair of the register `path`.

        The first call with a `cache` folder derives all truth, later ones map it; make that first call before
        starting workers. The cache takes 13 bytes a pixel and frame for 16-bit film, 7 for 8-bit.

        Raises:
            InputError: the register lists nothing, or a file cannot be read.
        """
        register = Register.load(path)
        if not register.pairs:
            raise InputError(f"{path} lists no pair; add one with frdm pairs add SCAN RESTORED --to {path}.")
        return cls([_prepare(register, pair, cache, reader) for pair in register.pairs])

    def summary(self) -> list[dict[str, str | int]]:
        """For the model card: every pair with its licence and number of frames."""
        return [
            {"source": one.pair.name, "licence": one.pair.licence, "kind": "pair", "frames": len(one.damaged)}
            for one in self.pairs
        ]

    def window(self, rng: np.random.Generator, *, length: int, height: int, width: int) -> PairWindow:
        """Consecutive frames at the pair's own size, two in three of them where something was mended.

        Same `rng`, same window.

        Raises:
            InputError: no pair is long and large enough.
        """
        fitting = [
            one
            for one in self.pairs
            if one.damaged.shape[1] >= height
            and one.damaged.shape[2] >= width
            and any(stop - first >= length for first, stop in one.shots)
        ]
        if not fitting:
            raise InputError(
                f"no pair has a shot of {length} frames of {width}x{height} pixels or more: add longer or larger pairs"
            )
        chances = np.sqrt([len(one.damaged) for one in fitting])
        one = fitting[int(rng.choice(len(fitting), p=chances / chances.sum()))]
        shots = [shot for shot in one.shots if shot[1] - shot[0] >= length]
        spans = np.array([stop - first - length + 1 for first, stop in shots], np.float64)
        first, stop = shots[int(rng.choice(len(shots), p=spans / spans.sum()))]
        start = int(rng.integers(first, stop - length + 1))
        centre = start + length // 2
        top, left = self._corner(rng, one.matte[centre], height, width)
        place = np.s_[top : top + height, left : left + width]
        bits = one.matte[centre][place][..., None] >> np.arange(4, dtype=np.uint8) & 1
        damaged = coded(one.damaged[start : start + length][:, *place])
        truth, matte = coded(one.truth[centre][place]), bits.astype(np.float32)
        if rng.random() < 0.5:
            damaged = damaged[::-1]
        if rng.random() < 0.5:
            damaged, truth, matte = damaged[:, :, ::-1], truth[:, ::-1], matte[:, ::-1]
        return PairWindow(*(np.ascontiguousarray(part) for part in (damaged, truth, matte)))

    @staticmethod
    def _corner(rng: np.random.Generator, matte: npt.NDArray[np.uint8], height: int, width: int) -> tuple[int, int]:
        tall, wide = matte.shape
        top, left = int(rng.integers(tall - height + 1)), int(rng.integers(wide - width + 1))
        if rng.random() < 2 / 3:
            local = np.flatnonzero(matte & 0b0111)
            if len(local):
                row, column = divmod(int(local[rng.integers(len(local))]), wide)
                top = int(np.clip(row - rng.integers(height), 0, tall - height))
                left = int(np.clip(column - rng.integers(width), 0, wide - width))
        return top, left


def _prepare(register: Register, pair: Pair, cache: Path | None, reader: Reader) -> Prepared:
    facts = folder = None
    fingerprint = _fingerprint(register, pair)
    if cache is not None:
        slug = re.sub(r"[^A-Za-z0-9.]+", "-", pair.name)
        folder = cache / "pairs" / f"{slug}-{fingerprint[:12]}"
        facts = folder / "facts.json"
        if facts.is_file():
            return _mapped(pair, folder)
        folder.mkdir(parents=True, exist_ok=True)
    first = read_frame(register, pair, pair.first, reader)
    dtype = max((np.dtype(np.float16) if one.dtype.kind == "f" else one.dtype for one in first), key=_rank)
    shape = (len(pair.frames), *first[0].shape)
    damaged, truth = _array(folder, "damaged", shape, dtype), _array(folder, "truth", shape, dtype)
    matte = _array(folder, "matte", shape[:3], np.dtype(np.uint8))
    starts = []
    for index, one in enumerate(compare(register, pair, reader=reader)):
        if one.damaged.shape != shape[1:]:
            raise InputError(f"pair {pair.name}: frame {one.frame} has another size than frame {pair.first}.")
        damaged[index], truth[index] = _stored(coded(one.damaged), dtype), _stored(one.changes.truth, dtype)
        matte[index] = (one.matte << np.arange(4, dtype=np.uint8)).sum(axis=-1, dtype=np.uint8)
        starts += [index] if one.starts_shot else []
    shots = tuple(pairwise([*starts, shape[0]]))
    if facts is None or folder is None:
        return Prepared(pair, damaged, truth, matte, shots)
    for array in (damaged, truth, matte):
        if isinstance(array, np.memmap):
            array.flush()
    # Written last: a pair without facts was interrupted and is derived again.
    part = facts.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps({"shots": shots}), encoding="utf-8")
    os.replace(part, facts)
    return _mapped(pair, folder)


def _mapped(pair: Pair, folder: Path) -> Prepared:
    shots = json.loads((folder / "facts.json").read_text(encoding="utf-8"))["shots"]
    damaged, truth, matte = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("damaged", "truth", "matte"))
    return Prepared(pair, damaged, truth, matte, tuple((first, stop) for first, stop in shots))


def _rank(dtype: np.dtype[Any]) -> int:
    return [np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float16)].index(dtype)


def _array(folder: Path | None, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    if folder is None:
        return np.zeros(shape, dtype)
    return np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=dtype, shape=shape)


def _fingerprint(register: Register, pair: Pair) -> str:
    """Changes when a file of the pair, its place in the register or the way truth is derived does."""
    said = [str(RECIPE), json.dumps(asdict(replace(pair, licence="", note="")))]
    for frame in pair.frames:
        for file in register.files(pair, frame):
            if not file.is_file():
                raise InputError(
                    f"{file} of pair {pair.name} does not exist: correct {register.path}, or bring it back."
                )
            facts = file.stat()
            said.append(f"{facts.st_size}:{facts.st_mtime_ns}")
    return hashlib.sha256("\n".join(said).encode()).hexdigest()
