"""Peak memory: each measurement in a fresh process, that of frames in the window told apart by arithmetic."""

from __future__ import annotations

import math
import queue
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from frdm_engine.child import Child
from frdm_engine.errors import DeviceError, RestoreError
from frdm_engine.evaluation.speed import reach
from frdm_engine.evaluation.speed.cases import K4, K8, Case
from frdm_engine.evaluation.tables import Cell, Column, Table
from frdm_engine.plates import Sequence as Plates
from frdm_engine.restore.restorer import Restorer
from frdm_engine.tiling import Plan

GB = 10**9
BYTES_PER_PIXEL = 3 * 2 + 3 * 4 + 1
"""Of a frame in the window: the plate's half floats, its picture in model encoding, where it holds finite values."""
SHORT, LONG = 40, 400
"""Frames of the two sequences that are compared."""


@dataclass(frozen=True)
class Peak:
    """Bytes of one measurement. ``loaded``: resident once libraries and model were there; ``peak``: the most.

    ``course``: resident bytes at each delivered frame. ``device_plan``: what the plan says of the device, which on a
    CPU is host memory too; ``device_peak`` what a GPU's allocator says, None without one; ``device_alone`` what a
    process took on top for the network's work alone, on a CPU. ``window`` frames, by arithmetic, take ``window_bytes``.
    """

    case: Case
    frames: int
    vram: int
    loaded: int
    peak: int
    course: tuple[int, ...]
    window: int
    device_plan: int
    device_peak: int | None = None
    device_alone: int | None = None
    overhead: float = 0.0
    tiles: int = 0

    @property
    def window_bytes(self) -> int:
        """The frames in the window, by arithmetic."""
        return self.window * BYTES_PER_PIXEL * self.case.pixels

    @property
    def beyond(self) -> int:
        """The peak without the frames in the window."""
        return self.peak - self.window_bytes

    @property
    def host(self) -> int:
        """The same without what a GPU would hold."""
        return self.beyond - (self.device_alone or 0)

    def plain(self) -> dict[str, Any]:
        """All of it, as plain data."""
        told = {name: value for name, value in vars(self).items() if name != "case"}
        return {
            **self.case.plain(),
            **told,
            "window_bytes": self.window_bytes,
            "beyond": self.beyond,
            "host": self.host,
        }


def take(source: Plates, case: Case, *, frames: int, model: str, device: str, vram: int) -> Peak:
    """Restores ``frames`` plates in a process of its own, from the first with a full window on, and tells its memory.

    On a CPU another process does the network's work alone: what that takes would lie on a GPU.

    Raises:
        RestoreError: a process ended without telling.
    """
    config = {
        "source": source.pattern,
        "folder": str(source.folder),
        "frames": frames,
        "model": model,
        "device": device,
        "vram": vram,
    }
    told = _asked(config | {"alone": False})
    if device == "cpu":
        told |= _asked(config | {"alone": True})
    return Peak(case, frames, vram, **(told | {"course": tuple(told["course"])}))


def _asked(config: dict[str, Any]) -> dict[str, Any]:
    """What the process reports."""
    told: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    child = Child(
        "frdm_engine.evaluation.speed.memory_child",
        config,
        on_report=lambda _, report: told.put(report),
        on_exit=lambda _, why: told.put({"ended": why}),
    )
    try:
        report = told.get()
    finally:
        child.kill()
        child.join()
    if "ended" in report or "error" in report:
        why = report.get("error") or f"the process that was measured {report['ended']}"
        raise RestoreError(why.rstrip("."), frame=None, remedy="give --sizes smaller frames, or free memory")
    return report


