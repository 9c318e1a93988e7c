"""Shots of a run, as they are named: on the command line, in a TOML file with settings, or in a plain list of plates.

Light on purpose: nothing here touches a plate or loads a library, so that farm submitters may read lists as well.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from frdm_engine.errors import SettingError

PATHS = ("plate", "output", "matte", "difference", "report", "protect", "force")
"""Keys that hold paths, which are relative to the list's folder."""
OF_THE_RUN = ("device", "log")
"""Keys of `[defaults]` that concern the run and not a shot."""

_PADDING = re.compile(r"(\d+-\d+(x\d+)?)?(%0?\d*d|#+|@+)")


@dataclass(frozen=True)
class Shot:
    """One plate to restore, with every option of `frdm restore` under its own name and as it is written there."""

    name: str
    plate: str
    output: str
    frames: str | None = None
    handles: int = 0
    matte: str | None = None
    difference: str | None = None
    report: str | None = None
    colorspace: str = "auto"
    layer: str | None = None
    overwrite: bool = False
    resume: bool = False
    fix: str = "dirt,scratch,stain,flicker"
    strength: float = 1.0
    protect: str | None = None
    force: str | None = None
    grain: float = 1.0
    cuts: str | None = None
    model: str = "frdm-s"
    vram: str = "24G"
    tile: int | None = None
    steps: int | None = None
    seed: int = 0

    def record(self) -> dict[str, Any]:
        """All of it as plain data; `Shot(**record)` makes it again."""
        return asdict(self)


KEYS = tuple(field.name for field in fields(Shot))
_TEXT = {field.name for field in fields(Shot) if "str" in str(field.type)}
_KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(_TEXT, (str,)),
    **dict.fromkeys(("handles", "tile", "steps", "seed"), (int,)),
    **dict.fromkeys(("strength", "grain"), (int, float)),
    **dict.fromkeys(("overwrite", "resume"), (bool,)),
    "frames": (str, int, list),
    "cuts": (str, int, list),
    "fix": (str, list),
}
_SAID = {str: "text", int: "a whole number", float: "a number", bool: "true or false", list: "a list"}


@dataclass(frozen=True)
class ShotList:
    """What a list holds: its shots, and what it says of the run (`device`, `log`)."""

    shots: tuple[Shot, ...]
    run: Mapping[str, str]


def read_shots(path: Path, *, out: str | None = None, options: Mapping[str, Any] | None = None) -> tuple[Shot, ...]:
    """The shots of a list; see `read_list`."""
    return read_list(path, out=out, options=options).shots


def read_list(path: Path, *, out: str | None = None, options: Mapping[str, Any] | None = None) -> ShotList:
    """Reads a list of shots: TOML where it is named `.toml`, else text with a plate a line.

    `out` is the folder of results that have no place of their own; `options` are those of the command line, which go
    before what the list says.

    Raises:
        SettingError: the list cannot be read, or says something that is not understood.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise SettingError(f"The shot list {path} cannot be read ({said}); check the name.") from error
    if path.suffix.lower() == ".toml":
        found = _from_toml(text, path=path, out=out, options=dict(options or {}))
    else:
        found = ShotList(_from_text(text, path=path, out=out, options=options or {}), {})
    if not found.shots:
        raise SettingError(f"The shot list {path} names no shot; give a plate a line, or [[shot]] tables in a .toml.")
    _refuse_alike(found.shots)
    return found


def shots_of(plates: tuple[str, ...], out: str, *, options: Mapping[str, Any] | None = None) -> tuple[Shot, ...]:
    """Shots of plates named on the command line, into a folder, as `cp -r` places them.

    Raises:
        SettingError: two of them would be written into each other.
    """
    shots = tuple(Shot(name_of(plate), plate, place(plate, out), **(options or {})) for plate in plates)
    _refuse_alike(shots)
    return shots


def name_of(plate: str) -> str:
    """A shot's name: its folder's, or what stands before the number in its files'."""
    path = Path(plate)
    if path.suffix and not path.is_dir():
        return _PADDING.sub("", path.stem).rstrip("._-") or path.parent.name
    return path.resolve().name


def place(plate: str, out: str) -> str:
    """Where a plate's result goes in a folder: a folder under its own name, a pattern's files straight into it."""
    path = Path(plate)
    if path.suffix and not path.is_dir():
        return str(Path(out) / _PADDING.sub(lambda match: match[3], path.name))
    return str(Path(out) / path.resolve().name) + "/"


