"""A shot as its report tells of it: gathered from the sidecar, the run's record and the files on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from frdm_engine.errors import FrdmError
from frdm_engine.plates.sequence import Sequence
from frdm_engine.report.choice import choose
from frdm_engine.report.lines import Sidecar
from frdm_engine.report.names import shot_name
from frdm_engine.report.pictures import Where, space_of
from frdm_engine.report.record import Failure, Run, asked, failures, find
from frdm_engine.report.sheet import Sheet, draw, undrawn
from frdm_engine.report.summary import Summary, summarise

CROPS = 8
"""Largest repairs listed of each class."""
BROAD = ("flicker",)
"""Classes that lie on whole frames."""


@dataclass(frozen=True)
class Shot:
    """Everything that page and data are made of. `left` are the frames asked for that the sidecar does not hold.

    `name` is the shot's, as the run's record tells it, else what its files are called.
    """

    name: str
    sidecar: Sidecar
    run: Run
    summary: Summary
    sheet: Sheet
    asked: tuple[int, ...]
    left: tuple[int, ...]
    failures: tuple[Failure, ...]

    @property
    def state(self) -> str:
        """`failed`, `unfinished` or `done`."""
        if self.failures or self.sheet.strays or any(row.state == "missing" for row in self.summary.rows):
            return "failed"
        return "unfinished" if self.left else "done"


def gather(sidecar: Path, run: Run, *, plate: Sequence | None = None, matte: Sequence | None = None) -> Shot:
    """Reads what there is of a shot; `plate` and `matte` stand in for those that the run's record names.

    Raises:
        InputError: the sidecar or the record cannot be read, or holds nothing.
    """
    lines = Sidecar(sidecar, bare=bool(run.get("frames")))
    summary = summarise(lines)
    wanted = asked(run, lines.frames)
    done = set(lines.frames)
    return Shot(
        name=str(run.get("shot") or "") or shot_name(sidecar),
        sidecar=lines,
        run=run,
        summary=summary,
        sheet=_sheet(sidecar.parent, run, summary, plate=plate, matte=matte),
        asked=wanted,
        left=tuple(frame for frame in wanted if frame not in done),
        failures=failures(run),
    )


def _sheet(folder: Path, run: Run, summary: Summary, *, plate: Sequence | None, matte: Sequence | None) -> Sheet:
    if not summary.rows:
        return undrawn({}, "No frame is done.")
    broad = [at for at, name in enumerate(summary.classes) if name in BROAD]
    chosen, found = choose(summary.rows, broad=broad), summary.places.largest(CROPS)
    places = {kind: found[kind] for kind in (*summary.classes, "") if kind in found}
    if plate is None:
        plate, why = find(run.get("source"), beside=folder)
        if plate is None:
            return undrawn(places, why or "The plate is not recorded; name it with --plate.")
    lost = ""
    if matte is None:
        matte, lost = find(run.get("matte"), beside=folder)
    colours = run.get("colourspace") or {}
    try:
        space = space_of(plate, str(colours.get("name", "auto")), layer=run.get("layer"))
    except FrdmError as error:
        return undrawn(places, str(error))
    sheet = draw(Where(plate, folder, summary.names, matte, space, run.get("layer")), chosen, places)
    if lost:
        sheet.problems.append(lost)
    return sheet
