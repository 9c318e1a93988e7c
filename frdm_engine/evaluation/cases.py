"""What is measured on: stretches of clean clips, and the same stretches damaged by a recipe and a seed.

A case is a handful of words; its pixels are made anew wherever it is measured, and are the same every time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from frdm_engine.damage import KINDS, Damager, Recipe
from frdm_engine.data.frames import (
    IMAGE_SUFFIXES,
    VIDEO_SUFFIXES,
    count_frames,
    iterate_frames,
    list_frames,
    read_image,
)
from frdm_engine.errors import InputError
from frdm_engine.evaluation.picture import Array, Mask
from frdm_engine.plates import Sequence as Plates
from frdm_engine.plates import read_plate, resolve

CONTEXT = 2
"""Frames on either side of those measured that every method may look at."""
GRAY = 3 / 255
"""Channels that differ by no more, but in one pixel of a thousand, belong to a gray clip."""
KIND_GROUPS: dict[str, tuple[str, ...]] = {
    "dirt": ("dust", "blotch", "sparkle"),
    "hair": ("hair",),
    "scratches": ("scratch", "standing scratch"),
    "standing scratches": ("standing scratch",),
    "stains": ("stain",),
    "mould": ("mould",),
    "splices": ("splice",),
    "tears": ("tear",),
    "flicker": ("flicker",),
}
"""The kinds of damage figures are given for, each with the labels it takes in; scratches are all of them."""
BROAD = {"stain": ("stain", "mould"), "mould": ("stain", "mould"), "flicker": ("flicker",)}
"""What these kinds may share a pixel with: a speck on a stain is the speck's, not the stain's."""


@dataclass(frozen=True)
class Clip:
    """A clean clip: a folder of frames, a video file or a sequence of plates, ``length`` frames of one shot."""

    name: str
    path: Path
    length: int

    @property
    def fingerprint(self) -> str:
        """Hash of the names and sizes of its files, to tell it from another clip of that name."""
        files = sorted(self.path.iterdir()) if self.path.is_dir() else [self.path]
        facts = "\n".join(f"{file.name} {file.stat().st_size}" for file in files if file.is_file())
        return hashlib.sha256(facts.encode()).hexdigest()[:16]

    def stretch(self, frames: int) -> tuple[int, int]:
        """First frame and number of frames in the middle of the clip, ``frames`` and the context where it has them."""
        taken = min(self.length, frames + 2 * CONTEXT)
        return (self.length - taken) // 2, taken


@dataclass(frozen=True)
class Case:
    """``taken`` frames of a clip from ``first`` on, damaged; all but ``context`` at either end are measured."""

    clip: Clip
    first: int
    taken: int
    context: int
    recipe: str
    seed: int

    @property
    def name(self) -> str:
        """Clip, recipe and seed in one word."""
        return f"{self.clip.name}-{Path(self.recipe).stem}-{self.seed}"

    @property
    def measured(self) -> int:
        """How many frames are measured."""
        return self.taken - 2 * self.context

    def record(self) -> dict[str, object]:
        """All that decides the pixels, as plain data that names no folder."""
        recipe = Recipe.load(self.recipe).to_json()
        return {
            "clip": self.clip.name,
            "files": self.clip.fingerprint,
            "first": self.first + self.context,
            "frames": self.measured,
            "context": self.context,
            "recipe": Path(self.recipe).stem,
            "recipe_sha256": hashlib.sha256(recipe.encode()).hexdigest()[:16],
            "seed": self.seed,
        }

    @property
    def damage_seed(self) -> int:
        """Seed of this clip's own damage: two clips of one seed are not damaged alike."""
        words = f"{self.seed} {Path(self.recipe).stem} {self.clip.name}"
        return int.from_bytes(hashlib.sha256(words.encode()).digest()[:6], "big")


@dataclass(frozen=True)
class Made:
    """A case's pixels, T frames with the context, float32 in model encoding.

    ``truth``: the clean clip as it was filmed and scanned, ``plain``: the same without the recipe's grain, and
    ``damaged``: all (T, H, W, 3).
    ``mattes`` (T, H, W, 4) true opacity by class; ``kinds`` (T, H, W) uint16, bit k set where ``KINDS[k]`` lies.
    ``inner``: the frames measured.
    """

    case: Case
    plain: Array
    truth: Array
    damaged: Array
    mattes: Array
    kinds: npt.NDArray[np.uint16]
    inner: slice

    def of_kind(self, group: str, frame: int) -> Mask:
        """Where damage of one of ``KIND_GROUPS`` is to be seen in a frame: (H, W)."""
        labels, marked = self.kinds[frame], np.zeros(self.kinds.shape[1:], np.bool_)
        for kind in KIND_GROUPS[group]:
            here = (labels & _bits((kind,))) != 0
            if kind in BROAD:
                here &= (labels & ~_bits(BROAD[kind])) == 0
            marked |= here
        return marked


def _bits(kinds: Sequence[str]) -> np.uint16:
    return np.uint16(sum(1 << KINDS.index(kind) for kind in kinds))


