"""`frdm damage`: a damaged copy of clean plates with its truth, to measure restoration on or to train with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from frdm_engine.cli.console import STOPPED, Stop, complain, count, note
from frdm_engine.cli.options import WHERE, ColourSpaceName, Frames, Layer, Overwrite
from frdm_engine.errors import OutputError, PlateError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from frdm_engine.damage import Damager, Recipe, Templates
    from frdm_engine.plates.colour import ColourSpace
    from frdm_engine.plates.plate import Plate
    from frdm_engine.plates.sequence import Sequence

    Pixels = npt.NDArray[np.float32]


def damage(
    plate: Annotated[str, typer.Argument(metavar="IN", help="Clean plates: a pattern, folder or file.")],
    output: Annotated[
        str, typer.Argument(metavar="OUT", help="The damaged copy: a pattern, or a folder to keep the names.")
    ],
    recipe: Annotated[
        str,
        typer.Option(metavar="NAME|FILE.json", help="light, medium, heavy, archive-mixed, or a recipe in JSON."),
    ] = "archive-mixed",
    seed: Annotated[int, typer.Option(metavar="N", help="Same seed, recipe and size: same damage.")] = 0,
    frames: Frames = None,
    matte: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN",
            rich_help_panel=WHERE,
            help="Write the true mattes (EXR): opacity of dirt, scratch, stain and flicker.",
        ),
    ] = None,
    clean: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN",
            rich_help_panel=WHERE,
            help="Write the truth: undamaged, with its grain, weave, fading and scan.",
        ),
    ] = None,
    kinds: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN",
            rich_help_panel=WHERE,
            help="Write what lies where (EXR): a channel of 0 or 1 for dust, hair, standing scratch and so on.",
        ),
    ] = None,
    templates: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Shapes cut from real film: a folder of PNGs for each kind."),
    ] = None,
    no_grain: Annotated[bool, typer.Option("--no-grain", help="Add no grain of the recipe's own.")] = False,
    colorspace: ColourSpaceName = "auto",
    layer: Layer = None,
    overwrite: Overwrite = False,
) -> None:
    """Damage clean plates by a recipe, with the truth beside them.

    A frame's damage depends on recipe, seed, frame size and frame number alone, however the range is cut. The whole
    range counts as one shot. Weave, fading, grain and scan of the recipe belong to the truth; only what lies in the
    matte is damage.
    """
    from frdm_engine.damage import Recipe, Templates
    from frdm_engine.plates.choosing import choose, ranges, refuse_existing
    from frdm_engine.plates.sequence import Sequence

    loaded = Recipe.load(recipe)
    shapes = None if templates is None else Templates(templates)
    source, chosen = choose(plate, frames)

    def written(spec: str | None) -> Sequence | None:
        return None if spec is None else Sequence.output(spec, frames=chosen, like=source)

    outputs = Outputs(
        Sequence.output(output, frames=chosen, like=source), written(matte), written(clean), written(kinds)
    )
    if outputs.matte is not None and outputs.matte.suffix.lower() != ".exr":
        raise OutputError(f"--matte {matte} must be EXR, as it has four channels of half floats; name it .exr.")
    if outputs.kinds is not None and outputs.kinds.suffix.lower() != ".exr":
        raise OutputError(f"--kinds {kinds} must be EXR, as it has a channel for each kind; name it .exr.")
    refuse_existing((outputs.damaged, outputs.matte, outputs.clean, outputs.kinds), overwrite=overwrite)
    work = Work(source, outputs, recipe, loaded, seed, shapes, not no_grain, colorspace, layer)
    with Stop() as stop:
        done = work.run(chosen, stop)
    typer.echo(f"{count(done, 'frame')} damaged by {recipe}, seed {seed}: {outputs.damaged.pattern}")
    if done < len(chosen):
        complain(
            f"Stopped: {done} of {count(len(chosen), 'frame')} are written whole; "
            f"--frames {ranges(chosen[done:])} writes the rest alike."
        )
        raise typer.Exit(STOPPED)


@dataclass(frozen=True)
class Outputs:
    """What is written; a sequence each, or None."""

    damaged: Sequence
    matte: Sequence | None
    clean: Sequence | None
    kinds: Sequence | None


@dataclass(frozen=True)
class Spoiled:
    """One view of a frame: damaged and clean (H, W, 3) as stored in the plate, mattes (H, W, 4) and kinds, 0..1."""

    damaged: Pixels
    clean: Pixels
    mattes: Pixels
    kinds: Pixels


@dataclass(frozen=True)
class Work:
    """One damaged copy in the making."""

    source: Sequence
    outputs: Outputs
    recipe_name: str
    recipe: Recipe
    seed: int
    templates: Templates | None
    grain: bool
    colorspace: str
    layer: str | None

    def run(self, frames: tuple[int, ...], stop: Stop) -> int:
        """Write the frames until told to stop; returns how many are written.

        Raises:
            FrdmError: names the frame or file; frames written before are whole.
        """
        from frdm_engine.plates.colour import resolve
        from frdm_engine.plates.plate import read_plate

        first = read_plate(self.source.path(frames[0]), frame=frames[0], layer=self.layer)
        space = resolve(self.colorspace, metadata=first.metadata, path_suffix=first.path.suffix, dtype=first.dtype)
        note(f"colour space {space.name}: {space.why}")
        damagers = self._damagers(first)
        for output in (self.outputs.damaged, self.outputs.matte, self.outputs.clean, self.outputs.kinds):
            if output is not None:
                _make(output.folder)
        for done, frame in enumerate(frames):
            if stop():
                return done
            plate = read_plate(self.source.path(frame), frame=frame, layer=self.layer) if done else first
            self._refuse_other_size(plate, first)
            self._write(
                plate, frame, {view: self._spoil(plate, view, space, damagers[view], frame) for view in damagers}
            )
        return len(frames)

    def _damagers(self, plate: Plate) -> dict[str, Damager]:
        from frdm_engine.damage import Damager

        made = {}
        for index, view in enumerate(plate.views):
            spec = plate.part(view).spec
            made[view] = Damager(
                self.recipe,
                seed=self.seed + index,  # each eye of a stereo pair is a film of its own
                height=int(spec.height),
                width=int(spec.width),
                templates=self.templates,
                monochrome=len(plate.channels[view].planes) == 1,
            )
        return made

    def _refuse_other_size(self, plate: Plate, first: Plate) -> None:
        for view in first.views:
            size, wanted = (one.part(view).spec for one in (plate, first))
            if (size.width, size.height) != (wanted.width, wanted.height):
                raise PlateError(
                    f"{plate.path} is {size.width} x {size.height} pixels and the first frame "
                    f"{wanted.width} x {wanted.height}; damage frames of one size at a time."
                )

    def _spoil(self, plate: Plate, view: str, space: ColourSpace, damager: Damager, frame: int) -> Spoiled:
        import numpy as np

        from frdm_engine.damage import KINDS
        from frdm_engine.plates.colour import finite_mask

        stored = plate.rgb(view)
        seen = space.encode(stored)
        made = damager.process(frame, seen, grain=self.grain)
        finite = finite_mask(stored)
        mattes = made.mattes * finite[..., None]
        kinds = (made.kinds * finite)[..., None] >> np.arange(len(KINDS)) & 1

        def back(picture: Pixels) -> Pixels:
            decoded = space.decode(picture)
            kept = ~finite | (picture == seen).all(axis=-1)
            decoded[kept] = stored[kept]
            return decoded

        return Spoiled(back(made.plate), back(made.truth), mattes, kinds.astype(np.float32))

    def _write(self, plate: Plate, frame: int, made: Mapping[str, Spoiled]) -> None:
        import numpy as np

        from frdm_engine.damage import CLASSES, KINDS
        from frdm_engine.plates.images import write_image
        from frdm_engine.plates.plate import write_plate

        record = {"frdm:damage": self.recipe_name, "frdm:damageSeed": str(self.seed)}
        told = ((self.outputs.matte, "mattes", CLASSES), (self.outputs.kinds, "kinds", KINDS))
        for sequence, part, channels in told:
            if sequence is None:
                continue
            several = len(made) > 1
            # A space would split a channel's name in Nuke.
            plain = [name.replace(" ", "_") for name in channels]
            write_image(
                sequence.path(frame),
                np.concatenate([getattr(one, part) for one in made.values()], axis=-1),
                channel_names=[f"{view}.{name}" if several else name for view in made for name in plain],
                metadata=record,
                window=plate.window,
                display=plate.display,
            )
        for output, name in ((self.outputs.clean, "clean"), (self.outputs.damaged, "damaged")):
            if output is not None:
                path = output.path(frame)
                pixels: dict[str, Any] = {view: getattr(one, name) for view, one in made.items()}
                said = record if name == "damaged" and path.suffix.lower() != ".dpx" else None
                write_plate(plate, path, rgb=pixels, metadata=said)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made ({error.strerror}); choose another folder.") from error
