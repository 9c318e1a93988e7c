"""`frdm bench speed` and `frdm bench memory`: what a restoration costs, beside what the machine could do at best."""

from __future__ import annotations

import shlex
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from frdm_engine.cli.bench import Steps, parse_numbers
from frdm_engine.cli.console import STOPPED, Stop, complain, note, parse_names, parse_size
from frdm_engine.cli.options import WHERE, Device, Model
from frdm_engine.errors import OutputError, SettingError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from frdm_engine.evaluation.speed.cases import Case
    from frdm_engine.evaluation.speed.clock import Measured, Work
    from frdm_engine.evaluation.speed.findings import Findings
    from frdm_engine.evaluation.speed.startup import Start
    from frdm_engine.evaluation.speed.studio import Studio
    from frdm_engine.restore.restorer import Restorer

PARTS = ("sizes", "damage", "steps", "compressions", "ways", "baselines", "stages", "starts")
WHAT = "What is measured"
ON_CPU = "854x480,1920x1080,2048x1556,4096x3112"
QUICK_SIZES = "320x180,480x270"
QUICK_FRAMES = 2

Out = Annotated[
    Path, typer.Option(metavar="DIR", rich_help_panel=WHERE, help="Folder for figures, pictures and the page.")
]
JsonFile = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", rich_help_panel=WHERE, help="Write all figures there too.")
]
Docs = Annotated[
    Path | None,
    typer.Option(metavar="DIR", rich_help_panel=WHERE, help="Write speed.md and its pictures there too."),
]
Scratch = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", rich_help_panel=WHERE, help="Where plates are made and deleted; the system's unless told."
    ),
]
Quick = Annotated[
    bool, typer.Option("--quick", rich_help_panel=WHAT, help="A first look at small frames, within a minute.")
]


def speed(
    out: Out = Path("frdm_bench_speed"),
    json_file: JsonFile = None,
    docs: Docs = None,
    scratch: Scratch = None,
    sizes: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            rich_help_panel=WHAT,
            help=f"Frame sizes such as 1920x1080,4096x3112, or all; {ON_CPU} on a CPU unless told, all on a GPU.",
        ),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            metavar="LIST", rich_help_panel=WHAT, help=f"Parts to measure: {', '.join(PARTS)}; all unless told."
        ),
    ] = None,
    steps: Annotated[
        str, typer.Option(metavar="LIST", rich_help_panel=WHAT, help="Sampling steps beside the model's own number.")
    ] = "1,2",
    rounds: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, rich_help_panel=WHAT, help="How often all is timed, in turns; 3 unless told."),
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=2, rich_help_panel=WHAT, help="Frames of a plate; fewer for larger frames unless told."
        ),
    ] = None,
    quick: Quick = False,
    model: Model = "frdm-s",
    device: Device = "auto",
) -> None:
    """Time the network alone, whole restorations every way there is, other methods, and the machine's own ceiling.

    All is timed in turns, several rounds of it, so that every ratio compares what ran side by side. Plates are made
    for it: a filmed photograph with grain, as damaged as asked. On two cores the default takes about
    three quarters of an hour, 8192x4320 as much again.
    """
    from frdm_engine.evaluation.speed.cases import parse_sizes
    from frdm_engine.evaluation.speed.clock import measure
    from frdm_engine.evaluation.speed.page import facts
    from frdm_engine.evaluation.speed.studio import Studio
    from frdm_engine.restore.restorer import Restorer

    parts = parse_names(only) or PARTS
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise SettingError(f"--only names {unknown[0]!r}; choose from {', '.join(PARTS)}.")
    step_list = parse_numbers(steps, option="--steps", least=1)
    given = parse_sizes(sizes) if sizes is not None else None
    restorer = Restorer.from_pretrained(model, device=device)
    gpu = restorer.device.type == "cuda"
    wanted = given or parse_sizes(QUICK_SIZES if quick else "all" if gpu else ON_CPU)
    turns = rounds or (2 if quick else 3)
    with ExitStack() as stack:
        folder = _scratch(stack, scratch)
        studio = Studio(folder, _photo(), restorer, _lengths(frames, quick=quick, gpu=gpu))
        main = _main(wanted)
        works, missing = _works(stack, studio, main, wanted, parts, steps=step_list, model=model, quick=quick)
        stop = stack.enter_context(Stop())
        progress = stack.enter_context(Steps(turns * len(works)))

        def on_done(work: Work, seconds: float) -> None:
            words = f"{work.case.words} {work.case.level} {work.case.compression}" if work.case.width else ""
            progress.show(f"{work.what}  {words}  {seconds:.4g} s", kept=False)

        measured = measure(works, rounds=turns, on_done=on_done, stop=stop)
        if stop():
            complain("Stopped: what is not timed in turns to the end is not worth telling; no report was written.")
            raise typer.Exit(STOPPED)
        found = _found(studio, measured, wanted, parts, main, missing=missing, model=model, quick=quick)
    verdicts, tables = found.verdicts(), found.tables()
    told = _told(restorer) | {"settings": {"rounds": turns, "quick": quick, "sizes": [f"{w}x{h}" for w, h in wanted]}}
    starts = [one.plain() for one in found.starts]
    plain = facts(tables, verdicts, told=told | {"starts": starts}, measured=[one.plain() for one in measured])
    _tell("speed", plain, verdicts, out=out, json_file=json_file, docs=docs)