def find_clips(paths: Sequence[Path], *, names: Sequence[str] = ()) -> list[Clip]:
    """The clips that paths mean: folders of frames or plates, video files, or folders of such; by name.

    ``names``, where given, keep those alone.

    Raises:
        InputError: a path is missing or holds no clip, two clips share a name, or a name is not among them.
    """
    clips: dict[str, Clip] = {}
    for path in paths:
        found = _clips(path)
        if not found:
            raise InputError(f"{path} holds no frames and no clips; name folders of clean frames or video files.")
        for clip in found:
            if clip.name in clips:
                raise InputError(f"{path} brings a second clip called {clip.name}; rename one of them.")
            clips[clip.name] = clip
    absent = [name for name in names if name not in clips]
    if absent:
        raise InputError(f"No clip is called {absent[0]!r}; there are {', '.join(sorted(clips))}.")
    return [clips[name] for name in sorted(clips) if not names or name in names]


def _clips(path: Path) -> list[Clip]:
    if not path.exists():
        raise InputError(f"{path} is not there; name a folder of clean frames or a video file.")
    if path.is_file():
        return [Clip(path.stem, path, count_frames(path))] if path.suffix.lower() in VIDEO_SUFFIXES else []
    files = [entry for entry in path.iterdir() if entry.is_file()]
    if any(entry.suffix.lower() in IMAGE_SUFFIXES for entry in files):
        return [Clip(path.name, path, len(list_frames(path)))]
    if any(entry.suffix.lower() in {".exr", ".dpx", ".tif", ".tiff"} for entry in files):
        return [Clip(path.name, path, len(Plates.find(path).frames))]
    inner = sorted(entry for entry in path.iterdir() if entry.is_dir() or entry.suffix.lower() in VIDEO_SUFFIXES)
    return [clip for entry in inner for clip in _clips(entry)]


def plan_cases(clips: Sequence[Clip], *, recipes: Sequence[str], seeds: Sequence[int], frames: int) -> list[Case]:
    """Every clip by every recipe and seed, the clips slowest: what is measured first can be looked at first.

    Raises:
        SettingError: a recipe is neither a preset nor a file.
    """
    for recipe in recipes:
        Recipe.load(recipe)
    cases = []
    for clip in clips:
        first, taken = clip.stretch(frames)
        context = min(CONTEXT, (taken - 1) // 2)
        cases += [Case(clip, first, taken, context, recipe, seed) for recipe in recipes for seed in seeds]
    return cases


def make(case: Case) -> Made:
    """The pixels of a case.

    Raises:
        InputError: a frame cannot be read, or sizes differ.
    """
    clean = read(case.clip, case.first, case.taken)
    height, width = clean.shape[1:3]
    damager = Damager(
        Recipe.load(case.recipe), seed=case.damage_seed, height=height, width=width, monochrome=is_gray(clean)
    )
    plain, truth, damaged = np.empty_like(clean), np.empty_like(clean), np.empty_like(clean)
    mattes = np.empty((*clean.shape[:3], 4), np.float32)
    kinds = np.empty(clean.shape[:3], np.uint16)
    for index, picture in enumerate(clean):
        number = case.first + index
        made = damager.process(number, picture)
        truth[index], damaged[index] = made.truth, made.plate
        faded = damager.fade(number, damager.weave(number, picture))
        plain[index] = damager.scan(number, faded, faded, np.zeros((height, width, 4), np.float32))[0]
        mattes[index], kinds[index] = made.mattes, made.kinds
    inner = slice(case.context, case.taken - case.context)
    return Made(case, plain, truth, damaged, mattes, kinds, inner)


def read(clip: Clip, first: int, count: int) -> Array:
    """Frames (count, H, W, 3) of a clip, float32 in model encoding.

    Raises:
        InputError: a frame cannot be read, or sizes differ.
    """
    path = clip.path
    pictures: list[Array]
    if path.is_dir() and not any(entry.suffix.lower() in IMAGE_SUFFIXES for entry in path.iterdir()):
        source = Plates.find(path)
        pictures = []
        for frame in source.frames[first : first + count]:
            plate = read_plate(source.path(frame), frame=frame)
            space = resolve("auto", metadata=plate.metadata, path_suffix=plate.path.suffix, dtype=plate.dtype)
            pictures.append(space.encode(plate.rgb()))
    else:
        if path.is_dir():
            stored = [read_image(entry) for entry in list_frames(path)[first : first + count]]
        else:
            stored = list(islice(iterate_frames(path), first, first + count))
        pictures = [np.asarray(picture, np.float32) / np.float32(255) for picture in stored]
    if len(pictures) < count:
        raise InputError(f"{path} holds fewer than {first + count} frames; give --frames a smaller number.")
    odd = next((n for n, picture in enumerate(pictures) if picture.shape != pictures[0].shape), None)
    if odd is not None:
        raise InputError(f"{path} mixes sizes at its frame {first + odd + 1}; keep one size a clip.")
    return np.stack(pictures)


def is_gray(frames: Array) -> bool:
    """Whether frames (T, H, W, 3) hold one channel three times, compression aside."""
    spread = frames.max(axis=-1) - frames.min(axis=-1)
    return bool(np.quantile(spread, 0.999) <= GRAY)
