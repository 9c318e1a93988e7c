"""Tables as data: the same numbers go into the JSON and, rounded for reading, into the Markdown."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Unit: TypeAlias = Literal["text", "dB", "share", "ratio", "times", "pixels", "codes", "GB"]
Cell: TypeAlias = str | float | None

_SHOWN: dict[Unit, Callable[[float], str]] = {
    "dB": lambda value: f"{value:.2f}",
    "share": lambda value: f"{100 * value:.2f} %",
    "ratio": lambda value: f"{value:.3f}",
    "times": lambda value: f"{value:.1f} ×",
    "pixels": lambda value: f"{value:,.0f}",
    "codes": lambda value: f"{value:.2f}",
    "GB": lambda value: f"{value / 1e9:.2f}",
}


@dataclass(frozen=True)
class Column:
    """A column's heading and what its numbers are."""

    name: str
    unit: Unit = "dB"


@dataclass(frozen=True)
class Table:
    """``rows`` hold a name and a cell for each further column; ``says`` is what a reader must know."""

    key: str
    title: str
    says: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def plain(self) -> dict[str, Any]:
        """The table as plain data; what is without error, an infinite PSNR, becomes the word ``exact``."""
        return {
            "title": self.title,
            "says": self.says,
            "columns": [{"name": column.name, "unit": column.unit} for column in self.columns],
            "rows": [[finite(cell) for cell in row] for row in self.rows],
        }

    @classmethod
    def of(cls, key: str, plain: dict[str, Any]) -> Table:
        """The table that became this plain data."""
        columns = tuple(Column(one["name"], one["unit"]) for one in plain["columns"])
        rows = tuple(tuple(math.inf if cell == "exact" else cell for cell in row) for row in plain["rows"])
        return cls(key, plain["title"], plain["says"], columns, rows)

    def markdown(self) -> str:
        """Heading, table and remark."""
        lines = [f"## {self.title}", "", self.says, ""] if self.says else [f"## {self.title}", ""]
        lines.append("| " + " | ".join(column.name for column in self.columns) + " |")
        lines.append("|" + "|".join("---" if column.unit == "text" else "---:" for column in self.columns) + "|")
        for row in self.rows:
            cells = (shown(cell, column.unit) for cell, column in zip(row, self.columns, strict=True))
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines) + "\n"


def shown(cell: Cell, unit: Unit) -> str:
    """A cell for a reader."""
    if cell is None:
        return "–"
    if isinstance(cell, str):
        return cell
    return "exact" if math.isinf(cell) else _SHOWN[unit](cell) if unit != "text" else str(cell)


def finite(cell: Cell) -> Cell:
    """A cell that JSON can hold."""
    return "exact" if isinstance(cell, float) and math.isinf(cell) else cell
