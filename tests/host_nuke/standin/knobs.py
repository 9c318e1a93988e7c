"""Knobs: what all have in common, and those that hold text. Numbers are in `arrays`."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional

from tests.host_nuke.standin import callbacks, mainthread, state, tcl, undo
from tests.host_nuke.standin.names import file_at

FLAGS: Dict[str, int] = {
    "DISABLED": 0x80,
    "NO_ANIMATION": 0x100,
    "DO_NOT_WRITE": 0x200,
    "INVISIBLE": 0x400,
    "HIDDEN": 0x40000,
    "STARTLINE": 0x1000,
    "ENDLINE": 0x2000,
    "READ_ONLY": 0x10000000,
    "ALWAYS_SAVE": 0x20000,
    "NO_UNDO": 0x80000,
    "SAVE_MENU": 0x2000000,
    "NO_MULTIVIEW": 0x40000000,
    "NO_CHECKMARKS": 0x1,
    "EXPAND_TO_WIDTH": 0x8,
    "KNOB_CHANGED_RECURSIVE": 0x8000000,
}
"""By name. The numbers are the stand-in's own where the documentation gives none."""


class Knob:
    """The base of all knobs. One that belongs to no node yet can be filled, not asked for its node."""

    NUMBER = 0
    """What `addUserKnob` calls the class in a script; 0: it cannot be added by the user."""
    STARTS_LINE = True
    BUTTON = False

    def __init__(self, name: str = "", label: Optional[str] = None, *_: Any) -> None:
        self._name = name
        self._label = label
        self._tooltip = ""
        self._flags = FLAGS["STARTLINE"] if self.STARTS_LINE else 0
        self._node: Any = None
        self._user = False
        self._error = ""

    # what it is

    def Class(self) -> str:
        """Name of the class."""
        return type(self).__name__

    def name(self) -> str:
        """Its name in scripts."""
        return self._name

    def setName(self, name: str) -> None:
        """Renames it."""
        self._name = name

    def label(self) -> str:
        """What the panel shows: the name, unless told."""
        return self._name if self._label is None else self._label

    def setLabel(self, label: str) -> None:
        """What the panel shows."""
        mainthread.check("Knob.setLabel")
        self._label = label

    def tooltip(self) -> str:
        """Its help."""
        return self._tooltip

    def setTooltip(self, tooltip: str) -> None:
        """Its help."""
        self._tooltip = tooltip

    def node(self) -> Any:
        """Its node, or None."""
        return self._node

    def fullyQualifiedName(self, channel: int = -1) -> str:
        """With its node's full name."""
        return f"{self._node.fullName()}.{self._name}" if self._node is not None else self._name

    # flags

    def setFlag(self, flag: int) -> None:
        """Sets a flag."""
        mainthread.check("Knob.setFlag")
        self._flags |= flag

    def clearFlag(self, flag: int) -> None:
        """Clears it."""
        mainthread.check("Knob.clearFlag")
        self._flags &= ~flag

    def getFlag(self, flag: int) -> bool:
        """Whether it is set."""
        return bool(self._flags & flag)

    def enabled(self) -> bool:
        """Whether the artist may change it."""
        return not self._flags & FLAGS["DISABLED"]

    def setEnabled(self, enabled: bool) -> None:
        """Whether the artist may change it; scripts always may."""
        mainthread.check("Knob.setEnabled")
        self._turn("DISABLED", not enabled)

    def visible(self) -> bool:
        """Whether the panel shows it."""
        return not self._flags & (FLAGS["HIDDEN"] | FLAGS["INVISIBLE"])

    def setVisible(self, visible: bool) -> None:
        """Whether the panel shows it."""
        mainthread.check("Knob.setVisible")
        self._turn("HIDDEN", not visible)

    def _turn(self, flag: str, on: bool) -> None:
        self._flags = self._flags | FLAGS[flag] if on else self._flags & ~FLAGS[flag]

    # values

    def value(self, *_: Any, **__: Any) -> Any:
        """What it holds, in the form that suits its class."""
        return None

    def getValue(self, *_: Any, **__: Any) -> Any:
        """What it holds; numbers for all that is kept as one."""
        return self.value()

    def text_value(self) -> str:
        """What Tcl's `value` gives. (The stand-in's own.)"""
        return str(self.value())

    def number_value(self, frame: float, index: int = 0) -> float:
        """What an expression sees. (The stand-in's own.)"""
        try:
            return float(self.value())
        except (TypeError, ValueError):
            return 0.0

    def setValue(self, val: Any, *_: Any, **__: Any) -> Any:
        """Puts a value."""
        raise TypeError(f"{self.Class()} {self._name} takes no value")

    def toScript(self, quote: bool = False, context: Any = None) -> str:
        """Its value as text, which fromScript() reads."""
        return ""

    def fromScript(self, script: str) -> bool:
        """Takes a value from such text."""
        raise TypeError(f"{self.Class()} {self._name} takes no value")

    def notDefault(self) -> bool:
        """Whether a script must hold its value."""
        return False

    def hasExpression(self, index: int = -1) -> bool:
        """Whether an expression drives it."""
        return False

    def isAnimated(self, channel: int = -1) -> bool:
        """Whether it has keys or an expression."""
        return False

    def error(self, message: str) -> None:
        """Puts it in error."""
        self._error = message
        state.now().console.append(f"{self.fullyQualifiedName()}: {message}")

    def warning(self, message: str) -> None:
        """Says something on the error console."""
        state.now().console.append(f"{self.fullyQualifiedName()}: {message}")

    # the stand-in's own: changes that are checked, recorded and told of

    def _state(self) -> Any:
        return None

    def _restore(self, kept: Any) -> None:
        raise NotImplementedError

    def _changed(self, before: Any) -> None:
        after = self._state()
        if before == after or self._node is None:
            return
        if not self._flags & FLAGS["NO_UNDO"]:
            undo.record(f"Change {self.fullyQualifiedName()}", self._putter(before), self._putter(after))
        callbacks.knob_changed(self._node, self)

    def _putter(self, kept: Any) -> undo.Change:
        def put() -> None:
            self._restore(kept)
            callbacks.knob_changed(self._node, self)

        return put


