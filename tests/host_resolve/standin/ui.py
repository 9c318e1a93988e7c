"""Fusion's UIManager, as far as a dialog needs it: elements by id, handlers of their events, a loop, timers.

Only the Studio version has it, and only with an interface. The artist of a test acts within RunLoop:
`session.artist.append(lambda window: press(window, "Start"))`.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, Optional

from tests.host_resolve.standin import state

KINDS = (
    *("VGroup", "HGroup", "VGap", "HGap", "Label", "Button", "ComboBox", "CheckBox", "LineEdit", "SpinBox"),
    *("DoubleSpinBox", "Slider", "TextEdit", "Timer"),
)
PATIENCE = 60.0
"""Seconds that a window with a timer may wait for its end."""


class Element:
    """A control, with its attributes as the script sets them: Text, Checked, Value, CurrentIndex, Enabled, Hidden."""

    def __init__(self, kind: str, attributes: Dict[str, Any], children: List[Element]) -> None:
        self.kind = kind
        self.children = children
        self.ID = str(attributes.get("ID", ""))
        self.Text = ""
        self.PlainText = ""
        self.Checked = False
        self.Value: float = 0
        self.Minimum: float = 0
        self.Maximum: float = 99
        self.CurrentIndex = 0
        self.Enabled = True
        self.Hidden = False
        self.Interval = 0
        self.items: List[str] = []
        self.running = False
        for name, value in attributes.items():
            setattr(self, name, value)

    @property
    def CurrentText(self) -> str:
        return self.items[self.CurrentIndex] if 0 <= self.CurrentIndex < len(self.items) else ""

    @CurrentText.setter
    def CurrentText(self, text: str) -> None:
        if text in self.items:
            self.CurrentIndex = self.items.index(text)

    def AddItem(self, text: str) -> None:
        self.items.append(text)

    def AddItems(self, texts: List[str]) -> None:
        self.items.extend(texts)

    def Clear(self) -> None:
        self.items.clear()

    def Start(self) -> None:
        self.running = True

    def Stop(self) -> None:
        self.running = False

    def walk(self) -> List[Element]:
        return [self, *(deeper for one in self.children for deeper in one.walk())]


class Handlers:
    """`window.On.Start.Clicked = f`, and `window.On["Start"].Clicked`."""

    def __init__(self) -> None:
        self.__dict__["_known"] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.__dict__["_known"].setdefault(name, Handlers())

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__["_known"][name] = value

    __getitem__ = __getattr__
    __setitem__ = __setattr__


class Window(Element):
    """A window of the dispatcher."""

    def __init__(self, attributes: Dict[str, Any], children: List[Element]) -> None:
        super().__init__("Window", attributes, children)
        self.On = Handlers()
        self.shown = False

    def Show(self) -> None:
        self.shown = True

    def Hide(self) -> None:
        self.shown = False

    def Find(self, name: str) -> Optional[Element]:
        return next((one for one in self.walk() if name and name == one.ID), None)

    def GetItems(self) -> Dict[str, Element]:
        return {one.ID: one for one in self.walk() if one.ID}

    def RecalcLayout(self) -> None:
        """Nothing is laid out here."""


def _made(kind: str, args: Any) -> Element:
    attributes: Dict[str, Any] = {}
    children: List[Element] = []
    for one in args:
        if isinstance(one, dict):
            attributes.update(one)
        elif isinstance(one, (list, tuple)):
            children += [child for child in one if isinstance(child, Element)]
        elif isinstance(one, Element):
            children.append(one)
    return Element(kind, attributes, children)


class UIManager:
    """Makes elements: `ui.VGroup({...}, [ui.Label({...})])`."""

    def __getattr__(self, name: str) -> Callable[..., Element]:
        if name not in KINDS:
            raise AttributeError(name)

        def make(*args: Any) -> Element:
            made = _made(name, args)
            if name == "Timer":
                state.now().environment.setdefault("timers", []).append(made)
            return made

        return make


class Fusion:
    """Fusion within Resolve."""

    @property
    def UIManager(self) -> Optional[UIManager]:
        session = state.now()
        return UIManager() if session.gui and session.product == state.STUDIO else None


class Dispatcher:
    """Windows and the loop that waits for them."""

    def __init__(self) -> None:
        self.On = Handlers()
        self._windows: List[Window] = []
        self._left: List[int] = []

    def AddWindow(self, attributes: Dict[str, Any], *children: Any) -> Window:
        window = Window(attributes, [_made("VGroup", children)] if children else [])
        self._windows.append(window)
        state.now().windows.append(window)
        return window

    def FindWindow(self, name: str) -> Optional[Window]:
        return next((one for one in self._windows if name == one.ID), None)

    def ExitLoop(self, code: int = 0) -> None:
        self._left.append(code)

    def StepLoop(self) -> None:
        """One round: what the artist does next, then the timers."""
        session = state.now()
        if session.artist and self._windows:
            session.artist.pop(0)(self._windows[-1])
        for timer in [one for one in session.environment.get("timers", []) if one.running]:
            handler = self.On.Timeout
            if not isinstance(handler, Handlers):
                handler({"who": timer.ID})

    def RunLoop(self) -> int:
        """Waits until ExitLoop.

        Raises:
            RuntimeError: the artist does nothing more, no timer runs, and the window waits for ever.
        """
        session, until = state.now(), time.monotonic() + PATIENCE
        self._left = []
        while not self._left:
            ticking = any(one.running for one in session.environment.get("timers", []))
            if (not session.artist and not ticking) or time.monotonic() > until:
                raise RuntimeError("The window waits for ever: the artist of this test does nothing more.")
            self.StepLoop()
            if ticking and not self._left:
                time.sleep(0.01)
        return self._left[0]


def dispatcher(ui: Any) -> Dispatcher:
    """bmd.UIDispatcher.

    Raises:
        RuntimeError: there is no UIManager.
    """
    if not isinstance(ui, UIManager):
        raise RuntimeError("UIDispatcher needs fusion.UIManager")
    return Dispatcher()


def _fire(window: Window, name: str, event: str) -> None:
    handler = window.On[name]
    act = handler[event] if isinstance(handler, Handlers) else handler
    if not isinstance(act, Handlers):
        act({"who": name, "what": event})


def press(window: Any, name: str) -> None:
    """The artist clicks.

    Raises:
        RuntimeError: there is no such control, or it is greyed out or hidden.
    """
    _usable(window, name)
    _fire(window, name, "Clicked")


def pick(window: Any, name: str, value: Any) -> None:
    """The artist sets a control: a check box by bool, a combo box by its text, the others by value or text.

    Raises:
        RuntimeError: there is no such control or choice, or it is greyed out or hidden.
    """
    control = _usable(window, name)
    if control.kind == "ComboBox":
        if value not in control.items:
            raise RuntimeError(f"{name} does not offer {value!r}, but {control.items}")
        control.CurrentText = value
        _fire(window, name, "CurrentIndexChanged")
    elif control.kind == "CheckBox":
        control.Checked = bool(value)
        _fire(window, name, "Clicked")
    elif control.kind in ("SpinBox", "DoubleSpinBox", "Slider"):
        control.Value = min(max(value, control.Minimum), control.Maximum)
        _fire(window, name, "ValueChanged")
    else:
        control.Text = str(value)
        _fire(window, name, "TextChanged")


def close(window: Any) -> None:
    """The artist closes the window by its frame."""
    _fire(window, window.ID, "Close")


def _usable(window: Any, name: str) -> Element:
    control = window.Find(name)
    if control is None or not control.Enabled or control.Hidden or not window.shown:
        raise RuntimeError(f"The artist cannot use {name}")
    found: Element = control
    return found
