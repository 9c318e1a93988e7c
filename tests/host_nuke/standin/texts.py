"""Knobs that hold text: lines, files, code, and what only stands on the panel."""

from __future__ import annotations

import re
from typing import Any, Optional

from tests.host_nuke.standin import callbacks, mainthread, state, tcl
from tests.host_nuke.standin.knobs import FLAGS, Knob
from tests.host_nuke.standin.names import file_at


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

    def setValue(self, val: Any, /, *_: Any, **__: Any) -> Any:
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

    def _not_default(self) -> bool:
        """Whether there is text."""
        return self._text != self._default

    def _set_default(self, value: str) -> None:
        """Value of a new node. (The stand-in's own.)"""
        self._text = self._default = value

    def _state(self) -> str:
        return self._text

    def _restore(self, kept: str) -> None:
        self._text = kept

    def _number_value(self, frame: float, index: int = 0) -> float:
        try:
            return float(self.value())
        except ValueError:
            return 0.0


class EvalString_Knob(String_Knob):
    """A text whose brackets are carried out: value() gives what comes of it, getText() what is written."""

    def value(self, *_: Any, **__: Any) -> str:
        """The text with its brackets carried out."""
        return self._evaluated()

    def evaluate(self, *_: Any) -> Optional[str]:
        """The same; frame numbers are put in too, if the knob names files."""
        return self._evaluated()

    def _evaluated(self) -> str:
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

    def _text_value(self) -> str:
        return self._evaluated()

    def getEvaluatedValue(self, oc: Any = None) -> str:
        """With its brackets carried out, the frame's place kept."""
        return self._evaluated()

    def evaluate(self, frame: Optional[float] = None, *_: Any) -> Optional[str]:
        """The file of a frame, by default of this one, in this view."""
        session = state.now()
        number = state.now().root._session_frame() if frame is None else frame
        return file_at(self._evaluated(), int(number), session.current("view") or session.view) or None

    def fromUserText(self, s: str) -> None:
        """Takes `name.####.exr 1-10`: the range goes to first and last, and the file's size becomes the format.

        Missing files are no error here; the format then stays.
        """
        mainthread.check(f"fromUserText of {self.fullyQualifiedName()}")
        match = re.fullmatch(r"(.*\S)\s+(-?\d+)(?:-(-?\d+))?", s.strip())
        self.setValue(match[1] if match else s.strip())
        if self._node is not None:
            first = int(match[2]) if match else None
            self._node._opened(first, int(match[3] or match[2]) if match else None)


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
            self._node._pressed(self._name)


class PyScript_Knob(Script_Knob):
    """A button with Python, which runs with nuke.thisNode() and nuke.thisKnob() set."""

    NUMBER = 22

    def execute(self) -> None:
        """Runs it; what it raises goes to whoever pressed."""
        mainthread.check(f"execute of {self.fullyQualifiedName()}")
        code = compile(self._text, f"<{self.fullyQualifiedName()}>", "exec")
        session = state.now()
        with session.within(node=self._node, knob=self, group=callbacks.home(self._node)):
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

    def setValue(self, val: Any, /, *_: Any, **__: Any) -> Any:
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

    def setValue(self, val: Any, /, *_: Any, **__: Any) -> Any:
        """Opens or closes a group."""
        return True