class String_Knob(Knob):
    """A line of text."""

    NUMBER = 1

    def __init__(self, name: str = "", label: Optional[str] = None, value: str = "", *rest: Any) -> None:
        super().__init__(name, label)
        self._text = str(value)
        self._default = ""

    def value(self, *_: Any, **__: Any) -> str:
        """The text."""
        return self._text

    def getText(self, oc: Any = None) -> str:
        """The text as it is written, brackets and all."""
        return self._text

    def setText(self, val: str, view: Any = None) -> None:
        """The same as setValue()."""
        self.setValue(val)

    def setValue(self, val: Any, *_: Any, **__: Any) -> Any:
        """Puts a text.

        Raises:
            TypeError: it is none.
        """
        mainthread.check(f"setValue of {self.fullyQualifiedName()}")
        if not isinstance(val, str):
            raise TypeError(f"argument 1 must be str, not {type(val).__name__}")
        before, self._text = self._text, self._kept(val)
        self._changed(before)
        return None

    def _kept(self, text: str) -> str:
        return text

    def toScript(self, quote: bool = True, context: Any = None) -> str:
        """The text, quoted for a script unless told."""
        return tcl.quote(self._text) if quote else self._text

    def fromScript(self, script: str) -> bool:
        """Takes a text from a script, one word."""
        mainthread.check(f"fromScript of {self.fullyQualifiedName()}")
        before = self._text
        self._text = self._kept(script)
        self._changed(before)
        return True

    def notDefault(self) -> bool:
        """Whether there is text."""
        return self._text != self._default

    def set_default(self, value: str) -> None:
        """Value of a new node. (The stand-in's own.)"""
        self._text = self._default = value

    def _state(self) -> str:
        return self._text

    def _restore(self, kept: str) -> None:
        self._text = kept

    def number_value(self, frame: float, index: int = 0) -> float:
        try:
            return float(self.value())
        except ValueError:
            return 0.0


class EvalString_Knob(String_Knob):
    """A text whose brackets are carried out: value() gives what comes of it, getText() what is written."""

    def value(self, *_: Any, **__: Any) -> str:
        """The text with its brackets carried out."""
        return self.evaluated()

    def evaluate(self, *_: Any) -> Optional[str]:
        """The same; frame numbers are put in too, if the knob names files."""
        return self.evaluated()

    def evaluated(self) -> str:
        """What comes of it, or the text itself where its Tcl fails. (The stand-in's own.)"""
        if self._node is None or self._flags & FLAGS["NO_ANIMATION"]:
            return self._text
        try:
            return tcl.expand(self._text, self._node)
        except ValueError:
            return self._text


