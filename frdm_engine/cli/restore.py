"""`frdm restore`: a sequence in, the same sequence out with its damage gone."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from frdm_engine.batch.shots import KEYS
from frdm_engine.cli.console import (
    STOPPED,
    FrameProgress,
    Stop,
    complain,
    count,
    note,
    parse_size,
    percent,
    replacing,
)
from frdm_engine.cli.options import (
    HOW,
    WHAT,
    WHERE,
    ColourSpaceName,
    Frames,
    JsonFile,
    Layer,
    Model,
    Overwrite,
    Tile,
    Vram,
)
from frdm_engine.errors import OutputError, SettingError

if TYPE_CHECKING:
    from frdm_engine.restore.restorer import Restorer
    from frdm_engine.restore.stream import Done, Job


def restore(
    context: typer.Context,
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="IN... OUT",
            help="The plate: a pattern (plate.####.exr, plate.%04d.exr), folder or file; then the result: a pattern, "
            "or a folder to keep the names. Several plates go into one folder.",
            show_default=False,
        ),
    ] = None,
    shots: Annotated[
        Path | None,
        typer.Option(
            metavar="LIST", rich_help_panel=WHERE, help="Shots with settings of their own (.toml), or a plate a line."
        ),
    ] = None,
    frames: Frames = None,
    handles: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            rich_help_panel=WHERE,
            help="Frames at either end of the range that are read but not written.",
        ),
    ] = 0,
    matte: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN", rich_help_panel=WHERE, help="Write the matte of every change, a channel a class."
        ),
    ] = None,
    difference: Annotated[
        str | None,
        typer.Option(metavar="PATTERN", rich_help_panel=WHERE, help="Write output minus input."),
    ] = None,
    report: JsonFile = None,
    colorspace: ColourSpaceName = "auto",
    layer: Layer = None,
    overwrite: Overwrite = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", rich_help_panel=WHERE, help="Keep the frames an earlier run finished with the same input."
        ),
    ] = False,
    fix: Annotated[
        str,
        typer.Option(metavar="LIST", rich_help_panel=WHAT, help="Kinds of damage to repair, out of these four."),
    ] = "dirt,scratch,stain,flicker",
    strength: Annotated[
        float,
        typer.Option(
            metavar="FACTOR", rich_help_panel=WHAT, help="How readily a pixel counts as damaged: 0 never, 4 boldly."
        ),
    ] = 1.0,
    protect: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN", rich_help_panel=WHAT, help="Mask of what must stay as it is; wins over --force."
        ),
    ] = None,
    force: Annotated[
        str | None,
        typer.Option(metavar="PATTERN", rich_help_panel=WHAT, help="Mask of what must be repaired."),
    ] = None,
    grain: Annotated[
        float,
        typer.Option(metavar="AMOUNT", rich_help_panel=WHAT, help="Share of missing grain given back to repairs."),
    ] = 1.0,
    cuts: Annotated[
        str | None,
        typer.Option(
            metavar="FRAMES",
            rich_help_panel=WHAT,
            help="First frames of the shots after the first one, such as 1010,1055, or none; found unless told.",
        ),
    ] = None,
    model: Model = "frdm-s",
    device: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            rich_help_panel=HOW,
            help="auto (a GPU if there is one), cpu, cuda or cuda:N; cuda:0,cuda:1 or all share out the frames.",
        ),
    ] = "auto",
    vram: Vram = "24G",
    tile: Tile = None,
    steps: Annotated[
        int | None,
        typer.Option(metavar="N", rich_help_panel=HOW, help="Sampling steps; the model's own number unless told."),
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="N", rich_help_panel=HOW, help="Key of all noise: same seed, same pixels.")
    ] = 0,
    plan: Annotated[
        bool,
        typer.Option("--plan", rich_help_panel=HOW, help="Check everything, show the tile plan and write nothing."),
    ] = False,
    log: Annotated[
        Path | None,
        typer.Option(metavar="FILE", rich_help_panel=WHERE, help="Append what happens there, a line of JSON each."),
    ] = None,
    wait: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0,
            rich_help_panel=HOW,
            help="How long to wait for storage that hiccups before a frame is given up; 300 for several shots.",
        ),
    ] = None,
    every: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0,
            rich_help_panel=HOW,
            help="Time between lines of progress where there is no terminal; 10 for more than 100 frames, else 0.",
        ),
    ] = None,
) -> None:
    """Restore a sequence: damage goes, every other pixel, channel and piece of metadata stays as it was.

    Frames next to those written are read from the disk whether chosen or not, so that parts of a range come out as
    the whole range would. Ctrl-C ends after the frame at hand. Several shots, several devices or a `--log` make a run
    that goes on past frames that fail, and ends with exit code 3 if there were any.
    """
    if overwrite and resume:
        raise SettingError("--overwrite and --resume exclude each other; give the one you mean.")
    if report is not None and not report.parent.is_dir():
        raise OutputError(f"The folder of --report {report} is not there; create it or choose another name.")
    parse_size(vram, option="--vram")
    named = tuple(paths or ())
    if len(named) != 2 or shots or log or wait is not None or device == "all" or "," in device:
        from frdm_engine.cli.reel import restore_reel

        return restore_reel(context, named, shots=shots, device=device, log=log, wait=wait, every=every, plan=plan)
    plate, output = named

    from frdm_engine.batch.jobs import job_of, settings_of
    from frdm_engine.batch.shots import Shot

    given = {key: context.params[key] for key in KEYS if key in context.params}
    shot = Shot(plate, plate, output, **given | {"report": None})
    # A signal that comes while the libraries and the model load is heard as well.
    with Stop() as stop:
        job = job_of(shot)
        note_neighbours(plate, job.source)

        from frdm_engine.cores import set_threads
        from frdm_engine.restore.restorer import Restorer
        from frdm_engine.restore.stream import check

        set_threads()
        restorer = Restorer.from_pretrained(model, device=device, settings=settings_of(shot))
        if plan:
            checked = check(job, restorer)
            for text in checked.notes:
                note(text)
            typer.echo(checked.plan.describe())
            return
        summary = perform(job, restorer, stop, again="with --resume goes on", every=every)
    if report is not None:
        write_report(report, summary)
    typer.echo(summary.describe())


@dataclass
class Summary:
    """What a run came to, in figures; its frames' lines are in the sidecar."""

    frames: int = 0
    made: int = 0
    changed: float = 0.0
    seconds: float = 0.0
    report: dict[str, Any] = field(default_factory=dict)
    lines: Iterable[dict[str, Any]] = ()

    def add(self, *, skipped: bool, changed: float, seconds: float) -> None:
        """One more frame; `changed` is a share of its pixels."""
        self.frames += 1
        self.changed += changed
        if not skipped:
            self.made += 1
            self.seconds += seconds

    def describe(self) -> str:
        """The run for a person, in one line."""
        if not self.frames:
            return "no frame was due"
        changed = self.changed / self.frames
        # Rounded the same way, the two shares add up to one hundred.
        kept = 100 - round(100 * changed, 2)
        parts = [
            f"{count(self.frames, 'frame')}",
            f"{percent(changed)} of pixels changed, {kept:.2f} % bit for bit as they were",
        ]
        if self.made:
            parts.append(f"{self.seconds / self.made:.2f} s a frame")
        if self.made < self.frames:
            parts.append(f"{self.frames - self.made} there already")
        return "; ".join(parts)


