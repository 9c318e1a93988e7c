"""`frdm restore` for several shots, several devices, or a run that is to be on the record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from frdm_engine.batch.shots import KEYS, Shot, name_of, place, read_list, renamed, shots_of
from frdm_engine.cli.console import Bar, Pace, Stop, complain, count, note, percent
from frdm_engine.errors import SettingError

if TYPE_CHECKING:
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

    with Stop() as stop:
        from frdm_engine.batch.log import Log
        from frdm_engine.batch.run import BAD, DONE, STOPPED, Run, devices_of
        from frdm_engine.cores import set_threads
        from frdm_engine.restore.patience import PATIENCE

        set_threads()
        devices = devices_of(device)
        with Log(None if plan else log, complain=complain) as lines:
            run = Run(named, devices, patience=PATIENCE if wait is None else wait, log=lines, stop=stop)
            troubles = run.check()
            for trouble in troubles:
                complain(trouble)
            if troubles:
                raise typer.Exit(BAD)
            if plan:
                for tally in run.tallies:
                    typer.echo(f"{tally.shot.name}: {count(tally.total, 'frame')} to {tally.job.output.pattern}")
                    typer.echo(tally.checked.plan.describe())
                return
            with Lines(run.total, every=every) as screen:
                code = run.go(screen)
    for tally in run.tallies:
        typer.echo(describe(tally))
    if len(run.tallies) > 1:
        typer.echo(_total(run))
    if code == STOPPED:
        done = sum(len(tally.settled) for tally in run.tallies)
        complain(
            f"Stopped: {done} of {count(run.total, 'frame')} are written whole; the same command with --resume goes on."
        )
    elif code != DONE:
        complain("Some frames are not there; mend what is named above, then the same command with --resume does them.")
    if code != DONE:
        raise typer.Exit(code)


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

    def __init__(self, total: int, *, every: float | None) -> None:
        super().__init__(total, title="frame")
        self._pace, self._total, self._seen = Pace(total, every=every), total, 0

    def frame(self, tally: Tally, event: dict[str, Any]) -> None:
        """One more frame is done, or has failed."""
        self._seen += 1
        name, frame = tally.shot.name, event["frame"]
        if event["event"] == "failed":
            work = "failed"
        elif event["skipped"]:
            work = "there already"
        else:
            work = f"{100 * event['sampled']:.0f} % of tiles sampled"
        line = f"{name}: frame {frame}  {len(tally.settled)}/{tally.total}  {work}"
        if event["event"] == "frame" and not event["skipped"]:
            line += f"  {percent(event['changed'])} of pixels changed  {event['seconds']:.1f} s"
        line += f"  ({self._seen}/{self._total} of all)"
        self.advance(line if self._pace.due() else None, work=work, title=f"{name} {frame}")

    def say(self, text: str) -> None:
        """A line for a person, which does not tear the bar."""
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False)
        else:
            note(text)


def describe(tally: Tally) -> str:
    """A shot for a person, in one line."""
    done = len(tally.settled)
    made = done - tally.kept
    parts = [f"{done} of {count(tally.total, 'frame')}" if done < tally.total else count(done, "frame")]
    if done:
        parts.append(f"{percent(tally.changed / done)} of pixels changed")
    if made:
        parts.append(f"{tally.seconds / made:.2f} s a frame")
    if tally.kept:
        parts.append(f"{tally.kept} there already")
    if tally.failed:
        frames = sorted(frame for frame in tally.failures if frame is not None and frame not in tally.settled)
        shown = ", ".join(str(frame) for frame in frames[:NAMED_FAILURES])
        more = f" and {tally.failed - NAMED_FAILURES} more" if shown and tally.failed > NAMED_FAILURES else ""
        parts.append(f"{tally.failed} failed" + (f": {shown}{more}" if shown else ""))
    return f"{tally.shot.name}: " + "; ".join(parts)


def _total(run: Run) -> str:
    done = sum(len(tally.settled) for tally in run.tallies)
    failed = sum(tally.failed for tally in run.tallies)
    return f"{count(len(run.tallies), 'shot')}: {done} of {count(run.total, 'frame')} done, {failed} failed"
