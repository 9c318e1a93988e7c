"""The report's pictures as SVG: the same bytes for the same figures.

Needs matplotlib, which comes with the extra ``bench``.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from frdm_engine.errors import SettingError
from frdm_engine.evaluation.tables import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OURS, ORACLE, OTHERS = (
    "#c8102e",
    "#8c8c8c",
    ("#31688e", "#35b779", "#443983", "#90d743", "#21918c", "#fde725", "#b5de2b"),
)
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "frdm",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 8,
}
LEFT_OUT = ("temporal median of 3",)
"""Methods so far below the input that their bars would dwarf what is to be seen."""


def draw(tables: list[Table]) -> dict[str, str]:
    """SVG text for each table that has a picture, by the table's key.

    Raises:
        SettingError: matplotlib is not installed.
    """
    return drawn(tables, {"kinds": _bars, "severity": _severity, "overall": _harm, "steps": _steps})


def drawn(tables: list[Table], drawers: Mapping[str, Callable[[Table, Axes], None]]) -> dict[str, str]:
    """SVG text for each table that one of ``drawers`` draws, by the table's key.

    Raises:
        SettingError: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise SettingError("Plots are drawn with matplotlib: install it with `pip install frdm[bench]`.") from error
    made = {}
    for table in tables:
        if table.key in drawers:
            with mpl.rc_context(STYLE):
                figure = Figure(figsize=(8.5, 3.8), layout="constrained")
                axes = figure.add_subplot()
                axes.set_title(table.title, loc="left", fontsize=10)
                drawers[table.key](table, axes)
                made[table.key] = _svg(figure)
    return made


def _svg(figure: Figure) -> str:
    held = io.StringIO()
    figure.savefig(held, format="svg", metadata={"Date": None, "Creator": None})
    # Trailing blanks are of no use to anybody, and text tools strip them.
    return "\n".join(line.rstrip() for line in held.getvalue().splitlines()) + "\n"


def _names(table: Table) -> list[tuple[str, str, tuple[Any, ...]]]:
    """Name, colour and cells of each row that is drawn."""
    told, others = [], iter(OTHERS * 4)
    for name, *cells in table.rows:
        plain = str(name).strip("*")
        if plain in LEFT_OUT:
            continue
        ours, oracle = str(name).startswith("**"), plain.endswith("(oracle)")
        colour = OURS if ours else ORACLE if oracle else "#c9c9c9" if plain == "input" else next(others)
        told.append((plain, colour, tuple(cells)))
    return told


def _number(cell: Any) -> float:
    return float(cell) if isinstance(cell, int | float) and math.isfinite(cell) else math.nan


def _grouped(table: Table, axes: Axes, *, columns: list[int], labels: list[str]) -> None:
    drawn = _names(table)
    width = 0.84 / max(len(drawn), 1)
    lowest = math.inf
    for index, (name, colour, cells) in enumerate(drawn):
        values = [_number(cells[column]) for column in columns]
        lowest = min([lowest, *(value for value in values if not math.isnan(value))])
        places = [at - 0.42 + width * (index + 0.5) for at in range(len(columns))]
        axes.bar(places, values, width, label=name, color=colour)
    axes.set_xticks(range(len(columns)), labels)
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel("PSNR, dB")
    if math.isfinite(lowest):
        axes.set_ylim(bottom=max(0.0, math.floor(lowest) - 2))
    axes.legend(ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.08))


def _bars(table: Table, axes: Axes) -> None:
    columns = list(range(len(table.columns) - 1))
    _grouped(table, axes, columns=columns, labels=[column.name for column in table.columns[1:]])


def _severity(table: Table, axes: Axes) -> None:
    """The columns in damage; whole frames differ by how much of them is damaged, which says little."""
    columns = [at for at, column in enumerate(table.columns[1:]) if column.name.endswith("in damage")]
    _grouped(table, axes, columns=columns, labels=[table.columns[at + 1].name.partition(",")[0] for at in columns])


def _harm(table: Table, axes: Axes) -> None:
    """What is gained in damage against what is harmed elsewhere: up and to the left is good."""
    names = [column.name for column in table.columns[1:]]
    gain, harm = names.index("PSNR in damage"), names.index("undamaged changed")
    for name, colour, cells in _names(table):
        x, y = 100 * _number(cells[harm]), _number(cells[gain])
        if not math.isnan(x + y):
            axes.scatter([x], [y], color=colour, s=44, zorder=3, label=name)
    axes.set_xlabel("undamaged pixels changed, %")
    axes.set_ylabel("PSNR in damage, dB")
    axes.set_title("Repair and harm", loc="left", fontsize=10)
    axes.margins(0.08)
    if axes.get_legend_handles_labels()[0]:  # none, where damage such as flicker left no pixel undamaged
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))


def _steps(table: Table, axes: Axes) -> None:
    """What other numbers of steps gain over the default; the first row is the default's."""
    drawn = _names(table)
    names = [name.rpartition(" at ")[2] if " at " in name else "default" for name, _, _ in drawn]
    for column, label, colour in ((0, "whole frame", "#31688e"), (1, "in damage", OURS)):
        values = [_number(cells[column]) for _, _, cells in drawn]
        axes.plot(names, [value - values[0] for value in values], marker="o", label=label, color=colour)
    axes.set_ylabel("PSNR against the default's, dB")
    axes.legend(loc="best")
