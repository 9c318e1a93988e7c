"""The node's knobs as data, in the order they are shown; and the making of them.

Expressions inside the node and scripts of older versions use the names: they stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Tuple

import nuke

LAYOUT = "1"
"""Version of the node's inside, kept in the knob `frdm_node`; another one is built anew."""
CLASSES = ("dirt", "scratch", "stain", "flicker")
VIEWS = ("result", "plate", "matte", "difference", "overlay")
MISSING = ("error", "plate")
RANGES = ("input", "root", "custom")
CUTS = ("find", "one shot", "list")
PROXIES = ("always full", "follow")
OLD_FILES = ("replace", "keep")
DATATYPES = ("float", "half")
DEFAULT_FOLDER = "[file dirname [value root.name]]/frdm"

MISSING_PLUGIN = (
    "FRDM's plug-in is not installed in this Nuke, so the node can show what it has restored and no more; "
    "install it with `frdm install nuke` and start Nuke again."
)


@dataclass(frozen=True)
class KnobSpec:
    """One knob. `kind` is its class in Nuke without `_Knob`; a Tab has a name and a label alone."""

    kind: str
    name: str
    label: str
    tip: str = ""
    default: Any = None
    choices: Tuple[str, ...] = ()
    span: Tuple[float, float] = (0.0, 0.0)
    newline: bool = True
    hidden: bool = False
    action: str = ""
    """For buttons: the function of `frdm_nuke.buttons`."""


def _tab(name: str, label: str) -> KnobSpec:
    return KnobSpec("Tab", name, label)


def _button(action: str, label: str, tip: str, *, newline: bool = False) -> KnobSpec:
    return KnobSpec("PyScript", action, label, tip, newline=newline, action=action)


KNOBS: Tuple[KnobSpec, ...] = (
    _tab("frdm", "FRDM"),
    KnobSpec(
        "Enumeration",
        "show",
        "show",
        "What leaves the node: the restored plate, the plate as it came in, the matte of what was changed, result "
        "minus plate, or the kinds of damage in colour over the plate.",
        default="result",
        choices=VIEWS,
    ),
    KnobSpec(
        "Enumeration",
        "missing_frames",
        "missing frames",
        "Frames that are not restored yet: an error, so that nobody takes the plate for a result, or the plate itself, "
        "to work on with meanwhile.",
        default="error",
        choices=MISSING,
        newline=False,
    ),
    KnobSpec("Boolean", "fix_dirt", "dirt", "Repair dirt: dust, sparkle, hairs, blotches of one frame.", default=True),
    KnobSpec(
        "Boolean", "fix_scratch", "scratches", "Repair scratches: lines along the film.", default=True, newline=False
    ),
    KnobSpec(
        "Boolean", "fix_stain", "stains", "Repair stains: water, mould, fading of a part.", default=True, newline=False
    ),
    KnobSpec(
        "Boolean", "fix_flicker", "flicker", "Repair flicker: brightness that jumps.", default=True, newline=False
    ),
    KnobSpec(
        "Double",
        "strength",
        "strength",
        "How readily a pixel counts as damaged: 1 as trained, less finds less, 0 changes nothing, 16 is the most.",
        default=1.0,
        span=(0.0, 16.0),
    ),
    KnobSpec(
        "Double",
        "grain",
        "grain",
        "Share of the missing grain that repairs are given back: 0 leaves them smooth.",
        default=1.0,
        span=(0.0, 4.0),
    ),
    KnobSpec("Int", "steps", "steps", "Sampling steps; 0 is the model's own number, the best measured one.", default=0),
    KnobSpec("Int", "seed", "seed", "The same seed gives the same pixels.", default=0, newline=False),
    KnobSpec(
        "Enumeration",
        "range",
        "range",
        "Frames that Restore range restores: those of the plate, of the project, or the ones written beside it. The "
        "frames around them that the engine looks at too are rendered by themselves.",
        default="input",
        choices=RANGES,
    ),
    KnobSpec("String", "frames", "frames", "For range custom: 1001-1100, 1001-1100x2 or 1,5,9-12.", newline=False),
    _button(
        "restore_frame",
        "Restore this frame",
        "Restores the current frame alone, with the frames it needs around it.",
        newline=True,
    ),
    _button("restore_range", "Restore range", "Restores the frames of the range that lack or are stale."),
    _button("cancel", "Cancel", "Ends the restoration of this node; frames that are done stay."),
    _button("reload", "Reload", "Looks again which results are there, and whether they are stale.", newline=True),
    _button("clear_cache", "Clear cache", "Deletes the files this node has written, and nothing else."),
    _button(
        "open_report", "Open report", "Opens what the engine noted of each frame: what was changed, where, with what."
    ),
    KnobSpec("String", "status", "status", "How the node stands; errors are told here."),
    _tab("plate_tab", "Plate"),
    KnobSpec(
        "String",
        "colourspace",
        "colour space in",
        "Space of the plate as it comes into the node: auto is the project's working space (scene-linear, or the "
        "working space of its OCIO configuration). Else linear, srgb, cineon, adx10 or an OCIO name such as ACEScg. "
        "Values are never clamped.",
        default="auto",
    ),
    KnobSpec(
        "Channel",
        "protect_channel",
        "protect",
        "Channel of the input protect: what it covers stays as it is.",
        default="rgba.alpha",
    ),
    KnobSpec(
        "Channel",
        "force_channel",
        "force",
        "Channel of the input force: what it covers is repaired in any case.",
        default="rgba.alpha",
    ),
    KnobSpec(
        "Enumeration",
        "cuts",
        "cuts",
        "No frame learns from the far side of a cut: find them, take the plate as one shot, or list the first frames "
        "of the later shots.",
        default="find",
        choices=CUTS,
    ),
    KnobSpec(
        "String",
        "cut_frames",
        "at",
        "For cuts list: first frames of the second shot and on, as 1010,1055.",
        newline=False,
    ),
    KnobSpec("String", "views", "views", "Views to restore, separated by spaces; empty: all of the project."),
    KnobSpec(
        "Enumeration",
        "proxy_mode",
        "proxy",
        "always full: the plate is rendered and restored at full resolution whatever the proxy mode. follow: in proxy "
        "mode a proxy of its own is restored.",
        default="always full",
        choices=PROXIES,
    ),
    _tab("cache_tab", "Cache"),
    KnobSpec(
        "File",
        "cache_folder",
        "folder",
        "Where plates and results are written, with forward slashes; [value ..], [getenv ..] and %V are known. Unless "
        "told, frdm beside the script.",
        default=DEFAULT_FOLDER,
    ),
    KnobSpec(
        "Enumeration",
        "datatype",
        "pixels",
        "float keeps every value of the plate bit for bit; half takes half the room and suits plates that were half.",
        default="float",
        choices=DATATYPES,
    ),
    KnobSpec(
        "Enumeration",
        "old_files",
        "old files",
        "When settings change: replace the results, or keep them and begin a folder for the new settings.",
        default="replace",
        choices=OLD_FILES,
        newline=False,
    ),
    _tab("engine_tab", "Engine"),
    KnobSpec(
        "File",
        "connection",
        "connection file",
        "Tells where the engine is, with its keys. Empty: $FRDM_CONNECTION, or your own engine on this machine.",
        default="",
    ),
    KnobSpec(
        "Multiline_Eval_String",
        "path_map",
        "path map",
        "Where the engine finds this machine's folders, one a line: P:/show = /mnt/show. Folders it does not find are "
        "streamed.",
    ),
    KnobSpec(
        "Boolean",
        "start_engine",
        "start one if none runs",
        "Starts an engine on this machine where none answers.",
        default=True,
    ),
    KnobSpec("String", "engine_command", "command", "How the engine is started.", default="frdm", newline=False),
    KnobSpec(
        "String", "device", "device", "For an engine started here: auto, cpu, cuda:0 or cuda:0,cuda:1.", default="auto"
    ),
    KnobSpec(
        "Double",
        "memory",
        "memory (GB)",
        "Device memory to stay under; 0 is the engine's own budget.",
        default=0.0,
        span=(0.0, 96.0),
        newline=False,
    ),
    _button("check_engine", "Ask engine", "Asks the engine how it is.", newline=True),
    KnobSpec("String", "engine_status", "engine", "What the engine said when it was last asked.", newline=False),
    KnobSpec("String", "frdm_node", "", hidden=True, default=LAYOUT),
    KnobSpec("String", "frdm_id", "", hidden=True),
    KnobSpec("String", "frdm_leaf", "", hidden=True),
    KnobSpec("Double", "frdm_have", "", hidden=True, default=0.0),
    KnobSpec("Double", "frdm_stale", "", hidden=True, default=0.0),
)

