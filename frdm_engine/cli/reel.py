"""The run of `frdm restore`: shots from the command line or a list, on the screen and in figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from frdm_engine.batch.shots import KEYS, Shot, name_of, place, read_list, renamed, shots_of
from frdm_engine.cli.console import Bar, Pace, Stop, complain, count, note, percent
from frdm_engine.errors import SettingError

if TYPE_CHECKING:
    from frdm_engine.batch.log import Log
    from frdm_engine.batch.run import Run
    from frdm_engine.batch.tally import Tally

PLACES = ("matte", "difference")
"""Options that name a folder where there are several shots."""
NAMED_FAILURES = 8
"""Frames named in a shot's last line."""


def restore_reel(
    context: typer.Context,
    paths: tuple[str, ...],
    *,
    shots: Path | None,
    device: str,
    log: Path | None,
    wait: float | None,
    every: float | None,
    plan: bool,
) -> None:
    """Everything is checked before the first frame; what is wrong with any shot is told then, and nothing written."""
    told = _given(context)
    named, of_run = _shots(paths, shots, told)
    if "device" not in told:
        device = of_run.get("device", device)
    if log is None and "log" in of_run:
        log = Path(of_run["log"])
    # A signal that comes while the libraries and the model load is heard as well.
    with Stop() as stop:
        from frdm_engine.batch.log import Log

        with Log(None if plan else log, complain=complain) as lines:
            run = checked(named, device, wait=wait, log=lines, stop=stop)
            if plan:
                _show_plan(run)
            else:
                perform(run, stop, every=every, again="with --resume goes on")


def checked(shots: tuple[Shot, ...], device: str, *, wait: float | None, log: Log, stop: Stop) -> Run:
    """A run that can be done; what cannot is told, and ends the command with code 2."""
    from frdm_engine.batch.run import BAD, Run, devices_of
    from frdm_engine.cores import set_threads
    from frdm_engine.restore.patience import PATIENCE

    set_threads()
    run = Run(shots, devices_of(device), patience=PATIENCE if wait is None else wait, log=log, stop=stop)
    troubles = run.check()
    for trouble in troubles:
        complain(trouble)
    if troubles:
        raise typer.Exit(BAD)
    for tally in run.tallies:
        note_neighbours(tally, run.mark(tally))
    return run


def perform(run: Run, stop: Stop, *, every: float | None, again: str) -> None:
    """Does a run that was checked, and tells how it went; ends the command unless every frame is there.

    `again` says what the same command does after a stop; `every` is the time between lines where there is no terminal.
    """
    from frdm_engine.batch.run import DONE, STOPPED

    with Lines(run, every=every) as screen:
        try:
            code = run.go(screen)
        except KeyboardInterrupt:
            stop.asked = True
            code = run.code()
    for tally in run.tallies:
        typer.echo(run.mark(tally) + describe(tally))
    if len(run.tallies) > 1:
        typer.echo(_total(run))
    if code == STOPPED:
        done = sum(len(tally.settled) for tally in run.tallies)
        complain(f"Stopped: {done} of {count(run.total, 'frame')} are written whole; the same command {again}.")
    elif code != DONE:
        complain("Some frames are not there; mend what is named above, then the same command with --resume does them.")
    if code != DONE:
        raise typer.Exit(code)


def _show_plan(run: Run) -> None:
    for tally in run.tallies:
        for text in tally.checked.notes:
            note(run.mark(tally) + text)
        if len(run.tallies) > 1:
            typer.echo(f"{tally.shot.name}: {count(tally.total, 'frame')} to {tally.job.output.pattern}")
        typer.echo(tally.checked.plan.describe())


def note_neighbours(tally: Tally, mark: str) -> None:
    """Says so where frames beside the ones at hand exist but are not used, or are missing."""
    from frdm_engine.plates.choosing import ranges
    from frdm_engine.plates.sequence import Sequence

    plate, source = tally.shot.plate, tally.job.source
    if Path(plate).is_file() and source.width and len(Sequence.find(source.pattern).frames) > 1:
        note(
            f"{mark}{plate} is restored on its own, as one file was named; to use its neighbours give {source.pattern} "
            f"and --frames {source.frames[0]}"
        )
    elif source.missing:
        missing = ranges(source.missing)
        note(f"{mark}{source.pattern} lacks {missing}; frames near it have fewer neighbours to look at")


