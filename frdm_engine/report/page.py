"""A shot's page: what the template is given."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from frdm_engine.report import chart, words
from frdm_engine.report.data import hashes
from frdm_engine.report.names import data_path
from frdm_engine.report.pictures import COLOURS
from frdm_engine.report.shot import BROAD, Shot
from frdm_engine.report.summary import Row
from frdm_engine.version import __version__

LISTED = 200
"""Failures and notes written out on the page; the data file has them all."""
NAMES = {"dirt": "Dirt", "scratch": "Scratches", "stain": "Stains", "flicker": "Flicker", "": "Repairs"}
PARTS = (
    ("sheet", "Contact sheet"),
    ("chart", "Damage"),
    ("repairs", "Largest repairs"),
    ("throughput", "Throughput"),
    ("settings", "Settings"),
    ("files", "Hashes"),
)
ABSENT = "not recorded"

Pairs = list[tuple[str, str]]


def environment() -> Environment:
    """The templates; text in them is escaped, and a name that is not given is an error."""
    made = Environment(
        loader=PackageLoader("frdm_engine.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for name in ("percent", "count", "duration", "seconds", "some", "moment"):
        made.filters[name] = getattr(words, name)
    made.globals |= {"version": __version__, "colours": COLOURS, "names": NAMES}
    return made


def shot_page(shot: Shot) -> Iterator[str]:
    """The page in pieces."""
    rows = {row.frame: row for row in shot.summary.rows}
    totals = shot.summary.totals()
    return (
        environment()
        .get_template("shot.html")
        .generate(
            shot=shot,
            rows=rows,
            totals=totals,
            classes={name: shot.summary.of_class(name) for name in shot.summary.classes},
            verdict=verdict(shot.state, len(shot.asked), failed=_failed(shot), left=len(shot.left)),
            headline=_headline(shot, totals),
            chart=_chart(shot),
            told=[name for name in shot.summary.classes if name in shot.sheet.classes],
            parts=PARTS,
            failures=shot.failures[:LISTED],
            throughput=_throughput(shot.run, totals),
            settings=_settings(shot.run),
            files=_files(shot),
            notes=[str(note) for note in shot.run.get("notes") or ()][:LISTED],
            hashes={"model": "Model", "sidecar": "Sidecar", "frames": "All frames"},
            hash_of=hashes(shot),
            listed=LISTED,
            span=_span(shot),
            data_file=data_path(shot.sidecar.path).name,
        )
    )


def _span(shot: Shot) -> tuple[int, int]:
    """First and last of the frames asked for and those done."""
    ends = (*shot.asked[:1], *shot.asked[-1:], *shot.sidecar.frames[:1], *shot.sidecar.frames[-1:])
    return min(ends), max(ends)


def verdict(state: str, frames: int, *, failed: int, left: int) -> str:
    """What became of a shot, in one sentence."""
    match state:
        case "failed" if failed:
            return f"{words.count(failed, 'failure')} in {words.count(frames, 'frame')}"
        case "failed":
            return "Not as it was written"
        case "unfinished":
            return f"{left:,} of {words.count(frames, 'frame')} left to do"
    return f"{words.count(frames, 'frame')} restored, none failed" if frames > 1 else "1 frame restored"


def _failed(shot: Shot) -> int:
    missing = sum(row.state == "missing" for row in shot.summary.rows)
    return len(shot.failures) + missing + len(shot.sheet.strays)


def _headline(shot: Shot, totals: Mapping[str, Any]) -> Pairs:
    """The figures a morning begins with."""
    classes = {name: shot.summary.of_class(name)["mean"] for name in shot.summary.classes}
    local = [name for name in classes if name not in BROAD]
    return [
        ("Frames", f"{totals['frames']:,}" + (f" of {len(shot.asked):,}" if shot.left else "")),
        ("Repairs", f"{totals['repairs']:,}"),
        (
            ", ".join(NAMES.get(name, name).lower() for name in local).capitalize(),
            words.percent(sum(classes[name] for name in local)),
        ),
        *((NAMES[name], words.percent(classes[name])) for name in BROAD if name in classes),
        ("Untouched, bit for bit", words.percent(1 - totals["changed"])),
        ("Time a frame", words.seconds(totals["seconds_per_frame"])),
        ("Time in all", words.duration(totals["seconds"])),
    ]


def _chart(shot: Shot) -> dict[str, Any]:
    frames = tuple(sorted({*shot.asked, *shot.sidecar.frames}))
    columns = chart.bins(shot.summary.rows, frames)
    strips = []
    for at, name in enumerate(shot.summary.classes):
        strip = chart.strip(columns, partial(_share, at), words.percent)
        strips.append((NAMES.get(name, name), COLOURS.get(name, COLOURS[""]), strip, words.percent(strip.top), name))
    timed = chart.strip(columns, _seconds, words.seconds)
    strips.append(("Seconds", "var(--ink-soft)", timed, words.seconds(timed.top), "seconds"))
    done = {row.frame for row in shot.summary.rows if row.state != "missing"}
    undone = [frame for frame in frames if frame not in done]
    told = [one.frame for one in shot.failures if one.frame is not None]
    return {
        "strips": strips,
        "width": len(columns),
        "height": chart.HEIGHT,
        "each": columns[0].last - columns[0].first + 1,
        "ticks": chart.ticks(columns),
        "cuts": _places(columns, [int(cut) for cut in shot.run.get("cuts") or ()]),
        "marks": _places(columns, sorted({*undone, *told})),
        "shown": _places(columns, list(shot.sheet.frames)),
    }


def _share(at: int, row: Row) -> float:
    return row.shares[at]


def _seconds(row: Row) -> float:
    return row.seconds


def _places(columns: tuple[chart.Bin, ...], frames: list[int]) -> list[int]:
    """Columns that hold any of the frames."""
    found = (chart.column_of(columns, frame) for frame in frames)
    return sorted({x for x in found if x is not None})


def _throughput(run: Mapping[str, Any], totals: Mapping[str, Any]) -> Pairs:
    took, median, slowest = run.get("seconds"), totals["seconds_per_frame"], totals["slowest"]
    return [
        ("Time a frame", f"{words.seconds(median)} (median)"),
        ("Frames an hour", f"{3600 / median:,.0f}" if median > 0 else ABSENT),
        ("Slowest", f"{words.seconds(slowest['seconds'])}, frame {slowest['frame']}" if slowest else ABSENT),
        ("Of all frames", words.duration(totals["seconds"])),
        ("Last run took", words.duration(took) if isinstance(took, int | float) else ABSENT),
        ("Device", _said(run.get("device"))),
    ]


def _settings(run: Mapping[str, Any]) -> Pairs:
    """What decided the pixels, and where it ran."""
    settings, model = run.get("settings") or {}, run.get("model") or {}
    colours = run.get("colourspace") or {}
    space = f"{colours['name']} ({colours['why']})" if {"name", "why"} <= set(colours) else None
    given: list[tuple[str, Any]] = [
        ("Model", model.get("name")),
        ("FRDM", run.get("frdm")),
        *((str(name).capitalize(), "auto" if value is None else value) for name, value in settings.items()),
        ("Colour space", space),
        ("Layer", run.get("layer") or "main"),
        ("Cuts", ", ".join(map(str, run.get("cuts") or ())) or "none"),
        ("Precision", run.get("precision")),
        ("Host", run.get("host")),
        ("Started", words.moment(run.get("started"))),
        ("Ended", words.moment(run.get("ended"))),
        ("Plan", "; ".join(map(str, run.get("plan") or ())) or None),
    ]
    return [(name, _said(value)) for name, value in given]


def _said(value: Any) -> str:
    match value:
        case None:
            return ABSENT
        case str():
            return value
        case list() | tuple():
            return ", ".join(map(str, value))
        case dict():
            return json.dumps(value)
    return f"{value}"


def _files(shot: Shot) -> Pairs:
    run = shot.run
    return [
        ("Plate", _said(run.get("source"))),
        ("Result", _said(run.get("output"))),
        ("Matte", _said(run.get("matte") or "not written")),
        ("Difference", _said(run.get("difference") or "not written")),
        ("Sidecar", str(shot.sidecar.path)),
    ]
