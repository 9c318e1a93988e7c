"""The index of a reel: its shots in a table, with totals and links."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from frdm_engine.errors import InputError
from frdm_engine.report.names import put
from frdm_engine.report.page import environment, verdict

DATA = ".report.json"
POSTERS = 400
"""Shots shown with a picture, so that the page stays small."""
CARRIED = ("shot", "state", "asked", "left", "totals", "classes")


def write_reel(shots: Iterable[Path], *, page: Path) -> Path:
    """Writes the page of a reel, and beside it its data (`reel.json`), from the data files of its shots' reports.

    Raises:
        InputError: a shot's data cannot be read.
        OutputError: the page cannot be written.
    """
    entries = [_entry(path, page=page, poster=at < POSTERS) for at, path in enumerate(shots)]
    if not entries:
        raise InputError(f"{page} has no shot to list; give the output of at least one restoration.")
    states = [entry["state"] for entry in entries]
    totals = {
        "shots": len(entries),
        "failed": states.count("failed"),
        "unfinished": states.count("unfinished"),
        "frames": sum(entry["totals"]["frames"] for entry in entries),
        "asked": sum(entry["asked"]["count"] for entry in entries),
        "repairs": sum(entry["totals"]["repairs"] for entry in entries),
        "seconds": sum(entry["totals"]["seconds"] for entry in entries),
        "failures": sum(entry["failed"] for entry in entries),
    }
    plain = [{name: value for name, value in entry.items() if name != "poster"} for entry in entries]
    put(page.with_suffix(".json"), [json.dumps({"report": 1, "totals": totals, "shots": plain}, indent=1), "\n"])
    kinds = tuple(dict.fromkeys(name for entry in entries for name in entry["classes"]))
    title = page.resolve().parent.name or "Reel"
    put(page, environment().get_template("reel.html").generate(title=title, shots=entries, kinds=kinds, totals=totals))
    return page


def _entry(path: Path, *, page: Path, poster: bool) -> dict[str, Any]:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        entry: dict[str, Any] = {name: said[name] for name in CARRIED}
        checked, missing = said["checked"]["strays"], said["totals"]["missing"]
        entry["failed"] = len(said["failures"]) + len(missing) + len(checked)
        entry["poster"] = said["poster"] if poster else ""
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no shot's report ({error}); make it again with frdm report.") from error
    entry["verdict"] = verdict(
        entry["state"], entry["asked"]["count"], failed=entry["failed"], left=entry["left"]["count"]
    )
    entry["data"] = _link(path, page=page)
    entry["page"] = _link(path.with_name(path.name.removesuffix(DATA) + ".report.html"), page=page)
    return entry


def _link(path: Path, *, page: Path) -> str:
    """A link from the page, relative where the two have a way to each other."""
    here, there = page.resolve().parent, path.resolve()
    try:
        return quote(Path(os.path.relpath(there, here)).as_posix())
    except ValueError:  # another drive
        return there.as_uri()
