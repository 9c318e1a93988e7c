"""`frdm farm`: a shot list made into jobs of a farm, and what the farm's nodes run for them."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from frdm_engine.cli.console import STOPPED, Stop, complain, note, parse_names, parse_size
from frdm_engine.cli.engine import Connection, talking
from frdm_engine.cli.farm_report import report
from frdm_engine.cli.farm_submit import submit
from frdm_engine.cli.farm_words import failing, frames_of, say, whole
from frdm_engine.cli.options import HOW, WHAT, WHERE, ColourSpaceName, Device, Model, Vram
from frdm_engine.errors import InputError, OutputError, RestoreError, SettingError

if TYPE_CHECKING:
    from frdm_bridge import Client
    from frdm_bridge.jobs import JobSpec
    from frdm_engine.cli.farm_engine import Session

farm = typer.Typer(
    name="farm", no_args_is_help=True, add_completion=False, help="Restore on a farm, a chunk of frames a task."
)

SessionFolder: TypeAlias = Annotated[
    Path, typer.Option(metavar="DIR", help="Folder of the farm's session on this node; the engine's files go there.")
]
# A farm's template gives every option; the empty text means what leaving it out means.
Pattern: TypeAlias = Annotated[str, typer.Option(metavar="PATTERN", rich_help_panel=WHERE, help="As frdm restore's.")]
Text: TypeAlias = Annotated[str, typer.Option(metavar="TEXT", rich_help_panel=WHAT, help="As frdm restore's.")]


@farm.callback()
def _farm() -> None:
    """Restore on a farm: shot lists as jobs of Open Job Description, or a command line for any other queue."""


@farm.command()
def start(
    session: SessionFolder,
    plate: Pattern = "",
    output: Pattern = "",
    matte: Pattern = "",
    difference: Pattern = "",
    protect: Pattern = "",
    force: Pattern = "",
    root: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", rich_help_panel=WHERE, help="Folder open to tasks; may be repeated."),
    ] = None,
    ocio: Annotated[
        str, typer.Option(metavar="FILE", rich_help_panel=HOW, help="OCIO config of the engine; $OCIO unless told.")
    ] = "",
    engine: Annotated[
        str,
        typer.Option(
            metavar="WHICH",
            rich_help_panel=HOW,
            help="session starts one of its own; node takes the one that the node keeps running.",
        ),
    ] = "session",
    model: Model = "frdm-s",
    device: Device = "auto",
    vram: Vram = "24G",
    linger: Annotated[
        float,
        typer.Option(
            metavar="MINUTES",
            min=0.01,
            rich_help_panel=HOW,
            help="The engine ends by itself after so long without a task, should the session end badly.",
        ),
    ] = 30.0,
) -> None:
    """Start an engine for this session alone, and return when its model is loaded.

    It may read the folders of the plate and the masks, and write those of the results. Prints the variable that
    shows tasks the way to it as `openjd_env`.
    """
    from frdm_engine.cli import farm_engine

    parse_size(vram, option="--vram")
    if engine not in ("session", "node"):
        raise SettingError(f"--engine is {engine!r}; choose session or node.")
    place = _session(session)
    if engine == "node":
        _node_engine()
        return
    if ocio and not Path(ocio).is_file():
        raise InputError(f"The OCIO config {ocio} is not there; see that this node has its storage mounted.")
    reads = [*(root or ()), *(_folder(one) for one in (plate, protect, force) if one)]
    writes = [*(root or ()), *(_folder(one, make=True) for one in (output, matte, difference) if one)]
    if not (reads and writes):
        raise SettingError("Tasks could read or write nothing; give --plate and --output, or --root DIR.")
    options = [*(f"--read={one}" for one in dict.fromkeys(reads)), *(f"--write={one}" for one in dict.fromkeys(writes))]
    options += [f"--model={model}", f"--device={device}", f"--vram={vram}", f"--linger={linger:g}"]
    with Stop() as asked:
        pid = farm_engine.start(place, options, ocio=ocio, stopped=asked)
    typer.echo(f"openjd_env: FRDM_CONNECTION={place.connection}")
    typer.echo(f"openjd_status: engine {pid} has its model")


def _node_engine() -> None:
    """Shows tasks the way to the engine that this node keeps running; ending it is not the session's business."""
    from frdm_bridge.discovery import connection_file

    with talking(None) as client:
        pid = client.status().pid
    typer.echo(f"openjd_env: FRDM_CONNECTION={connection_file()}")
    typer.echo(f"openjd_status: engine {pid} of this node")


@farm.command()
def stop(session: SessionFolder) -> None:
    """End the engine of this session after the frame in hand; it is gone when this returns."""
    from frdm_engine.cli import farm_engine

    place = _session(session)
    was = farm_engine.stop(place)
    for line in farm_engine.complaints(place):
        note(line)
    typer.echo(f"the engine of {session} has ended" if was else f"no engine of {session} runs")


