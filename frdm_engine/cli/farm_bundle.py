"""A shot as a job bundle: a folder with the template and the shot's values, as AWS Deadline Cloud takes it."""

from __future__ import annotations

import os
import re
import secrets
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frdm_engine.batch.shots import Shot
from frdm_engine.cli.console import write_json
from frdm_engine.errors import InputError, OutputError, SettingError

_OPTIONS = {
    "Matte": "matte",
    "Difference": "difference",
    "Protect": "protect",
    "Force": "force",
    "Fix": "fix",
    "Strength": "strength",
    "Grain": "grain",
    "Cuts": "cuts",
    "ColourSpace": "colorspace",
    "Layer": "layer",
    "Model": "model",
    "Vram": "vram",
    "Tile": "tile",
    "Steps": "steps",
    "Seed": "seed",
}
"""Parameters of the template as options of a task."""
_PATTERNS = ("Plate", "Output", "Matte", "Difference", "Protect", "Force")
LONGEST = 1024
"""Characters that a parameter of a job may have."""


@dataclass(frozen=True)
class Bundle:
    """A job bundle that was written."""

    folder: Path
    shot: str
    frames: int
    tasks: int


@dataclass(frozen=True)
class Farm:
    """What holds for the farm, whatever the shot."""

    chunk: int = 8
    seconds: int = 0
    frdm: str = "frdm"
    device: str = "auto"
    engine: str = "session"
    ocio: str = ""


def write(shot: Shot, folder: Path, *, template: str, farm: Farm) -> Bundle:
    """Writes the bundle of a shot into a folder of its name; what is wrong with the shot is found here.

    Raises:
        FrdmError: frames, masks or outputs cannot be used; nothing was written.
    """
    values, frames = parameters(shot, farm)
    place = folder / folder_name(shot)
    _write(place / "template.yaml", template)
    write_json(place / "parameters.json", values)
    listed = [{"name": name, "value": value} for name, value in values.items()]
    write_json(place / "parameter_values.json", {"parameterValues": listed})
    made = commands(values, frames)
    _write(place / "commands.txt", "".join(f"{line}\n" for line in made))
    return Bundle(place, shot.name, len(frames), len(made))


def folder_name(shot: Shot) -> str:
    """A shot's name as a folder's."""
    return re.sub(r"[^\w-]+", "_", shot.name).strip("_") or "shot"


def parameters(shot: Shot, farm: Farm) -> tuple[dict[str, Any], tuple[int, ...]]:
    """The template's parameters for a shot, and the frames that are to be written.

    Raises:
        FrdmError: frames, masks or outputs cannot be used.
    """
    from frdm_engine.plates.choosing import choose, find_mask, refuse_existing
    from frdm_engine.plates.sequence import Sequence

    if shot.overwrite and shot.resume:
        raise SettingError(f"Shot {shot.name} has overwrite and resume, which exclude each other; keep one.")
    source, frames = choose(shot.plate, shot.frames, handles=shot.handles)
    for name, mask in (("protect", shot.protect), ("force", shot.force)):
        find_mask(mask, option=name, frames=frames)
    outputs = [
        Sequence.output(spec, frames=frames, like=source) for spec in (shot.output, shot.matte, shot.difference) if spec
    ]
    refuse_existing(outputs, overwrite=shot.overwrite or shot.resume)
    text = expression(frames)
    if len(text) > LONGEST:
        raise InputError(
            f"Shot {shot.name} has its frames in more pieces than a job can name, {len(text)} characters of {LONGEST}; "
            "make several shots of it."
        )
    plate = source.pattern if source.width and not Path(shot.plate).is_file() else shot.plate
    values: dict[str, Any] = {
        "Shot": shot.name[:100],
        "Plate": _whole(plate),
        "Output": _whole(shot.output),
        "Frames": text,
        "ChunkSize": farm.chunk,
        "TargetSeconds": farm.seconds,
        "Existing": "overwrite" if shot.overwrite else "resume",
        "Matte": _whole(shot.matte),
        "Difference": _whole(shot.difference),
        "Protect": _whole(shot.protect),
        "Force": _whole(shot.force),
        "Fix": shot.fix,
        "Strength": shot.strength,
        "Grain": shot.grain,
        "Cuts": shot.cuts or "",
        "ColourSpace": shot.colorspace,
        "OcioConfig": _whole(farm.ocio),
        "Layer": shot.layer or "",
        "Model": _whole(shot.model) if Path(shot.model).is_dir() else shot.model,
        "Engine": farm.engine,
        "Device": farm.device,
        "Vram": shot.vram,
        "Tile": shot.tile or 0,
        "Steps": shot.steps or 0,
        "Seed": shot.seed,
        "Frdm": farm.frdm,
    }
    return values, frames


def expression(frames: Iterable[int]) -> str:
    """Sorted frames as Open Job Description writes them: `1001-1010,1020-1030:2`."""
    rest, parts = list(frames), []
    while rest:
        step = rest[1] - rest[0] if len(rest) > 1 else 1
        size = 1
        while size < len(rest) and rest[size] - rest[size - 1] == step:
            size += 1
        if size == 2 and step > 1:
            size = 1  # two frames apart are no row
        first, last = rest[0], rest[size - 1]
        parts.append(str(first) if size == 1 else f"{first}-{last}" + ("" if step == 1 else f":{step}"))
        rest = rest[size:]
    return ",".join(parts)


def chunks(frames: tuple[int, ...], size: int) -> list[str]:
    """The frames of each task: neighbours alone, at most so many."""
    found: list[list[int]] = []
    for frame in frames:
        if not found or frame != found[-1][-1] + 1 or len(found[-1]) == size:
            found.append([])
        found[-1].append(frame)
    return [expression(one) for one in found]


def commands(values: Mapping[str, Any], frames: tuple[int, ...]) -> list[str]:
    """A command line for each task, for queues that take no template."""
    told = {name: _plain(value) if name in _PATTERNS else value for name, value in values.items()}
    given = [f"--existing={told['Existing']}"]
    given += [f"--{option}={told[name]}" for name, option in _OPTIONS.items() if told[name] != ""]
    start = [*shlex.split(told["Frdm"]), "farm", "task", told["Plate"], told["Output"]]
    return [shlex.join([*start, f"--frames={one}", *given]) for one in chunks(frames, int(values["ChunkSize"]))]


def _plain(pattern: str) -> str:
    """A pattern with @ in the number's place, which no shell or queue takes for its own."""
    folder, name = os.path.split(pattern)
    name = re.sub(r"%0?(\d+)d|#+", lambda found: "@" * int(found[1] or len(found[0])), name)
    return os.path.join(folder, name)


def without_gpu(template: str) -> str:
    """The template for farms without GPUs: the lines that ask for one end in `# GPU`."""
    return "".join(line for line in template.splitlines(keepends=True) if not line.rstrip().endswith("# GPU"))


def _whole(spec: str | None) -> str:
    return os.path.abspath(spec) if spec else ""


def _write(path: Path, text: str) -> None:
    """Writes a file of a bundle under another name and renames it."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            aside.write_text(text, encoding="utf-8")
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}); choose another folder.") from error
