"""Scripts as text, `.nk`: nodes with their knobs and user knobs on a stack, groups closed by end_group."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional, Tuple

from tests.host_nuke.standin import (
    arrays,
    callbacks,
    channels,
    classes,
    knobs,
    mainthread,
    numeric,
    state,
    tcl,
    texts,
    undo,
)
from tests.host_nuke.standin.nodes import Group, Node, Root

USER: Dict[int, Any] = {
    kind.NUMBER: kind
    for kind in (
        texts.String_Knob,
        texts.File_Knob,
        numeric.Int_Knob,
        numeric.Enumeration_Knob,
        numeric.Boolean_Knob,
        numeric.Double_Knob,
        channels.ChannelMask_Knob,
        channels.Channel_Knob,
        numeric.XY_Knob,
        numeric.WH_Knob,
        numeric.BBox_Knob,
        numeric.Color_Knob,
        numeric.AColor_Knob,
        texts.Tab_Knob,
        texts.PyScript_Knob,
        texts.Text_Knob,
        texts.Script_Knob,
        channels.Link_Knob,
        texts.Multiline_Eval_String_Knob,
    )
}
"""Class by the number that addUserKnob has."""
_SAVED_FLAGS = ("INVISIBLE", "HIDDEN", "DISABLED", "READ_ONLY", "NO_ANIMATION", "DO_NOT_WRITE")


# writing


def added(knob: knobs.Knob) -> str:
    """The line that adds a user's knob, all but its value."""
    words = [str(knob.NUMBER), tcl.quote(knob.name()) if knob.name() else '""']
    if knob._label is not None:
        words += ["l", tcl.quote(knob.label())]
    if knob.tooltip():
        words += ["t", tcl.quote(knob.tooltip())]
    if isinstance(knob, numeric.Enumeration_Knob):
        words += ["M", "{" + " ".join(tcl.quote(one) for one in knob.values()) + "}"]
    elif isinstance(knob, arrays.Array_Knob) and knob._range != (0.0, 1.0):
        words += ["R", f"{knob.min():g}", f"{knob.max():g}"]
    if isinstance(knob, texts.Script_Knob):
        words += ["T", tcl.quote(knob.command())]
    if isinstance(knob, texts.Text_Knob) and knob.value():
        words += ["T", tcl.quote(knob.value())]
    if isinstance(knob, channels.Link_Knob):
        words += ["T", tcl.quote(knob.getLink())]
    if isinstance(knob, texts.Tab_Knob) and knob.mode:
        words += ["n", str(knob.mode)]
    words += [f"+{name}" for name in _SAVED_FLAGS if knob.getFlag(knobs.FLAGS[name])]
    starts = knob.getFlag(knobs.FLAGS["STARTLINE"])
    if starts != knob.STARTS_LINE:
        words.append("+STARTLINE" if starts else "-STARTLINE")
    return "addUserKnob {" + " ".join(words) + "}"


def knob_lines(node: Node) -> str:
    """A node's knobs that are not at their defaults. A default that setDefaultValue() made is not in the script."""
    lines: List[str] = []
    for knob in node.allKnobs():
        if knob._user:
            lines.append(added(knob))
        if knob.getFlag(knobs.FLAGS["DO_NOT_WRITE"]) or knob.BUTTON:
            continue
        if knob._not_default() or knob.getFlag(knobs.FLAGS["ALWAYS_SAVE"]):
            lines.append(f"{knob.name()} {_value(knob)}")
    return "\n".join(lines)


def _value(knob: knobs.Knob) -> str:
    text = knob.toScript()
    if isinstance(knob, arrays.Array_Knob):
        # An expression or a curve has braces of its own, and a word's braces around these.
        return "{" + text + "}" if knob.isAnimated() and knob.arraySize() == 1 else text
    return text


def written(within: Group, chosen: Optional[List[Node]] = None) -> str:
    """The text of a script, or of some nodes of a group."""
    lines: List[str] = []
    if chosen is None:
        lines.append(f"version {'.'.join(str(one) for one in state.now().version[:2])} v{state.now().version[2]}")
        lines.append(_block("Root", within))
        for layer, channels in state.now().layers.items():
            if layer not in state.SHIPPED_LAYERS:
                lines.append(f"add_layer {{{layer} {' '.join(channels)}}}")
    else:
        lines.append("set cut_paste_input [stack 0]")
    for node in _in_order(within._children if chosen is None else [one for one in within._children if one in chosen]):
        lines += _node(node, chosen)
    return "\n".join(lines) + "\n"


