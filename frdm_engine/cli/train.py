"""`frdm train`: a model of one's own, or an embedded one trained on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from frdm_engine.cli.console import STOPPED, complain, note, parse_names
from frdm_engine.cli.options import HOW, Cache, Classes, Device, Footage
from frdm_engine.errors import CheckpointError, SettingError

if TYPE_CHECKING:
    from frdm_engine.training.presets import Preset

HELD_APART, VALIDATION_WINDOWS = 0.1, 16
"""Share of the sources that only validation sees, and how many windows it draws."""


def train(
    data: Footage,
    run: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of this training; one that exists is gone on with. [runs/PRESET]"),
    ] = None,
    preset: Annotated[str, typer.Option(metavar="NAME", help="Network and schedule.")] = "frdm-s",
    minutes: Annotated[float, typer.Option(metavar="M", min=0.0, help="Minutes to train now.")] = 60.0,
    total_minutes: Annotated[
        float | None,
        typer.Option(
            metavar="T", min=0.0, help="Minutes of all stretches together, over which the rate falls. [so far + M]"
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="NAME|DIR", help="Begin with the weights of a model of the same preset."),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE",
            help="Switch a module off: frame_fusion, global_prompt, frequency or global_residual. May be repeated.",
        ),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            metavar="PART",
            help="Train that part alone: broad, the low-resolution pass, which owns stains, or local, all but that "
            "pass. [all]",
        ),
    ] = None,
    anew: Annotated[
        bool,
        typer.Option("--anew", help="With --only broad and --from: begin that pass anew, with norms, all else kept."),
    ] = False,
    classes: Classes = "free",
    cache: Cache = None,
    pairs: Annotated[
        Path | None,
        typer.Option(metavar="PAIRS.json", help="Scans beside their restorations, see frdm pairs: real damage."),
    ] = None,
    pair_share: Annotated[
        float, typer.Option(metavar="S", min=0.0, max=1.0, help="Share of the windows taken from --pairs.")
    ] = 0.3,
    validate_every: Annotated[
        float,
        typer.Option(
            metavar="M",
            min=0.0,
            help="Minutes between two measurements on footage held apart, at most 5 % of the time; 0: never.",
        ),
    ] = 10.0,
    validate_on: Annotated[
        str | None,
        typer.Option(metavar="CLASS", help="Class of footage to measure on. [a tenth of the sources, held apart]"),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Key of the windows drawn and their damage.")] = 0,
    device: Device = "auto",
    threads: Annotated[
        int, typer.Option(metavar="N", min=1, rich_help_panel=HOW, help="CPU threads of the network.")
    ] = 1,
    workers: Annotated[
        int, typer.Option(metavar="N", min=0, rich_help_panel=HOW, help="Processes that prepare batches.")
    ] = 1,
    log_every: Annotated[
        int, typer.Option(metavar="STEPS", min=1, rich_help_panel=HOW, help="Steps between two lines.")
    ] = 50,
) -> None:
    """Train a model on footage of your own. Ctrl-C saves and ends; the same command goes on.

    On several GPUs: accelerate launch --num_processes N -m frdm_engine train ...
    """
    from frdm_engine.training.presets import PARTS, PRESETS

    if preset not in PRESETS:
        raise SettingError(f"--preset {preset!r} is unknown; choose one of {', '.join(PRESETS)}.")
    chosen, folder = PRESETS[preset].without(without or ()), run or Path("runs") / preset
    if anew and (only != "broad" or start is None):
        raise SettingError("--anew begins the low-resolution pass of a model anew; give --only broad and --from too.")
    if only is not None:
        if only not in PARTS:
            raise SettingError(
                f"--only {only!r} is no part that can be trained alone; use {' or '.join(PARTS)}, or leave it out."
            )
        if only == "broad" and (pairs is not None or "global_residual" in chosen.off):
            other = "--pairs" if pairs is not None else "--without global_residual"
            raise SettingError(f"--only broad and {other} exclude each other; leave one out.")
        chosen = chosen.only_broad(anew=anew) if only == "broad" else chosen.only_local()
    if validate_on is not None and (validate_on in parse_names(classes) or data.suffix.lower() == ".zip"):
        raise SettingError(
            f"--validate-on {validate_on} would take what is trained on; leave it out, and a tenth is held apart."
        )

    import numpy as np
    import torch

    from frdm_engine.cli.pairs import read_any
    from frdm_engine.data.clips import ClipLibrary
    from frdm_engine.data.packing import open_data
    from frdm_engine.data.pairs import PairLibrary
    from frdm_engine.data.patches import FRAME_SIZES, PatchStream
    from frdm_engine.restore.device import choose_device
    from frdm_engine.training.loop import Schedule, Training
    from frdm_engine.training.processes import begin
    from frdm_engine.training.validation import SIDE, Validation, fixed_batches, split

    processes = begin(choose_device(device))
    where, main = processes.device, processes.main

    def tell(text: str) -> None:
        if main:
            note(text)

    weights = None if start is None else _weights(start, chosen, name=preset)
    kept = cache or folder / "cache"
    wanted = parse_names(classes)
    # Decodes everything once, so that the workers only map it.
    with processes.main_first():
        library, templates = open_data(data, classes=wanted, cache=kept)
    frames = sum(source.shape[0] for source in library.sources)
    tell(f"{len(library.sources)} sources, {frames:,} frames of class {', '.join(wanted)}")
    apart = []
    if validate_every and validate_on is not None:
        with processes.main_first():
            apart = open_data(data, classes=(validate_on,), cache=kept)[0].sources
    elif validate_every and len(library.sources) > 1:
        apart = split(library.sources, share=HELD_APART)[1]
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    training = Training(folder, chosen, device=where, weights=weights, processes=processes)
    torch.manual_seed(seed + processes.index)  # from one start, each process draws noise of its own
    off = f" without {', '.join(chosen.off)}" if chosen.off else ""
    many = f" in {processes.count} processes" if processes.count > 1 else ""
    tell(f"{folder}: {preset}{off} on {where}{many}, from step {training.step} at {training.minutes:.1f} minutes")
    limits = training.model.limits
    if pairs is not None:
        with processes.main_first():
            real = PairLibrary.open(pairs, cache=kept, reader=read_any)
        for height, width in FRAME_SIZES:  # refuses what is too small or short before anything is trained
            real.window(np.random.default_rng(0), length=2 * limits.radius + 1, height=height, width=width)
        tell(f"{len(real.pairs)} pairs, {sum(len(one.damaged) for one in real.pairs):,} frames of real damage")
    make = partial(
        PatchStream,
        root=data,
        classes=wanted,
        cache=kept,
        recipes=chosen.recipes,
        radius=limits.radius,
        small_side=limits.small_side,
    )
    stream = make(
        # A stretch that goes on must not draw what the one before has drawn.
        seed=seed + training.step,
        size=chosen.patch,
        frames=chosen.frames,
        patches=chosen.patches,
        broad=chosen.broad,
        apart=frozenset(source.name for source in apart),
        pairs=pairs,
        pair_share=pair_share,
        reader=read_any,
        # Weights that can already restore need no easy damage first.
        curriculum=() if training.pretrained and chosen.only != "broad" else chosen.curriculum,
        process=processes.index,
    )
    validation = None
    if apart and main:
        whole = make(seed=0, size=SIDE, frames=1, patches=1)
        held = ClipLibrary(apart)
        validation = Validation(
            fixed_batches(whole, held, templates, count=VALIDATION_WINDOWS), every_minutes=validate_every
        )
        note(f"{len(apart)} sources held apart to measure on, {VALIDATION_WINDOWS} windows")
    until = training.minutes + minutes
    schedule = Schedule(
        minutes=minutes,
        total_minutes=until if total_minutes is None else total_minutes,
        log_every=log_every,
    )
    training.run(
        stream,
        schedule,
        workers=workers,
        report=lambda line: typer.echo(describe(line)),
        validate=validation,
    )
    processes.end()
    if main:
        typer.echo(
            f"step {training.step} after {training.minutes:.1f} minutes; "
            f"use it with: frdm restore IN OUT --model {folder / 'last'}"
        )
    if training.minutes < until:
        if main:
            complain(f"Stopped at step {training.step}, which is saved; the same command goes on.")
        raise typer.Exit(STOPPED)


def describe(line: Mapping[str, float]) -> str:
    """One log interval: how far, the loss, decibels before and after within damage, and the throughput.

    A line of validation tells of the whole picture, of all damage and of the harm done instead.
    """
    if line.get("validation"):
        told = "  ".join(
            f"{name} {line[f'{name}_psnr_before']:.2f}>{line[f'{name}_psnr']:.2f} dB"
            for name in ("whole", "damage")
            if f"{name}_psnr" in line
        )
        return f"step {line['step']:.0f}  held apart: {told}  {100 * line['changed']:.2f} % of sound pixels changed"
    repairs = "  ".join(
        f"{name} {line[f'{name}_psnr_before']:.1f}>{line[f'{name}_psnr']:.1f} dB"
        for name in ("dirt", "scratch", "stain")
        if f"{name}_psnr" in line
    )
    losses = "  ".join(f"{name} {line[name]:.4f}" for name in ("image", "matte", "small") if name in line)
    return (
        f"step {line['step']:.0f}  {line['minutes']:.1f} min  {losses}  {repairs}  "
        f"{line['megapixels_per_second']:.3f} Mpixel/s  waited {100 * line['waited']:.0f} %"
    )


def _weights(model: str, preset: Preset, *, name: str) -> Path:
    from frdm_engine.model.checkpoint import load
    from frdm_engine.model.folder import find
    from frdm_engine.training.presets import SWITCHES

    built = load(model).model.config
    # A switch that is off here drops what the model has; the other way there would be nothing to begin with.
    wanted = dict.fromkeys(SWITCHES, True) | preset.model
    missing = [switch for switch in SWITCHES if wanted[switch] and not built[switch]]
    if missing:
        raise CheckpointError(
            f"--from {model} was trained without {missing[0]}; add "
            f"{' '.join(f'--without {switch}' for switch in missing)}, or begin with another model."
        )
    told = (*SWITCHES, "normed")  # with norms or without, a training goes on as its weights are
    other = next((key for key, value in wanted.items() if key not in told and built[key] != value), None)
    if other is not None:
        raise CheckpointError(
            f"--from {model} has {other} {built[other]} and --preset {name} {wanted[other]}; "
            "give the preset it was made with."
        )
    return find(model)[1]
