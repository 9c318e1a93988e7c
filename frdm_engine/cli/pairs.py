"""`frdm pairs`: scans beside their restorations, listed and checked, to train on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from frdm_engine.cli.console import complain, count, note, percent, write_json
from frdm_engine.cli.options import JsonFile
from frdm_engine.errors import InputError, SettingError

if TYPE_CHECKING:
    import numpy.typing as npt

    from frdm_engine.data.pair_check import Checked

pairs = typer.Typer(
    name="pairs",
    no_args_is_help=True,
    add_completion=False,
    help="Scans beside their restorations, listed and checked, to train on.",
)


@pairs.command()
def add(
    damaged: Annotated[str, typer.Argument(metavar="SCAN", help="The damaged frames: a pattern, folder or file.")],
    restored: Annotated[str, typer.Argument(metavar="RESTORED", help="The restored frames, alike.")],
    to: Annotated[Path, typer.Option(metavar="PAIRS.json", help="Register to add to; made where there is none.")],
    offset: Annotated[
        int | None,
        typer.Option(metavar="N", help="Restored frame less scanned frame. [first restored less first scanned]"),
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the pair. [folder/name of SCAN]")] = None,
    licence: Annotated[str, typer.Option(metavar="TEXT", help="Under which terms the pair may be used.")] = "unstated",
    remark: Annotated[str, typer.Option("--note", metavar="TEXT", help="Anything worth knowing.")] = "",
) -> None:
    """Add a scan and its restoration to a register.

    Frames that both have are taken. Look at what was added with `frdm pairs check`.
    """
    from frdm_engine.data.pairs import Pair, Register, read_frame
    from frdm_engine.plates.sequence import Sequence

    scan, done = Sequence.find(damaged), Sequence.find(restored)
    apart = done.frames[0] - scan.frames[0] if offset is None else offset
    have = set(done.frames)
    both = [frame for frame in scan.frames if frame + apart in have]
    if not both:
        raise SettingError(
            f"--offset {apart} leaves no frame in common: {scan.pattern} holds {scan.frames[0]}-{scan.frames[-1]}, "
            f"{done.pattern} {done.frames[0]}-{done.frames[-1]}; give another offset."
        )
    if both[-1] - both[0] + 1 != len(both):
        gap = next(frame for frame in range(both[0], both[-1]) if frame not in set(both))
        raise InputError(f"Frame {gap} is missing of {scan.pattern} or its restoration; add it, or add two pairs.")
    register = Register.load(to) if to.exists() else Register(to)
    pair = Pair(
        name=name or f"{scan.folder.resolve().name}/{scan.prefix.rstrip('._-') or 'frames'}",
        damaged=_relative(scan.pattern, to),
        restored=_relative(done.pattern, to),
        first=both[0],
        last=both[-1],
        offset=apart,
        licence=licence,
        note=remark,
    )
    longer = register.add(pair)
    read_frame(longer, pair, pair.first, read_any)  # refuses what cannot be read or differs in size
    longer.save()
    left = len(scan.frames) + len(done.frames) - 2 * len(both)
    typer.echo(f"{pair.name}: {count(len(both), 'frame')}, {pair.first}-{pair.last}, offset {apart}")
    if left:
        note(f"{count(left, 'frame')} without a counterpart left out")


@pairs.command()
def check(
    register: Annotated[Path, typer.Argument(metavar="PAIRS.json", help="Register of pairs.")],
    report: JsonFile = None,
) -> None:
    """Look at every frame of every pair: registration, grade, grain, what was mended, cuts.

    Exit code 2 if a pair must not be trained on.
    """
    from frdm_engine.data.pair_check import check_pair
    from frdm_engine.data.pairs import Register

    loaded = Register.load(register)
    found = []
    for pair in loaded.pairs:
        found.append(check_pair(loaded, pair, reader=read_any))
        typer.echo(describe(found[-1]))
    if report is not None:
        write_json(report, [vars(one) | {"pair": vars(one.pair)} for one in found])
    bad = [one.pair.name for one in found if one.problems]
    if bad:
        complain(f"{count(len(bad), 'pair')} of {len(found)} must not be trained on: {', '.join(bad)}.")
        raise typer.Exit(InputError.exit_code)


def describe(one: Checked) -> str:
    """A pair's figures and verdicts, a line each."""
    lines = [f"{one.pair.name}: {'unfit' if one.problems else 'fit'}"]
    if one.height:
        kinds = "  ".join(f"{name} {percent(share)}" for name, share in one.shares.items())
        lines += [
            f"  {count(one.frames, 'frame')} {one.width}x{one.height}, {count(len(one.cuts), 'cut')}, "
            f"licence {one.pair.licence}",
            f"  shift {one.shift:.2f} px  grade {255 * one.grade:.1f}  sound pixels differ {255 * one.noise:.2f} "
            f"of 255  fine detail {100 * one.grain:.0f} %",
            f"  mended {percent(one.changed)}: {kinds}",
        ]
    lines += [f"  problem: {text}" for text in one.problems]
    lines += [f"  note: {text}" for text in one.warnings]
    return "\n".join(lines)


def read_any(path: Path) -> npt.NDArray[Any]:
    """A frame of a pair: what OpenCV reads as stored, plates (EXR, DPX) in model encoding, (H, W, 3) float32."""
    from frdm_engine.data.pairs import SUFFIXES, read_picture

    if path.suffix.lower() in SUFFIXES or not path.is_file():
        return read_picture(path)
    from frdm_engine.plates.colour import resolve
    from frdm_engine.plates.plate import read_plate

    plate = read_plate(path)
    space = resolve("auto", metadata=plate.metadata, path_suffix=path.suffix, dtype=plate.dtype)
    return space.encode(plate.rgb())


def _relative(pattern: str, register: Path) -> str:
    """Relative to the register where that needs no way up, so that the folder can be moved as a whole."""
    path, base = Path(os.path.abspath(pattern)), Path(os.path.abspath(register)).parent
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else path.as_posix()
