"""What the plate is made of, told without rendering it: all that is set above the node, and the files it reads.

Nuke's own hashes are no use here: they change from session to session and from machine to machine.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Optional, Tuple

import nuke

from frdm_nuke.cache import in_view
from frdm_nuke.graph import RESULT

SLICE = 0.012
"""Seconds a look at the graph may hold the main thread at a time."""
MOST_FILES = 20_000
"""Files of one Read that are looked at where time runs otherwise above the node."""

EVER = 10**9
_UP = nuke.INPUTS | nuke.HIDDEN_INPUTS | nuke.EXPRESSIONS
_NO_PART = ("Root", "Viewer")
# Knobs that move, name or colour a node and leave its pixels alone.
_IDLE = frozenset(
    (
        "xpos",
        "ypos",
        "selected",
        "label",
        "name",
        "note_font",
        "note_font_size",
        "note_font_color",
        "tile_color",
        "gl_color",
        "hide_input",
        "cached",
        "dope_sheet",
        "bookmark",
        "postage_stamp",
        "postage_stamp_frame",
        "indicators",
        "panel",
        "panelDropped",
        "icon",
        "help",
        "knobChanged",
        "onCreate",
        "onDestroy",
        "autolabel",
        "updateUI",
        "rootNodeUpdated",
        "process_mask",
        "localizationPolicy",
        "cacheLocal",
        "reload",
        "version_up",
        "status",
        "engine_status",
        "frdm_have",
        "frdm_stale",
    )
)
_RANGE = frozenset(("first", "last", "origfirst", "origlast", "origset", "proxy", "proxy_format"))
_NO_VALUE = ("Tab_Knob", "Text_Knob", "PyScript_Knob", "PyCustom_Knob", "BeginTabGroup_Knob", "EndTabGroup_Knob")
_ROOT = ("format", "colorManagement", "OCIO_config", "customOCIOConfigPath", "workingSpaceLUT")
SHIFTS_TIME = frozenset(
    (
        "TimeOffset",
        "FrameHold",
        "Retime",
        "TimeWarp",
        "FrameRange",
        "AppendClip",
        "FrameBlend",
        "TimeEcho",
        "TimeBlur",
        "TimeDissolve",
        "TimeClip",
        "OFlow",
        "OFlow2",
        "Kronos",
        "TemporalMedian",
        "TimeToDepth",
        "MotionBlur",
        "VectorGenerator",
        "SmartVector",
        "NoTimeBlur",
        "Denoise2",
        "F_DeFlicker2",
        "DustBust",
        "Precomp",
    )
)


@dataclass(frozen=True)
class FileSource:
    """Files a node above reads: a pattern with %04d and perhaps %V, and the frames it has."""

    pattern: str
    first: int
    last: int
    plain: bool
    """Whether frame n of the script is file n."""

    def paths(self, frame: int, view: str) -> List[str]:
        """The files that may show at a frame."""
        pattern = in_view(self.pattern, view)
        if "%" not in pattern:
            return [pattern]
        if self.plain:
            numbers = [min(max(frame, self.first), self.last)]
        else:
            numbers = list(range(self.first, min(self.last, self.first + MOST_FILES) + 1))
        try:
            return [pattern % number for number in numbers]
        except (TypeError, ValueError):
            return [pattern]


@dataclass
class Upstream:
    """What lies above an input, as of one look at it. Asked from any thread; the files are looked at then."""

    text: str
    sources: Tuple[FileSource, ...]
    _known: Dict[Tuple[str, ...], str] = field(default_factory=dict, repr=False)

    def at(self, frame: int, view: str) -> str:
        """Tells one frame of the input from what it was before; 16 digits."""
        marks = [self._files(tuple(source.paths(frame, view))) for source in self.sources]
        return digest([self.text, frame, view, marks])

    def _files(self, paths: Tuple[str, ...]) -> str:
        if len(paths) == 1:
            return digest(_facts(paths[0]))
        if paths not in self._known:
            self._known[paths] = digest([_facts(path) for path in paths])
        return self._known[paths]


def digest(facts: Any) -> str:
    """16 digits of plain data."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _facts(path: str) -> List[Any]:
    try:
        found = os.stat(path)
    except OSError:
        return [path, None]
    return [path, found.st_size, found.st_mtime_ns]


