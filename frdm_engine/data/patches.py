"""Training examples: patches that know their place, beside their small whole frames.

HaineiFRDM (arXiv 2512.24946) trains patch-wise: a patch of the frame, the low-resolution whole frame for the Global
Prompt, and the position that ties them. Weave, fading and grain belong to the truth; damage comes on top, and the scan
over both.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from frdm_engine.damage import Damager, Recipe, Templates
from frdm_engine.damage.drawing import REFERENCE_WIDTH
from frdm_engine.data.clips import ClipLibrary
from frdm_engine.data.packing import open_data
from frdm_engine.data.pairs import PairLibrary, Reader, read_picture
from frdm_engine.data.uprights import stand_uprights
from frdm_engine.model.encoder import columns
from frdm_engine.model.fixed_pattern import fixed_pattern
from frdm_engine.model.frame_fusion import (
    Evidence,
    Motion,
    both_columns,
    gather_evidence,
    out_of_range,
    quarter_flow,
    window_motion,
)
from frdm_engine.model.small import small_size

FRAME_SIZES = ((224, 320), (256, 288), (192, 352), (320, 224))
"""Height and width of training frames: whole frames as far as the network is told."""
VISIBLE = 6 / 255
"""A dirt or scratch pixel altered by this much, model encoding, counts as wholly damaged."""
VISIBLE_LEVEL = 2 / 255
"""The same for stains and flicker, which are broad and therefore seen sooner."""
SUSPECT = 0.05
"""Model encoding: how far a pixel must leave the range of its neighbours to draw a patch."""
LOCKED_OFF, BORDERS, UNDAMAGED = 0.15, 0.15, 0.15
"""Shares of windows in which nothing moves but the film, that show the gate's edge, that carry no damage."""
UPRIGHT = 0.6
"""Share of the locked-off windows in which upright things stand that are no scratches."""
FAR = 0.8
"""Share of the batches whose small frames have others beyond their window to tell a fixed pattern by."""
STAINED = 0.6
"""Least chance that a small frame without patches has stains: it is there for these."""


@dataclass(frozen=True)
class Stage:
    """Recipes to draw from until that share of the training, 0..1, has passed."""

    until: float
    recipes: tuple[Recipe, ...]


@dataclass(frozen=True)
class Views:
    """Windows of one size with their truth: N of them, T frames each, model encoding, float32."""

    window: Tensor  # (N, T, 3, H, W) damaged
    columns: Tensor  # (N, T, 1, H, W) column maps
    flow: Tensor  # (N, K, 2, H/4, W/4) for features
    evidence: Evidence
    clean: Tensor  # (N, 3, H, W) undamaged centre frame, with its grain
    broad: Tensor  # (N, 3, H, W) the same under flicker and stains: the centre but for dirt and scratches
    matte: Tensor  # (N, 4, H, W) truth, 0..1

    def to(self, device: torch.device) -> Views:
        """The same on ``device``."""
        move = {name: getattr(self, name).to(device) for name in _TENSORS}
        evidence = Evidence(**{name: value.to(device) for name, value in vars(self.evidence).items()})
        return Views(evidence=evidence, **move)


_TENSORS = ("window", "columns", "flow", "clean", "broad", "matte")


@dataclass(frozen=True)
class Batch:
    """Whole small frames, and patches that know their frame (``owner``) and where they sit in it (``box``).

    The last small frames may have no patches: they are there for what is broad. There may be no patches at all.
    ``far``: the frames that have patches at half their size, as dirt is looked for from afar; None without patches.
    """

    small: Views
    pattern: Tensor  # (N, 6, h/2, w/2) the small frames' fixed pattern
    patches: Views
    box: Tensor  # (N, 4) x0, y0, x1, y1 in 0..1
    owner: Tensor  # (N,) index into small and far
    far: Views | None = None

    def to(self, device: torch.device) -> Batch:
        """The same on ``device``."""
        return Batch(
            self.small.to(device),
            self.pattern.to(device),
            self.patches.to(device),
            self.box.to(device),
            self.owner.to(device),
            None if self.far is None else self.far.to(device),
        )


