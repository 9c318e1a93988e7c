"""From results to tables, verdicts, JSON and Markdown."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from frdm_engine.errors import OutputError
from frdm_engine.evaluation.bars import BARS, Field, Verdict
from frdm_engine.evaluation.benchmark import Result
from frdm_engine.evaluation.cases import KIND_GROUPS
from frdm_engine.evaluation.methods import Method
from frdm_engine.evaluation.scores import SSIM_EVERY, Scores
from frdm_engine.evaluation.tables import Cell, Column, Table

MAIN = "archive-mixed"
"""The recipe that bars are judged on, if it was measured; else the first one."""
METHOD = Column("method", "text")
SHOWN_KINDS = tuple(KIND_GROUPS)


@dataclass(frozen=True)
class Report:
    """Results with what made them. ``command`` and ``machine`` are for the reader, who may want to do it again."""

    results: tuple[Result, ...]
    command: str
    machine: str
    version: str
    code: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def methods(self) -> tuple[Method, ...]:
        """The methods, in the order they were given."""
        return tuple(dict.fromkeys(result.method for result in self.results))

    @property
    def recipes(self) -> tuple[str, ...]:
        """The recipes' names."""
        return tuple(dict.fromkeys(Path(result.case.recipe).stem for result in self.results))

    @property
    def main(self) -> str:
        """The recipe that all tables but those by severity are of."""
        return MAIN if MAIN in self.recipes else self.recipes[0]

    @property
    def clips(self) -> tuple[str, ...]:
        """The clips' names."""
        return tuple(dict.fromkeys(result.case.clip.name for result in self.results))

    def pooled(self, *, recipe: str | None = None, clip: str | None = None) -> dict[str, Scores]:
        """Scores of every method over the cases of a recipe and clip, or of all."""
        total: dict[str, Scores] = {}
        for result in self.results:
            case = result.case
            if recipe in (None, Path(case.recipe).stem) and clip in (None, case.clip.name):
                total[result.method.name] = total.get(result.method.name, Scores()) + result.scores
        return total

    def verdicts(self) -> list[Verdict]:
        """Every bar and what became of it."""
        judged = Field(self.methods, self.pooled(recipe=self.main))
        return [bar.judge(judged) for bar in BARS]

    def tables(self) -> list[Table]:
        """All tables there is something for."""
        made = [
            self._reach(),
            self._overall(),
            self._kinds(self.main),
            self._kinds(None) if len(self.recipes) > 1 else None,
            self._severity(),
            self._clips("whole", "whole frame"),
            self._clips("damage", "in damage"),
            self._fast(),
            self._mattes(),
            self._steady(),
            self._steps(),
            self._variants(),
        ]
        return [table for table in made if table is not None and table.rows]

    def _rows(
        self,
        cells: Callable[[Scores], Sequence[Cell]],
        *,
        recipe: str | None,
        roles: Sequence[str] = ("input", "baseline", "oracle", "ours", "variant"),
    ) -> tuple[tuple[Cell, ...], ...]:
        pooled = self.pooled(recipe=recipe)
        chosen = [method for method in self.methods if method.role in roles and method.name in pooled]
        return tuple((titled(method), *cells(pooled[method.name])) for method in chosen)

    def _reach(self) -> Table:
        columns = (Column("bar", "text"), Column("needed", "text"), Column("figure", "text"), Column("reached", "text"))
        rows = []
        for verdict in self.verdicts():
            reached = {True: "yes", False: "**no**", None: "not measured"}[verdict.reached]
            rows.append((verdict.bar.says, *verdict.words, reached))
        done = sum(verdict.reached is True for verdict in self.verdicts())
        says = f"{done} of {len(rows)} bars reached, on {self.main} damage."
        return Table("reach", "Reach", says, columns, tuple(rows))

    def _overall(self) -> Table:
        def cells(s: Scores) -> Sequence[Cell]:
            figures = (s.psnr("whole"), s.ssim.mean, s.psnr("damage"), s.psnr("outside"), s.altered.mean)
            return (*figures, s.pace if s.seconds.count else None)

        columns = (
            METHOD, Column("PSNR whole"), Column("SSIM", "ratio"), Column("PSNR in damage"), Column("PSNR outside"),
            Column("undamaged changed", "share"), Column("time, median = 1", "times"),
        )  # fmt: skip
        says = (
            f"Damage by recipe {self.main}. In damage: where the true matte of dirt, scratch or stain exceeds 0.05. "
            "Undamaged changed: share of pixels no damage touched that a method altered by more than 1/255. "
            f"PSNR in dB of the error pooled over all cases; SSIM of every {SSIM_EVERY}rd frame. "
            "An oracle is told where the damage is. Time is that of the motion-compensated median of 3 beside it."
        )
        return Table("overall", "Overall", says, columns, self._rows(cells, recipe=self.main))

    def _kinds(self, recipe: str | None) -> Table:
        known = self.pooled(recipe=recipe)
        shares = next((s.errors for s in known.values() if s.errors), {})
        there = [kind for kind in SHOWN_KINDS if kind in shares and shares[kind].count]
        columns = (METHOD, *(Column(kind) for kind in there))
        rows = self._rows(lambda s: [s.psnr(kind) for kind in there], recipe=recipe)
        whole = shares["whole"].count if "whole" in shares else 0
        if whole:
            amounts = ", ".join(f"{kind} {100 * shares[kind].count / whole:.2f} %" for kind in there)
            says = (
                f"PSNR in dB. Share of all pixels: {amounts}. Dirt is dust, blotches and sparkle; scratches are moving "
                "and standing ones; stains, mould and flicker are measured where nothing sharper lies on them."
            )
        else:
            says = ""
        name = f"By kind of damage, {recipe}" if recipe else "By kind of damage, all recipes"
        return Table("kinds" if recipe else "kinds-all", name, says, columns, rows)

    def _severity(self) -> Table | None:
        if len(self.recipes) < 2:
            return None
        by_recipe = {recipe: self.pooled(recipe=recipe) for recipe in self.recipes}
        regions = (("whole", "whole"), ("damage", "in damage"))
        columns = (METHOD, *(Column(f"{recipe}, {name}") for recipe in self.recipes for _, name in regions))
        rows = []
        for method in self.methods:
            if method.role in ("input", "baseline", "oracle", "ours", "variant"):
                scores = [by_recipe[recipe].get(method.name) for recipe in self.recipes]
                cells = [None if s is None else s.psnr(region) for s in scores for region, _ in regions]
                rows.append((titled(method), *cells))
        return Table("severity", "By severity", "PSNR in dB by recipe.", columns, tuple(rows))

    def _clips(self, region: str, words: str) -> Table | None:
        if len(self.clips) < 2:
            return None
        by_clip = {clip: self.pooled(recipe=self.main, clip=clip) for clip in self.clips}
        columns = (METHOD, *(Column(clip) for clip in self.clips))
        rows = []
        for method in self.methods:
            if method.role in ("input", "baseline", "oracle", "ours", "variant"):
                scores = [by_clip[clip].get(method.name) for clip in self.clips]
                rows.append((titled(method), *(None if s is None else s.psnr(region) for s in scores)))
        return Table(f"clips-{region}", f"By clip, {words}", f"PSNR in dB, {self.main}.", columns, tuple(rows))

    def _fast(self) -> Table:
        def cells(s: Scores) -> Sequence[Cell]:
            return s.psnr("fast"), s.psnr("fast damage"), s.errors["fast"].count / 3 if "fast" in s.errors else None

        columns = (METHOD, Column("PSNR there"), Column("PSNR in damage there"), Column("pixels", "pixels"))
        says = "Regions that move by more than 8 pixels a frame in a frame 854 wide; the camera's motion counts."
        rows = self._rows(cells, recipe=self.main)
        return Table("fast", "Fast-moving regions", says, columns, rows if any(row[-1] for row in rows) else ())

    def _mattes(self) -> Table:
        names = ("any", "dirt", "scratch", "stain", "flicker")

        def cells(s: Scores) -> Sequence[Cell]:
            counts = [s.found.get(name) for name in names]
            return [x for c in counts for x in ((None, None) if c is None else (c.precision, c.recall))]

        columns = (METHOD, *(Column(f"{name}, {what}", "share") for name in names for what in ("precision", "recall")))
        says = (
            "By area, with one pixel of tolerance. Of restorers: the matte of each class over 0.05. Of baselines, "
            "which name no class: the pixels changed by more than 1/255, and how much of each class these cover. Any "
            "is dirt, scratch and stain together; hairs, splices and tears count as dirt."
        )
        rows = self._rows(cells, recipe=self.main, roles=("baseline", "ours", "variant"))
        return Table("mattes", "Mattes", says, columns, rows)

    def _steady(self) -> Table:
        def cells(s: Scores) -> Sequence[Cell]:
            steady, grain = s.steady, s.grain
            return (
                steady.warping_ratio, steady.motion.mean, steady.difference.mean, s.detail.value, grain.strength,
                grain.frozen, grain.frozen_truth, s.seams.score,
            )  # fmt: skip

        names = (
            "warping error, clean = 1", "tOF, pixels", "frame difference error", "fine detail kept", "grain in repairs",
            "grain frozen", "frozen in truth", "seam score",
        )  # fmt: skip
        says = (
            "Warping error: squared difference of a frame and its predecessor moved along the clean clip's motion, "
            "over the clean clip's own. tOF: difference of the motion found in the result and in the clean clip; the "
            "clean clip's own is what its grain alone does to it. Fine detail: energy outside the damage over the "
            "truth's. Grain in repairs: its strength over the truth's, and how far it repeats the neighbours' (frozen) "
            "beside how far the truth does. Seam score: steps of the correction at tile borders over those beside them."
        )
        roles = ("clean", "input", "baseline", "oracle", "ours", "tiles", "variant")
        rows = self._rows(cells, recipe=self.main, roles=roles)
        columns = (METHOD, *(Column(name, "ratio") for name in names))
        return Table("steady", "Steadiness and texture", says, columns, rows)

    def _steps(self) -> Table:
        def cells(s: Scores) -> Sequence[Cell]:
            return s.psnr("whole"), s.psnr("damage"), s.psnr("outside"), s.altered.mean, s.pace

        columns = (
            METHOD, Column("PSNR whole"), Column("PSNR in damage"), Column("PSNR outside"),
            Column("undamaged changed", "share"), Column("of median's time", "times"),
        )  # fmt: skip
        rows = self._rows(cells, recipe=self.main, roles=("steps",))
        if rows:
            rows = (*self._rows(cells, recipe=self.main, roles=("ours",)), *rows)
        says = "The restorer at its default number of steps, and at others."
        return Table("steps", "Sampling steps", says, columns, rows)

    def _variants(self) -> Table:
        kinds = ("whole", "damage", "dirt", "hair", "scratches", "stains", "fast damage")
        pooled = self.pooled(recipe=self.main)
        ours = next((pooled[m.name] for m in self.methods if m.role == "ours" and m.name in pooled), None)

        def gap(s: Scores, region: str) -> float | None:
            own, other = (None if ours is None else ours.psnr(region)), s.psnr(region)
            return None if own is None or other is None or own == other else other - own

        def cells(s: Scores) -> Sequence[Cell]:
            return (*(s.psnr(kind) for kind in kinds), gap(s, "whole"), gap(s, "damage"), s.altered.mean)

        columns = (
            METHOD, *(Column(kind) for kind in kinds), Column("whole, against ours"), Column("damage, against ours"),
            Column("undamaged changed", "share"),
        )  # fmt: skip
        rows = self._rows(cells, recipe=self.main, roles=("variant",))
        if rows:
            rows = (*self._rows(cells, recipe=self.main, roles=("ours",)), *rows)
        says = "Other models, such as those trained with a part of the network switched off. PSNR in dB."
        return Table("variants", "Other models and parts switched off", says, columns, rows)

    def plain(self) -> dict[str, Any]:
        """Everything, as plain data."""
        return {
            "frdm": self.version,
            "code": self.code,
            "command": self.command,
            "machine": self.machine,
            "settings": dict(self.settings),
            "main_recipe": self.main,
            "methods": [{"name": m.name, "role": m.role, "says": m.says} | m.record() for m in self.methods],
            "cases": [case.record() for case in dict.fromkeys(result.case for result in self.results)],
            "reach": [verdict.plain() for verdict in self.verdicts()],
            "tables": {table.key: table.plain() for table in self.tables()},
            "results": [
                {"case": result.case.name, "method": result.method.name, "scores": result.scores.plain()}
                for result in self.results
            ],
        }

    def markdown(self, *, images: Mapping[str, str]) -> str:
        """The report for a reader; ``images``: key of a table and the picture to show below it."""
        cases = dict.fromkeys(result.case for result in self.results)
        frames = sum(case.measured for case in cases)
        ours = [method for method in self.methods if method.role == "ours"]
        parts = [
            "# Benchmark\n",
            f"```sh\n{self.command}\n```\n",
            f"Clips: {', '.join(self.clips)}; cases: {len(cases)}; frames measured: {frames}; damaged by "
            f"{', '.join(self.recipes)}; FRDM {self.version}, code {self.code}; {self.machine}.\n",
        ]
        parts += [f"Model {method.name}, sha256 {method.record().get('sha256')}.\n" for method in ours]
        for table in self.tables():
            parts.append(table.markdown())
            if table.key in images:
                parts.append(f"![{table.title}]({images[table.key]})\n")
        told = [f"- **{method.name}**: {method.says}" for method in self.methods if method.says]
        parts.append("## Methods\n\n" + "\n".join(told) + "\n")
        return "\n".join(parts)


def titled(method: Method) -> str:
    """A method's name in a table: ours stands out, oracles are marked."""
    if method.role == "ours":
        return f"**{method.name}**"
    return f"{method.name} (oracle)" if method.role == "oracle" else method.name


def save(path: Path, text: str) -> None:
    """Write a text file under a temporary name and rename it.

    Raises:
        OutputError: it cannot be written there.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}); choose another folder.") from error


def save_json(path: Path, data: Any) -> None:
    """Write plain data as JSON; see `save`."""
    save(path, json.dumps(data, indent=1, allow_nan=False) + "\n")