def _in_order(nodes: List[Node]) -> List[Node]:
    """Each after its inputs."""
    done: List[Node] = []

    def visit(node: Node, path: Tuple[Node, ...]) -> None:
        if node in done or node in path or node not in nodes:
            return
        for index in range(len(node._inputs)):
            above = node.input(index)
            if above is not None:
                visit(above, (*path, node))
        done.append(node)

    for one in nodes:
        visit(one, ())
    return done


def _node(node: Node, chosen: Optional[List[Node]]) -> List[str]:
    lines: List[str] = []
    count = node.inputs()
    for index in range(count - 1, -1, -1):
        above = node.input(index)
        inside = above is not None and (chosen is None or above in chosen)
        lines.append(f"push ${_label(above)}" if above is not None and inside else "push 0")
    lines.append(_block(node.Class(), node, f"inputs {count}"))
    if isinstance(node, Group):
        for one in _in_order(node._children):
            lines += [" " + line for line in _node(one, None)]
        lines.append("end_group")
    lines.append(f"set {_label(node)} [stack 0]")
    return lines


def _label(node: Node) -> str:
    return f"N{id(node):x}"


def _block(kind: str, node: Node, first: str = "") -> str:
    lines = [first] if first else []
    lines += knob_lines(node).split("\n")
    return f"{kind} {{\n" + "".join(f" {line}\n" for line in lines if line) + "}"


# reading