def memory(
    out: Out = Path("frdm_bench_speed"),
    json_file: JsonFile = None,
    docs: Docs = None,
    scratch: Scratch = None,
    sizes: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            rich_help_panel=WHAT,
            help=f"Frame sizes such as 1920x1080, or all; {ON_CPU} on a CPU unless told, all on a GPU.",
        ),
    ] = None,
    frames: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, rich_help_panel=WHAT, help="Frames restored at each size; its plate is longer."
        ),
    ] = 3,
    long: Annotated[
        str,
        typer.Option(
            metavar="LIST", rich_help_panel=WHAT, help="Sizes at which 40 and 400 frames are restored; none for none."
        ),
    ] = "192x108",
    budgets: Annotated[
        str, typer.Option(metavar="LIST", rich_help_panel=WHAT, help="Device memory budgets, the first at every size.")
    ] = "24G,8G",
    quick: Quick = False,
    model: Model = "frdm-s",
    device: Device = "auto",
) -> None:
    """Measure the peak of host and device memory, by frame size, length of the sequence and budget.

    Each measurement is a process of its own. On two cores the default takes about half an hour.
    """
    from frdm_engine.evaluation.speed.cases import parse_sizes
    from frdm_engine.evaluation.speed.film import make_film
    from frdm_engine.evaluation.speed.memory import LONG, SHORT, MemoryFindings, peaks, planned
    from frdm_engine.evaluation.speed.page import facts
    from frdm_engine.evaluation.speed.studio import DISTINCT
    from frdm_engine.plates import Sequence
    from frdm_engine.restore.restorer import Restorer

    limits = tuple(parse_size(one, option="--budgets") for one in parse_names(budgets))
    if not limits:
        raise SettingError("--budgets names none; write 24G,8G.")
    given = parse_sizes(sizes) if sizes is not None else None
    long_sizes = () if long.strip() == "none" else parse_sizes(long)
    restorer = Restorer.from_pretrained(model, device=device)
    gpu = restorer.device.type == "cuda"
    wanted = given or parse_sizes(QUICK_SIZES if quick else "all" if gpu else ON_CPU)
    works = [(_case(size), frames, limit) for size in wanted for limit in (limits if gpu else limits[:1])]
    if not quick:
        works += [(_case(size), length, limits[0]) for size in long_sizes for length in (SHORT, LONG)]
    whole = 2 * restorer.reach + 1
    photo = _photo()
    with ExitStack() as stack:
        folder = _scratch(stack, scratch)

        def make(case: Case, length: int) -> Sequence:
            count = length + whole + 1  # a full window on either side, and frames read ahead
            film = make_film(photo, width=case.width, height=case.height, frames=min(count, DISTINCT), level=case.level)
            return film.write(Path(tempfile.mkdtemp(dir=folder)), length=count)

        stop = stack.enter_context(Stop())
        progress = stack.enter_context(Steps(len(works)))
        taken = peaks(
            works,
            make,
            model=model,
            device=str(restorer.device),
            on_done=lambda one: progress.show(
                f"{one.case.words}  {one.frames} frames  {one.peak / 1e9:.2f} GB", kept=False
            ),
            stop=stop,
        )
    if len(taken) < len(works):
        complain(f"Stopped: {len(taken)} of {len(works)} are measured; no report was written.")
        raise typer.Exit(STOPPED)
    found = MemoryFindings(tuple(taken), planned(restorer, parse_sizes("all"), limits), gpu)
    verdicts = found.verdicts()
    told = _told(restorer) | {"settings": {"frames": frames, "quick": quick}}
    plain = facts(found.tables(), verdicts, told=told, measured=[one.plain() for one in taken])
    _tell("memory", plain, verdicts, out=out, json_file=json_file, docs=docs)


