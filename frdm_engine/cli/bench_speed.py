"""`frdm bench speed`: what a restoration takes, beside what the machine could do at best."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from frdm_engine.cli.bench import Steps, parse_numbers
from frdm_engine.cli.bench_shared import (
    WHAT,
    Docs,
    JsonFile,
    Out,
    Quick,
    Scratch,
    Sizes,
    chosen_sizes,
    photograph,
    scratch_folder,
    tell,
    told_of,
)
from frdm_engine.cli.console import STOPPED, Stop, complain, note, parse_names
from frdm_engine.cli.options import Device, Model
from frdm_engine.errors import SettingError

if TYPE_CHECKING:
    from frdm_engine.evaluation.speed.cases import Case
    from frdm_engine.evaluation.speed.clock import Measured, Work
    from frdm_engine.evaluation.speed.findings import Findings
    from frdm_engine.evaluation.speed.startup import Start
    from frdm_engine.evaluation.speed.studio import Studio

PARTS = ("sizes", "damage", "steps", "compressions", "ways", "baselines", "stages", "starts")
QUICK_FRAMES = 2


def speed(
    out: Out = Path("frdm_bench_speed"),
    json_file: JsonFile = None,
    docs: Docs = None,
    scratch: Scratch = None,
    sizes: Sizes = None,
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
    from frdm_engine.cores import set_threads
    from frdm_engine.evaluation.speed.clock import measure
    from frdm_engine.evaluation.speed.page import facts
    from frdm_engine.evaluation.speed.studio import Studio
    from frdm_engine.restore.restorer import Restorer

    parts = parse_names(only) or PARTS
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise SettingError(f"--only names {unknown[0]!r}; choose from {', '.join(PARTS)}.")
    step_list = parse_numbers(steps, option="--steps", least=1)
    set_threads()
    restorer = Restorer.from_pretrained(model, device=device)
    gpu = restorer.device.type == "cuda"
    wanted = chosen_sizes(sizes, quick=quick, gpu=gpu)
    turns = rounds or (2 if quick else 3)
    with ExitStack() as stack:
        folder = scratch_folder(stack, scratch)
        studio = Studio(folder, photograph(), restorer, _lengths(frames, quick=quick, gpu=gpu))
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
    told = told_of(restorer) | {"settings": {"rounds": turns, "quick": quick, "sizes": [f"{w}x{h}" for w, h in wanted]}}
    starts = [one.plain() for one in found.starts]
    plain = facts(tables, verdicts, told=told | {"starts": starts}, measured=[one.plain() for one in measured])
    tell("speed", plain, verdicts, out=out, json_file=json_file, docs=docs)


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
    from frdm_engine.evaluation.speed.cases import Case
    from frdm_engine.evaluation.speed.ceilings import ceilings
    from frdm_engine.evaluation.speed.denoisers import denoisers
    from frdm_engine.evaluation.speed.film import COMPRESSIONS, LEVELS

    restorer = studio.restorer
    works = ceilings(restorer.device, restorer.precision, quick=quick)
    works += [studio.network(main), studio.in_process(main)]
    missing: dict[str, str] = {}
    if "sizes" in parts:
        for size in sizes:
            works += [studio.network(Case(*size)), studio.in_process(Case(*size))]
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
    from frdm_engine.evaluation.speed.profiles import functions, operators
    from frdm_engine.evaluation.speed.studio import NETWORK

    note("counting the network's arithmetic")
    flops: dict[Any, int] = {}
    for one in measured:
        if one.what == NETWORK and one.case not in flops:
            flops[one.case] = studio.arithmetic(one.case)
    inside: list[tuple[str, float]] = []
    calls: list[tuple[str, float]] = []
    if "stages" in parts:
        with studio.network(main).ready() as go:
            inside = operators(go, studio.restorer.device)
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
    from frdm_engine.evaluation.speed.cases import HD, Case

    return Case(*(HD if HD in sizes else sizes[0]))


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
