"""Which channels of which part are the colours: layers, stereo views and grey plates.

Names follow OpenEXR: `layer.view.R` in one part (views named by its `multiView`), or one part a view
with a `view` attribute. Layers may also be parts named after them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from frdm_engine.errors import PlateError
from frdm_engine.plates.exr import Part

_COLOURS = {"r": 0, "red": 0, "g": 1, "green": 1, "b": 2, "blue": 2}
_LUMA = ("y", "l", "luma", "luminance", "grey", "gray")
_MAIN_LAYERS = ("rgba", "rgb", "beauty")
_STEREO = ("left", "right")


@dataclass(frozen=True)
class Channels:
    """Where a view's colours are: the part's index and its planes (red, green, blue) or (luma,)."""

    part: int
    planes: tuple[int, ...]


def choose(parts: tuple[Part, ...], *, layer: str | None, path: Path) -> Mapping[str, Channels]:
    """The colours of each view, of the layer asked for or the main one.

    Raises:
        PlateError: the file has no such layer, no colours at all, or several layers and no main one.
    """
    found = _layers(parts)
    if not found:
        names = ", ".join(name for part in parts for name in part.names)
        raise PlateError(f"{path} has neither red, green and blue nor luma, only {names}; give a colour image.")
    main = next((name for name in ("", *_MAIN_LAYERS) if name in found), None)
    wanted = layer if layer is not None else main
    if wanted is None and len(found) == 1:
        wanted = next(iter(found))
    if wanted is None:
        raise PlateError(f"{path} has several layers and no main one; choose a layer of {', '.join(found)}.")
    if wanted not in found:
        listed = ", ".join(name or "(main)" for name in found)
        raise PlateError(f"{path} has no colours in a layer {wanted!r}; choose one of {listed}.")
    return found[wanted]


def _layers(parts: tuple[Part, ...]) -> dict[str, dict[str, Channels]]:
    colours: dict[str, dict[str, Channels]] = {}
    grey: dict[str, dict[str, Channels]] = {}
    for index, part in enumerate(parts):
        groups: dict[tuple[str, str], dict[int, int]] = {}
        for plane, (layer, view, base) in enumerate(_split(part)):
            if base in _COLOURS:
                groups.setdefault((layer, view), {}).setdefault(_COLOURS[base], plane)
            elif base in _LUMA:
                _add(grey, _names_of(layer, part, many=len(parts) > 1), view, Channels(index, (plane,)))
        for (layer, view), planes in groups.items():
            if len(planes) == 3:
                found = Channels(index, tuple(planes[channel] for channel in range(3)))
                _add(colours, _names_of(layer, part, many=len(parts) > 1), view, found)
    # A luma beside colours is a helper channel, not the picture.
    return colours or grey


def _add(found: dict[str, dict[str, Channels]], names: tuple[str, ...], view: str, channels: Channels) -> None:
    for name in names:
        found.setdefault(name, {}).setdefault(view, channels)


def _names_of(layer: str, part: Part, *, many: bool) -> tuple[str, ...]:
    """A layer's names: bare colours of a part called `diffuse` are also the layer `diffuse`."""
    name = str(part.attributes.get("name", ""))
    view = str(part.attributes.get("view", ""))
    name = name.removesuffix(f".{view}") if view else name
    return (layer, name) if many and not layer and name else (layer,)


def _split(part: Part) -> Iterator[tuple[str, str, str]]:
    """(layer, view, last word in lower case) of each channel."""
    listed = part.attributes.get("multiView", ())
    views = (listed,) if isinstance(listed, str) else tuple(listed)
    own = str(part.attributes.get("view", "")) or (views[0] if views else "")
    for name in part.names:
        *words, base = name.split(".")
        view = own
        if words and (words[-1] in views or (not views and words[-1].lower() in _STEREO)):
            view = words.pop()
        yield ".".join(words), view, base.lower()
