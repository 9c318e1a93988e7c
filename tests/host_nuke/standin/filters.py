"""Nodes with one picture: sources, crops, sizes, arithmetic, channels."""

from __future__ import annotations

from typing import Any, Callable, Dict

import numpy as np

from tests.host_nuke.standin import expressions, state, tcl
from tests.host_nuke.standin.formats import Format
from tests.host_nuke.standin.images import Box, Image, Moment, OpError

Ask = Callable[[Any, Moment], Image]
_RGBA = ("rgba.red", "rgba.green", "rgba.blue", "rgba.alpha")


def _constant(node: Any, moment: Moment, ask: Ask) -> Image:
    size = node["format"].value()._scaled_by(moment.scale)
    made = Image(size, (0, 0, size.width(), size.height()))
    values = [node["color"]._number_value(moment.frame, index) for index in range(4)]
    for name, value in zip(_RGBA, values):
        if name in (*node["channels"]._picked(list(_RGBA)), "rgba.alpha"):
            made.channels[name] = np.full(made.shape, value, np.float32)
    return made


def _checker(node: Any, moment: Moment, ask: Ask) -> Image:
    return board(node["format"].value()._scaled_by(moment.scale), moment, node["boxsize"]._number_value(moment.frame))


def board(size: Format, moment: Moment, boxsize: float = 64.0) -> Image:
    """A checkerboard."""
    made = Image(size, (0, 0, size.width(), size.height()))
    rows, columns = np.indices(made.shape)
    step = max(1, int(boxsize * moment.scale))
    board = ((rows // step + columns // step) % 2 * 0.4 + 0.1).astype(np.float32)
    for name in _RGBA[:3]:
        made.channels[name] = board
    made.channels["rgba.alpha"] = np.ones(made.shape, np.float32)
    return made


def _crop(node: Any, moment: Moment, ask: Ask) -> Image:
    image = ask(node.input(0), moment)
    left, bottom, right, top = (round(node["box"]._number_value(moment.frame, at) * moment.scale) for at in range(4))
    box: Box = (left, bottom, right, top)
    cut: Box = (
        max(box[0], image.box[0]),
        max(box[1], image.box[1]),
        min(box[2], image.box[2]),
        min(box[3], image.box[3]),
    )
    made = image.within(cut)
    if node["reformat"].value():
        moved = (made.box[0] - box[0], made.box[1] - box[1], made.box[2] - box[0], made.box[3] - box[1])
        size = Format(box[2] - box[0], box[3] - box[1], aspect=image.format.pixelAspect())
        return made.having(box=moved, format=size)
    return made


def _reformat(node: Any, moment: Moment, ask: Ask) -> Image:
    """Nuke filters; the stand-in takes the nearest pixel. `none` keeps the size and centres."""
    image = ask(node.input(0), moment)
    size = node["format"].value()._scaled_by(moment.scale)
    old_w, old_h = image.format.width(), image.format.height()
    by = {
        "none": (1.0, 1.0),
        "width": (size.width() / old_w, size.width() / old_w),
        "height": (size.height() / old_h, size.height() / old_h),
        "distort": (size.width() / old_w, size.height() / old_h),
    }
    wide, high = by.get(str(node["resize"].value()), by["width"])
    across = (size.width() - old_w * wide) / 2 if node["center"].value() else 0.0
    up = (size.height() - old_h * high) / 2 if node["center"].value() else 0.0
    box = (
        round(image.box[0] * wide + across),
        round(image.box[1] * high + up),
        round(image.box[2] * wide + across),
        round(image.box[3] * high + up),
    )
    made = image.having(format=size, box=box, channels={})
    rows = np.clip(((np.arange(made.shape[0]) + 0.5) / high).astype(int), 0, max(0, image.shape[0] - 1))
    columns = np.clip(((np.arange(made.shape[1]) + 0.5) / wide).astype(int), 0, max(0, image.shape[1] - 1))
    for name, values in image.channels.items():
        made.channels[name] = values[np.ix_(rows, columns)]
    return made


def _each(node: Any, moment: Moment, ask: Ask, change: Callable[[Any], Any]) -> Image:
    image = ask(node.input(0), moment)
    chosen = node["channels"]._picked(list(image.channels))
    channels = {
        name: change(values).astype(np.float32) if name in chosen else values for name, values in image.channels.items()
    }
    return image.having(channels=channels)


def _grade(node: Any, moment: Moment, ask: Ask) -> Image:
    gain, lift = (np.float32(node[name]._number_value(moment.frame)) for name in ("multiply", "add"))
    floor = bool(node["black_clamp"].value())
    return _each(node, moment, ask, lambda v: np.maximum(v * gain + lift, 0) if floor else v * gain + lift)


def _multiply(node: Any, moment: Moment, ask: Ask) -> Image:
    gain = np.float32(node["value"]._number_value(moment.frame))
    return _each(node, moment, ask, lambda v: v * gain)


def _add(node: Any, moment: Moment, ask: Ask) -> Image:
    lift = np.float32(node["value"]._number_value(moment.frame))
    return _each(node, moment, ask, lambda v: v + lift)


def _add_channels(node: Any, moment: Moment, ask: Ask) -> Image:
    image = ask(node.input(0), moment)
    value = node["color"]._number_value(moment.frame)
    new = {name: np.full(image.shape, value, np.float32) for name in node["channels"]._picked([])}
    return image.having(channels={**new, **image.channels})


def _remove(node: Any, moment: Moment, ask: Ask) -> Image:
    image = ask(node.input(0), moment)
    named = node["channels"]._picked(list(image.channels))
    keep = node["operation"].value() == "keep"
    return image.having(channels={n: v for n, v in image.channels.items() if (n in named) == keep})


def _shuffle(node: Any, moment: Moment, ask: Ask) -> Image:
    image = ask(node.input(0), moment)
    layer_in, layer_out = str(node["in"].value()), str(node["out"].value())
    made = dict(image.channels)
    for name in ("red", "green", "blue", "alpha"):
        source = str(node[name].value())
        flat = {"black": 0.0, "white": 1.0}.get(source)
        values = (
            np.full(image.shape, flat, np.float32)
            if flat is not None
            else image.over(f"{layer_in}.{source}", image.box)
        )
        made[f"{layer_out}.{name}"] = values
    return image.having(channels=made)


def _expression(node: Any, moment: Moment, ask: Ask) -> Image:
    """Each channel that has an expression; names are channels of the input, x and y, knobs, and temporary names."""
    image = ask(node.input(0), moment)
    rows, columns = np.indices(image.shape)
    names: Dict[str, Any] = {
        "x": columns.astype(np.float32) + image.box[0],
        "y": rows.astype(np.float32) + image.box[1],
        "frame": moment.frame,
        "width": float(image.format.width()),
        "height": float(image.format.height()),
    }

    def look(name: str) -> Any:
        short = {"r": _RGBA[0], "g": _RGBA[1], "b": _RGBA[2], "a": _RGBA[3]}
        name_ = short.get(name, name if "." in name else f"rgba.{name}")
        if name in names:
            return names[name]
        known = {one for channels in state.now().layers.values() for one in channels}
        if name_ in image.channels or name_ in known:
            # A channel the input lacks is black.
            return image.over(name_, image.box)
        return node._number_named(name, moment.frame)

    made = dict(image.channels)
    try:
        for index in range(4):
            own = str(node[f"temp_name{index}"].value())
            if own:
                names[own] = _value(node, f"temp_expr{index}", look)
        for index in range(4):
            if str(node[f"expr{index}"].value()).strip():
                value = np.broadcast_to(np.float32(_value(node, f"expr{index}", look)), image.shape)
                for channel in node[f"channel{index}"]._picked(list(image.channels)):
                    made[channel] = value.astype(np.float32)
    except expressions.ExpressionError as error:
        raise OpError(node, str(error)) from error
    return image.having(channels=made)


def _value(node: Any, knob: str, look: expressions.Lookup) -> Any:
    text = str(node[knob].getText())
    with np.errstate(all="ignore"):
        return expressions.evaluate(text, look, lambda inner: tcl.run(inner, node))


MAKERS: Dict[str, Callable[[Any, Moment, Ask], Image]] = {
    "Constant": _constant,
    "CheckerBoard2": _checker,
    "Crop": _crop,
    "Reformat": _reformat,
    "Grade": _grade,
    "Multiply": _multiply,
    "Add": _add,
    "AddChannels": _add_channels,
    "Remove": _remove,
    "Shuffle": _shuffle,
    "Expression": _expression,
}
