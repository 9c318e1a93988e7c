"""What the artist has set, read from the knobs once and from then on plain data for any thread."""

from __future__ import annotations

import hashlib
import json
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

import nuke

from frdm_bridge.errors import MessageError
from frdm_bridge.fields import plain_record
from frdm_bridge.jobs import GIB, PathRule, Settings
from frdm_nuke import colour, ranges
from frdm_nuke.errors import SetupError
from frdm_nuke.graph import INPUTS, MASKS
from frdm_nuke.knobs import CLASSES

NODE_KNOB, ID_KNOB = "frdm_node", "frdm_id"


@dataclass(frozen=True)
class EngineWish:
    """Which engine, and what to do where there is none."""

    connection: Optional[Path]
    path_map: Tuple[PathRule, ...]
    start: bool
    command: Tuple[str, ...]
    device: str
    vram: Optional[int]

    def starting(self, folder: str) -> Tuple[str, ...]:
        """The command that starts an engine which may read and write the cache folder."""
        more = ("serve", "--daemon", "--read", folder, "--write", folder)
        device = ("--device", self.device) if self.device not in ("", "auto") else ()
        budget = ("--vram", f"{self.vram // 2**20}MB") if self.vram else ()
        return (*self.command, *more, *device, *budget)


@dataclass(frozen=True)
class Wish:
    """One restoration as the node asks for it."""

    name: str
    settings: Settings
    colourspace: str
    colour_why: str
    cuts: Optional[str]
    pixels: str
    masks: Tuple[str, ...]
    mask_channels: Tuple[str, ...]
    views: Tuple[str, ...]
    span: Tuple[int, int]
    """First and last frame that the plate has."""
    frames: Tuple[int, ...]
    scale: float
    """1, or the proxy scale the plate is rendered at."""
    keep_old: bool
    engine: EngineWish

    def at(self, frames: Tuple[int, ...]) -> Wish:
        """The same for other frames."""
        return replace(self, frames=frames)

    @property
    def digest(self) -> str:
        """Tells settings apart that give other pixels; 16 digits."""
        decides: Dict[str, Any] = plain_record(self.settings)
        del decides["vram"]  # a budget is no wish about pixels
        masks = dict(zip(self.masks, self.mask_channels))
        facts = [decides, self.colourspace, self.cuts, self.pixels, masks, self.scale]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def hull(self) -> Tuple[int, int]:
        """The frames that may be rendered: the plate's own, and those asked for beyond them."""
        if not self.frames:
            return self.span
        return min(self.span[0], self.frames[0]), max(self.span[1], self.frames[-1])


def read(node: nuke.Node) -> Wish:
    """What the node asks for. Call in the main thread.

    Raises:
        SetupError: there is nothing to restore, or a knob holds what it cannot.
    """
    plate = node.input(0)
    if plate is None:
        raise SetupError(f"{node.name()} has no plate; connect what is to be restored to its input plate.")
    place = plate.frameRange()
    span = (int(place.first()), int(place.last()))
    space, why = colour.space(str(node["colourspace"].value()))
    masks = tuple(name for name in MASKS if node.input(INPUTS.index(name)) is not None)
    return Wish(
        name=node.fullName(),
        settings=_settings(node),
        colourspace=space,
        colour_why=why,
        cuts=_cuts(node),
        pixels=str(node["datatype"].value()),
        masks=masks,
        mask_channels=tuple(str(node[f"{name}_channel"].value()) for name in masks),
        views=_views(node),
        span=span,
        frames=_frames(node, span),
        scale=_scale(node),
        keep_old=node["old_files"].value() == "keep",
        engine=read_engine(node),
    )


def _settings(node: nuke.Node) -> Settings:
    fix = tuple(name for name in CLASSES if node[f"fix_{name}"].value())
    if not fix:
        raise SetupError(f"{node.name()} is to repair nothing; tick dirt, scratches, stains or flicker.")
    steps, memory = int(node["steps"].value()), float(node["memory"].value())
    try:
        return Settings(
            fix=fix,
            strength=float(node["strength"].value()),
            steps=steps if steps > 0 else None,
            seed=int(node["seed"].value()),
            grain=float(node["grain"].value()),
            vram=int(memory * GIB) if memory > 0 else None,
        )
    except MessageError as error:
        raise SetupError(f"{node.name()}: {error}") from error


def _cuts(node: nuke.Node) -> Optional[str]:
    kind = node["cuts"].value()
    if kind == "find":
        return None
    return ranges.text(ranges.parse(str(node["cut_frames"].value()))) if kind == "list" else ""


def _frames(node: nuke.Node, span: Tuple[int, int]) -> Tuple[int, ...]:
    kind = node["range"].value()
    if kind == "custom":
        return ranges.parse(str(node["frames"].value()))
    root = nuke.root()
    first, last = span if kind == "input" else (int(root["first_frame"].value()), int(root["last_frame"].value()))
    return tuple(range(first, last + 1))


def _views(node: nuke.Node) -> Tuple[str, ...]:
    known = tuple(nuke.views())
    told = str(node["views"].value()).split()
    stray = next((view for view in told if view not in known), None)
    if stray is not None:
        raise SetupError(f"The project has no view {stray!r}; {node.name()} can restore {', '.join(known)}.")
    return tuple(told) or known


def _scale(node: nuke.Node) -> float:
    root = nuke.root()
    if node["proxy_mode"].value() != "follow" or not root["proxy"].value():
        return 1.0
    if root["proxy_type"].value() == "format":
        return float(root["proxy_format"].value().width()) / float(root["format"].value().width())
    return float(root["proxy_scale"].value())


def read_engine(node: nuke.Node) -> EngineWish:
    """Which engine the node asks for. Call in the main thread; raises as `read`."""
    connection = str(node["connection"].evaluate() or "")  # type: ignore[attr-defined]  # a File_Knob
    memory = float(node["memory"].value())
    return EngineWish(
        connection=Path(connection) if connection else None,
        path_map=_rules(str(node["path_map"].value())),
        start=bool(node["start_engine"].value()),
        command=tuple(shlex.split(str(node["engine_command"].value()).replace("\\", "/"))) or ("frdm",),
        device=str(node["device"].value()).strip(),
        vram=int(memory * GIB) if memory > 0 else None,
    )


def _rules(text: str) -> Tuple[PathRule, ...]:
    rules = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        here, mark, there = line.partition("=")
        if not mark or not here.strip() or not there.strip():
            raise SetupError(f"The path map has the line {line!r}; write HERE = THERE, as P:/show = /mnt/show.")
        rules.append(PathRule(client=here.strip(), engine=there.strip()))
    return tuple(rules)
