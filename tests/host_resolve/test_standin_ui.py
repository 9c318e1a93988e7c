"""The stand-in's windows: an artist who presses, sets, waits and closes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator, List

import pytest

from tests.host_resolve import standin
from tests.host_resolve.standin import scripting


@pytest.fixture
def session(tmp_path: Path) -> Iterator[standin.Session]:
    yield standin.install(tmp_path, inside=True)
    standin.uninstall()


def _window(said: List[Any]) -> Any:
    names = scripting.names()
    ui = names["fu"].UIManager
    dispatcher = names["bmd"].UIDispatcher(ui)
    choice = ui.ComboBox({"ID": "Where"})
    choice.AddItems(["New take", "Track above"])
    window = dispatcher.AddWindow(
        {"ID": "Restore", "WindowTitle": "FRDM Restore"},
        [
            ui.VGroup(
                [
                    ui.Label({"ID": "Status", "Text": "ready"}),
                    ui.DoubleSpinBox({"ID": "Strength", "Minimum": 0.0, "Maximum": 1.0, "Value": 1.0}),
                    ui.HGroup({"Weight": 0}, [choice, ui.Button({"ID": "Start", "Text": "Restore"})]),
                ]
            )
        ],
    )

    def start(event: Any) -> None:
        items = window.GetItems()
        said.extend([event["who"], items["Strength"].Value, items["Where"].CurrentText])
        dispatcher.ExitLoop()

    window.On.Start.Clicked = start
    window.On["Restore"].Close = lambda event: dispatcher.ExitLoop()
    window.Show()
    return dispatcher


def test_the_artist_sets_and_presses(session: standin.Session) -> None:
    said: List[Any] = []
    dispatcher = _window(said)
    session.artist.append(lambda window: standin.pick(window, "Strength", 0.25))
    session.artist.append(lambda window: standin.pick(window, "Where", "Track above"))
    session.artist.append(lambda window: standin.press(window, "Start"))
    dispatcher.RunLoop()
    assert said == ["Start", 0.25, "Track above"]


def test_the_artist_closes(session: standin.Session) -> None:
    said: List[Any] = []
    dispatcher = _window(said)
    session.artist.append(standin.close)
    dispatcher.RunLoop()
    assert said == []


def test_what_is_greyed_out_cannot_be_pressed(session: standin.Session) -> None:
    dispatcher = _window([])
    session.windows[0].Find("Start").Enabled = False
    session.artist.append(lambda window: standin.press(window, "Start"))
    with pytest.raises(RuntimeError, match="cannot use Start"):
        dispatcher.RunLoop()


def test_a_choice_that_is_not_offered(session: standin.Session) -> None:
    _window([])
    with pytest.raises(RuntimeError, match="does not offer"):
        standin.pick(session.windows[0], "Where", "Nowhere")


def test_a_window_that_nobody_ends(session: standin.Session) -> None:
    with pytest.raises(RuntimeError, match="waits for ever"):
        _window([]).RunLoop()


def test_a_timer_runs_meanwhile(session: standin.Session) -> None:
    dispatcher, seen = _window([]), []
    timer = scripting.names()["fu"].UIManager.Timer({"ID": "Look", "Interval": 100})

    def look(event: Any) -> None:
        seen.append(event["who"])
        if len(seen) == 3:
            timer.Stop()
            dispatcher.ExitLoop()

    dispatcher.On.Timeout = look
    timer.Start()
    dispatcher.RunLoop()
    assert seen == ["Look"] * 3


@pytest.mark.parametrize("how", [{"gui": False}, {"product": standin.FREE}])
def test_where_there_are_no_windows(how: Any, tmp_path: Path) -> None:
    session = standin.install(tmp_path, **how)
    assert session.resolve.Fusion().UIManager is None
    standin.uninstall()
