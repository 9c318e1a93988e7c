"""`frdm restore`: a sequence in, the same sequence out with its damage gone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from frdm_engine.cli.console import (
    STOPPED,
    FrameProgress,
    Stop,
    complain,
    count,
    note,
    parse_names,
    parse_size,
    percent,
    write_json,
)
from frdm_engine.cli.options import (
    HOW,
    WHAT,
    WHERE,
    ColourSpaceName,
    Device,
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
    plate: Annotated[
        str,
        typer.Argument(metavar="IN", help="The plate: a pattern (plate.####.exr, plate.%04d.exr), folder or file."),
    ],
    output: Annotated[str, typer.Argument(metavar="OUT", help="The result: a pattern, or a folder to keep the names.")],
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
    device: Device = "auto",
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
) -> None:
    """Restore a sequence: damage goes, every other pixel, channel and piece of metadata stays as it was.

    Frames next to those written are read from the disk whether chosen or not, so that parts of a range come out as
    the whole range would. Ctrl-C ends after the frame at hand.
    """
    if overwrite and resume:
        raise SettingError("--overwrite and --resume exclude each other; give the one you mean.")
    if report is not None and not report.parent.is_dir():
        raise OutputError(f"The folder of --report {report} is not there; create it or choose another name.")
    budget = parse_size(vram, option="--vram")

    from frdm_engine.plates.choosing import choose, find_mask
    from frdm_engine.plates.sequence import Sequence, parse_frames

    source, chosen = choose(plate, frames, handles=handles)
    note_neighbours(plate, source)

    def written(spec: str | None) -> Sequence | None:
        return None if spec is None else Sequence.output(spec, frames=chosen, like=source)

    # A signal that comes while the libraries and the model load is heard as well.
    with Stop() as stop:
        from frdm_engine.restore.restorer import Restorer
        from frdm_engine.restore.settings import Settings
        from frdm_engine.restore.stream import Job, check

        settings = Settings(
            fix=parse_names(fix), strength=strength, steps=steps, seed=seed, grain=grain, tile=tile, vram=budget
        )
        job = Job(
            source=source,
            output=Sequence.output(output, frames=chosen, like=source),
            frames=chosen,
            colourspace=colorspace,
            layer=layer,
            matte=written(matte),
            difference=written(difference),
            protect=find_mask(protect, option="--protect", frames=chosen),
            force=find_mask(force, option="--force", frames=chosen),
            cuts=None if cuts is None else () if cuts.strip().lower() == "none" else parse_frames(cuts),
            overwrite=overwrite,
            resume=resume,
        )
        restorer = Restorer.from_pretrained(model, device=device, settings=settings)
        if plan:
            checked = check(job, restorer)
            for text in checked.notes:
                note(text)
            typer.echo(checked.plan.describe())
            return
        summary = perform(job, restorer, stop, again="with --resume goes on")
    if report is not None:
        write_json(report, summary.report)
    typer.echo(summary.describe())


@dataclass
class Summary:
    """What a run came to: its frames as they were delivered, and the report."""

    done: list[Done] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)

    def describe(self) -> str:
        """The run for a person, in one line."""
        if not self.done:
            return "no frame was due"
        made = [one for one in self.done if not one.skipped]
        changed = sum(one.changed for one in self.done) / len(self.done)
        # Rounded the same way, the two shares add up to one hundred.
        kept = 100 - round(100 * changed, 2)
        parts = [
            f"{count(len(self.done), 'frame')}",
            f"{percent(changed)} of pixels changed, {kept:.2f} % bit for bit as they were",
        ]
        if made:
            parts.append(f"{sum(one.seconds for one in made) / len(made):.2f} s a frame")
        if len(made) < len(self.done):
            parts.append(f"{len(self.done) - len(made)} there already")
        return "; ".join(parts)


def perform(job: Job, restorer: Restorer, stop: Stop, *, again: str) -> Summary:
    """Run a job under a progress bar; a stop asked for ends the command between two frames, with exit code 130.

    `again` says what the same command does then.
    """
    from frdm_engine.restore.stream import check, run

    summary, told = Summary(), 0
    try:
        for text in check(job, restorer).notes:
            note(text)
        with FrameProgress(len(job.frames)) as progress:

            def on_frame(done: Done) -> None:
                nonlocal told
                summary.done.append(done)
                for text in restorer.notes[told:]:
                    progress.say(text)
                told = len(restorer.notes)
                progress.show(done)

            summary.report = run(job, restorer, on_frame=on_frame, stop=stop)
    except KeyboardInterrupt:
        stop.asked = True
    if stop.asked and len(summary.done) < len(job.frames):
        complain(
            f"Stopped: {len(summary.done)} of {count(len(job.frames), 'frame')} are written whole; "
            f"the same command {again}."
        )
        raise typer.Exit(STOPPED)
    return summary


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
