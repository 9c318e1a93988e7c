"""Knobs that name something else: channels and layers, or another knob."""

from __future__ import annotations

from typing import Any, List, Optional

from tests.host_nuke.standin import mainthread, state
from tests.host_nuke.standin.knobs import Knob


class Channel_Knob(Knob):
    """One channel, as `rgba.alpha` or `none`."""

    NUMBER = 11

    def __init__(self, name: str = "", label: Optional[str] = None, input: int = 0, *_: Any) -> None:
        super().__init__(name, label)
        self._text = self._default = "none"

    def value(self, *_: Any, **__: Any) -> str:
        """Name of the channel or the layer."""
        return self._text

    def _set_default(self, value: str) -> None:
        """Value of a new node. (The stand-in's own.)"""
        self._text = self._default = value

    def setValue(self, val: Any, /, *_: Any, **__: Any) -> Any:
        """Chooses a channel.

        Raises:
            TypeError: the name is no text.
            ValueError: the script knows no such channel or layer.
        """
        mainthread.check(f"setValue of {self.fullyQualifiedName()}")
        if not isinstance(val, str):
            raise TypeError(f"argument 1 must be str, not {type(val).__name__}")
        before = self._text
        self._text = self._known(val)
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

    def _not_default(self) -> bool:
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

    def _picked(self, there: List[str]) -> List[str]:
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
        return self._node._find_knob(self._link) if self._node is not None and self._link else None

    def value(self, *_: Any, **__: Any) -> Any:
        """The other knob's value."""
        linked = self.getLinkedKnob()
        return None if linked is None else linked.value()

    def setValue(self, val: Any = None, /, *_: Any, **__: Any) -> Any:
        """Puts the other knob's value."""
        linked = self.getLinkedKnob()
        return linked is not None and linked.setValue(val)
