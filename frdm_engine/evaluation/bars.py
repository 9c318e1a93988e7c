"""The bars a restorer is held to, as data: what is compared, with what, and how far apart they must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from frdm_engine.evaluation.methods import CLEAN, INPUT, MEDIAN, Method
from frdm_engine.evaluation.scores import Scores
from frdm_engine.evaluation.tables import Unit, finite, shown

Pooled = Mapping[str, Scores]
"""Scores of each method by name, over all cases that count."""
Sense = Literal["at least", "at most", "within"]


@dataclass(frozen=True)
class Field:
    """The scores that bars look at: ours, and the others by what they are."""

    methods: tuple[Method, ...]
    pooled: Pooled

    @property
    def ours(self) -> Scores | None:
        """Those of the restorer the report is about, if it was measured."""
        name = next((method.name for method in self.methods if method.role == "ours"), None)
        return None if name is None else self.pooled.get(name)

    def best(self, region: str, *roles: str) -> float | None:
        """The best PSNR of a region among methods of the roles."""
        figures = [self.pooled[m.name].psnr(region) for m in self.methods if m.role in roles and m.name in self.pooled]
        return max((figure for figure in figures if figure is not None), default=None)

    def of(self, name: str, region: str) -> float | None:
        """The PSNR of a region of the method of that name."""
        return self.pooled[name].psnr(region) if name in self.pooled else None


@dataclass(frozen=True)
class Bar:
    """``figure`` of ours is held against ``against`` plus ``margin`` (times ``factor``), in the sense given."""

    says: str
    unit: Literal["dB", "share", "number"]
    sense: Sense
    figure: Callable[[Field], float | None]
    against: Callable[[Field], float | None] = lambda field: 0.0
    margin: float = 0.0
    factor: float = 1.0

    def judge(self, field: Field) -> Verdict:
        """The figure, the bar, and whether it was reached; None where either was not measured."""
        figure, against = self.figure(field), self.against(field)
        bar = None if against is None else against * self.factor + (0 if self.sense == "within" else self.margin)
        reached = None
        if figure is not None and bar is not None:
            if self.sense == "within":
                reached = abs(figure - bar) <= self.margin
            else:
                reached = figure >= bar if self.sense == "at least" else figure <= bar
        return Verdict(self, figure, bar, reached)


@dataclass(frozen=True)
class Verdict:
    """What became of a bar."""

    bar: Bar
    figure: float | None
    needed: float | None
    reached: bool | None

    @property
    def words(self) -> tuple[str, str]:
        """What was needed, and the figure, for a reader."""
        unit: Unit = "ratio" if self.bar.unit == "number" else self.bar.unit
        needed = shown(self.needed, unit)
        needed = f"{needed} ± {self.bar.margin:g}" if self.bar.sense == "within" else f"{self.bar.sense} {needed}"
        return needed, shown(self.figure, unit)

    def describe(self) -> str:
        """The verdict in one line."""
        needed, figure = self.words
        reached = {True: "reached", False: "NOT REACHED", None: "not measured"}[self.reached]
        return f"{reached:12}  {self.bar.says}: {figure}, needed {needed}"

    def plain(self) -> dict[str, Any]:
        """The verdict as plain data."""
        return {
            "bar": self.bar.says,
            "unit": self.bar.unit,
            "sense": self.bar.sense,
            "needed": finite(self.needed),
            "tolerance": self.bar.margin if self.bar.sense == "within" else None,
            "figure": finite(self.figure),
            "reached": self.reached,
        }


def _psnr(region: str) -> Callable[[Field], float | None]:
    return lambda field: None if field.ours is None else field.ours.psnr(region)


def _ours(what: Callable[[Scores], float | None]) -> Callable[[Field], float | None]:
    return lambda field: None if field.ours is None else what(field.ours)


def _best(region: str, *roles: str) -> Callable[[Field], float | None]:
    return lambda field: field.best(region, *roles)


def _of(name: str, region: str) -> Callable[[Field], float | None]:
    return lambda field: field.of(name, region)


def _seams(field: Field) -> float | None:
    """The seam score of the method in small tiles, which has the most borders; else of ours as it is."""
    tiled = [field.pooled[m.name] for m in field.methods if m.role == "tiles" and m.name in field.pooled]
    one = tiled[0] if tiled else field.ours
    return None if one is None else one.seams.score


def _clean_motion(field: Field) -> float | None:
    return field.pooled[CLEAN].steady.motion.mean if CLEAN in field.pooled else None


def _behind_best_steps(field: Field) -> float | None:
    """How far the default is behind the best number of steps, in dB, whole frame or in damage, whichever is more."""
    others = [field.pooled[m.name] for m in field.methods if m.role == "steps" and m.name in field.pooled]
    if field.ours is None or not others:
        return None
    gaps = []
    for region in ("whole", "damage"):
        own = field.ours.psnr(region)
        figures = [figure for figure in (one.psnr(region) for one in others) if figure is not None]
        if own is not None and figures:
            gaps.append(max(0.0, max(figures) - own))
    return max(gaps, default=None)


BARS: tuple[Bar, ...] = (
    *(
        Bar(f"PSNR in {kind}: 1 dB over the best baseline, oracles included", "dB", "at least", _psnr(kind),
            _best(kind, "baseline", "oracle"), 1.0)
        for kind in ("dirt", "hair", "scratches")
    ),
    Bar("PSNR in stains: 4 dB over the input", "dB", "at least", _psnr("stains"), _of(INPUT, "stains"), 4.0),
    Bar("PSNR in standing scratches: 8 dB over the input", "dB", "at least", _psnr("standing scratches"),
        _of(INPUT, "standing scratches"), 8.0),
    Bar("PSNR of the whole frame: over the oracles, which are given the true matte", "dB", "at least", _psnr("whole"),
        _best("whole", "oracle")),
    Bar("PSNR of the whole frame: 5 dB over every baseline that finds the damage itself", "dB", "at least",
        _psnr("whole"), _best("whole", "baseline"), 5.0),
    Bar("PSNR in damage where motion is fast: 4 dB over the motion-compensated median", "dB", "at least",
        _psnr("fast damage"), _of(MEDIAN, "fast damage"), 4.0),
    Bar("Undamaged pixels changed by more than 1/255", "share", "at most", _ours(lambda s: s.altered.mean),
        margin=0.005),
    Bar("Dirt found, by area (recall)", "share", "at least",
        _ours(lambda s: s.found["dirt"].recall if "dirt" in s.found else None), margin=0.90),
    Bar("Dirt rightly found, by area (precision)", "share", "at least",
        _ours(lambda s: s.found["dirt"].precision if "dirt" in s.found else None), margin=0.85),
    Bar("Seam score: steps of the correction at tile borders over those beside them", "number", "within",
        _seams, lambda field: 1.0, 0.02),
    Bar("Warping error over the clean clip's own", "number", "at most", _ours(lambda s: s.steady.warping_ratio),
        margin=1.05),
    Bar("tOF, in pixels: the clean clip's own and 5 %", "number", "at most", _ours(lambda s: s.steady.motion.mean),
        _clean_motion, factor=1.05),
    Bar("dB that the default steps are behind the best steps, whole frame or in damage", "dB", "at most",
        _behind_best_steps, margin=0.2),
)  # fmt: skip
"""Judged over the cases of the main recipe."""
