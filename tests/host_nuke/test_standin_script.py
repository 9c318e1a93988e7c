"""Scripts as text, the clipboard, and the start of the stand-in with plug-in folders."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest

from tests.host_nuke import standin


@pytest.fixture
def session() -> Iterator[standin.Session]:
    yield standin.install()
    standin.uninstall()


@pytest.fixture
def nuke(session: standin.Session) -> Any:
    import nuke

    return nuke


def comp(nuke: Any) -> Any:
    """A group with one of each knob, and nodes inside and around."""
    nuke.Layer("frdm", ["frdm.dirt", "frdm.opacity"])
    top, mask = nuke.nodes.Constant(name="plate"), nuke.nodes.CheckerBoard2(name="mask")
    group = nuke.nodes.Group(name="Shot")
    with group:
        plate = nuke.nodes.Input(name="plate", number=0)
        protect = nuke.nodes.Input(name="protect", number=1)
        copy = nuke.nodes.Copy(inputs=[plate, protect], from0="rgba.red", to0="frdm.dirt")
        switch = nuke.nodes.Switch(inputs=[plate, None, copy])
        switch["which"].setExpression("parent.show ? 2 : 0")
        nuke.nodes.Output(inputs=[switch])
    for knob in (
        nuke.Tab_Knob("frdm", "FRDM"),
        nuke.Enumeration_Knob("show", "show it", ["result", "plate only"]),
        nuke.Boolean_Knob("fix", "fix"),
        nuke.Double_Knob("strength", "strength"),
        nuke.Int_Knob("seed", "seed"),
        nuke.String_Knob("status", None),
        nuke.File_Knob("folder", "folder"),
        nuke.Multiline_Eval_String_Knob("map", "map"),
        nuke.Channel_Knob("channel", "channel"),
        nuke.PyScript_Knob("go", "Go", 'print("{[]}\\n")\nprint(1)'),
        nuke.Text_Knob("line", ""),
        nuke.Double_Knob("have", ""),
        nuke.XY_Knob("place", ""),
    ):
        group.addKnob(knob)
    group["show"].setValue("plate only")
    group["fix"].setValue(True)
    group["strength"].setRange(0, 16)
    group["strength"].setValue(-0.125)
    group["status"].setValue('He said "{no}" \\ $x [value name]')
    group["status"].setTooltip("two\nlines")
    group["status"].setEnabled(False)
    group["folder"].setValue("[file dirname [value root.name]]/frdm/a b.####.exr")
    group["map"].setValue("a = b\nc = d\n")
    group["channel"].setValue("frdm.dirt")
    group["have"].fromScript("{curve K x0 0 x3 1}")
    group["have"].setVisible(False)
    group["place"].setValue([1, 2])
    group.setInput(0, top)
    group.setInput(1, mask)
    return group


def told(node: Any) -> Dict[str, Any]:
    return {
        name: (knob.Class(), knob.label(), knob.tooltip(), knob.toScript(), knob.visible(), knob.enabled())
        for name, knob in node.knobs().items()
        if name not in ("selected", "name")
    }


def inside(nuke: Any, group: Any) -> Dict[str, Any]:
    return {
        one.name(): (one.Class(), told(one), [above and above.name() for above in map(one.input, range(3))])
        for one in group.nodes()
    }


def test_a_script_comes_back_as_it_was(nuke: Any, tmp_path: Path) -> None:
    group = comp(nuke)
    nuke.root()["views"].setValue("left\nright")
    nuke.root()["last_frame"].setValue(250)
    before, within = told(group), inside(nuke, group)
    nuke.scriptSaveAs(str(tmp_path / "s.nk"))
    nuke.scriptClear()
    assert nuke.allNodes() == []
    assert "frdm" not in nuke.layers()
    nuke.scriptOpen(str(tmp_path / "s.nk"))
    again = nuke.toNode("Shot")
    assert told(again) == before
    assert inside(nuke, again) == within
    assert again["go"].command() == 'print("{[]}\\n")\nprint(1)'
    assert again["strength"].max() == 16
    assert (again.input(0).name(), again.input(1).name()) == ("plate", "mask")
    assert (nuke.views(), nuke.root().lastFrame()) == (["left", "right"], 250)
    assert nuke.layers()[-1] == "frdm"
    assert not nuke.modified()


def test_the_order_of_events(nuke: Any, tmp_path: Path) -> None:
    comp(nuke)
    seen: List[str] = []
    for event in ("OnCreate", "OnDestroy", "OnScriptLoad", "OnScriptSave", "OnScriptClose"):
        getattr(nuke, f"add{event}")(lambda event=event: seen.append(f"{event} {nuke.thisNode().name()}"))
    nuke.addOnCreate(lambda: seen.append(f"inside: {len(nuke.thisNode().nodes())}"), nodeClass="Group")
    nuke.scriptSave(str(tmp_path / "s.nk"))
    assert seen == [f"OnScriptSave {tmp_path}/s.nk"]
    del seen[:]
    nuke.scriptOpen(str(tmp_path / "s.nk"))
    assert seen[0].startswith("OnScriptClose")
    assert seen[-1].startswith("OnScriptLoad")
    assert "inside: 5" in seen
    assert seen.index("OnCreate Copy1") < seen.index("OnCreate Shot")
    assert "OnDestroy Shot" in seen


def test_an_unnamed_script_cannot_be_saved(nuke: Any) -> None:
    with pytest.raises(RuntimeError, match="no name"):
        nuke.scriptSave()
    with pytest.raises(RuntimeError, match="not been saved"):
        nuke.scriptName()


def test_what_is_no_script(nuke: Any, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="No such file"):
        nuke.scriptOpen(str(tmp_path / "none.nk"))
    (tmp_path / "bad.nk").write_text("Dot {\n name a\n")
    with pytest.raises(RuntimeError, match="cannot be read"):
        nuke.scriptOpen(str(tmp_path / "bad.nk"))
    (tmp_path / "other.nk").write_text("Frobnicate {\n}\n")
    with pytest.raises(RuntimeError, match="Unknown command"):
        nuke.scriptOpen(str(tmp_path / "other.nk"))


def test_scripts_as_nuke_writes_them(nuke: Any, session: standin.Session) -> None:
    nuke.scriptReadText(
        """