def truth_matte(damaged: Tensor, clean: Tensor, matte: Tensor) -> Tensor:
    """Matte (..., 4, H, W) of what can be seen: where a class altered the frame, and by how much it shows, 0..1."""
    seen = (damaged - clean).abs().amax(dim=-3, keepdim=True)
    sharp = (seen / VISIBLE).clamp(max=1) * (matte[..., :2, :, :] > 0.02)
    broad = (seen / VISIBLE_LEVEL).clamp(max=1) * (matte[..., 2:, :, :] > 0.02)
    return torch.cat((sharp, broad), dim=-3)


def views(window: Tensor, clean: Tensor, broad: Tensor, matte: Tensor, motion: Motion | None = None) -> Views:
    """Views of whole frames: window (N, T, 3, H, W), truth of the centre, twice (N, 3, H, W) and (N, 4, H, W).

    ``motion``: the window's, if it is known.
    """
    maps = columns(window.flatten(0, 1)).unflatten(0, window.shape[:2])
    motion = motion or window_motion(window)
    return Views(
        window, maps, quarter_flow(motion), gather_evidence(window, motion, both_columns(maps)), clean, broad, matte
    )


def halved(whole: Views) -> Views:
    """Whole frames at half their size, sides multiples of 16, looked at anew."""

    def half(x: Tensor) -> Tensor:
        return F.avg_pool2d(x, 2)

    window = half(whole.window.flatten(0, 1)).unflatten(0, whole.window.shape[:2])
    return views(window, half(whole.clean), half(whole.broad), half(whole.matte))


