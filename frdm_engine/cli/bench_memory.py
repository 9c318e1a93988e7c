"""`frdm bench memory`: the most memory a restoration takes, on the host and on the device."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from frdm_engine.cli.bench import Steps
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
from frdm_engine.cli.console import STOPPED, Stop, complain, parse_names, parse_size
from frdm_engine.cli.options import Device, Model
from frdm_engine.errors import SettingError


def memory(
    out: Out = Path("frdm_bench_speed"),
    json_file: JsonFile = None,
    docs: Docs = None,
    scratch: Scratch = None,
    sizes: Sizes = None,
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
    from frdm_engine.evaluation.speed.cases import Case, parse_sizes
    from frdm_engine.evaluation.speed.film import make_film
    from frdm_engine.evaluation.speed.memory import LONG, SHORT, MemoryFindings, peaks, planned
    from frdm_engine.evaluation.speed.page import facts
    from frdm_engine.evaluation.speed.studio import DISTINCT
    from frdm_engine.plates import Sequence
    from frdm_engine.restore.restorer import Restorer

    limits = tuple(parse_size(one, option="--budgets") for one in parse_names(budgets))
    if not limits:
        raise SettingError("--budgets names none; write 24G,8G.")
    long_sizes = () if long.strip() == "none" else parse_sizes(long)
    restorer = Restorer.from_pretrained(model, device=device)
    gpu = restorer.device.type == "cuda"
    wanted = chosen_sizes(sizes, quick=quick, gpu=gpu)
    works = [(Case(*size), frames, limit) for size in wanted for limit in (limits if gpu else limits[:1])]
    if not quick:
        works += [(Case(*size), length, limits[0]) for size in long_sizes for length in (SHORT, LONG)]
    whole = 2 * restorer.reach + 1
    photo = photograph()
    with ExitStack() as stack:
        folder = scratch_folder(stack, scratch)

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
    told = told_of(restorer) | {"settings": {"frames": frames, "quick": quick}}
    plain = facts(found.tables(), verdicts, told=told, measured=[one.plain() for one in taken])
    tell("memory", plain, verdicts, out=out, json_file=json_file, docs=docs)
