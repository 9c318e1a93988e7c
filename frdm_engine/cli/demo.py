"""`frdm demo`: damage a clip, restore it the way `frdm restore` does, and say honestly whether that helped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from frdm_engine.cli.console import Stop, complain, note, parse_size, percent
from frdm_engine.cli.options import Device, Model, Vram
from frdm_engine.errors import FrdmError, OutputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from frdm_engine.cli.demo_clip import Clip
    from frdm_engine.plates.sequence import Sequence

    Pixels = npt.NDArray[np.float32]

LEAST_GAIN = 0.5
"""By how many dB damage must come nearer to the truth: less than that nobody sees, and no repair does so little."""


def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for plates, results and the sheet.")] = Path(
        "frdm_demo"
    ),
    frames: Annotated[int, typer.Option(metavar="N", min=3, max=24, help="Length of the clip.")] = 8,
    model: Model = "frdm-s",
    device: Device = "auto",
    vram: Vram = "24G",
) -> None:
    """Make a short damaged clip, restore it, and show before, after and matte in one picture.

    Ends with 1 if the restored clip is not plainly nearer to the undamaged one than the damaged clip was.
    """
    from frdm_engine.batch.log import Log
    from frdm_engine.batch.shots import Shot
    from frdm_engine.cli.demo_clip import FIRST, make_clip, write_plate_of
    from frdm_engine.cli.demo_sheet import write_sheet
    from frdm_engine.cli.reel import checked, perform
    from frdm_engine.model.folder import find
    from frdm_engine.restore.device import choose_device

    parse_size(vram, option="--vram")
    find(model)
    choose_device(device)
    note(f"damaging a clip of {frames} frames")
    clip = make_clip(frames)
    try:
        (out / "damaged").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out} cannot be made ({error.strerror}); choose another --out.") from error
    numbers = tuple(range(FIRST, FIRST + frames))
    for number, picture in zip(numbers, clip.damaged, strict=True):
        write_plate_of(out / "damaged" / f"plate.{number}.exr", picture, frame=number)
    shot = Shot(
        "demo",
        str(out / "damaged" / "plate.####.exr"),
        str(out / "restored" / "plate.####.exr"),
        frames=f"{numbers[0]}-{numbers[-1]}",
        matte=str(out / "matte" / "matte.####.exr"),
        overwrite=True,
        model=model,
        vram=vram,
    )
    with Stop() as stop, Log(None, complain=complain) as log:
        run = checked((shot,), device, wait=None, log=log, stop=stop)
        perform(run, stop, every=None, again="begins anew")
    job = run.tallies[0].job
    after = _colours(job.output)
    score = measure(clip, after)
    sheet = out / "contact_sheet.png"
    write_sheet(sheet, clip, after, _mattes(job.matte) if job.matte is not None else [], first=FIRST)
    typer.echo(score.describe())
    typer.echo(f"look at {sheet}")
    if not score.helped:
        raise FrdmError(
            f"The demo was not restored: within damage {score.inside[0]:.2f} dB before and {score.inside[1]:.2f} dB "
            f"after, {percent(score.harmed)} of undamaged pixels changed; use a trained --model."
        )


@dataclass(frozen=True)
class Score:
    """PSNR in dB before and after, of sRGB codes, against the truth; `harmed` is a share of undamaged pixels."""

    frame: tuple[float, float]
    inside: tuple[float, float]
    harmed: float

    @property
    def helped(self) -> bool:
        """Whether the clip came nearer to the truth as a whole, and plainly so where it was damaged."""
        return self.frame[1] > self.frame[0] and self.inside[1] >= self.inside[0] + LEAST_GAIN

    def describe(self) -> str:
        """The score for a person, in three lines."""
        return (
            f"whole frame     {self.frame[0]:6.2f} dB before  {self.frame[1]:6.2f} dB after\n"
            f"within damage   {self.inside[0]:6.2f} dB before  {self.inside[1]:6.2f} dB after\n"
            f"undamaged       {percent(self.harmed)} of pixels changed"
        )


def measure(clip: Clip, after: list[Pixels]) -> Score:
    """Compare restored frames (H, W, 3), scene-linear, with the clip."""
    import numpy as np

    from frdm_engine.plates.curves import linear_to_model

    squares = np.zeros((2, 2))
    damaged, changed, total = 0, 0, 0
    for truth, before, restored in zip(clip.clean, clip.damaged, after, strict=True):
        spoiled = (truth != before).any(axis=-1)
        damaged += int(spoiled.sum())
        total += spoiled.size
        changed += int(((restored != before).any(axis=-1) & ~spoiled).sum())
        wanted = linear_to_model(truth.astype(np.float32))
        for row, picture in enumerate((before.astype(np.float32), restored)):
            error = np.square(linear_to_model(picture) - wanted).mean(axis=-1, dtype=np.float64)
            squares[row] += error.sum(), error[spoiled].sum()
    whole, inside = -10 * np.log10(np.maximum(squares / (total, max(damaged, 1)), 1e-12)).T
    return Score(
        (float(whole[0]), float(whole[1])), (float(inside[0]), float(inside[1])), changed / max(total - damaged, 1)
    )


def _colours(sequence: Sequence) -> list[Pixels]:
    from frdm_engine.plates.plate import read_plate

    return [read_plate(sequence.path(frame), frame=frame).rgb() for frame in sequence.frames]


def _mattes(sequence: Sequence) -> list[dict[str, Pixels]]:
    """Opacity (H, W) of each class, by the last word of its channel's name."""
    from frdm_engine.plates.exr import read_parts
    from frdm_engine.plates.samples import to_float

    parts = [read_parts(sequence.path(frame))[0] for frame in sequence.frames]
    return [
        {
            name.rpartition(".")[2]: to_float(plane, bits=part.bits)
            for name, plane in zip(part.names, part.planes, strict=True)
        }
        for part in parts
    ]
