"""The page of speed and memory: each command writes its figures as JSON, and the page from all that lie there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from frdm_engine.errors import InputError
from frdm_engine.evaluation.plots import drawn
from frdm_engine.evaluation.report import save, save_json
from frdm_engine.evaluation.speed import reach
from frdm_engine.evaluation.speed.plots import PICTURES
from frdm_engine.evaluation.tables import Table

PARTS = ("speed", "memory")
Facts = Mapping[str, Any]


def facts(
    tables: list[Table], verdicts: list[reach.Verdict], *, told: Facts, measured: list[dict[str, Any]]
) -> dict[str, Any]:
    """What a command found, as plain data. ``told``: command, machine, version and whatever else a reader needs."""
    return {
        **told,
        "reach": [verdict.plain() for verdict in verdicts],
        "tables": {table.key: table.plain() for table in tables},
        "measured": measured,
    }


def write(out: Path, part: str, found: dict[str, Any], *, json_file: Path | None, docs: Path | None) -> list[Path]:
    """A part's JSON, then the page and pictures of all parts that lie in ``out``; returns what a reader wants.

    Raises:
        InputError: the other part's JSON is damaged.
        OutputError: a file cannot be written.
    """
    written = [out / f"{part}.json", out / "speed.md"]
    save_json(written[0], found)
    if json_file is not None:
        save_json(json_file, found)
        written.append(json_file)
    parts = {name: found if name == part else _kept(out / f"{name}.json") for name in PARTS}
    known = {name: one for name, one in parts.items() if one is not None}
    pictures = drawn(_tables(known), PICTURES)
    for key, svg in pictures.items():
        save(out / f"{key}.svg", svg)
    save(written[1], markdown(known, images={key: f"{key}.svg" for key in pictures}))
    if docs is not None:
        for key, svg in pictures.items():
            save(docs / "images" / f"speed-{key}.svg", svg)
        written.append(docs / "speed.md")
        save(written[-1], markdown(known, images={key: f"images/speed-{key}.svg" for key in pictures}))
    return written


READ = """\
Ratios compare what was timed in turns in one run; figures are medians, and in brackets stand the least and the most
of all rounds. The ceiling is the fastest convolution of the restorer's own precision that this machine runs: of the
ceiling means the network's arithmetic for a frame over what that convolution does in the same time.
"""
"""What a reader must know."""


def markdown(parts: Mapping[str, Facts], *, images: Mapping[str, str]) -> str:
    """The page for a reader; ``images``: key of a table and the picture to show below it."""
    told = ["# Speed and memory\n"]
    for one in parts.values():
        told.append(f"```sh\n{one['command']}\n```\n")
        told.append(
            f"FRDM {one['frdm']}, model {one['model']}, {one['precision']} on {one['device']}; {one['machine']}.\n"
        )
    told.append(READ)
    told.append(reach.reach_table(_verdicts(parts)).markdown())
    for table in _tables(parts):
        told.append(table.markdown())
        if table.key in images:
            told.append(f"![{table.title}]({images[table.key]})\n")
    return "\n".join(told)


def _verdicts(parts: Mapping[str, Facts]) -> list[reach.Verdict]:
    return [reach.Verdict(**plain) for one in parts.values() for plain in one["reach"]]


def _tables(parts: Mapping[str, Facts]) -> list[Table]:
    return [Table.of(key, plain) for one in parts.values() for key, plain in one["tables"].items()]


def _kept(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        _tables({"": kept}), _verdicts({"": kept})
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path} is no report of this version; delete it or choose another --out.") from error
    return kept
