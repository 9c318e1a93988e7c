"""What one method did to one case, as sums: those of several cases add up, and figures are asked of the total."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any, Self, TypeVar, get_type_hints

import numpy as np

from frdm_engine.damage import CLASSES
from frdm_engine.evaluation.cases import KIND_GROUPS, Made
from frdm_engine.evaluation.mattes import DAMAGED, MatteCounts, matte_counts
from frdm_engine.evaluation.motion import Steadiness, fast_regions, steadiness
from frdm_engine.evaluation.picture import (
    VISIBLE_CHANGE,
    Array,
    Mask,
    Pool,
    Ratio,
    changed,
    squared_error,
    ssim,
    undamaged,
)
from frdm_engine.evaluation.texture import Grain, Seams, grain_match, kept_detail, seams

T = TypeVar("T")

REGIONS = ("whole", "damage", "outside", "fast", "fast damage", *KIND_GROUPS)
SSIM_EVERY = 3
"""SSIM is measured on every so many frames: it takes longer than all else together."""


@dataclass(frozen=True)
class Outcome:
    """A method's result: ``pictures`` (n, H, W, 3), the frames measured; ``mattes`` (n, H, W, 4) if it gives any.

    ``lines``: (columns, rows) at which its tiles begin. ``seconds`` over ``timed`` frames.
    """

    pictures: Array
    seconds: float = 0.0
    timed: int = 0
    mattes: Array | None = None
    lines: tuple[tuple[int, ...], tuple[int, ...]] | None = None


@dataclass(frozen=True)
class Scores:
    """Sums over frames and cases.

    ``errors``: squared error by region; ``altered``: undamaged pixels changed visibly; ``found``: mattes by class, and
    ``any``; ``seconds`` of the method, and ``unit``, of the motion-compensated median beside it, over frames.
    """

    errors: dict[str, Pool] = field(default_factory=dict)
    ssim: Pool = field(default_factory=Pool)
    altered: Pool = field(default_factory=Pool)
    found: dict[str, MatteCounts] = field(default_factory=dict)
    steady: Steadiness = field(default_factory=Steadiness)
    seams: Seams = field(default_factory=Seams)
    detail: Ratio = field(default_factory=Ratio)
    grain: Grain = field(default_factory=Grain)
    seconds: Pool = field(default_factory=Pool)
    unit: Pool = field(default_factory=Pool)

    def __add__(self, other: Scores) -> Scores:
        def add(name: str) -> Any:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, dict):
                return {
                    key: mine[key] + theirs[key] if key in mine and key in theirs else mine.get(key, theirs.get(key))
                    for key in mine | theirs
                }
            return mine + theirs

        return Scores(**{item.name: add(item.name) for item in fields(self)})

    def psnr(self, region: str) -> float | None:
        """PSNR in dB of a region's pooled error; None where the region is empty."""
        pool = self.errors.get(region)
        return None if pool is None else pool.psnr

    @property
    def pace(self) -> float | None:
        """Seconds a frame over those of the motion-compensated median."""
        ours, unit = self.seconds.mean, self.unit.mean
        return None if ours is None or not unit else ours / unit

    def plain(self) -> dict[str, Any]:
        """The sums as plain data."""
        return asdict(self)

    @classmethod
    def of(cls, plain: Any) -> Self:
        """The inverse of `plain`.

        Raises:
            ValueError, TypeError, KeyError: it is not what `plain` gave.
        """
        return _load(cls, plain)


def _load(kind: type[T], plain: Any) -> T:
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for name, value in plain.items():
        hint = hints[name]
        if isinstance(hint, type) and is_dataclass(hint):
            values[name] = _load(hint, value)
        elif isinstance(value, dict):
            inner = MatteCounts if name == "found" else Pool
            values[name] = {key: _load(inner, item) for key, item in value.items()}
        else:
            values[name] = value
    return kind(**values)


class Judge:
    """One case's regions, found once, and what any method's outcome comes to on them."""

    def __init__(self, made: Made) -> None:
        self.made = made
        self.truth, self.damaged = made.truth[made.inner], made.damaged[made.inner]
        self.mattes = made.mattes[made.inner]
        self.regions: list[dict[str, Mask]] = []
        self.untouched: list[Mask] = []
        for index in range(len(self.truth)):
            at = made.inner.start + index
            spoiled = np.asarray(self.mattes[index, ..., :3].max(axis=-1) > DAMAGED)
            fast = fast_regions(made.plain, at)
            kinds = {group: made.of_kind(group, at) for group in KIND_GROUPS}
            self.regions.append(
                {"damage": spoiled, "outside": ~spoiled, "fast": fast, "fast damage": fast & spoiled} | kinds
            )
            self.untouched.append(undamaged(self.mattes[index]))

    def own(self) -> Scores:
        """The clean clip under the same measures; its tOF is what its grain alone does to the motion found."""
        own = steadiness(self.truth, self.truth)
        ungrained = steadiness(self.truth, self.made.plain[self.made.inner])
        return Scores(steady=replace(own, motion=ungrained.motion))

    def scores(self, outcome: Outcome, *, unit: Pool) -> Scores:
        """Measure an outcome; ``unit`` is the motion-compensated median's time."""
        errors = dict.fromkeys(REGIONS, Pool())
        likeness, altered, detail, grain, joints = Pool(), Pool(), Ratio(), Grain(), Seams()
        found: dict[str, MatteCounts] = {}
        for index, picture in enumerate(outcome.pictures):
            truth, damaged, regions = self.truth[index], self.damaged[index], self.regions[index]
            errors["whole"] += squared_error(picture, truth)
            for name, where in regions.items():
                errors[name] += squared_error(picture, truth, where=where)
            if index % SSIM_EVERY == 0 and min(picture.shape[:2]) >= 11:
                likeness += Pool(ssim(picture, truth), 1)
            altered += changed(picture, damaged, where=self.untouched[index])
            detail += kept_detail(picture, truth, where=regions["outside"])
            grain += grain_match(outcome.pictures, self.truth, index, repaired=regions["damage"])
            if outcome.lines is not None:
                joints += seams(picture, damaged, columns=outcome.lines[0], rows=outcome.lines[1])
            for name, counts in self._found(index, picture, outcome.mattes).items():
                found[name] = found.get(name, MatteCounts()) + counts
        return Scores(
            errors=errors,
            ssim=likeness,
            altered=altered,
            found=found,
            steady=steadiness(outcome.pictures, self.truth),
            seams=joints,
            detail=detail,
            grain=grain,
            seconds=Pool(outcome.seconds, outcome.timed),
            unit=unit,
        )

    def _found(self, index: int, picture: Array, mattes: Array | None) -> dict[str, MatteCounts]:
        """Mattes against the truth's; of a method without mattes, the pixels it changed, which name no class."""
        truth = self.mattes[index]
        spoiled = np.asarray(truth[..., :3].max(axis=-1), np.float32)
        if mattes is not None:
            found = mattes[index]
            by_class = {
                name: matte_counts(found[..., kind], truth[..., kind], over=DAMAGED)
                for kind, name in enumerate(CLASSES)
            }
            return by_class | {"any": matte_counts(found[..., :3].max(axis=-1), spoiled, over=DAMAGED)}
        touched = np.asarray((np.abs(picture - self.damaged[index]) > VISIBLE_CHANGE).any(axis=-1))
        by_class = {}
        for kind, name in enumerate(CLASSES):
            counts = matte_counts(touched, truth[..., kind])
            by_class[name] = MatteCounts(damaged=counts.damaged, recalled=counts.recalled)
        return by_class | {"any": matte_counts(touched, spoiled)}
