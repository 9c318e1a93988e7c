"""`frdm scout`: teach a model where it need not look."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from frdm_engine.cli.console import note, parse_names
from frdm_engine.cli.options import HOW, Cache, Classes, Device, Footage
from frdm_engine.errors import SettingError


def scout(
    data: Footage,
    model: Annotated[str, typer.Option(metavar="NAME|DIR", help="The model that is to have a scout.")] = "frdm-s",
    run: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of lessons and result; one that exists is gone on with.")
    ] = Path("runs/scout"),
    minutes: Annotated[
        float, typer.Option(metavar="M", min=0.0, help="Minutes to gather lessons now: what the model repairs.")
    ] = 40.0,
    learn: Annotated[float, typer.Option(metavar="M", min=0.0, help="Minutes to learn from all lessons.")] = 15.0,
    classes: Classes = "free",
    cache: Cache = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Key of the windows drawn and their damage.")] = 0,
    device: Device = "auto",
    threads: Annotated[
        int | None, typer.Option(metavar="N", min=1, rich_help_panel=HOW, help="CPU threads; all cores unless told.")
    ] = None,
) -> None:
    """Teach a model its scout, or go on with it: a small network that says where a frame need not be looked at.

    Lessons are gathered from damaged and undamaged footage first; Ctrl-C keeps them, and the same command goes on.
    """
    from frdm_engine.cores import set_threads
    from frdm_engine.data.clips import ClipLibrary
    from frdm_engine.data.packing import open_data
    from frdm_engine.data.patches import PatchStream
    from frdm_engine.model.scout import Scout
    from frdm_engine.restore.restorer import Restorer
    from frdm_engine.training import scouting
    from frdm_engine.training.validation import split

    set_threads(threads)
    wanted = parse_names(classes)
    restorer = Restorer.from_pretrained(model, device=device)
    limits = restorer.model.limits
    stream = PatchStream(
        root=data,
        classes=wanted,
        cache=cache or run / "cache",
        recipes=scouting.RECIPES,
        seed=seed,
        radius=limits.radius,
        small_side=limits.small_side,
        undamaged=scouting.UNDAMAGED,
    )
    library, templates = open_data(data, classes=wanted, cache=stream.cache)
    if len(library.sources) < 2:
        raise SettingError(f"{data} holds one source of class {classes}; a scout is judged on another: give two.")
    own, apart = (ClipLibrary(sources) for sources in split(library.sources, share=scouting.HELD_APART))
    lessons = scouting.Lessons(run, teacher=scouting.teacher(restorer.model))
    note(f"{run}: {len(lessons.all)} lessons, {len(own.sources)} sources and {len(apart.sources)} held apart")
    try:
        scouting.gather(restorer, stream, own, apart, templates, lessons, minutes=minutes, report=note)
    finally:
        lessons.save()

    def tell(step: int, loss: float, worth: scouting.Reach) -> None:
        note(f"step {step}  loss {loss:.4f}  points at {worth.marked:.1%} of the cells, {worth.needed:.1%} needed")

    made, worth = scouting.teach(
        lessons.all,
        start=restorer.model.scout or Scout(neighbours=2 * limits.radius),
        progress=scouting.within(learn),
        seed=seed,
        report=tell,
    )
    scouting.write(run / "last", restorer.model, made)
    typer.echo(
        f"{len(lessons.all)} lessons; on footage held apart the scout points at {worth.marked:.1%} of the cells and "
        f"{worth.needed:.1%} hold a repair; use it with: frdm restore IN OUT --model {run / 'last'}"
    )