def _given(context: typer.Context) -> dict[str, Any]:
    """Options that stand on the command line, as opposed to those with their usual value."""
    return {
        name: value
        for name, value in context.params.items()
        if (source := context.get_parameter_source(name)) is not None and source.name != "DEFAULT"
    }


def _shots(paths: tuple[str, ...], shots: Path | None, told: dict[str, Any]) -> tuple[tuple[Shot, ...], dict[str, str]]:
    """The shots meant, and what a list says of the run."""
    options = {key: value for key, value in told.items() if key in KEYS}
    of_run: dict[str, str] = {}
    if shots is not None:
        if len(paths) > 1:
            raise SettingError(f"--shots {shots} names the plates; give at most the folder for the results beside it.")
        found = read_list(shots, out=paths[0] if paths else None, options=_without_places(options))
        named, of_run = found.shots, dict(found.run)
    elif len(paths) < 2:
        raise SettingError("Give a plate and an output, several plates and a folder, or --shots with a list.")
    elif len(paths) == 2:
        report = options.get("report")
        options["report"] = None if report is None else str(report)
        return (Shot(name_of(paths[0]), paths[0], paths[1], **options),), of_run
    else:
        *plates, out = paths
        named = shots_of(tuple(plates), out, options=_without_places(options))
    if "report" in options:
        raise SettingError("--report is one file for one shot; each shot's record lies beside its result, or name one.")
    made = []
    for shot in renamed(named):
        folders = {key: place(shot.plate, options[key]) for key in PLACES if key in options}
        made.append(Shot(**shot.record() | folders))
    return tuple(made), of_run


def _without_places(options: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key not in (*PLACES, "report")}


class Lines(Bar):
    """A run on the screen: a bar on a terminal, else lines at a reader's pace."""

    def __init__(self, run: Run, *, every: float | None) -> None:
        super().__init__(run.total, title="frame")
        self._run, self._pace, self._seen = run, Pace(run.total, every=every), 0

    def frame(self, tally: Tally, event: dict[str, Any]) -> None:
        """One more frame is done, or has failed."""
        self._seen += 1
        mark, frame = self._run.mark(tally), event["frame"]
        if event["event"] == "failed":
            work = "failed"
        elif event["skipped"]:
            work = "there already"
        else:
            work = f"{100 * event['sampled']:.0f} % of tiles sampled"
        line = f"{mark}frame {frame}  {len(tally.settled)}/{tally.total}  {work}"
        if event["event"] == "frame" and not event["skipped"]:
            line += f"  {percent(event['changed'])} of pixels changed  {event['seconds']:.1f} s"
        if mark:
            line += f"  ({self._seen}/{self._run.total} of all)"
        self.advance(line if self._pace.due() else None, work=work, title=f"{mark}frame {frame}")


def describe(tally: Tally) -> str:
    """A shot for a person, in one line."""
    done = len(tally.settled)
    made = done - tally.kept
    parts = [f"{done} of {count(tally.total, 'frame')}" if done < tally.total else count(done, "frame")]
    if done:
        changed = tally.changed / done
        # Rounded the same way, the two shares add up to one hundred.
        kept = 100 - round(100 * changed, 2)
        parts.append(f"{percent(changed)} of pixels changed, {kept:.2f} % bit for bit as they were")
    if made:
        parts.append(f"{tally.seconds / made:.2f} s a frame")
    if tally.kept:
        parts.append(f"{tally.kept} there already")
    if tally.failed:
        frames = sorted(frame for frame in tally.failures if frame is not None and frame not in tally.settled)
        shown = ", ".join(str(frame) for frame in frames[:NAMED_FAILURES])
        more = f" and {tally.failed - NAMED_FAILURES} more" if shown and tally.failed > NAMED_FAILURES else ""
        parts.append(f"{tally.failed} failed" + (f": {shown}{more}" if shown else ""))
    return "; ".join(parts)


def _total(run: Run) -> str:
    done = sum(len(tally.settled) for tally in run.tallies)
    failed = sum(tally.failed for tally in run.tallies)
    return f"{count(len(run.tallies), 'shot')}: {done} of {count(run.total, 'frame')} done, {failed} failed"