def _works(
    stack: ExitStack,
    studio: Studio,
    main: Case,
    sizes: tuple[tuple[int, int], ...],
    parts: tuple[str, ...],
    *,
    steps: tuple[int, ...],
    model: str,
    quick: bool,
) -> tuple[list[Work], dict[str, str]]:
    """All that is timed, each once, and the other methods that are not here with the reason."""
    from dataclasses import replace

    from frdm_engine.cli.bench_engine import engine, ways
    from frdm_engine.evaluation.baselines import BASELINES
    from frdm_engine.evaluation.methods import MEDIAN
    from frdm_engine.evaluation.speed.ceilings import ceilings
    from frdm_engine.evaluation.speed.denoisers import denoisers
    from frdm_engine.evaluation.speed.film import COMPRESSIONS, LEVELS

    restorer = studio.restorer
    works = ceilings(restorer.device, restorer.precision, quick=quick)
    works += [studio.network(main), studio.in_process(main)]
    missing: dict[str, str] = {}
    if "sizes" in parts:
        for size in sizes:
            works += [studio.network(_case(size)), studio.in_process(_case(size))]
    if "damage" in parts:
        works += [studio.in_process(replace(main, level=level)) for level in LEVELS]
    if "steps" in parts:
        own = restorer.model.limits.default_steps
        for case in (replace(main, steps=count) for count in steps if count != own):
            works += [studio.network(case), studio.in_process(case)]
    if "compressions" in parts:
        for case in (replace(main, compression=name) for name in COMPRESSIONS):
            works += [studio.reading(case), studio.in_process(case)]
    if "ways" in parts:
        client = stack.enter_context(engine(studio.folder, model=model, device=str(restorer.device)))
        works += ways(studio, main, client)
    if "baselines" in parts:
        others, missing = denoisers(studio, main)
        works += [studio.baseline(BASELINES[MEDIAN], main), *others]
    if "stages" in parts:
        works += [studio.reading(main), *studio.stages(main)]
    once = {(work.what, work.case, index if not work.case.width else 0): work for index, work in enumerate(works)}
    return list(once.values()), missing


