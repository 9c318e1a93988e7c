"""Numbers in knobs: values, keys in time, expressions. What is made of them is in `numbers`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Optional, Tuple

from tests.host_nuke.standin import expressions, mainthread, state, tcl
from tests.host_nuke.standin.curve import Curve, number
from tests.host_nuke.standin.knobs import FLAGS, Knob


@dataclass
class Part:
    """One number of an array."""

    value: float = 0.0
    curve: Optional[Curve] = None
    expression: str = ""

    def copy(self) -> Part:
        return Part(self.value, self.curve.copy() if self.curve else None, self.expression)


class Array_Knob(Knob):
    """Numbers, each with a value, or a curve, or an expression."""

    NAMES: Tuple[str, ...] = ("",)
    WHOLE = False

    def __init__(self, name: str = "", label: Optional[str] = None, *_: Any) -> None:
        super().__init__(name, label)
        self._parts = [Part() for _ in self.NAMES]
        self._default: Tuple[float, ...] = tuple(0.0 for _ in self.NAMES)
        self._range = (0.0, 1.0)

    # range and size

    def setRange(self, f1: float, f2: float) -> None:
        """Ends of the slider. They bound no value: knobs take any unless told."""
        self._range = (float(f1), float(f2))

    def min(self) -> float:
        """Left end of the slider."""
        return self._range[0]

    def max(self) -> float:
        """Right end."""
        return self._range[1]

    def arraySize(self) -> int:
        """How many numbers."""
        return len(self._parts)

    # values

    def value(self, *args: Any, **_: Any) -> Any:
        """The number now, or all."""
        return self.getValue(*args)

    def getValue(self, *args: Any, **_: Any) -> Any:
        """The number now; of several, one by its index or all as a list."""
        return self.getValueAt(self._now(), *args)

    def valueAt(self, time: float, index: int = -1, view: Any = None) -> Any:
        """The number at a time."""
        return self.getValueAt(time, index)

    def getValueAt(self, time: float, index: int = -1, view: Any = None) -> Any:
        """The number at a time."""
        if index >= 0 or len(self._parts) == 1:
            return self._number_value(time, max(index, 0))
        return [self._number_value(time, one) for one in range(len(self._parts))]

    def setValue(self, val: Any, /, *args: Any, **_: Any) -> Any:
        """Puts a number, or several; with an index, one of them. A key is set where the knob is animated.

        Raises:
            TypeError: it is no number.
        """
        mainthread.check(f"setValue of {self.fullyQualifiedName()}")
        index = int(args[0]) if args and args[0] is not None else -1
        values = list(val) if isinstance(val, (list, tuple)) else [val]
        before = self._state()
        if index >= 0:
            self._put(index, values[0])
        elif len(values) == 1:
            for one in range(len(self._parts)):
                self._put(one, values[0])
        else:
            for one, single in enumerate(values[: len(self._parts)]):
                self._put(one, single)
        self._changed(before)
        return True

    def _put(self, index: int, value: Any) -> None:
        part = self._parts[index]
        if part.curve is not None:
            part.curve.keys[self._now()] = (self._number(value), "K" if self.WHOLE else "")
        else:
            part.value, part.expression = self._number(value), ""

    def _number(self, value: Any) -> float:
        if isinstance(value, str) or value is None:
            raise TypeError(f"{self.fullyQualifiedName()} takes a number, not {value!r}")
        return float(int(value)) if self.WHOLE else float(value)

    def setValueAt(self, val: Any, time: float, index: int = -1, view: Any = None) -> bool:
        """Sets a key."""
        mainthread.check(f"setValueAt of {self.fullyQualifiedName()}")
        before = self._state()
        self._animate(index)
        for part in self._chosen(index):
            if part.curve is not None:
                part.curve.keys[float(time)] = (self._number(val), "K" if self.WHOLE else "")
        self._changed(before)
        return True

    def _now(self) -> float:
        frame = state.now().current("frame")
        if frame is not None:
            return float(frame)
        return float(state.now().root._session_frame()) if state.now().root is not None else 1.0

    def _number_value(self, frame: float, index: int = 0) -> float:
        part = self._parts[index]
        if part.expression:
            found = self._evaluated(part.expression, frame)
        else:
            found = part.curve.at(frame) if part.curve is not None else part.value
        return float(int(found)) if self.WHOLE else found

    def _evaluated(self, text: str, frame: float) -> float:
        if self._node is None:
            raise ValueError(f"{self._name} has an expression and no node")
        with state.now().within(frame=frame):
            node = self._node

            def look(name: str) -> float:
                return float(node._number_named(name, frame))

            return float(expressions.evaluate(text, look, lambda inner: tcl.run(inner, node)))

    # animation

    def _chosen(self, index: int) -> List[Part]:
        return self._parts if index < 0 else [self._parts[index]]

    def _animate(self, index: int) -> None:
        if self._flags & FLAGS["NO_ANIMATION"]:
            return
        for part in self._chosen(index):
            if part.curve is None:
                part.curve, part.expression = Curve(), ""

    def setAnimated(self, channel: int = -1) -> bool:
        """Lets setValue() set keys from now on; the first holds the value of now."""
        mainthread.check(f"setAnimated of {self.fullyQualifiedName()}")
        before = self._state()
        kept = [part.value for part in self._parts]
        self._animate(channel)
        for part, value in zip(self._parts, kept):
            if part.curve is not None and not part.curve.keys:
                part.curve.keys[self._now()] = (value, "")
        self._changed(before)
        return True

    def clearAnimated(self, channel: int = -1, *_: Any) -> bool:
        """Takes keys and expressions off; the value of now stays."""
        mainthread.check(f"clearAnimated of {self.fullyQualifiedName()}")
        before = self._state()
        for index, part in enumerate(self._parts):
            if channel in (-1, index):
                part.value = self._number_value(self._now(), index)
                part.curve, part.expression = None, ""
        self._changed(before)
        return True

    def isAnimated(self, channel: int = -1, *_: Any) -> bool:
        """Whether it has keys or an expression."""
        return any(part.curve is not None or part.expression for part in self._chosen(channel))

    def hasExpression(self, index: int = -1, *_: Any) -> bool:
        """Whether an expression drives it."""
        return any(part.expression for part in self._chosen(index))

    def setExpression(self, expression: str, channel: int = -1, view: Any = None) -> bool:
        """Drives it by an expression.

        Raises:
            RuntimeError: it may not be animated.
        """
        mainthread.check(f"setExpression of {self.fullyQualifiedName()}")
        if self._flags & FLAGS["NO_ANIMATION"]:
            raise RuntimeError(f"{self.fullyQualifiedName()} has NO_ANIMATION and takes no expression")
        before = self._state()
        for part in self._chosen(channel):
            part.expression, part.curve = expression, None
        self._changed(before)
        return True

    def isKeyAt(self, time: float, index: int = -1, view: Any = None) -> bool:
        """Whether a key is there."""
        return any(part.curve is not None and float(time) in part.curve.keys for part in self._chosen(index))

    def removeKeyAt(self, time: float, index: int = -1, view: Any = None) -> bool:
        """Takes it away."""
        mainthread.check(f"removeKeyAt of {self.fullyQualifiedName()}")
        before, found = self._state(), self.isKeyAt(time, index)
        for part in self._chosen(index):
            if part.curve is not None:
                part.curve.keys.pop(float(time), None)
        self._changed(before)
        return found

    def getKeyList(self) -> List[float]:
        """Times of all keys."""
        return sorted({time for part in self._parts if part.curve is not None for time in part.curve.keys})

    def getNumKeys(self, channel: int = 0, *_: Any) -> int:
        """How many keys."""
        curve = self._parts[max(channel, 0)].curve
        return 0 if curve is None else len(curve.keys)

    # as text

    def toScript(self, quote: bool = False, context: Any = None, *_: Any) -> str:
        """`1.5`, `{1 2}`, `{frame/2}` or `{curve K x0 0}`."""
        words = [self._word(part) for part in self._parts]
        return words[0] if len(words) == 1 else "{" + " ".join(words) + "}"

    def _word(self, part: Part) -> str:
        if part.expression:
            return "{" + part.expression + "}"
        return "{" + part.curve.text() + "}" if part.curve is not None else number(part.value)

    def fromScript(self, script: str, *_: Any) -> bool:
        """Reads what toScript() writes.

        Raises:
            ValueError: it cannot be read.
        """
        mainthread.check(f"fromScript of {self.fullyQualifiedName()}")
        before = self._state()
        words = tcl.split(script)
        if len(self._parts) > 1 and len(words) == 1:
            # One number for all, or a list in braces.
            inner = tcl.split(words[0])
            words = inner if len(inner) > 1 else words * len(self._parts)
        elif len(self._parts) == 1 and len(words) > 1:
            words = [script]  # the braces are gone already
        for part, word in zip(self._parts, words):
            part.curve, part.expression = None, ""
            if word.startswith("curve"):
                part.curve = Curve.parse(word)
            else:
                try:
                    part.value = self._from_word(word)
                except ValueError:
                    part.expression = word.strip("{}")
        self._changed(before)
        return True

    def _from_word(self, word: str) -> float:
        return float(word)

    # defaults and state

    def setDefaultValue(self, values: Any, *_: Any) -> None:
        """What counts as default, and is not saved."""
        self._set_default(values)

    def defaultValue(self, *_: Any) -> float:
        """The default."""
        return self._default[0]

    def _set_default(self, value: Any) -> None:
        """Value of a new node. (The stand-in's own.)"""
        values = list(value) if isinstance(value, (list, tuple)) else [value] * len(self._parts)
        self._default = tuple(float(one) for one in values)
        for part, one in zip(self._parts, self._default):
            part.value, part.curve, part.expression = one, None, ""

    def _not_default(self) -> bool:
        """Whether a script must hold it."""
        return self.isAnimated() or tuple(part.value for part in self._parts) != self._default

    def _state(self) -> Any:
        return [(p.value, dict(p.curve.keys) if p.curve else None, p.expression) for p in self._parts]

    def _restore(self, kept: Any) -> None:
        for part, (value, keys, expression) in zip(self._parts, kept):
            part.value, part.expression, part.curve = value, expression, None
            if keys is not None:
                part.curve = Curve()
                part.curve.keys = dict(keys)
