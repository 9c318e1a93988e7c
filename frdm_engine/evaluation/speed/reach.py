"""The bars of speed and memory, and what became of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from frdm_engine.evaluation.tables import Column, Table


@dataclass(frozen=True)
class Verdict:
    """A bar, the figure it was held against in words, whether it was reached (None: not measured), and a remark."""

    bar: str
    needed: str
    figure: str
    reached: bool | None
    remark: str = ""

    def describe(self) -> str:
        """The verdict in one line."""
        reached = {True: "reached", False: "NOT REACHED", None: "not measured"}[self.reached]
        return (
            f"{reached:12}  {self.bar}: {self.figure}, needed {self.needed}{f' ({self.remark})' if self.remark else ''}"
        )

    def plain(self) -> dict[str, Any]:
        """The verdict as plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Bar:
    """What is asked: ``figure`` at most, or at least, so much."""

    key: str
    says: str
    sense: str
    limit: float
    unit: str = ""

    def judge(self, value: float | None, *, words: str = "", remark: str = "") -> Verdict:
        """The verdict for a figure, None where it was not measured; ``words`` tell it with its spread."""
        needed = f"{self.sense} {self.limit:g}{f' {self.unit}' if self.unit else ''}"
        if value is None:
            return Verdict(self.says, needed, "–", None, remark)
        reached = value <= self.limit if self.sense == "at most" else value >= self.limit
        shown = words or f"{value:.3f}{f' {self.unit}' if self.unit else ''}"
        return Verdict(self.says, needed, shown, reached, remark)


END_TO_END = Bar("end to end", "end to end over network alone, 1080p half EXR ZIP, heavily damaged", "at most", 1.15)
RATE = Bar("rate", "the network's arithmetic rate over the machine's convolution ceiling, 1080p", "at least", 0.45)
CLEAN = Bar("clean", "a clean plate over a heavily damaged one, time for a frame", "at most", 0.35)
TILING = Bar("tiling", "pixels computed over pixels in the frame, 4096x3112", "at most", 1.25)
LARGE = Bar("large", "time for a pixel, 8192x4320 over 1920x1080, end to end", "at most", 1.1)
HOST = Bar("host", "peak host memory beyond the frames in the window, 4096x3112", "at most", 1.5, "GB")
LENGTH = Bar("length", "peak host memory, 400 frames over 40", "at most", 1.05)
DEVICE_24 = Bar("device 24", "device memory at 4096x3112 and 8192x4320 under a budget of 24 GiB", "at most", 24, "GiB")
DEVICE_8 = Bar("device 8", "device memory at 4096x3112 and 8192x4320 under a budget of 8 GiB", "at most", 8, "GiB")
GPU = Bar("gpu", "frames a second, 2048x1556, default steps, end to end on one GPU", "at least", 10)
QUALITY = Bar("quality", "the quality benchmark, dB lost", "at most", 0.02, "dB")
HELP = Bar("help", "frdm --help", "at most", 0.3, "s")
HOSTS = Bar("hosts", "import of a host's modules", "at most", 0.1, "s")
COLD = Bar("cold", "a cold restoration: libraries and model over the first frame", "at least", 1.0)


def reach_table(verdicts: list[Verdict]) -> Table:
    """The bars as a table."""
    columns = tuple(Column(name, "text") for name in ("bar", "needed", "figure", "reached", "remark"))
    rows = []
    for verdict in verdicts:
        reached = {True: "yes", False: "**no**", None: "not measured"}[verdict.reached]
        rows.append((verdict.bar, verdict.needed, verdict.figure, reached, verdict.remark))
    done, told = sum(v.reached is True for v in verdicts), sum(v.reached is not None for v in verdicts)
    says = f"{done} of the {told} bars that were measured are reached."
    return Table("reach", "Reach", says, columns, tuple(rows))