SHOWN_ONLY = ("status", "engine_status")
"""Knobs that tell and take nothing."""


def add_all(node: nuke.Node) -> None:
    """Gives a node all knobs it lacks, with their defaults."""
    for spec in KNOBS:
        if node.knob(spec.name) is None:
            node.addKnob(made(spec))


def made(spec: KnobSpec) -> nuke.Knob:
    """The knob."""
    kind = getattr(nuke, f"{spec.kind}_Knob")
    label = spec.label if spec.label else None
    if spec.kind == "Enumeration":
        knob: nuke.Knob = kind(spec.name, label, list(spec.choices))
    elif spec.kind == "PyScript":
        knob = kind(spec.name, label, _script(spec.action))
    else:
        knob = kind(spec.name, label)
    if spec.tip:
        knob.setTooltip(spec.tip)
    if spec.span != (0.0, 0.0) and isinstance(knob, nuke.Array_Knob):
        knob.setRange(*spec.span)
    if spec.default is not None and spec.kind not in ("Tab", "PyScript"):
        knob.setValue(spec.default)
    _set_flags(knob, spec)
    return knob


def _set_flags(knob: nuke.Knob, spec: KnobSpec) -> None:
    if spec.kind == "Tab":
        return
    if spec.newline:
        knob.setFlag(nuke.STARTLINE)
    else:
        knob.clearFlag(nuke.STARTLINE)
    if spec.hidden:
        knob.setVisible(False)
    if spec.name in SHOWN_ONLY:
        knob.setEnabled(False)
    if spec.kind in ("Boolean", "Enumeration", "Int", "Double") and not spec.name.startswith("frdm_"):
        # One setting for all frames: a curve could not be told from a change.
        knob.setFlag(nuke.NO_ANIMATION)


def _script(action: str) -> str:
    """What a button runs. It must say something useful where this package is missing."""
    return (
        "import nuke\n"
        "try:\n"
        "    import frdm_nuke.buttons\n"
        "except ImportError:\n"
        f"    nuke.message({MISSING_PLUGIN!r})\n"
        "else:\n"
        f"    frdm_nuke.buttons.{action}(nuke.thisNode())\n"
    )
