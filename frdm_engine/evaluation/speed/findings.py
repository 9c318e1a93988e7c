"""All that one run of the speed benchmark found, its tables and its verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from frdm_engine.evaluation.speed import reach, startup
from frdm_engine.evaluation.speed.cases import HD, K2, K4, K8, Case
from frdm_engine.evaluation.speed.ceilings import CONVOLUTION, MATRIX
from frdm_engine.evaluation.speed.clock import Measured, Ratio
from frdm_engine.evaluation.speed.film import LEVELS
from frdm_engine.evaluation.speed.startup import Start
from frdm_engine.evaluation.speed.studio import CALL, COLOURS, IN_PROCESS, NETWORK, OTHER, READING, WRITING
from frdm_engine.evaluation.tables import Cell, Column, Table
from frdm_engine.tiling import Plan

PATHS, STREAMED = "engine, by paths", "engine, streamed"
WAYS = (NETWORK, IN_PROCESS, PATHS, STREAMED)


@dataclass(frozen=True)
class Findings:
    """``flops``: the network's arithmetic for a frame; ``main``: the case that comparisons are made on."""

    measured: tuple[Measured, ...]
    flops: dict[Case, int]
    plans: dict[tuple[int, int], Plan]
    starts: tuple[Start, ...]
    operators: tuple[tuple[str, float], ...]
    functions: tuple[tuple[str, float], ...]
    missing: dict[str, str]
    main: Case
    default_steps: int
    gpu: bool

    def of(self, what: str, case: Case) -> Measured | None:
        """What was measured of that."""
        return next((one for one in self.measured if one.what == what and one.case == case), None)

    def ceiling(self, what: str) -> Measured | None:
        """The fastest of a ceiling's kernels."""
        kernels = [one for one in self.measured if one.what == what]
        return max(kernels, key=lambda one: one.facts["flops"] / one.median, default=None)

    def rate(self, what: str) -> float | None:
        """A ceiling in FLOP/s."""
        best = self.ceiling(what)
        return None if best is None else best.facts["flops"] / best.median

    def share(self, one: Measured) -> float | None:
        """The network's arithmetic for a frame over what the convolution ceiling does in that time."""
        if one.what not in WAYS:
            return None
        flops, rate = self.flops.get(_zipped(one.case)), self.rate(CONVOLUTION)
        return None if flops is None or rate is None else flops / one.median / rate

    def ratio(self, one: Measured | None, other: Measured | None) -> Ratio | None:
        """The one over the other, round by round; None where either was not measured."""
        return None if one is None or other is None else one.over(other)

    def verdicts(self) -> list[reach.Verdict]:
        """Every bar of speed and start-up."""
        heavy, main = Case(*HD), self.main
        largest = Case(*K8)
        end = self.ratio(self.of(IN_PROCESS, heavy), self.of(NETWORK, heavy))
        clean = self.ratio(self.of(IN_PROCESS, _level(main, "clean")), self.of(IN_PROCESS, main))
        large = self.ratio(self.of(IN_PROCESS, largest), self.of(IN_PROCESS, heavy))
        large = large and large.times(heavy.pixels / largest.pixels)
        network, two = self.of(NETWORK, heavy), self.of(IN_PROCESS, Case(*K2))
        plan = self.plans.get(K4)
        helping = [one for one in self.starts if one.what == startup.HELP]
        hosts = [one for one in self.starts if one.what.startswith("import")]
        whole = self.of(IN_PROCESS, heavy)
        sampled = f"{100 * whole.facts['sampled']:.0f} % of tiles sampled" if whole else ""
        return [
            _judged(reach.END_TO_END, end, sampled),
            _judged(reach.RATE, self._rate_ratio(network)),
            _judged(reach.CLEAN, clean, f"at {main.words}, in process" if clean else ""),
            reach.TILING.judge(plan.overhead if plan else None),
            _judged(reach.LARGE, large),
            reach.GPU.judge(1 / two.median if two and self.gpu else None, remark="" if self.gpu else "no GPU here"),
            reach.QUALITY.judge(None, remark="told by frdm bench quality"),
            reach.HELP.judge(helping[0].median if helping else None),
            reach.HOSTS.judge(max((one.median for one in hosts), default=None)),
            self._cold(),
        ]

    def _rate_ratio(self, network: Measured | None) -> Ratio | None:
        best = self.ceiling(CONVOLUTION)
        if network is None or best is None or network.case not in self.flops:
            return None
        factor = self.flops[network.case] / best.facts["flops"]
        return best.over(network).times(factor)

    def _cold(self) -> reach.Verdict:
        cold = {one.what.removeprefix("cold, "): one.median for one in self.starts if one.what.startswith("cold")}
        if not cold:
            return reach.COLD.judge(None)
        told = [(what, cold[what]) for what in (startup.COLD_IMPORTS, startup.COLD_LOAD, startup.COLD_FRAME)]
        remark = ", ".join(f"{what} {seconds:.2f} s" for what, seconds in told)
        return reach.COLD.judge((told[0][1] + told[1][1]) / told[2][1], remark=remark)

    def tables(self) -> list[Table]:
        """All tables there is something for, but that of the bars."""
        made = [self._machine(), self._sizes(), self._damage(), self._steps(), self._compressions(), self._ways()]
        made += [self._baselines(), self._stages(), self._operators(), self._functions(), self._starts()]
        return [table for table in made if table.rows]

    def _machine(self) -> Table:
        columns = (
            Column("kernel", "text"),
            Column("size", "text"),
            Column("TFLOP/s", "ratio"),
            Column("spread", "share"),
        )
        rows: list[tuple[Cell, ...]] = []
        for one in self.measured:
            if one.what in (MATRIX, CONVOLUTION):
                best = "**" if one is self.ceiling(one.what) else ""
                speed = one.facts["flops"] / one.median / 1e12
                rows.append((one.what, f"{best}{one.facts['kernel']}{best}", speed, one.spread))
        says = "The best convolution (bold) is the ceiling that all shares are of. Spread: from shortest to longest."
        return Table("machine", "The machine's ceiling", says, columns, tuple(rows))

    def _sizes(self) -> Table:
        columns = (
            Column("size", "text"), Column("tiles sampled", "share"), Column("network alone, s", "ratio"),
            Column("GFLOP", "pixels"), Column("TFLOP/s", "ratio"), Column("of the ceiling", "share"),
            Column("end to end, s", "ratio"), Column("end to end, of the ceiling", "share"),
            Column("end to end over network", "text"), Column("µs a pixel, end to end", "ratio"),
            Column("computed pixels a pixel", "ratio"),
        )  # fmt: skip
        rows: list[tuple[Cell, ...]] = []
        for case in self._cases(lambda one: one.case == Case(*one.case.size)):
            network, whole = self.of(NETWORK, case), self.of(IN_PROCESS, case)
            flops, ratio = self.flops.get(case), self.ratio(whole, network)
            rows.append(
                (
                    case.words,
                    None if whole is None else whole.facts["sampled"],
                    None if network is None else network.median,
                    None if flops is None else flops / 1e9,
                    None if flops is None or network is None else flops / network.median / 1e12,
                    None if network is None else self.share(network),
                    None if whole is None else whole.median,
                    None if whole is None else self.share(whole),
                    None if ratio is None else ratio.words(),
                    None if whole is None else 1e6 * whole.median / case.pixels,
                    self.plans[case.size].overhead,
                )
            )
        says = (
            "Heavily damaged half-float EXR with ZIP, seconds for a frame. End to end is a whole restoration in this "
            "process, from files to files, its first reading and its last writing counted."
        )
        return Table("sizes", "By frame size", says, columns, tuple(rows))

    def _against(
        self, table: str, title: str, says: str, named: Sequence[tuple[str, Measured | None]], *, least: int = 2
    ) -> Table:
        """Rows of what was measured, each over the first; none where there are fewer than the ``least`` to compare."""
        known = [(name, one) for name, one in named if one is not None]
        columns = (
            Column("", "text"), Column("s a frame", "ratio"), Column("over the first", "text"),
            Column("tiles sampled", "share"), Column("of the ceiling", "share"), Column("spread", "share"),
        )  # fmt: skip
        rows = [
            (name, one.median, one.over(known[0][1]).words(), one.facts.get("sampled"), self.share(one), one.spread)
            for name, one in known
        ]
        return Table(table, title, says, columns, tuple(rows) if len(rows) >= least else ())

    def _damage(self) -> Table:
        named = [(level, self.of(IN_PROCESS, _level(self.main, level))) for level in reversed(LEVELS)]
        says = f"{self.main.words}, in process. Clean plates have motion and grain, and no damage."
        return self._against("damage", "By damage", says, named)

    def _steps(self) -> Table:
        named = []
        for what in (NETWORK, IN_PROCESS):
            for case in self._cases(lambda one: _stepless(one.case) == self.main):
                steps = case.steps or self.default_steps
                words = f"{what}, {steps} step{'' if steps == 1 else 's'}"
                named.append((words + (" (default)" if case.steps is None else ""), self.of(what, case)))
        return self._against("steps", "By sampling steps", f"{self.main.words}, heavily damaged.", named, least=3)

    def _compressions(self) -> Table:
        named = []
        for case in self._cases(lambda one: _zipped(one.case) == self.main):
            named.append((f"{case.compression}, end to end", self.of(IN_PROCESS, case)))
        for case in self._cases(lambda one: one.what == READING):
            named.append((f"{case.compression}, reading alone", self.of(READING, case)))
        says = (
            f"{self.main.words}, heavily damaged, in process. Results of DWAA plates are written as ZIP, without loss."
        )
        return self._against("compressions", "By compression", says, named, least=3)

    def _ways(self) -> Table:
        named = [(what, self.of(what, self.main)) for what in WAYS]
        says = f"{self.main.words}, heavily damaged; the engine is a process of its own that a client talks to."
        return self._against("ways", "By way", says, named, least=3)

    def _baselines(self) -> Table:
        others = [one for one in self.measured if one.facts.get(OTHER)]
        named = [(IN_PROCESS, self.of(IN_PROCESS, self.main)), *((one.what, one) for one in others)]
        says = f"{self.main.words}, the same frames; other methods have them at hand and write nothing."
        if self.missing:
            says += " Not here: " + ", ".join(f"{name} ({why})" for name, why in self.missing.items()) + "."
        return self._against("baselines", "Other methods", says, named if others else [])

    def _stages(self) -> Table:
        columns = (Column("stage", "text"), Column("s a frame", "ratio"), Column("of end to end", "share"))
        whole = self.of(IN_PROCESS, self.main)
        known = [one for what in (READING, COLOURS, NETWORK, CALL, WRITING) if (one := self.of(what, self.main))]
        rows: list[tuple[Cell, ...]] = [
            (one.what, one.median, None if whole is None else one.median / whole.median) for one in known
        ]
        if whole is not None and any(one.what == READING for one in known):
            rows.append(("end to end", whole.median, 1.0))
        says = (
            f"{self.main.words}, each stage alone on the machine; in a restoration reading and writing go on beside. "
            "Restoring takes the network in, and what is done beside it on the host."
        )
        return Table("stages", "Where the time goes", says, columns, tuple(rows) if len(rows) > 2 else ())

    def _operators(self) -> Table:
        columns = (Column("operator", "text"), Column("of the network's time", "share"))
        says = f"The network alone at {self.main.words}, as torch's profiler sees it; each without those it calls."
        return Table("operators", "Operators", says, columns, self.operators)

    def _functions(self) -> Table:
        columns = (Column("function", "text"), Column("of the call's time", "share"))
        says = f"Restoring a frame of {self.main.words}, plates at hand; each with all it calls, as Python profiles it."
        return Table("functions", "Functions", says, columns, self.functions)

    def _starts(self) -> Table:
        columns = (Column("", "text"), Column("s", "ratio"), Column("least", "ratio"), Column("most", "ratio"))
        rows = tuple((one.what, one.median, min(one.seconds), max(one.seconds)) for one in self.starts)
        says = "Each in a fresh process. Cold: one small frame restored by a process that had loaded nothing."
        return Table("starts", "Start-up", says, columns, rows)

    def _cases(self, wanted: Any) -> list[Case]:
        return list(dict.fromkeys(one.case for one in self.measured if one.case.width and wanted(one)))


def _judged(bar: reach.Bar, ratio: Ratio | None, remark: str = "") -> reach.Verdict:
    return bar.judge(None if ratio is None else ratio.median, words=ratio.words() if ratio else "", remark=remark)


def _level(case: Case, level: str) -> Case:
    return Case(*case.size, level, case.compression, case.steps)


def _stepless(case: Case) -> Case:
    return Case(*case.size, case.level, case.compression)


def _zipped(case: Case) -> Case:
    return Case(*case.size, case.level, "zip", case.steps)