class _Lines:
    """The commands of a script: a word, and the rest of it, which may hold lines within braces."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> Tuple[str, str]:
        while True:
            match = re.compile(r"[ \t]*([^\s]+)[ \t]*|\s+").match(self._text, self._at)
            if match is None:
                raise StopIteration
            self._at = match.end()
            if match[1] is None:
                continue
            if match[1].startswith("#"):
                self._rest()
                continue
            return match[1], self._rest()

    def _rest(self) -> str:
        start = self._at
        while self._at < len(self._text) and self._text[self._at] != "\n":
            letter = self._text[self._at]
            if letter == "\\":
                self._at += 1
            elif letter == "{":
                self._at = tcl.closing(self._text, self._at)
            elif letter == '"':
                self._at += 1
                while self._at < len(self._text) and self._text[self._at] != '"':
                    self._at += 2 if self._text[self._at] == "\\" else 1
            self._at += 1
        return self._text[start : self._at].strip()


def read(text: str, within: Group) -> List[Node]:
    """Makes the nodes of a text in a group. All exist with all their knobs before onCreate is called.

    Whether Nuke calls it for a group before or after its inside is not documented.

    Raises:
        RuntimeError: a class that is not known, or text that is no script.
    """
    mainthread.check("Reading a script")
    reader = _Reader(within)
    state.now().loading += 1
    try:
        for word, rest in _Lines(text):
            reader.take(word, rest)
    except ValueError as error:
        raise RuntimeError(f"The script cannot be read: {error}") from error
    finally:
        state.now().loading -= 1
    for node in reader.made:
        undo.record(f"Paste {node.name()}", lambda node=node: _gone(node), lambda node=node: _back(node))  # type: ignore[misc]
    for node in reader.made:
        callbacks.call_safely("OnCreate", node)
    return reader.made


def _gone(node: Node) -> None:
    node._deleted = True
    node.parent()._children.remove(node)


def _back(node: Node) -> None:
    node._deleted = False
    node.parent()._children.append(node)
    callbacks.call_safely("OnCreate", node)


class _Reader:
    def __init__(self, within: Group) -> None:
        self.groups: List[Group] = [within]
        self.stacks: List[List[Optional[Node]]] = [[]]
        self.named: Dict[str, Optional[Node]] = {}
        self.made: List[Node] = []

    @property
    def stack(self) -> List[Optional[Node]]:
        return self.stacks[-1]

    def take(self, word: str, rest: str) -> None:
        if word in ("version", "define_window_layout_xml"):
            return
        if word == "add_layer":
            layer, *channels = tcl.split(tcl.split(rest)[0])
            state.now().layers.setdefault(layer, [])
            known = state.now().layers[layer]
            known += [one for one in channels if one not in known]
        elif word == "set":
            self.named[rest.split(maxsplit=1)[0]] = self.stack[-1] if self.stack else None
        elif word == "push":
            self.stack.append(self.named.get(rest.lstrip("$")) if rest.startswith("$") else None)
        elif word == "end_group":
            closed = self.groups.pop()
            self.stacks.pop()
            self.made.append(closed)
            self.stack.append(closed)
        elif word == "Root":
            read_knobs(state.now().root, _inner(rest))
        else:
            self._node(word, _inner(rest))

    def _node(self, kind: str, body: str) -> None:
        of = classes.of(kind)
        within = self.groups[-1]
        node: Node = of.python(of, within)
        node.knobs()["name"]._restore(node._free_name(f"{kind}1"))
        within._children.append(node)
        count = read_knobs(node, body)
        if count is None:
            count = 0 if kind == "Input" else of.inputs(node)[0]
        inputs: List[Optional[Node]] = [self.stack.pop() if self.stack else None for _ in range(count)]
        node._rewire(inputs)
        if isinstance(node, Group) and not isinstance(node, Root):
            self.groups.append(node)
            self.stacks.append([])
        else:
            self.made.append(node)
            if kind not in ("Output", "BackdropNode", "Viewer"):
                self.stack.append(node)


def _inner(rest: str) -> str:
    return rest[1 : tcl.closing(rest, 0)] if rest.startswith("{") else rest


def read_knobs(node: Node, text: str) -> Optional[int]:
    """Puts knobs as a script tells them; how many inputs it tells, or None. Unknown knobs are passed over."""
    count: Optional[int] = None
    for name, rest in _pairs(text):
        if name == "inputs":
            count = sum(int(one) for one in rest.split("+"))
        elif name == "addUserKnob":
            _add(node, tcl.split(tcl.split(rest)[0]))
        else:
            knob = node.knob(name)
            if knob is None:
                state.now().console.append(f"{node.fullName()}: no such knob: {name}")
                continue
            words = tcl.split(rest)
            single = len(words) == 1 and not isinstance(knob, arrays.Array_Knob)
            knob.fromScript(words[0] if single else _unbraced(rest, knob))
    return count


def _pairs(text: str) -> List[Tuple[str, str]]:
    """Knob and value; in a script each has a line, as an argument of createNode they follow on one line."""
    if "\n" in text:
        return list(_Lines(text))
    words = tcl.split(text)
    return [(name, tcl.quote(value)) for name, value in zip(words[::2], words[1::2])]


def _unbraced(rest: str, knob: knobs.Knob) -> str:
    """A word's braces off: `{{curve ..}}` holds the text `{curve ..}`."""
    if isinstance(knob, arrays.Array_Knob) and knob.arraySize() == 1 and rest.startswith("{{"):
        return rest[1 : tcl.closing(rest, 0)]
    return rest


def _add(node: Node, words: List[str]) -> None:
    kind = USER.get(int(words[0]))
    name = words[1] if len(words) > 1 else ""
    if kind is None:
        raise RuntimeError(f"{node.fullName()}: addUserKnob {words[0]} {name}: the stand-in has no such knob")
    if node.knob(name) is not None and name:
        return
    told: Dict[str, List[str]] = {}
    flags: List[str] = []
    at = 2
    while at < len(words):
        if re.fullmatch(r"[+-][A-Z_]+", words[at]):
            flags.append(words[at])
            at += 1
            continue
        step = 3 if words[at] == "R" else 2
        told[words[at]] = words[at + 1 : at + step]
        at += step
    label = told["l"][0] if "l" in told else None
    made: Any
    if kind is numeric.Enumeration_Knob:
        made = kind(name, label, tcl.split(told.get("M", [""])[0]))
    elif kind is texts.Tab_Knob:
        made = kind(name, label, int(told.get("n", ["0"])[0]))
    elif kind is channels.Link_Knob:
        made = kind(name, label)
        made.setLink(told.get("T", [""])[0])
    else:
        made = kind(name, label, *told.get("T", []))
    if "t" in told:
        made.setTooltip(told["t"][0])
    if "R" in told and isinstance(made, arrays.Array_Knob):
        made.setRange(float(told["R"][0]), float(told["R"][1]))
    for flag in flags:
        made._turn(flag[1:], flag[0] == "+")
    node._put(made, user=True)
