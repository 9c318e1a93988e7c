"""What all knobs have in common."""

from __future__ import annotations

from typing import Any, Dict, Optional

from tests.host_nuke.standin import callbacks, mainthread, state, undo

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

    def _text_value(self) -> str:
        """What Tcl's `value` gives. (The stand-in's own.)"""
        return str(self.value())

    def _number_value(self, frame: float, index: int = 0) -> float:
        """What an expression sees. (The stand-in's own.)"""
        try:
            return float(self.value())
        except (TypeError, ValueError):
            return 0.0

    def setValue(self, val: Any, /, *_: Any, **__: Any) -> Any:
        """Puts a value."""
        raise TypeError(f"{self.Class()} {self._name} takes no value")

    def toScript(self, quote: bool = False, context: Any = None) -> str:
        """Its value as text, which fromScript() reads."""
        return ""

    def fromScript(self, script: str) -> bool:
        """Takes a value from such text."""
        raise TypeError(f"{self.Class()} {self._name} takes no value")

    def _not_default(self) -> bool:
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