def _found(
    studio: Studio,
    measured: list[Measured],
    sizes: tuple[tuple[int, int], ...],
    parts: tuple[str, ...],
    main: Case,
    *,
    missing: dict[str, str],
    model: str,
    quick: bool,
) -> Findings:
    """What was timed, with what needs no turns: arithmetic, operators, plans and starts."""
    from frdm_engine.evaluation.speed.cases import K4
    from frdm_engine.evaluation.speed.findings import Findings
    from frdm_engine.evaluation.speed.network import flops_of
    from frdm_engine.evaluation.speed.profiles import functions, operators
    from frdm_engine.evaluation.speed.studio import NETWORK

    note("counting the network's arithmetic")
    flops: dict[Any, int] = {}
    for one in measured:
        if one.what == NETWORK and one.case not in flops:
            flops[one.case] = flops_of(studio.own(one.case).rehearse(*studio.window(one.case)))
    inside: list[tuple[str, float]] = []
    calls: list[tuple[str, float]] = []
    if "stages" in parts:
        inside = operators(studio.restorer.rehearse(*studio.window(main)), studio.restorer.device)
        with studio.call(main).ready() as go:
            calls = functions(go)
    return Findings(
        tuple(measured),
        flops,
        {size: studio.restorer.plan(*size) for size in (*sizes, main.size, K4)},
        _starts(studio, main, model=model, tries=1 if quick else 5) if "starts" in parts else (),
        tuple(inside),
        tuple(calls),
        missing,
        main,
        studio.restorer.model.limits.default_steps,
        studio.restorer.device.type == "cuda",
    )


def _starts(studio: Studio, main: Case, *, model: str, tries: int) -> tuple[Start, ...]:
    from frdm_engine.evaluation.speed.cases import Case
    from frdm_engine.evaluation.speed.startup import cold, starts

    note("starting fresh processes")
    small = Case(*min(main.size, (480, 270)))
    plate = studio.plates(small)
    device = str(studio.restorer.device)
    return (*starts(tries=tries), *cold(plate.path(plate.frames[0]), model=model, device=device, tries=tries))


def _main(sizes: tuple[tuple[int, int], ...]) -> Case:
    """What damage, steps, compressions, ways and other methods are compared on: 1920x1080 if it is among the sizes."""
    from frdm_engine.evaluation.speed.cases import HD

    return _case(HD if HD in sizes else sizes[0])


def _case(size: tuple[int, int]) -> Case:
    from frdm_engine.evaluation.speed.cases import Case

    return Case(*size)


def _lengths(frames: int | None, *, quick: bool, gpu: bool) -> Any:
    """How many frames plates of a size have."""

    def length(size: tuple[int, int]) -> int:
        if frames is not None:
            return frames
        if quick:
            return QUICK_FRAMES
        large = size[0] * size[1] / 1e6
        few = 6 if large < 3 else 5 if large < 5 else 4 if large < 20 else 3
        return 8 * few if gpu else few

    return length


def _photo() -> npt.NDArray[np.uint8]:
    """The demo's photograph (h, w, 3), sRGB codes."""
    from importlib import resources

    import cv2
    import numpy as np

    stored = (resources.files("frdm_engine.cli") / "demo_photo.jpg").read_bytes()
    return np.asarray(cv2.imdecode(np.frombuffer(stored, np.uint8), cv2.IMREAD_COLOR_RGB), np.uint8)


def _scratch(stack: ExitStack, folder: Path | None) -> Path:
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="frdm-bench-", dir=folder))).resolve()
    except OSError as error:
        raise OutputError(
            f"{folder or tempfile.gettempdir()} cannot be used ({error.strerror}); give --scratch."
        ) from error


def _told(restorer: Restorer) -> dict[str, Any]:
    from frdm_engine.evaluation.benchmark import machine
    from frdm_engine.version import __version__

    return {
        "frdm": __version__,
        "command": shlex.join(["frdm", *sys.argv[1:]]),
        "machine": machine(),
        "model": restorer.loaded.name,
        "sha256": restorer.loaded.sha256,
        "precision": str(restorer.precision).removeprefix("torch."),
        "device": str(restorer.device),
    }


def _tell(
    part: str, found: dict[str, Any], verdicts: list[Any], *, out: Path, json_file: Path | None, docs: Path | None
) -> None:
    from frdm_engine.evaluation.speed.page import write

    for path in write(out, part, found, json_file=json_file, docs=docs):
        note(f"wrote {path}")
    for verdict in verdicts:
        typer.echo(verdict.describe())