class Multiline_Eval_String_Knob(EvalString_Knob):
    """Several lines."""

    NUMBER = 43


class File_Knob(EvalString_Knob):
    """A file name, or a sequence's: `####` is kept as `%04d`, forward slashes always."""

    NUMBER = 2

    def _kept(self, text: str) -> str:
        # Documented: "will be normalized to technical notation if sequence".
        return re.sub(r"#+", lambda run: f"%0{len(run[0])}d", text)

    def value(self, *_: Any, **__: Any) -> str:
        """The name in technical notation, as written: only evaluate() and getEvaluatedValue() carry brackets out."""
        return self._text

    def getValue(self, *_: Any, **__: Any) -> str:
        """The same."""
        return self._text

    def text_value(self) -> str:
        return self.evaluated()

    def getEvaluatedValue(self, oc: Any = None) -> str:
        """With its brackets carried out, the frame's place kept."""
        return self.evaluated()

    def evaluate(self, frame: Optional[float] = None, *_: Any) -> Optional[str]:
        """The file of a frame, by default of this one, in this view."""
        session = state.now()
        number = state.now().root.session_frame() if frame is None else frame
        return file_at(self.evaluated(), int(number), session.current("view") or session.view) or None

    def fromUserText(self, s: str) -> None:
        """Takes `name.####.exr 1-10`: the range goes to first and last, and the file's size becomes the format.

        Missing files are no error here; the format then stays.
        """
        mainthread.check(f"fromUserText of {self.fullyQualifiedName()}")
        match = re.fullmatch(r"(.*\S)\s+(-?\d+)(?:-(-?\d+))?", s.strip())
        self.setValue(match[1] if match else s.strip())
        if self._node is not None:
            first = int(match[2]) if match else None
            self._node.opened(first, int(match[3] or match[2]) if match else None)


class Script_Knob(String_Knob):
    """A button with Tcl."""

    NUMBER = 32
    STARTS_LINE = False
    BUTTON = True

    def command(self) -> str:
        """What it runs."""
        return self._text

    def setCommand(self, cmd: str) -> None:
        """What it runs."""
        self.setValue(cmd)

    def execute(self) -> None:
        """Runs it."""
        mainthread.check(f"execute of {self.fullyQualifiedName()}")
        if self._node is not None:
            self._node.pressed(self._name)


class PyScript_Knob(Script_Knob):
    """A button with Python, which runs with nuke.thisNode() and nuke.thisKnob() set."""

    NUMBER = 22

    def execute(self) -> None:
        """Runs it; what it raises goes to whoever pressed."""
        mainthread.check(f"execute of {self.fullyQualifiedName()}")
        code = compile(self._text, f"<{self.fullyQualifiedName()}>", "exec")
        session = state.now()
        with session.within(node=self._node, knob=self, group=self._node.parent() or self._node):
            exec(code, {"nuke": __import__("nuke"), "__name__": "__main__"})


class Text_Knob(Knob):
    """A text on the panel, or a line across it."""

    NUMBER = 26
    STARTS_LINE = True

    def __init__(self, name: str = "", label: Optional[str] = None, value: str = "", *_: Any) -> None:
        super().__init__(name, label)
        self._text = str(value)

    def value(self, *_: Any, **__: Any) -> str:
        """The text."""
        return self._text

    def setValue(self, val: Any, *_: Any, **__: Any) -> Any:
        """The text; it is not saved with the script (only the line that adds the knob holds it)."""
        mainthread.check(f"setValue of {self.fullyQualifiedName()}")
        self._text = str(val)
        return True


class Tab_Knob(Knob):
    """Begins a tab, or with a third argument a group of knobs within it."""

    NUMBER = 20

    def __init__(self, name: str = "", label: Optional[str] = None, mode: int = 0, *_: Any) -> None:
        super().__init__(name, label)
        self.mode = mode

    def value(self, *_: Any, **__: Any) -> bool:
        """Whether a group is open."""
        return True

    def setValue(self, val: Any, *_: Any, **__: Any) -> Any:
        """Opens or closes a group."""
        return True