class Look:
    """A look at all that lies above an input, in slices that hold the main thread for milliseconds.

    ``full`` says that files of full size are meant, whatever the project's proxy mode.
    """

    def __init__(self, top: Optional[nuke.Node], *, full: bool = True) -> None:
        self._full = full
        self._steps = self._walk(top)
        self._lines: List[Any] = [[_root_value(name) for name in _ROOT]]
        self._sources: List[FileSource] = []
        self._shifts = False
        self.done = False

    def go_on(self, seconds: float = SLICE) -> bool:
        """Looks on for so long; whether there is more. Call in the main thread."""
        ends = time.perf_counter() + seconds
        for _ in self._steps:
            if time.perf_counter() > ends:
                return True
        self.done = True
        return False

    def upstream(self) -> Upstream:
        """What was seen."""
        sources = [FileSource(s.pattern, s.first, s.last, s.plain and not self._shifts) for s in self._sources]
        return Upstream(digest(self._lines), tuple(sources))

    def _walk(self, top: Optional[nuke.Node]) -> Iterator[None]:
        numbers: Dict[str, int] = {}
        waiting = [top] if top is not None else []
        noted = set()
        while waiting:
            node = waiting.pop()
            # By number: a node that is given another name is still the same.
            own = numbers.setdefault(node.fullName(), len(numbers))
            if own in noted:
                continue
            noted.add(own)
            yield from self._note(node)
            above = [one for one in node.dependencies(_UP) if one.Class() not in _NO_PART]
            inside = node.nodes() if isinstance(node, nuke.Group) and not _restores(node) else []
            self._lines.append([own, [numbers.setdefault(one.fullName(), len(numbers)) for one in above]])
            waiting += [*above, *(one for one in inside if one.Class() not in _NO_PART)]

    def _note(self, node: nuke.Node) -> Iterator[None]:
        kind = node.Class()
        self._shifts = self._shifts or kind in SHIFTS_TIME
        line: List[Any] = [kind]
        source = self._source(node)
        # Which files a plain Read shows is told by the files; its range may grow with the shot.
        idle = _IDLE | _RANGE if source is not None and source.plain else _IDLE
        for name, knob in sorted(node.knobs().items()):
            if name not in idle and knob.Class() not in _NO_VALUE:
                line.append([name, knob.toScript()])
                yield
        self._lines.append(line)
        if source is not None:
            self._sources.append(source)
        yield

    def _source(self, node: nuke.Node) -> Optional[FileSource]:
        """The files a node reads, if it does."""
        if isinstance(node, nuke.Group) and _restores(node):
            result = node.node(RESULT)
            return None if result is None else FileSource(self._pattern(result), -EVER, EVER, True)
        knob = node.knob("file")
        if knob is None or knob.Class() != "File_Knob" or node.Class() in ("Write", "DeepWrite"):
            return None
        first, last = _number(node, "first", -EVER), _number(node, "last", EVER)
        return FileSource(self._pattern(node), first, last, _is_plain(node))

    def _pattern(self, node: nuke.Node) -> str:
        if self._full and nuke.root()["proxy"].value():
            # nuke.filename would name the proxy here.
            found: Any = node["file"].getEvaluatedValue()  # type: ignore[attr-defined]  # a File_Knob
        else:
            found = nuke.filename(node)
        return str(found or "").replace("\\", "/")


def _restores(node: nuke.Node) -> bool:
    """Whether a node is another one of ours: its files tell of it, not what they are shown by."""
    return node.knob("frdm_node") is not None


def _is_plain(node: nuke.Node) -> bool:
    """Whether frame n of the script is file n: a Read may map frames by an expression or an offset of its own."""
    mapping = node.knob("frame")
    plain = mapping is None or str(mapping.value()).strip() in ("", "frame")
    for end in ("before", "after"):
        knob = node.knob(end)
        plain = plain and (knob is None or str(knob.value()) in ("hold", "black"))
    return plain


def _number(node: nuke.Node, name: str, otherwise: int) -> int:
    knob = node.knob(name)
    return int(knob.value()) if knob is not None else otherwise


def _root_value(name: str) -> str:
    knob = nuke.root().knob(name)
    return knob.toScript() if knob is not None else ""
