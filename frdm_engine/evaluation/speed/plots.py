"""The pictures of speed and memory, each made from a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from frdm_engine.evaluation.plots import OTHERS, OURS
from frdm_engine.evaluation.tables import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

QUIET = "#c9c9c9"


def _column(table: Table, name: str) -> list[Any]:
    at = [column.name for column in table.columns].index(name)
    return [row[at] for row in table.rows]


def _sizes(table: Table, axes: Axes) -> None:
    """Time for a pixel: the network alone, and what end to end adds."""
    sizes = _column(table, "size")
    pixels = [int(w) * int(h) for w, _, h in (str(size).partition("x") for size in sizes)]
    for name, label, colour in (
        ("network alone, s", "network alone", OTHERS[0]),
        ("end to end, s", "end to end", OURS),
    ):
        cells = zip(sizes, _column(table, name), pixels, strict=True)
        known = [(size, 1e6 * cell / count) for size, cell, count in cells if cell is not None]
        axes.plot([size for size, _ in known], [value for _, value in known], marker="o", label=label, color=colour)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("µs a pixel")
    axes.set_title("Time for a pixel, by frame size", loc="left", fontsize=10)
    axes.legend(loc="lower right")


def _seconds(table: Table, axes: Axes) -> None:
    """Seconds for a frame as bars, what is not counted from end to end in grey."""
    names = [str(row[0]) for row in table.rows][::-1]
    values = [float(row[1]) for row in table.rows][::-1]  # type: ignore[arg-type]
    colours = [QUIET if name.startswith("network alone") or name.endswith("alone") else OURS for name in names]
    _across(axes, names, values, colours, "s a frame")


def _shares(table: Table, axes: Axes) -> None:
    names = [str(row[0]) for row in table.rows][::-1]
    values = [100 * float(row[-1] or 0) for row in table.rows][::-1]
    _across(axes, names, values, [OTHERS[0]] * len(names), "%")


def _across(axes: Axes, names: list[str], values: list[float], colours: list[str], unit: str) -> None:
    bars = axes.barh(names, values, color=colours)
    axes.bar_label(bars, fmt="%.2f" if max(values, default=0) < 100 else "%.0f", padding=3, fontsize=8)
    axes.set_xlabel(unit)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", visible=True)
    axes.margins(x=0.1)


def _memory(table: Table, axes: Axes) -> None:
    """Each measurement's peak, divided into libraries, window, network and the rest."""
    names = [
        f"{size}, {frames:.0f} frames, {budget / 2**30:.0f} GiB"
        for size, frames, budget in zip(
            _column(table, "size"), _column(table, "frames"), _column(table, "budget"), strict=True
        )
    ][::-1]
    loaded, window = _column(table, "libraries and model")[::-1], _column(table, "frames in the window")[::-1]
    peak = _column(table, "peak")[::-1]
    network = [cell or 0.0 for cell in _column(table, "of that, the network alone")[::-1]]
    parts = zip(peak, window, loaded, network, strict=True)
    rest = [max(0.0, p - w - n - m) for p, w, n, m in parts]
    left = [0.0] * len(names)
    for label, part, colour in (
        ("libraries and model", loaded, QUIET),
        ("frames in the window", window, OTHERS[0]),
        ("the network alone", network, OTHERS[1]),
        ("the rest", rest, OURS),
    ):
        axes.barh(names, [value / 1e9 for value in part], left=[at / 1e9 for at in left], color=colour, label=label)
        left = [a + b for a, b in zip(left, part, strict=True)]
    axes.set_xlabel("GB at the peak")
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", visible=True)
    axes.legend(ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.16))


PICTURES: dict[str, Callable[[Table, Axes], None]] = {
    "sizes": _sizes,
    "damage": _seconds,
    "compressions": _seconds,
    "ways": _seconds,
    "baselines": _seconds,
    "stages": _seconds,
    "operators": _shares,
    "functions": _shares,
    "memory": _memory,
}
"""Drawers by the table's key."""