class Channel_Knob(Knob):
    """One channel, as `rgba.alpha` or `none`."""

    NUMBER = 11

    def __init__(self, name: str = "", label: Optional[str] = None, input: int = 0, *_: Any) -> None:
        super().__init__(name, label)
        self._text = self._default = "none"

    def value(self, *_: Any, **__: Any) -> str:
        """Name of the channel or the layer."""
        return self._text

    def set_default(self, value: str) -> None:
        """Value of a new node. (The stand-in's own.)"""
        self._text = self._default = value

    def setValue(self, name: Any, *_: Any, **__: Any) -> Any:
        """Chooses a channel.

        Raises:
            TypeError: the name is no text.
            ValueError: the script knows no such channel or layer.
        """
        mainthread.check(f"setValue of {self.fullyQualifiedName()}")
        if not isinstance(name, str):
            raise TypeError(f"argument 1 must be str, not {type(name).__name__}")
        before = self._text
        self._text = self._known(name)
        self._changed(before)
        return True

    def _known(self, name: str) -> str:
        layers = state.now().layers
        short = {"red": "rgba.red", "green": "rgba.green", "blue": "rgba.blue", "alpha": "rgba.alpha"}
        name = short.get(name, name)
        known = {one for channels in layers.values() for one in channels} | {"none", ""}
        if name not in known:
            # What Nuke does with an unknown name is not documented: it must not pass in silence.
            raise ValueError(f"{self.fullyQualifiedName()}: no channel is named {name!r}")
        return name or "none"

    def toScript(self, quote: bool = True, context: Any = None) -> str:
        """The name."""
        return self._text

    def fromScript(self, script: str) -> bool:
        """Takes a name; a script may come before its layers, so any is taken."""
        mainthread.check(f"fromScript of {self.fullyQualifiedName()}")
        before, self._text = self._text, script.strip() or "none"
        self._changed(before)
        return True

    def notDefault(self) -> bool:
        """Whether another than at first is chosen."""
        return self._text != self._default

    def _state(self) -> str:
        return self._text

    def _restore(self, kept: str) -> None:
        self._text = kept


class ChannelMask_Knob(Channel_Knob):
    """Several channels: a layer, `all`, `rgb`, or names apart by spaces."""

    NUMBER = 10

    def _known(self, name: str) -> str:
        layers = state.now().layers
        known = {one for channels in layers.values() for one in channels}
        words = name.split()
        for word in words:
            if word not in ("all", "none") and word not in layers and word not in known:
                raise ValueError(f"{self.fullyQualifiedName()}: no channel or layer is named {word!r}")
        return " ".join(words) or "none"

    def picked(self, there: List[str]) -> List[str]:
        """Those of an image's channels that are meant. (The stand-in's own.)"""
        layers = state.now().layers
        wanted: List[str] = []
        for word in self._text.split():
            if word == "all":
                wanted += there
            elif word != "none":
                wanted += layers.get(word, [word])
        return list(dict.fromkeys(wanted))


class Link_Knob(Knob):
    """Shows another knob, and reads and writes it."""

    NUMBER = 41

    def __init__(self, name: str = "", label: Optional[str] = None, *_: Any) -> None:
        super().__init__(name, label)
        self._link = ""

    def setLink(self, s: str) -> None:
        """Names the knob, as `node.knob`."""
        mainthread.check("Link_Knob.setLink")
        self._link = s

    def makeLink(self, s: str, t: str) -> None:
        """Names the knob by node and knob."""
        self.setLink(f"{s}.{t}")

    def getLink(self) -> str:
        """What it names."""
        return self._link

    def getLinkedKnob(self) -> Optional[Knob]:
        """The knob, or None."""
        return self._node.find_knob(self._link) if self._node is not None and self._link else None

    def value(self, *_: Any, **__: Any) -> Any:
        """The other knob's value."""
        linked = self.getLinkedKnob()
        return None if linked is None else linked.value()

    def setValue(self, val: Any = None, *_: Any, **__: Any) -> Any:
        """Puts the other knob's value."""
        linked = self.getLinkedKnob()
        return linked is not None and linked.setValue(val)
