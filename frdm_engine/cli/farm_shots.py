"""Shot lists, as `frdm farm submit` reads them: TOML with `[defaults]` and `[[shot]]`, or a plate a line."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from frdm_engine.errors import InputError

_PATHS = ("plate", "output", "matte", "difference", "protect", "force")


@dataclass(frozen=True)
class Shot:
    """One shot of a list: where it lies, and the options of `frdm restore`."""

    name: str
    plate: str
    output: str
    frames: str | None = None
    handles: int = 0
    matte: str | None = None
    difference: str | None = None
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


def read_shots(path: Path, *, out: str | None = None) -> tuple[Shot, ...]:
    """The shots of a list. `out` is the folder for results of shots that name none.

    Raises:
        InputError: it cannot be read, or holds what is no shot.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The shot list {path} cannot be read ({error}); name a text or TOML file.") from error
    shots = _tables(path, text) if path.suffix.lower() == ".toml" else _lines(text)
    if not shots:
        raise InputError(f"The shot list {path} holds no shot; write a plate a line, or [[shot]] tables in TOML.")
    return tuple(_shot(path, number, one, out) for number, one in enumerate(shots, 1))


def _tables(path: Path, text: str) -> list[dict[str, Any]]:
    try:
        plain = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"The shot list {path} is no TOML ({error}); mend that line.") from error
    defaults = {name: value for name, value in plain.get("defaults", {}).items() if name != "device"}
    return [{**defaults, **one} for one in plain.get("shot", [])]


def _lines(text: str) -> list[dict[str, Any]]:
    lines = (line.strip() for line in text.splitlines())
    return [{"plate": line} for line in lines if line and not line.startswith("# ")]


def _shot(path: Path, number: int, given: dict[str, Any], out: str | None) -> Shot:
    known = {one.name for one in fields(Shot)} | {"report"}
    unknown = sorted(set(given) - known)
    if unknown:
        raise InputError(f"Shot {number} of {path} has the key {unknown[0]!r}; choose from {', '.join(sorted(known))}.")
    values = {name: value for name, value in given.items() if name != "report"}
    plate = str(values.get("plate") or "")
    if not plate:
        raise InputError(f'Shot {number} of {path} names no plate; add plate = "...".')
    folder = Path(plate).parent.name if Path(plate).suffix else Path(plate).name
    if "output" not in values:
        if out is None:
            raise InputError(f'Shot {number} of {path} names no output; add output = "...", or give --out FOLDER.')
        values["output"] = str(Path(out).absolute() / ("" if Path(plate).suffix else folder))
    for name in _PATHS:
        if values.get(name):
            values[name] = str(path.absolute().parent / str(values[name]))
    return Shot(**({"name": folder or f"shot{number}"} | values))