def crop(whole: Views, x0: int, y0: int, x1: int, y1: int) -> Views:
    """A patch of views, corners multiples of 4: what the whole frame knows about it comes along."""

    def cut(x: Tensor, n: int = 1) -> Tensor:
        return x[..., y0 // n : y1 // n, x0 // n : x1 // n].contiguous()

    return Views(
        cut(whole.window),
        cut(whole.columns),
        cut(whole.flow, 4),
        whole.evidence.crop(x0, y0, x1, y1),
        cut(whole.clean),
        cut(whole.broad),
        cut(whole.matte),
    )


def join(parts: list[Views]) -> Views:
    """Views of one size, one after the other; one at least."""

    def cat(name: str, of: list[object]) -> Tensor:
        return torch.cat([getattr(part, name) for part in of])

    evidence = Evidence(**{name: cat(name, [p.evidence for p in parts]) for name in vars(parts[0].evidence)})
    return Views(evidence=evidence, **{name: cat(name, list(parts)) for name in _TENSORS})


class PatchStream(IterableDataset[Batch]):
    """Endless batches: ``frames`` damaged windows, each by one of ``recipes``, ``patches`` of ``size`` pixels each, and
    ``broad`` small windows more.

    Batch ``i`` of worker ``w`` is drawn from (seed, w, i) alone; workers are counted over all training processes, of
    which this is number ``process``. ``root`` is a folder with a manifest, or a pack. Sources named in ``apart`` are
    never drawn. With a register of ``pairs``, ``pair_share`` of the windows are real. While ``advance`` tells of a
    progress before the end of a stage of ``curriculum``, its recipes are drawn from in place of ``recipes``. The share
    ``undamaged`` of the synthetic windows carries no damage.
    """

    def __init__(
        self,
        *,
        root: Path,
        classes: tuple[str, ...],
        cache: Path | None,
        recipes: Sequence[Recipe],
        seed: int,
        radius: int,
        small_side: int,
        size: int = 128,
        frames: int = 2,
        patches: int = 3,
        broad: int = 0,
        apart: frozenset[str] = frozenset(),
        pairs: Path | None = None,
        pair_share: float = 0.3,
        reader: Reader = read_picture,
        curriculum: Sequence[Stage] = (),
        process: int = 0,
        undamaged: float = UNDAMAGED,
    ) -> None:
        self.root, self.classes, self.cache, self.recipes = root, classes, cache, tuple(recipes)
        self.seed, self.radius, self.small_side = seed, radius, small_side
        self.size, self.frames, self.patches, self.broad = size, frames, patches, broad
        self.apart, self.pairs, self.pair_share, self.reader = apart, pairs, pair_share, reader
        self.curriculum, self.process, self.undamaged = tuple(curriculum), process, undamaged
        # Workers run in processes of their own: one number in shared memory tells them how far the training is. Without
        # a training to tell, it is at its end.
        self._progress = multiprocessing.RawValue("d", 1.0)

    def advance(self, progress: float) -> int:
        """Tells this stream and its workers what share of the training has passed, 0..1; returns the stage's number."""
        self._progress.value = progress
        return self.stage

    @property
    def stage(self) -> int:
        """Number of the stage of the curriculum that is drawn from; the last, for ``recipes``, is its length."""
        progress = self._progress.value
        return sum(progress >= stage.until for stage in self.curriculum)

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        if worker:  # the process itself may want its threads for training
            torch.set_num_threads(1)
        number = worker.id + self.process * worker.num_workers if worker else self.process
        library, templates = open_data(self.root, classes=self.classes, cache=self.cache)
        library.sources = [source for source in library.sources if source.name not in self.apart]
        real = None if self.pairs is None else PairLibrary.open(self.pairs, cache=self.cache, reader=self.reader)
        index = 0
        while True:
            yield self.batch(library, templates, np.random.default_rng((self.seed, number, index)), real=real)
            index += 1

    def batch(
        self,
        library: ClipLibrary,
        templates: Templates | None,
        rng: np.random.Generator,
        *,
        real: PairLibrary | None = None,
    ) -> Batch:
        """One batch; all its frames share one size."""
        height, width = FRAME_SIZES[rng.integers(len(FRAME_SIZES))]
        if not self.frames:
            small, pattern = self._small(None, small_size(height, width, self.small_side), library, rng)
            return Batch(small, pattern, pick(small, slice(0)), torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
        made = [
            self.window(library, templates, rng, height, width)
            if real is None or rng.random() >= self.pair_share
            else self._real_window(real, rng, height, width)
            for _ in range(self.frames)
        ]
        window, clean, broad, matte = (torch.stack(part) for part in zip(*made, strict=True))
        whole = views(window, clean, broad, truth_matte(window[:, self.radius], clean, matte))
        small, pattern = self._small(whole, small_size(height, width, self.small_side), library, rng)
        parts, boxes, owner = [], [], []
        for frame in range(self.frames):
            one = pick(whole, slice(frame, frame + 1))
            for x, y in self._places(one, rng):
                parts.append(crop(one, x, y, x + self.size, y + self.size))
                boxes.append((x / width, y / height, (x + self.size) / width, (y + self.size) / height))
                owner.append(frame)
        place = torch.tensor(boxes, dtype=torch.float32)
        return Batch(small, pattern, join(parts), place, torch.tensor(owner), halved(whole))

    def _small(
        self, whole: Views | None, size: tuple[int, int], library: ClipLibrary, rng: np.random.Generator
    ) -> tuple[Views, Tensor]:
        """The whole frames made small, and ``broad`` more small frames with what is broad in the size it has in film.

        A training frame is a piece of film: a stain fills it that would take a third of a whole frame. With them comes
        their fixed pattern.
        """
        height, width = size
        parts: list[list[Tensor]] = []
        motions: list[Motion] = []
        patterns: list[Tensor] = []
        if whole is not None:

            def shrink(x: Tensor) -> Tensor:
                return F.interpolate(x, size=size, mode="area")

            window = shrink(whole.window.flatten(0, 1)).unflatten(0, whole.window.shape[:2])
            parts.append([window, shrink(whole.clean), shrink(whole.broad), shrink(whole.matte)])
            motions.append(window_motion(window))
            patterns.append(fixed_pattern(window, motions[-1]))
        reach = 2 * self.radius
        if rng.random() >= FAR or not library.lasts(2 * reach + 1):
            reach = self.radius
        more = [self.window(library, None, rng, height, width, reach=reach, whole=True) for _ in range(self.broad)]
        if more:
            shown, clean, broad, matte = (torch.stack(part) for part in zip(*more, strict=True))
            first, last = reach - self.radius, reach + self.radius + 1
            own, beyond = shown[:, first:last], [*shown[:, :first].unbind(1), *shown[:, last:].unbind(1)]
            motions.append(window_motion(own))
            patterns.append(fixed_pattern(own, motions[-1], beyond))
            parts.append([own, clean, broad, truth_matte(own[:, self.radius], clean, matte)])
        window, clean, broad, matte = (torch.cat(pair) for pair in zip(*parts, strict=True))
        motion = Motion(torch.cat([one.flow for one in motions]), torch.cat([one.doubt for one in motions]))
        return views(window, clean, broad, matte, motion), torch.cat(patterns)

    def window(
        self,
        library: ClipLibrary,
        templates: Templates | None,
        rng: np.random.Generator,
        height: int,
        width: int,
        *,
        reach: int | None = None,
        whole: bool = False,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Damaged window (T, 3, H, W), clean centre and the same under what is broad (3, H, W), its matte (4, H, W).

        There are ``reach`` frames on each side of the centre, the radius unless told.
        With ``whole`` damage has the size it has in a whole frame made small, as far as it is broad.
        """
        reach = self.radius if reach is None else reach
        length = 2 * reach + 1
        clip = library.window(rng, length=length, height=height, width=width, whole=whole)
        monochrome = bool(np.ptp(clip[0, ::8, ::8], axis=-1).max() < 1e-3)
        stage = self.stage
        recipes = self.curriculum[stage].recipes if stage < len(self.curriculum) else self.recipes
        recipe = recipes[rng.integers(len(recipes))]
        damager = Damager(
            made_small(recipe, width) if whole else recipe,
            seed=int(rng.integers(2**31)),
            height=height,
            width=width,
            templates=templates,
            monochrome=monochrome,
        )
        first = int(rng.integers(10_000))
        clip = _as_film(rng, clip)
        damage = rng.random() >= self.undamaged  # clean windows: the restorer must learn to leave film alone
        frames = [damager.process(first + t, clip[t], damage=damage) for t in range(length)]
        order = _end_of_shot(rng, self.radius, reach)
        centre = frames[reach]
        return (
            torch.stack([_planes(frames[t].plate) for t in order]),
            _planes(centre.truth),
            _planes(centre.broad),
            _planes(centre.mattes),
        )

    def _real_window(
        self, real: PairLibrary, rng: np.random.Generator, height: int, width: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """As ``_window``, of a scan and its restoration; under dirt nobody knows what the stain below looked like."""
        window = real.window(rng, length=2 * self.radius + 1, height=height, width=width)
        order = _end_of_shot(rng, self.radius, self.radius)
        clean, matte = _planes(window.truth), _planes(window.matte)
        centre = _planes(window.damaged[self.radius])
        broad = torch.where(matte[:2].amax(dim=0) > 0, clean, centre)
        return torch.stack([_planes(window.damaged[t]) for t in order]), clean, broad, matte

    def _places(self, whole: Views, rng: np.random.Generator) -> list[tuple[int, int]]:
        """Corners of patches, multiples of 4: by chance, towards suspects and towards damage, in turn.

        A suspect leaves the range of the aligned neighbours, be it damage or a limb too fast to follow: drawing by
        what can be seen, not by the truth, shows the restorer its likely mistakes and keeps its odds honest.
        """
        height, width = whole.matte.shape[-2:]
        spikes = out_of_range(whole.evidence.centre, whole.evidence.aligned)[0].abs().amax(dim=0).numpy()
        draws = (None, np.clip(spikes - SUSPECT, 0, 4 * SUSPECT), whole.matte[0, :3].amax(dim=0).numpy() > 0.5)
        places = []
        for index in range(self.patches):
            x, y = int(rng.integers(width - self.size + 1)), int(rng.integers(height - self.size + 1))
            odds = draws[index % 3]
            total = 0.0 if odds is None else float(odds.sum())
            if odds is not None and total > 0:
                at = int(np.searchsorted(np.cumsum(odds, dtype=np.float64), rng.random() * total))
                row, column = divmod(min(at, odds.size - 1), width)
                y = int(np.clip(row - rng.integers(self.size), 0, height - self.size))
                x = int(np.clip(column - rng.integers(self.size), 0, width - self.size))
            places.append((x // 4 * 4, y // 4 * 4))
        return places


def pick(whole: Views, which: slice) -> Views:
    """Some of several views, still batched."""
    return Views(
        evidence=Evidence(**{name: value[which] for name, value in vars(whole.evidence).items()}),
        **{name: getattr(whole, name)[which] for name in _TENSORS},
    )


def made_small(recipe: Recipe, width: int) -> Recipe:
    """The recipe for a whole frame made ``width`` pixels wide: sizes shrink with it, and as many stains lie in it."""
    ratio = width / REFERENCE_WIDTH
    most = 100.0

    def crowd(span: tuple[float, float]) -> tuple[float, float]:
        return min(most, span[0] / ratio**2), min(most, span[1] / ratio**2)

    return replace(
        recipe,
        size_scale=(max(0.1, recipe.size_scale[0] * ratio), max(0.1, recipe.size_scale[1] * ratio)),
        stains=replace(recipe.stains, presence=max(STAINED, recipe.stains.presence), alive=crowd(recipe.stains.alive)),
        mould=replace(recipe.mould, alive=crowd(recipe.mould.alive)),
        grain=replace(recipe.grain, strength=(0.3 * recipe.grain.strength[0], 0.3 * recipe.grain.strength[1])),
    )


def _as_film(rng: np.random.Generator, clip: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Now and then a locked-off camera, and a dark frame border: both breed vertical lines that are no scratches."""
    if rng.random() < LOCKED_OFF:
        clip = np.repeat(clip[len(clip) // 2][None], len(clip), axis=0)
        if rng.random() < UPRIGHT:
            clip = stand_uprights(rng, clip)
    if rng.random() < BORDERS:
        height, width = clip.shape[1:3]
        border = np.ones((height, width), np.float32)
        left, right = (int(rng.integers(0, 16)) for _ in range(2))
        top, bottom = (int(rng.integers(0, 10)) for _ in range(2))
        border[:top], border[height - bottom :] = 0, 0
        border[:, :left], border[:, width - right :] = 0, 0
        border = _blurred(border, rng.uniform(0.5, 2.5))[..., None]
        clip = np.asarray(clip * border + (1 - border) * rng.uniform(0.0, 0.12), np.float32)
    return np.ascontiguousarray(clip, dtype=np.float32)


def _blurred(image: npt.NDArray[np.float32], sigma: float) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)


def _end_of_shot(rng: np.random.Generator, radius: int, reach: int) -> list[int]:
    """Frame order of a window; now and then what a cut hides is mirrored, as in restoring near the ends of a shot.

    Frames from beyond the radius are not mirrored: in place of those that lie behind the cut stands the centre, which
    tells nothing.
    """
    order = list(range(2 * radius + 1))
    draw = rng.random()
    if draw < 0.12:
        kept = int(rng.integers(radius))  # frames left on the short side
        order = [t if t >= radius - kept else 2 * radius - t for t in order]
        if draw < 0.06:
            order = [2 * radius - t for t in reversed(order)]
    elif draw < 0.14:
        order = [radius] * len(order)
    more = reach - radius
    before = range(more) if order[:radius] == list(range(radius)) else [reach] * more
    after = range(2 * reach + 1 - more, 2 * reach + 1) if order[-1] == 2 * radius else [reach] * more
    return [*before, *(more + t for t in order), *after]


def _planes(image: npt.NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1), dtype=np.float32))