def _from_text(text: str, *, path: Path, out: str | None, options: Mapping[str, Any]) -> tuple[Shot, ...]:
    if out is None:
        raise SettingError(f"{path} lists plates alone; give the folder for the results after it.")
    lines = [line.strip() for line in text.splitlines()]
    plates = [line for line in lines if line and not line.startswith("# ") and line != "#"]
    return tuple(
        Shot(name_of(plate), plate, place(plate, out), **options)
        for plate in (str(path.parent / plate) for plate in plates)
    )


def _from_toml(text: str, *, path: Path, out: str | None, options: dict[str, Any]) -> ShotList:
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"The shot list {path} is not TOML ({error}); mend that line.") from error
    for key in told:
        if key not in ("defaults", "shot"):
            raise SettingError(f"{path} has {key!r} at its top; write [defaults] and [[shot]] tables alone.")
    defaults, tables = told.get("defaults", {}), told.get("shot", [])
    if not isinstance(defaults, dict) or not isinstance(tables, list):
        raise SettingError(f"{path} holds its settings in [defaults] and a [[shot]] table for each shot.")
    run = {key: str(defaults.pop(key)) for key in OF_THE_RUN if key in defaults}
    if "log" in run:
        run["log"] = str(path.parent / run["log"])
    common = _checked(defaults, where=f"{path}, [defaults]", folder=path.parent)
    shots = []
    for number, table in enumerate(tables, 1):
        where = f"{path}, shot {number}" + (f" ({table['name']})" if "name" in table else "")
        own = _checked(table, where=where, folder=path.parent)
        shots.append(_shot(common | own | options, out=out, where=where))
    return ShotList(tuple(shots), run)


def _shot(told: dict[str, Any], *, out: str | None, where: str) -> Shot:
    if "plate" not in told:
        raise SettingError(f'{where}: no plate is named; write plate = "plate.####.exr".')
    named = told.get("name")
    told.setdefault("name", name_of(told["plate"]))
    if "output" not in told:
        if out is None:
            raise SettingError(
                f'{where}: no output is named; write output = "out.####.exr", or give a folder for all on the '
                "command line."
            )
        told["output"] = f"{Path(out) / named}/" if named else place(told["plate"], out)
    return Shot(**told)


def _checked(told: Mapping[str, Any], *, where: str, folder: Path) -> dict[str, Any]:
    """A table's values as the command line would have them."""
    found: dict[str, Any] = {}
    for key, value in told.items():
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, 1)
            hint = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(KEYS)}."
            if key in OF_THE_RUN:
                hint = "that is the run's: write it under [defaults]."
            raise SettingError(f"{where}: {key!r} is no setting; {hint}")
        kinds = _KINDS[key]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            said = " or ".join(_SAID[kind] for kind in kinds if kind is not int or float not in kinds)
            raise SettingError(f"{where}: {key} is {value!r}; write {said}.")
        if isinstance(value, list):
            found[key] = ",".join(str(one) for one in value)
        elif key in PATHS:
            found[key] = _beside(folder, str(value))
        elif key == "model":
            # A name of an embedded model is no path, as on the command line.
            found[key] = _beside(folder, str(value)) if (folder / str(value)).is_dir() else value
        else:
            found[key] = str(value) if str in kinds else value
    return found


def _beside(folder: Path, path: str) -> str:
    return str(folder / path) + ("/" if path.endswith("/") else "")


def _refuse_alike(shots: tuple[Shot, ...]) -> None:
    """Two shots of one output are found before anything is read."""
    seen: dict[str, Shot] = {}
    for shot in shots:
        other = seen.setdefault(shot.output, shot)
        if other is not shot:
            raise SettingError(
                f"{other.plate} and {shot.plate} would both be written to {shot.output}; name folders, or give each "
                "its own output in a shot list."
            )


def renamed(shots: tuple[Shot, ...]) -> tuple[Shot, ...]:
    """The shots with names that tell them apart: a name met before gets a number."""
    used: dict[str, int] = {}
    made = []
    for shot in shots:
        used[shot.name] = used.get(shot.name, 0) + 1
        made.append(shot if used[shot.name] == 1 else replace(shot, name=f"{shot.name} ({used[shot.name]})"))
    return tuple(made)