set cut_paste_input [stack 0]
version 15.1 v2
Constant {
 inputs 0
 color {0.5 0.25 {frame/10} 1}
 name A
}
set N1 [stack 0]
Constant {
 inputs 0
 name B
 future_knob 3
}
push $N1
Merge2 {
 inputs 2
 operation minus
 name M
}
push 0
Multiply {
 value {{curve x1 0 x11 1}}
 name Alone
}
"""
    )
    nuke.frame(6)
    merge = nuke.toNode("M")
    assert (merge.input(0).name(), merge.input(1).name()) == ("A", "B")
    assert nuke.toNode("A")["color"].value(2) == pytest.approx(0.6)
    assert nuke.toNode("Alone")["value"].value() == pytest.approx(0.5)
    assert nuke.toNode("Alone").input(0) is None
    assert any("future_knob" in line for line in session.console)


def test_copies(nuke: Any, session: standin.Session) -> None:
    group = comp(nuke)
    group.selectOnly()
    nuke.nodeCopy("%clipboard%")
    seen: List[Any] = []
    nuke.addOnCreate(lambda: seen.append((nuke.thisNode().name(), nuke.thisNode().knob("status") is not None)))
    copy = nuke.nodePaste("%clipboard%")
    assert copy is not group
    assert (copy.name(), copy.input(0)) == ("Shot1", None)
    assert told(copy) == told(group)
    assert seen[-1] == ("Shot1", True)
    assert nuke.selectedNodes() == [copy]


def test_defaults_of_classes(nuke: Any) -> None:
    nuke.knobDefault("Write.channels", "rgba")
    assert nuke.nodes.Write()["channels"].value() == "rgba"


def test_a_start_runs_what_the_folders_hold(tmp_path: Path) -> None:
    plugin = tmp_path / ".nuke" / "plugin"
    plugin.mkdir(parents=True)
    (tmp_path / ".nuke" / "init.py").write_text('import nuke\nnuke.pluginAddPath("./plugin")\n')
    (plugin / "init.py").write_text("import nuke, standin_plugin\nnuke.tprint('init')\n")
    (plugin / "menu.py").write_text("import nuke\nnuke.menu('Nodes').addMenu('X').addCommand('Y', 'nuke.tprint(1)')\n")
    (plugin / "standin_plugin.py").write_text("")
    for gui in (True, False):
        session = standin.install(gui=gui)
        standin.start(str(tmp_path / ".nuke"))
        import nuke

        assert session.printed == ["init"]
        assert nuke.pluginPath() == [str(plugin), str(tmp_path / ".nuke")]
        assert str(plugin) in sys.path
        if gui:
            nuke.menu("Nodes").findItem("X/Y").invoke()  # type: ignore[union-attr]
            assert session.printed == ["init", "1"]
        else:
            with pytest.raises(RuntimeError, match="GUI"):
                nuke.menu("Nodes")
            with pytest.raises(RuntimeError, match="interface"):
                nuke.ask("Really?")
        standin.uninstall()
        assert str(plugin) not in sys.path
        sys.modules.pop("standin_plugin", None)


def test_what_was_installed_before_comes_back() -> None:
    before = sys.modules.get("nuke")
    session = standin.install(gui=False, version=(16, 0, 3), raw_args=["nuke", "-x", "a.nk", "1-3"])
    import nuke

    assert (nuke.GUI, nuke.NUKE_VERSION_STRING, nuke.rawArgs[-1]) == (False, "16.0v3", "1-3")
    assert session.root is nuke.root()
    standin.uninstall()
    assert sys.modules.get("nuke") is before


def test_what_the_artist_is_told_and_asked(nuke: Any, session: standin.Session) -> None:
    session.answer = lambda prompt: "sure" in prompt
    assert (nuke.ask("Are you sure?"), nuke.ask("No?")) == (True, False)
    nuke.message("Done.")
    assert (session.questions, session.messages) == (["Are you sure?", "No?"], ["Done."])
