"""Callbacks, undo and the life of nodes in the stand-in."""

from __future__ import annotations

from typing import Any, Iterator, List

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


def test_those_of_the_class_come_first_and_repeats_move_to_the_end(nuke: Any) -> None:
    seen: List[str] = []
    for name, kind in (("any", "*"), ("one", "Dot"), ("two", "Dot"), ("one", "Dot"), ("other", "Group")):
        nuke.addOnCreate(seen.append, name, nodeClass=kind)
    nuke.nodes.Dot()
    assert seen == ["two", "one", "any"]
    nuke.removeOnCreate(seen.append, "two", nodeClass="Dot")
    nuke.nodes.Dot()
    assert seen[3:] == ["one", "any"]
    with pytest.raises(ValueError, match="callable"):
        nuke.addOnCreate("nothing")


def test_on_user_create_is_the_artist_s(nuke: Any) -> None:
    seen: List[str] = []
    nuke.addOnUserCreate(lambda: seen.append(f"user {nuke.thisNode().name()}"))
    nuke.addOnCreate(lambda: seen.append(f"any {nuke.thisNode().name()}"))
    nuke.createNode("Dot")
    nuke.nodes.Dot()
    assert seen == ["user Dot1", "any Dot1", "any Dot2"]


def test_what_a_callback_raises_does_not_stop_the_making(nuke: Any, session: standin.Session) -> None:
    nuke.addOnCreate(lambda: 1 / 0)
    assert nuke.nodes.Dot().name() == "Dot1"
    assert "ZeroDivisionError" in session.console[0]


def test_changes_are_told_once_and_not_of_what_the_callback_changes(nuke: Any) -> None:
    seen: List[Any] = []

    def changed() -> None:
        seen.append((nuke.thisNode().name(), nuke.thisKnob().name()))
        nuke.thisNode()["label"].setValue("told")

    node = nuke.nodes.Multiply()
    nuke.addKnobChanged(changed, nodeClass="Multiply")
    node["value"].setValue(2)
    node["value"].setValue(2)  # no change
    assert seen == [("Multiply1", "value")]
    assert node["label"].value() == "told"
    node.setInput(0, nuke.nodes.Constant())
    assert seen[-1] == ("Multiply1", "inputChange")


def test_callbacks_and_buttons_of_a_group_are_inside_of_it(nuke: Any) -> None:
    group = nuke.nodes.Group(name="G")
    with group:
        nuke.nodes.Dot(name="inside")
    nuke.nodes.Dot(name="outside")
    seen: List[Any] = []
    nuke.root().seen = seen
    group.addKnob(nuke.PyScript_Knob("go", "go", "nuke.root().seen.append([n.name() for n in nuke.allNodes()])"))
    standin.press(group["go"])
    assert seen == [["inside"]]
    assert [one.name() for one in nuke.allNodes()] == ["outside", "G"]
    assert {one.fullName() for one in nuke.allNodes(recurseGroups=True)} == {"outside", "G", "G.inside"}


def test_a_button_knows_its_node_and_its_errors_come_out(nuke: Any) -> None:
    group = nuke.nodes.Group()
    group.addKnob(nuke.PyScript_Knob("go", "go", "nuke.thisNode()['label'].setValue(nuke.thisKnob().name())"))
    group.addKnob(nuke.PyScript_Knob("fail", "fail", "1 / 0"))
    standin.press(group["go"])
    assert group["label"].value() == "go"
    with pytest.raises(ZeroDivisionError):
        standin.press(group["fail"])


def test_update_ui_waits_for_idleness(nuke: Any) -> None:
    seen: List[str] = []
    node = nuke.nodes.Dot()
    nuke.addUpdateUI(lambda: seen.append(nuke.thisNode().name()))
    node["label"].setValue("x")
    assert seen == []
    standin.loop.drain()
    assert seen == ["Dot1"]
    standin.loop.drain()
    assert seen == ["Dot1"], "nothing has changed since"


def test_an_event_is_one_step_of_undo(nuke: Any) -> None:
    node = nuke.nodes.Multiply()
    node["value"].setValue(1)
    nuke.Undo.begin("Two at once")
    node["value"].setValue(2)
    node["label"].setValue("two")
    nuke.Undo.end()
    assert nuke.Undo.undoDescribe(0) == "Two at once"
    nuke.undo()
    assert (node["value"].value(), node["label"].value()) == (1, "")
    nuke.redo()
    assert (node["value"].value(), node["label"].value()) == (2, "two")


def test_disabled_undo_records_nothing(nuke: Any) -> None:
    node = nuke.nodes.Multiply()
    steps = nuke.Undo.undoSize()
    nuke.Undo.disable()
    nuke.Undo.disable()
    node["value"].setValue(9)
    nuke.Undo.enable()
    assert nuke.Undo.disabled()
    nuke.Undo.enable()
    assert not nuke.Undo.disabled()
    assert nuke.Undo.undoSize() == steps


def test_knobs_may_keep_out_of_undo(nuke: Any) -> None:
    node = nuke.nodes.Multiply()
    node["label"].setFlag(nuke.NO_UNDO)
    steps = nuke.Undo.undoSize()
    node["label"].setValue("x")
    assert nuke.Undo.undoSize() == steps


def test_a_deletion_can_be_taken_back_and_is_a_creation(nuke: Any) -> None:
    seen: List[str] = []
    top = nuke.nodes.Constant()
    low = nuke.nodes.Dot(inputs=[top])
    nuke.addOnDestroy(lambda: seen.append(f"destroyed {nuke.thisNode().name()}"))
    nuke.addOnCreate(lambda: seen.append(f"created {nuke.thisNode().name()}"))
    nuke.Undo.begin()
    nuke.delete(top)
    nuke.Undo.end()
    assert low.input(0) is None
    nuke.undo()
    assert low.input(0) is top
    assert seen == ["destroyed Constant1", "created Constant1"]


def test_a_created_node_hangs_on_the_selected_and_shows_its_panel(nuke: Any, session: standin.Session) -> None:
    top = nuke.createNode("Constant")
    low = nuke.createNode("Multiply", "value 3 label {two words}", inpanel=False)
    assert low.input(0) is top
    assert (low["value"].value(), low["label"].value()) == (3, "two words")
    assert nuke.selectedNodes() == [low]
    assert session.panels == ["Constant1"]


def test_names_do_not_collide(nuke: Any) -> None:
    first, second = nuke.nodes.Dot(name="a"), nuke.nodes.Dot(name="a")
    assert (first.name(), second.name()) == ("a", "a1")
    second.setName("b")
    assert nuke.toNode("b") is second
    with pytest.raises(ValueError, match="no name of a node"):
        second.setName("b c")


def test_there_is_no_such_class(nuke: Any) -> None:
    with pytest.raises(RuntimeError, match="Unknown command"):
        nuke.nodes.Frobnicate()
