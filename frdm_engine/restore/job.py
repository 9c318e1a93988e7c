"""What is asked of one sequence, and what can be known of it before the first frame is restored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from frdm_engine.errors import FrdmError, MaskError, OutputError, SequenceError
from frdm_engine.plates import ColourSpace, Plate, Sequence, read_mask, read_plate, resolve
from frdm_engine.plates.convert import convert, family
from frdm_engine.restore.claim import refuse_taken
from frdm_engine.restore.restorer import Restorer
from frdm_engine.restore.room import Need, check_room, needs_of
from frdm_engine.tiling import Plan

FIRST_TRIES = 8
"""Frames tried for one to go by where bad ones are passed over."""
KEEPS = {"matte": ("exr", "png", "tiff", "dpx"), "difference": ("exr",)}
"""Containers that hold what is written beside the result."""


@dataclass(frozen=True)
class Job:
    """One restoration of one sequence."""

    source: Sequence
    output: Sequence
    frames: tuple[int, ...]
    colourspace: str = "auto"
    layer: str | None = None
    matte: Sequence | None = None
    difference: Sequence | None = None
    protect: Sequence | None = None
    force: Sequence | None = None
    cuts: tuple[int, ...] | None = None
    overwrite: bool = False
    resume: bool = False

    def files(self, frame: int) -> tuple[Path, ...]:
        """Everything that is written for a frame."""
        return tuple(output.path(frame) for output in self._outputs)

    @property
    def writes(self) -> tuple[tuple[Sequence, tuple[int, ...]], ...]:
        """Each output with the frames that are written."""
        return tuple((output, self.frames) for output in self._outputs)

    @property
    def _outputs(self) -> tuple[Sequence, ...]:
        return tuple(one for one in (self.output, self.matte, self.difference) if one is not None)


@dataclass(frozen=True)
class Done:
    """One delivered frame; ``skipped`` if it was there already; shares are of 1."""

    frame: int
    index: int
    total: int
    skipped: bool
    sampled: float
    changed: float
    seconds: float
    written: tuple[Path, ...]


@dataclass(frozen=True)
class Checked:
    """What is known before the first frame is restored."""

    space: ColourSpace
    size: dict[str, tuple[int, int]]
    plan: Plan
    notes: tuple[str, ...]
    needs: tuple[Need, ...] = ()

    @property
    def ocio(self) -> dict[str, str]:
        """The OCIO config that the pixels go through, if they do."""
        return {"ocio": self.space.config} if self.space.config else {}


def check(job: Job, restorer: Restorer, *, tolerant: bool = False, room: bool = True) -> Checked:
    """Finds bad input before anything is written.

    Where `tolerant`, a first frame that cannot be read does not count against the others; without `room` the disk is
    somebody else's care.

    Raises:
        FrdmError: of the kind that fits; nothing has been touched.
    """
    if not job.frames:
        raise SequenceError(f"No frame of {job.source.pattern} is left to restore; widen the range.")
    absent = sorted(set(job.frames) - set(job.source.frames))
    if absent:
        held = f"{job.source.frames[0]}-{job.source.frames[-1]}"
        raise SequenceError(
            f"Frame {absent[0]} is not in {job.source.pattern}, which holds {held}; narrow the range or add the file."
        )
    for name in ("protect", "force"):
        mask: Sequence | None = getattr(job, name)
        lacking = sorted(set(job.frames) - set(mask.frames)) if mask is not None and len(mask.frames) > 1 else []
        if mask is not None and lacking:
            raise MaskError(f"--{name} {mask.pattern} has no frame {lacking[0]}; add it or narrow the range.")
    inputs = {job.source.path(n).resolve(): "an input frame" for n in job.source.frames}
    for name in ("protect", "force"):
        if (mask := getattr(job, name)) is not None:
            inputs |= {mask_path(mask, n).resolve(): f"a mask of --{name}" for n in job.frames}
    seen: set[Path] = set()
    for frame in job.frames:
        for path in job.files(frame):
            resolved = path.resolve()
            if resolved in inputs:
                raise OutputError(f"{path} is {inputs[resolved]}; choose another output.")
            if resolved in seen:
                raise OutputError(f"{path} would be written twice; give each output its own name.")
            seen.add(resolved)
            if path.exists() and not (job.overwrite or job.resume):
                refuse_taken(job.writes)
                raise OutputError(f"{path} exists; add --overwrite to replace it or --resume to go on after it.")
    plate = _model_plate(job, tries=FIRST_TRIES if tolerant else 1)
    space = resolve(job.colourspace, metadata=plate.metadata, path_suffix=plate.path.suffix, dtype=plate.dtype)
    size = {view: plate.size(view) for view in plate.views}
    for name in ("protect", "force"):
        mask = getattr(job, name)
        if mask is not None:
            view = plate.views[0]
            read_mask(mask_path(mask, job.frames[0]), shape=size[view], over=plate.part(view))
    plan = restorer.plan(plate.width, plate.height)
    convert(plate.parts, source=plate.path, target=job.output.path(job.frames[0]))
    for name, kinds in KEEPS.items():
        beside: Sequence | None = getattr(job, name)
        if beside is not None and family(beside.path(job.frames[0])) not in kinds:
            raise OutputError(f"--{name} {beside.pattern} cannot be held by {beside.suffix}; write .exr.")
    needs = needs_of(plate, output=job.output, matte=job.matte, difference=job.difference)
    if room:
        check_room(needs)
    return Checked(space, size, plan, (f"colour space {space.name}: {space.why}",), needs)


def _model_plate(job: Job, *, tries: int) -> Plate:
    """The first frame, by which colours, size and plan go."""
    first: FrdmError | None = None
    for frame in job.frames[:tries]:
        try:
            return read_plate(job.source.path(frame), frame=frame, layer=job.layer)
        except FrdmError as error:
            first = first or error
    raise first or SequenceError(f"No frame of {job.source.pattern} is left to restore; widen the range.")


def mask_path(mask: Sequence, frame: int) -> Path:
    """The mask's file for a frame: its own, or the one there is for all."""
    return mask.path(frame) if len(mask.frames) > 1 else mask.path(mask.frames[0])
