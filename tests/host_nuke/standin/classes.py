"""The classes of nodes: which knobs and inputs each has, and the function that makes its image."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Tuple

from tests.host_nuke.standin import channels, exr, formats, knobs, numeric, texts
from tests.host_nuke.standin.nodes import Group, Node, Root

Maker = Callable[[Any, Any, Any], Any]
Spec = Tuple[Any, ...]
"""Class of a knob, its name, its default, and for choices these."""

String, File, Int, Double, Boolean = (
    texts.String_Knob,
    texts.File_Knob,
    numeric.Int_Knob,
    numeric.Double_Knob,
    numeric.Boolean_Knob,
)
Choice, Channel, Mask, Script, Text = (
    numeric.Enumeration_Knob,
    channels.Channel_Knob,
    channels.ChannelMask_Knob,
    texts.Script_Knob,
    texts.Multiline_Eval_String_Knob,
)

COMMON: Tuple[Spec, ...] = (
    (Text, "label", ""),
    (Int, "xpos", 0),
    (Int, "ypos", 0),
    (Boolean, "selected", False),
    (Boolean, "hide_input", False),
    (Int, "tile_color", 0),
    (String, "note_font", ""),
    (Int, "note_font_size", 11),
    (numeric.Disable_Knob, "disable", False),
    (Boolean, "postage_stamp", False),
    *((String, name, "") for name in ("onCreate", "onDestroy", "knobChanged", "updateUI", "autolabel", "help")),
)


class Kind:
    """A class of nodes."""

    def __init__(
        self, name: str, inputs: Tuple[int, int] = (1, 1), specs: Tuple[Spec, ...] = (), python: type = Node
    ) -> None:
        self.name = name
        self._inputs = inputs
        self._specs = specs
        self.python = python

    def inputs(self, node: Node) -> Tuple[int, int]:
        """At least and at most; a group has as many as Inputs inside."""
        if isinstance(node, Group) and not isinstance(node, Root):
            count = sum(1 for one in node._children if one.Class() == "Input")
            return (count, count)
        return self._inputs

    def knobs(self) -> List[knobs.Knob]:
        """New knobs, each with its default."""
        from tests.host_nuke.standin.nodes import _Name

        name = _Name("name")
        return [name, *(_made(*one) for one in (*self._specs, *COMMON))]

    def press(self, node: Node, button: str) -> None:
        """A button without Python: reload only looks again, which the stand-in does always."""

    def _opened(self, node: Node, first: Optional[int], last: Optional[int]) -> None:
        """A file name came from a person: the range it told, and the format of its first file."""
        if first is None or last is None or node.knob("first") is None:
            return
        for name, value in (("first", first), ("last", last), ("origfirst", first), ("origlast", last)):
            node[name].setValue(value)
        try:
            image = exr.read(str(node["file"].evaluate(first)))
        except exr.ExrError:
            return
        node["format"].setValue(image.format)


def _made(kind: Any, name: str, default: Any = None, choices: Tuple[str, ...] = ()) -> knobs.Knob:
    made: knobs.Knob = kind(name, None, choices) if choices else kind(name)
    if isinstance(default, str) and choices:
        made._set_default(choices.index(default))  # type: ignore[attr-defined]
    elif default is not None:
        made._set_default(default)  # type: ignore[attr-defined]
    return made


def _copies() -> Tuple[Spec, ...]:
    found: List[Spec] = []
    for index in range(4):
        found += [
            (Channel, f"from{index}", "rgba.alpha" if index == 0 else "none"),
            (Channel, f"to{index}", "rgba.alpha" if index == 0 else "none"),
        ]
    return (
        *found,
        (Mask, "channels", "none"),
        (Choice, "bbox", "B side", ("union", "intersection", "A side", "B side")),
    )


_RENDERS: Tuple[Spec, ...] = tuple(
    (String, name, "") for name in ("beforeRender", "beforeFrameRender", "afterFrameRender", "afterRender")
)
_ENDS = ("hold", "loop", "bounce", "black")

READ: Tuple[Spec, ...] = (
    (File, "file", ""),
    (File, "proxy", ""),
    (formats.Format_Knob, "format"),
    (Int, "first", 1),
    (Int, "last", 1),
    (Int, "origfirst", 1),
    (Int, "origlast", 1),
    (Choice, "before", "hold", _ENDS),
    (Choice, "after", "hold", _ENDS),
    (Choice, "frame_mode", "expression", ("expression", "start at", "offset")),
    (String, "frame", ""),
    (Choice, "on_error", "error", ("error", "black", "checkerboard", "nearest frame")),
    (Choice, "colorspace", "default", ("default", "linear", "scene_linear", "data")),
    (Boolean, "premultiplied", False),
    (Boolean, "raw", False),
    (Boolean, "auto_alpha", False),
    (Script, "reload", ""),
)
WRITE: Tuple[Spec, ...] = (
    (Mask, "channels", "rgb"),
    (File, "file", ""),
    (File, "proxy", ""),
    (String, "views", ""),
    (Choice, "file_type", "", ("", "exr")),
    (Choice, "colorspace", "default", ("default", "linear", "scene_linear", "data")),
    (Boolean, "raw", False),
    (Boolean, "create_directories", False),
    (Boolean, "autocrop", False),
    (Choice, "datatype", "16 bit half", ("16 bit half", "32 bit float")),
    (Choice, "compression", "Zip (1 scanline)", exr.COMPRESSIONS),
    (Choice, "metadata", "default metadata", ("no metadata", "default metadata", "all metadata")),
    (Int, "first", 1),
    (Int, "last", 1),
    (Boolean, "use_limit", False),
    (Double, "render_order", 1.0),
    *_RENDERS,
)
ROOT: Tuple[Spec, ...] = (
    (Double, "frame", 1.0),
    (Int, "first_frame", 1),
    (Int, "last_frame", 100),
    (Boolean, "lock_range", False),
    (Double, "fps", 24.0),
    (formats.Format_Knob, "format"),
    (Boolean, "proxy", False),
    (Choice, "proxy_type", "scale", ("format", "scale")),
    (Double, "proxy_scale", 0.5),
    (String, "views", "main"),
    (Choice, "colorManagement", "Nuke", ("Nuke", "OCIO")),
    (
        Choice,
        "OCIO_config",
        "nuke-default",
        ("nuke-default", "aces_1.2", "fn-nuke_cg-config-v1.0.0_aces-v1.3_ocio-v2.1", "custom"),
    ),
    (File, "customOCIOConfigPath", ""),
    (String, "workingSpaceLUT", "linear"),
    *((String, name, "") for name in ("onScriptLoad", "onScriptSave", "onScriptClose")),
)

KINDS: Dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("Root", (0, 0), ROOT, Root),
        Kind("Group", (0, 0), (), Group),
        Kind("Input", (0, 1), ((Int, "number", 0),)),
        Kind("Output"),
        Kind("Dot"),
        Kind("NoOp"),
        Kind("Viewer", (0, 10)),
        Kind("BackdropNode", (0, 0)),
        Kind("Read", (0, 0), READ),
        Kind("Write", (1, 1), WRITE),
        Kind(
            "Constant",
            (0, 0),
            ((Mask, "channels", "rgb"), (numeric.AColor_Knob, "color", 0.0), (formats.Format_Knob, "format")),
        ),
        Kind("CheckerBoard2", (0, 0), ((formats.Format_Knob, "format"), (numeric.WH_Knob, "boxsize", 8.0))),
        Kind(
            "Crop",
            (1, 1),
            ((numeric.BBox_Knob, "box", 0.0), (Boolean, "reformat", False), (Boolean, "crop", True)),
        ),
        Kind(
            "Reformat",
            (1, 1),
            (
                (Choice, "type", "to format", ("to format", "to box", "scale")),
                (formats.Format_Knob, "format"),
                (Choice, "resize", "width", ("none", "width", "height", "fit", "fill", "distort")),
                (Boolean, "center", True),
            ),
        ),
        Kind("TimeOffset", (1, 1), ((Double, "time_offset", 0.0),)),
        Kind("FrameHold", (1, 1), ((Int, "first_frame", 0), (Int, "increment", 0))),
        Kind(
            "Retime",
            (1, 1),
            (
                (Double, "input.first", 1.0),
                (Double, "input.last", 1.0),
                (Double, "output.first", 1.0),
                (Double, "speed", 1.0),
            ),
        ),
        Kind("TimeWarp", (1, 1), ((Double, "lookup", 0.0),)),
        Kind("AppendClip", (1, 10)),
        Kind(
            "Grade",
            (1, 2),
            (
                (Mask, "channels", "rgb"),
                (Double, "multiply", 1.0),
                (Double, "add", 0.0),
                (Boolean, "black_clamp", True),
            ),
        ),
        Kind("Multiply", (1, 2), ((Mask, "channels", "all"), (Double, "value", 1.0))),
        Kind("Add", (1, 2), ((Mask, "channels", "all"), (Double, "value", 0.0))),
        Kind("Copy", (2, 3), _copies()),
        Kind("CopyBBox", (2, 2)),
        Kind("CopyMetaData", (2, 2)),
        Kind(
            "Merge2",
            (2, 100),
            (
                (Choice, "operation", "over", ("minus", "over", "plus", "copy", "multiply", "from", "difference")),
                (Mask, "Achannels", "rgba"),
                (Mask, "Bchannels", "rgba"),
                (Mask, "output", "rgba"),
                (Choice, "bbox", "union", ("union", "intersection", "A", "B")),
                (Double, "mix", 1.0),
            ),
        ),
        Kind(
            "Expression",
            (1, 10),
            (
                *(
                    (Mask, f"channel{n}", c)
                    for n, c in enumerate(("rgba.red", "rgba.green", "rgba.blue", "rgba.alpha"))
                ),
                *((String, f"expr{n}", "") for n in range(4)),
                *((String, f"temp_name{n}", "") for n in range(4)),
                *((String, f"temp_expr{n}", "") for n in range(4)),
            ),
        ),
        Kind("Switch", (1, 100), ((Double, "which", 0.0),)),
        Kind("JoinViews", (1, 10)),
        Kind("OneView", (1, 1), ((String, "view", "main"),)),
        Kind("AddChannels", (1, 1), ((Mask, "channels", "none"), (Double, "color", 0.0))),
        Kind(
            "Remove",
            (1, 1),
            ((Choice, "operation", "remove", ("remove", "keep")), (Mask, "channels", "all")),
        ),
        Kind(
            "Shuffle",
            (1, 1),
            (
                (Mask, "in", "rgba"),
                (Mask, "out", "rgba"),
                *(
                    (Choice, c, c, ("red", "green", "blue", "alpha", "black", "white"))
                    for c in ("red", "green", "blue", "alpha")
                ),
            ),
        ),
    )
}


def of(name: str) -> Kind:
    """A class by its name.

    Raises:
        RuntimeError: there is none.
    """
    if name not in KINDS:
        raise RuntimeError(f"{name}: Unknown command")
    return KINDS[name]
