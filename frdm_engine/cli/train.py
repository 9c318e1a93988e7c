"""`frdm train`: a model of one's own, or an embedded one trained on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from frdm_engine.cli.console import STOPPED, complain, note, parse_names
from frdm_engine.cli.options import HOW, Device
from frdm_engine.errors import CheckpointError, SettingError

if TYPE_CHECKING:
    from frdm_engine.training.presets import Preset


def train(
    data: Annotated[Path, typer.Option(metavar="DIR", help="Footage: the folder with MANIFEST.tsv and train/.")],
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
    classes: Annotated[
        str, typer.Option(metavar="LIST", help="Classes of footage the manifest lists that may be used.")
    ] = "free",
    cache: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where decoded footage is kept, shared by trainings. [RUN/cache]"),
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
    """Train a model on footage of your own. Ctrl-C saves and ends; the same command goes on."""
    from frdm_engine.training.presets import PRESETS

    if preset not in PRESETS:
        raise SettingError(f"--preset {preset!r} is unknown; choose one of {', '.join(PRESETS)}.")
    chosen, folder = PRESETS[preset], run or Path("runs") / preset

    import torch

    from frdm_engine.data.clips import ClipLibrary
    from frdm_engine.data.patches import PatchStream
    from frdm_engine.restore.restorer import choose_device
    from frdm_engine.training.loop import Schedule, Training

    where = choose_device(device)
    weights = None if start is None else _weights(start, chosen, name=preset)
    kept = cache or folder / "cache"
    wanted = parse_names(classes)
    # Decodes everything once, so that the workers only map it.
    library = ClipLibrary.open(data, classes=wanted, cache=kept)
    frames = sum(source.shape[0] for source in library.sources)
    note(f"{len(library.sources)} sources, {frames:,} frames of class {', '.join(wanted)}")
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    training = Training(folder, chosen, device=where, weights=weights)
    note(f"{folder}: {preset} on {where}, from step {training.step} at {training.minutes:.1f} minutes")
    limits = training.model.limits
    stream = PatchStream(
        root=data,
        classes=wanted,
        cache=kept,
        recipes=chosen.recipes,
        # A stretch that goes on must not draw what the one before has drawn.
        seed=seed + training.step,
        radius=limits.radius,
        small_side=limits.small_side,
        size=chosen.patch,
        frames=chosen.frames,
        patches=chosen.patches,
    )
    until = training.minutes + minutes
    schedule = Schedule(
        minutes=minutes,
        total_minutes=until if total_minutes is None else total_minutes,
        log_every=log_every,
    )
    training.run(stream, schedule, workers=workers, report=lambda line: typer.echo(describe(line)))
    typer.echo(
        f"step {training.step} after {training.minutes:.1f} minutes; "
        f"use it with: frdm restore IN OUT --model {folder / 'last'}"
    )
    if training.minutes < until:
        complain(f"Stopped at step {training.step}, which is saved; the same command goes on.")
        raise typer.Exit(STOPPED)


def describe(line: Mapping[str, float]) -> str:
    """One log interval: how far, the loss, decibels before and after within damage, and the throughput."""
    repairs = "  ".join(
        f"{name} {line[f'{name}_psnr_before']:.1f}>{line[f'{name}_psnr']:.1f} dB"
        for name in ("dirt", "scratch", "stain")
    )
    return (
        f"step {line['step']:.0f}  {line['minutes']:.1f} min  image {line['image']:.4f}  "
        f"matte {line['matte']:.4f}  {repairs}  {line['megapixels_per_second']:.3f} Mpixel/s  "
        f"waited {100 * line['waited']:.0f} %"
    )


def _weights(model: str, preset: Preset, *, name: str) -> Path:
    from frdm_engine.model.checkpoint import find, load

    built = load(model).model.config
    other = next((key for key, value in preset.model.items() if built[key] != value), None)
    if other is not None:
        raise CheckpointError(
            f"--from {model} has {other} {built[other]} and --preset {name} {preset.model[other]}; "
            "give the preset it was made with."
        )
    return find(model)[1]