def perform(job: Job, restorer: Restorer, stop: Stop, *, again: str, every: float | None = None) -> Summary:
    """Run a job under a progress bar; a stop asked for ends the command between two frames, with exit code 130.

    `again` says what the same command does then; `every` is the time between lines where there is no terminal.
    """
    from frdm_engine.restore.stream import Walk, check, facts_of

    summary, told, began = Summary(), 0, time.monotonic()
    try:
        for text in check(job, restorer).notes:
            note(text)
        with FrameProgress(len(job.frames), every=every) as progress:

            def on_frame(done: Done) -> None:
                nonlocal told
                summary.add(skipped=done.skipped, changed=done.changed, seconds=done.seconds)
                for text in restorer.notes[told:]:
                    progress.say(text)
                told = len(restorer.notes)
                progress.show(done)

            with Walk(job, restorer, on_frame=on_frame) as walk:
                stopped = walk.go(stop)
        seconds = round(time.monotonic() - began, 3)
        summary.report = facts_of(walk) | {"seconds": seconds, "stopped": stopped}
        summary.lines = (line for frame in job.frames if (line := walk.ledger.line(frame)) is not None)
    except KeyboardInterrupt:
        stop.asked = True
    if stop.asked and summary.frames < len(job.frames):
        complain(
            f"Stopped: {summary.frames} of {count(len(job.frames), 'frame')} are written whole; "
            f"the same command {again}."
        )
        raise typer.Exit(STOPPED)
    return summary


def write_report(path: Path, summary: Summary) -> None:
    """The report as JSON, its frames a line each, read from the sidecar as they are written.

    Raises:
        OutputError: it cannot be written there.
    """
    with replacing(path) as out:
        out.write(json.dumps(summary.report, indent=2).removesuffix("\n}") + ',\n  "frames": [')
        for number, line in enumerate(summary.lines):
            out.write((",\n    " if number else "\n    ") + json.dumps(line))
        out.write("\n  ]\n}\n")


def note_neighbours(plate: str, source: Any) -> None:
    """Say so where frames beside the ones at hand exist but are not used, or are missing."""
    from frdm_engine.plates.sequence import Sequence

    if Path(plate).is_file() and source.width and len(Sequence.find(source.pattern).frames) > 1:
        note(
            f"{plate} is restored on its own, as one file was named; to use its neighbours give {source.pattern} "
            f"and --frames {source.frames[0]}"
        )
    elif source.missing:
        from frdm_engine.plates.choosing import ranges

        note(f"{source.pattern} lacks {ranges(source.missing)}; frames near it have fewer neighbours to look at")