@dataclass(frozen=True)
class MemoryFindings:
    """All that one run of the memory benchmark found. ``plans``: device bytes by size and budget, by the plan."""

    peaks: tuple[Peak, ...]
    plans: dict[tuple[tuple[int, int], int], Plan | None] = field(default_factory=dict)
    gpu: bool = False

    def at(self, size: tuple[int, int], *, vram: int | None = None) -> Peak | None:
        """The measurement of that size, the shortest sequence first."""
        fitting = [one for one in self.peaks if one.case.size == size and vram in (None, one.vram)]
        return min(fitting, key=lambda one: one.frames, default=None)

    def verdicts(self) -> list[reach.Verdict]:
        """Every bar of memory."""
        four = self.at(K4)
        pairs = self._lengths()
        longest = max(pairs, key=lambda pair: pair[0].case.pixels, default=None)
        remark = ""
        if four is not None and not self.gpu:
            remark = f"{four.beyond / GB:.2f} GB with the network's own tensors, which on a CPU are host memory too"
        return [
            reach.HOST.judge(None if four is None else four.host / GB, remark=remark),
            reach.LENGTH.judge(
                None if longest is None else longest[1].peak / longest[0].peak,
                remark=f"at {longest[0].case.words}" if longest else "",
            ),
            *(self._device(bar, vram) for bar, vram in ((reach.DEVICE_24, 24), (reach.DEVICE_8, 8))),
        ]

    def _device(self, bar: reach.Bar, budget: int) -> reach.Verdict:
        told: list[tuple[str, float | None]] = []
        for size in (K4, K8):
            key, name = (size, budget * 2**30), f"{size[0]}x{size[1]}"
            if key in self.plans and self.plans[key] is None:
                told.append((f"{name}: no plan fits", math.inf))
                continue
            one, plan = self.at(size, vram=key[1]), self.plans.get(key)
            by_plan = None if plan is None else plan.device_bytes
            taken = by_plan if not self.gpu else None if one is None else one.device_peak
            told.append((f"{name}: {(taken or 0) / 2**30:.1f} GiB", None if taken is None else taken / 2**30))
        known = [figure for _, figure in told if figure is not None]
        how = "by the allocator's peak" if self.gpu else "by the plan"
        figure = max(known) if len(known) == len(told) else None
        return bar.judge(figure, words=", ".join(words for words, _ in told), remark=how if figure is not None else "")

    def _lengths(self) -> list[tuple[Peak, Peak]]:
        short = {one.case: one for one in self.peaks if one.frames == SHORT}
        return [(short[one.case], one) for one in self.peaks if one.frames == LONG and one.case in short]

    def tables(self) -> list[Table]:
        """All tables there is something for, but that of the bars."""
        return [table for table in (self._host(), self._device_table()) if table.rows]

    def _host(self) -> Table:
        names = (
            "frames", "budget", "peak", "libraries and model", "frames in the window", "beyond the window",
            "of that, the network alone", "on the host beside it", "device, allocator's peak", "device by plan",
        )  # fmt: skip
        columns = (Column("size", "text"), *(Column(name, "pixels" if name == "frames" else "GB") for name in names))
        rows: list[tuple[Cell, ...]] = []
        for one in self.peaks:
            cells = (
                one.frames,
                one.vram,
                one.peak,
                one.loaded,
                one.window_bytes,
                one.beyond,
                one.device_alone,
                one.host,
            )
            bytes_ = (*cells, one.device_peak, one.device_plan)
            rows.append((one.case.words, *(None if cell is None else float(cell) for cell in bytes_)))
        says = (
            "Resident memory of a process that restores so many frames, heavily damaged, at its most; GB are 10^9. "
            f"Frames in the window by arithmetic: {BYTES_PER_PIXEL} bytes a pixel for each (plate, picture, mask). "
            "Beyond the window is all the rest: libraries, model, frames read ahead and being written, results"
            + ("." if self.gpu else ", and the network's own tensors, measured in a process that does its work alone.")
        )
        return Table("memory", "Host memory", says, columns, tuple(rows))

    def _device_table(self) -> Table:
        names = ("budget", "planned", "tiles", "computed pixels a pixel")
        units = ("GB", "GB", "pixels", "ratio")
        columns = (
            Column("size", "text"),
            *(Column(name, unit) for name, unit in zip(names, units, strict=True)),  # type: ignore[arg-type]
        )
        rows: list[tuple[Cell, ...]] = []
        for ((width, height), vram), plan in self.plans.items():
            cells: tuple[Cell, ...] = (None, None, None)
            if plan is not None:
                cells = float(plan.device_bytes), float(len(plan.tiles)), plan.overhead
            rows.append((f"{width}x{height}", float(vram), *cells))
        says = "What the plan makes of a budget; no figures where it refuses, as the frame alone takes more."
        return Table("device", "Device memory by plan", says, columns, tuple(rows))


def peaks(
    works: Sequence[tuple[Case, int, int]],
    make: Callable[[Case, int], Plates],
    *,
    model: str,
    device: str,
    on_done: Callable[[Peak], None] = lambda peak: None,
    stop: Callable[[], bool] = lambda: False,
) -> list[Peak]:
    """Measures (case, frames, budget) one after the other; ``make`` gives the plates of a case, at least so many."""
    done = []
    for case, frames, vram in works:
        if stop():
            break
        done.append(take(make(case, frames), case, frames=frames, model=model, device=device, vram=vram))
        on_done(done[-1])
    return done


def planned(
    restorer: Restorer, sizes: Sequence[tuple[int, int]], budgets: Sequence[int]
) -> dict[tuple[tuple[int, int], int], Plan | None]:
    """The plans of sizes under budgets, None where none fits."""
    made: dict[tuple[tuple[int, int], int], Plan | None] = {}
    for size in sizes:
        for vram in budgets:
            settings = replace(restorer.settings, vram=vram)
            try:
                made[size, vram] = Restorer(restorer.loaded, device=restorer.device, settings=settings).plan(*size)
            except DeviceError:
                made[size, vram] = None
    return made