@farm.command()
def task(
    plate: Annotated[str, typer.Argument(metavar="IN", help="The plate, as for frdm restore.")],
    output: Annotated[str, typer.Argument(metavar="OUT", help="The result, as for frdm restore.")],
    frames: Annotated[str, typer.Option(metavar="RANGE", rich_help_panel=WHERE, help="Frames of this task.")],
    of: Annotated[
        str, typer.Option(metavar="RANGE", rich_help_panel=WHERE, help="All frames of the job, for --handles.")
    ] = "",
    handles: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, rich_help_panel=WHERE, help="Frames at either end of --of that are not written."
        ),
    ] = 0,
    existing: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            rich_help_panel=WHERE,
            help="resume keeps frames that an earlier run finished of the same; overwrite; refuse.",
        ),
    ] = "resume",
    matte: Pattern = "",
    difference: Pattern = "",
    protect: Pattern = "",
    force: Pattern = "",
    fix: Text = "dirt,scratch,stain,flicker",
    strength: Annotated[float, typer.Option(rich_help_panel=WHAT, help="As frdm restore's.")] = 1.0,
    grain: Annotated[float, typer.Option(rich_help_panel=WHAT, help="As frdm restore's.")] = 1.0,
    cuts: Text = "",
    colorspace: ColourSpaceName = "auto",
    layer: Text = "",
    model: Annotated[
        str, typer.Option(metavar="NAME|DIR", rich_help_panel=HOW, help="The model the engine must serve.")
    ] = "",
    vram: Vram = "24G",
    tile: Annotated[int, typer.Option(rich_help_panel=HOW, help="Largest side of a tile; 0: by the memory.")] = 0,
    steps: Annotated[int, typer.Option(rich_help_panel=HOW, help="Sampling steps; 0: the model's own.")] = 0,
    seed: Annotated[int, typer.Option(rich_help_panel=HOW, help="Key of all noise.")] = 0,
    label: Annotated[str, typer.Option(rich_help_panel=HOW, help="What the engine's list calls it.")] = "",
    connection: Connection = None,
) -> None:
    """Restore a chunk of frames by the node's engine: what a farm runs for each task.

    The engine is that of the session (`frdm farm start`) or the node (`frdm serve`). Run again, it redoes only what
    is not there whole. SIGTERM ends it after the frame in hand. Progress is told as `openjd_progress` and
    `openjd_status`. Exit codes: 0 done, 2 input or settings that cannot be used, 3 some frames could not be restored,
    5 no engine, 130 stopped.
    """
    from frdm_bridge.errors import MessageError
    from frdm_bridge.jobs import JobSpec, Settings
    from frdm_engine.cli.farm_task import identity

    kinds = ("resume", "overwrite", "refuse")
    if existing not in kinds:
        raise SettingError(f"--existing is {existing!r}; choose from {', '.join(kinds)}.")
    with failing():
        chosen = frames_of(frames)
        if handles:
            everything = frames_of(of or frames)
            if 2 * handles >= len(everything):
                raise SettingError(f"--handles {handles} leaves none of the {len(everything)} frames; give fewer.")
            core = set(everything[handles : len(everything) - handles])
            chosen = tuple(frame for frame in chosen if frame in core)
        try:
            spec = JobSpec(
                source=whole(plate),
                output=whole(output),
                matte=whole(matte),
                difference=whole(difference),
                protect=whole(protect),
                force=whole(force),
                existing=existing,
                colourspace=colorspace or "auto",
                layer=layer,
                cuts=None if not cuts.strip() else "" if cuts.strip().lower() == "none" else cuts.replace(" ", ""),
                model=model,
                settings=Settings(
                    fix=parse_names(fix),
                    strength=strength,
                    grain=grain,
                    steps=steps or None,
                    seed=seed,
                    tile=tile or None,
                    vram=parse_size(vram, option="--vram"),
                ),
                label=label[:128],
            )
        except MessageError as error:
            raise SettingError(f"The task cannot be asked for: {error}") from error
        with Stop() as asked, talking(connection, client=identity(spec)) as client:
            code = _run(client, spec, chosen, asked)
    raise typer.Exit(code)


def _run(client: Client, spec: JobSpec, frames: tuple[int, ...], asked: Stop) -> int:
    """Does the task and tells how it went; returns the exit code."""
    from frdm_bridge.errors import BridgeError
    from frdm_engine.cli.farm_task import Chunk, Task

    chunk = Chunk(frames)
    one = Task(client, spec, chunk, say=say, stopped=asked)
    try:
        one.run()
    except KeyboardInterrupt:
        with contextlib.suppress(BridgeError):
            if one.job:
                client.cancel(one.job)  # asked twice, or from outside: nobody waits for it any more
        complain(f"Stopped: {chunk.describe()}; the same task goes on after them.")
        return STOPPED
    if not frames:
        say("status", "all frames of this task are handles; there is nothing to write")
    for frame, sentence in sorted(chunk.failed.items()):
        complain(sentence)
        say("fail", f"frame {frame}: {sentence}")
    typer.echo(chunk.describe())
    return RestoreError.exit_code if chunk.failed else 0


def _session(folder: Path) -> Session:
    from frdm_engine.cli.farm_engine import Session

    if not folder.is_dir():
        raise InputError(f"The session's folder {folder} is not there; give the folder that the farm made for it.")
    return Session(folder.absolute())


def _folder(spec: str, *, make: bool = False) -> Path:
    """The folder that a plate, mask or result lies in; for a result it is made.

    Raises:
        InputError: it is not there.
        OutputError: it cannot be made.
    """
    from frdm_engine.plates.sequence import IMAGE_SUFFIXES

    path = Path(spec).absolute()
    folder = path.parent if path.suffix.lower() in IMAGE_SUFFIXES and not path.is_dir() else path
    if make:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{folder} cannot be made ({error.strerror}); choose another output.") from error
    if not folder.is_dir():
        raise InputError(f"The folder {folder} is not there; see that this node has its storage mounted.")
    return folder


farm.command()(report)
farm.command()(submit)
