"""The window: what to fix, how much, which clips, where to put it; progress with time left, cancel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from frdm_bridge.jobs import CLASSES
from frdm_resolve.errors import AdapterError, SessionError
from frdm_resolve.session import Session
from frdm_resolve.settings import SPACES, Options

WHICH: Tuple[Tuple[str, str], ...] = (
    ("current", "Clip at the playhead"),
    ("colour", "Clips of a colour"),
    ("flag", "Clips with a flag"),
    ("range", "Clips between in and out"),
    ("timeline", "All clips of the timeline"),
    ("pool", "Selected media-pool clips"),
)
WHERE: Tuple[Tuple[str, str], ...] = (
    ("track", "Track above"),
    ("take", "New take, original kept"),
    ("bin", "Media-pool clip in the bin FRDM"),
)
Work = Callable[[Options, Callable[[str, int, int, Optional[float]], None], Callable[[], bool]], List[str]]
"""Does what the options ask for; returns sentences."""


def show(session: Session, before: Options, work: Work, keep: Callable[[Options], None]) -> None:
    """Shows the window until it is closed.

    Raises:
        SessionError: this Resolve shows no windows of scripts.
    """
    fusion = session.resolve.Fusion()
    ui = getattr(fusion, "UIManager", None) if fusion else None
    if not ui or session.bmd is None:
        raise SessionError("This Resolve shows no windows (it runs without an interface); use `frdm-resolve restore`.")
    _Window(ui, session.bmd.UIDispatcher(ui), before, work, keep).run()


class _Window:
    def __init__(self, ui: Any, dispatcher: Any, before: Options, work: Work, keep: Callable[[Options], None]) -> None:
        self.dispatcher, self.before, self.work, self.keep = dispatcher, before, work, keep
        self.cancelled = self.closed = self.working = False
        self.timer = ui.Timer({"ID": "Tick", "Interval": 100})
        rows = [
            ui.HGroup({"Weight": 0}, [ui.Label({"Text": "Repair"}), *(_check(ui, before, name) for name in CLASSES)]),
            _row(ui, "Strength", ui.DoubleSpinBox({"ID": "Strength", "Minimum": 0.0, "Maximum": 16.0})),
            _row(ui, "Clips", ui.ComboBox({"ID": "Clips"})),
            _row(ui, "Colour or flag", ui.LineEdit({"ID": "Value", "Text": before.value})),
            _row(ui, "Handles, frames", ui.SpinBox({"ID": "Handles", "Minimum": 0, "Maximum": 1000})),
            _row(ui, "Colour space", ui.ComboBox({"ID": "Space"})),
            _row(ui, "Put the result", ui.ComboBox({"ID": "Place"})),
            _row(ui, "Folder for results", ui.LineEdit({"ID": "Folder", "Text": before.folder})),
            ui.Label({"ID": "Status", "Text": "", "WordWrap": True}),
            ui.HGroup(
                {"Weight": 0},
                [
                    ui.Button({"ID": "Start", "Text": "Restore"}),
                    ui.Button({"ID": "Cancel", "Text": "Cancel", "Enabled": False}),
                    ui.Button({"ID": "Done", "Text": "Close"}),
                ],
            ),
        ]
        self.window = dispatcher.AddWindow(
            {"ID": "FRDM", "WindowTitle": "FRDM Restore", "Geometry": [200, 200, 560, 420]}, [ui.VGroup(rows)]
        )
        self.items: Dict[str, Any] = self.window.GetItems()
        spaces = ["auto", *dict.fromkeys(("adx10", *SPACES.values()))]
        _fill(self.items["Clips"], [text for _, text in WHICH], dict(WHICH)[before.clips])
        _fill(self.items["Place"], [text for _, text in WHERE], dict(WHERE)[before.place])
        _fill(self.items["Space"], spaces, before.colourspace)
        self.items["Strength"].Value = before.strength
        self.items["Handles"].Value = before.handles
        self.window.On.Start.Clicked = self._start
        self.window.On.Cancel.Clicked = self._cancel
        self.window.On.Done.Clicked = self._close
        self.window.On.FRDM.Close = self._close
        dispatcher.On.Timeout = lambda event: None

    def run(self) -> None:
        self.window.Show()
        if not self.closed:
            self.dispatcher.RunLoop()
        self.window.Hide()

    def options(self) -> Options:
        """What the window shows."""
        items = self.items
        return replace(
            self.before,
            fix=tuple(name for name in CLASSES if items[f"Fix_{name}"].Checked),
            strength=float(items["Strength"].Value),
            clips=WHICH[int(items["Clips"].CurrentIndex)][0],
            value=str(items["Value"].Text).strip(),
            handles=int(items["Handles"].Value),
            colourspace=str(items["Space"].CurrentText),
            place=WHERE[int(items["Place"].CurrentIndex)][0],
            folder=str(items["Folder"].Text).strip(),
        )

    def _start(self, event: Any) -> None:
        if self.working:
            return
        self.working, self.cancelled = True, False
        self._busy(True)
        try:
            options = self.options()
            options.check()
            self.keep(options)
            said = self.work(options, self._tell, self._look)
        except (AdapterError, OSError) as error:
            said = [str(error)]
        finally:
            self.working = False
            self._busy(False)
        self.items["Status"].Text = "\n".join(said)
        if self.closed:
            self.dispatcher.ExitLoop()

    def _busy(self, busy: bool) -> None:
        # The timer's ticks wake the loop, so that a step of it never waits for the mouse.
        (self.timer.Start if busy else self.timer.Stop)()
        self.items["Start"].Enabled = not busy
        self.items["Cancel"].Enabled = busy

    def _tell(self, what: str, done: int, total: int, left: Optional[float]) -> None:
        self.items["Status"].Text = progress(what, done, total, left)

    def _look(self) -> bool:
        self.dispatcher.StepLoop()
        return self.cancelled

    def _cancel(self, event: Any) -> None:
        self.cancelled = True
        self.items["Status"].Text = "Cancelling ..."

    def _close(self, event: Any) -> None:
        self.closed = self.cancelled = True
        if not self.working:
            self.dispatcher.ExitLoop()


def progress(what: str, done: int, total: int, left: Optional[float]) -> str:
    """How far it is, in a line."""
    time = "" if left is None else f", {round(left)} s left" if left < 90 else f", {round(left / 60)} min left"
    return f"{what}: {done} of {total} frames{time}"


def _check(ui: Any, before: Options, name: str) -> Any:
    return ui.CheckBox({"ID": f"Fix_{name}", "Text": name, "Checked": name in before.fix})


def _row(ui: Any, text: str, control: Any) -> Any:
    return ui.HGroup({"Weight": 0}, [ui.Label({"Text": text, "Weight": 0.4}), control])


def _fill(box: Any, texts: Sequence[str], chosen: str) -> None:
    box.AddItems(list(texts) if chosen in texts else [*texts, chosen])
    box.CurrentText = chosen
