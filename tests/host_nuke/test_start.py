"""init.py and menu.py: what Nuke starts with, and that nothing keeps it from starting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.host_nuke import standin
from tests.host_nuke.conftest import ROOT, nuke_running

HOST = str(ROOT / "host_nuke")


def test_the_node_is_in_the_toolbar_and_restoring_in_the_menu_render(session: standin.Session) -> None:
    import nuke

    made: Any = nuke.menu("Nodes").findItem("FRDM/FRDM restore")
    assert made.icon() == "frdm.png"
    assert any((Path(folder) / "frdm.png").is_file() for folder in nuke.pluginPath())
    made.invoke()
    assert nuke.toNode("FRDM1") is not None
    render: Any = nuke.menu("Nuke").findItem("Render/FRDM: restore selected nodes")
    nuke.toNode("FRDM1").setSelected(False)  # type: ignore[union-attr]
    render.invoke()
    assert session.messages == ["No FRDM node is selected; select those to be restored."]


def test_the_terminal_starts_without_menus(terminal: standin.Session) -> None:
    assert terminal.menus == {}
    assert terminal.printed == []


@pytest.mark.parametrize("gui", [True, False])
def test_a_python_without_pyzmq_is_told_and_nuke_starts(gui: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from frdm_nuke import vendor
    from frdm_nuke.errors import VendorError

    def none(*_: Any) -> str:
        raise VendorError("FRDM has no pyzmq.")

    monkeypatch.setattr(vendor, "choose", none)
    with nuke_running(gui=gui) as session:
        assert session.printed == ["FRDM: FRDM has no pyzmq."]
        if gui:
            import nuke

            nuke.menu("Nodes").findItem("FRDM/FRDM restore").invoke()  # type: ignore[union-attr]
            assert session.messages == ["FRDM has no pyzmq."]


def test_a_broken_plug_in_is_told_and_nuke_starts(tmp_path: Path) -> None:
    broken = tmp_path / "frdm"
    (broken / "frdm_nuke").mkdir(parents=True)
    (broken / "frdm_nuke" / "__init__.py").write_text("")
    (broken / "frdm_nuke" / "start.py").write_text("raise ValueError('damaged')\n")
    for name in ("init.py", "menu.py"):
        (broken / name).write_text((ROOT / "host_nuke" / name).read_text())
    import sys

    before = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "frdm_nuke"}
    session = standin.install()
    sys.path[:] = [one for one in sys.path if "host_nuke" not in one]
    try:
        standin.start(str(broken))
        assert session.printed == [
            "FRDM could not be loaded (ValueError: damaged); run `frdm install nuke` again.",
            "FRDM's menus could not be added (ValueError: damaged); run `frdm install nuke` again.",
        ]
    finally:
        standin.uninstall()
        for name in [one for one in sys.modules if one.partition(".")[0] == "frdm_nuke"]:
            del sys.modules[name]
        sys.modules.update(before)


def test_starting_twice_registers_once(session: standin.Session) -> None:
    import frdm_nuke.start
    from tests.host_nuke.standin import callbacks

    frdm_nuke.start.start()
    assert all(len(entries) == 1 for event in callbacks.lists.values() for entries in event.values())
