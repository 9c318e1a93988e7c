"""Knobs of the stand-in: kinds of values, flags, keys, expressions, Tcl, links."""

from __future__ import annotations

from typing import Any, Iterator

import pytest

from tests.host_nuke import standin


@pytest.fixture
def nuke() -> Iterator[Any]:
    standin.install()
    import nuke

    yield nuke
    standin.uninstall()


@pytest.fixture
def group(nuke: Any) -> Any:
    return nuke.nodes.Group(name="Shot")


def test_a_choice_is_text_as_value_and_number_elsewhere(nuke: Any, group: Any) -> None:
    group.addKnob(nuke.Enumeration_Knob("show", "show", ["result", "plate"]))
    group["show"].setValue("plate")
    assert (group["show"].value(), group["show"].getValue()) == ("plate", 1.0)
    group["show"].setValue(0)
    assert group["show"].value() == "result"
    with pytest.raises(TypeError, match="none of"):
        group["show"].setValue("matte")


def test_marks_and_whole_numbers(nuke: Any, group: Any) -> None:
    group.addKnob(nuke.Boolean_Knob("on", "on"))
    group.addKnob(nuke.Int_Knob("many", "many"))
    group["on"].setValue(True)
    group["many"].setValue(3.7)
    assert (group["on"].value(), group["on"].getValue(), group["on"].toScript()) == (True, 1.0, "true")
    assert group["many"].value() == 3
    assert isinstance(group["many"].getValue(), float)
    with pytest.raises(TypeError):
        group["many"].setValue("3")


def test_text_takes_text_alone(nuke: Any, group: Any) -> None:
    group.addKnob(nuke.String_Knob("said", None))
    assert group["said"].label() == "said"
    with pytest.raises(TypeError):
        group["said"].setValue(3)


def test_file_names_become_technical(nuke: Any, group: Any) -> None:
    group.addKnob(nuke.File_Knob("cache", "cache"))
    group["cache"].setValue("[value root.name]/a.####.exr")
    nuke.root()["name"].setValue("/shots/s.nk")
    nuke.frame(7)
    knob = group["cache"]
    assert knob.value() == knob.getText() == "[value root.name]/a.%04d.exr"
    assert knob.getEvaluatedValue() == "/shots/s.nk/a.%04d.exr"
    assert knob.evaluate() == "/shots/s.nk/a.0007.exr"


@pytest.mark.parametrize(
    ("text", "comes_to"),
    [
        ("[file dirname [value root.name]]/frdm", "/shots/frdm"),
        ("[getenv STANDIN_TEST nothing]", "nothing"),
        ("[value Shot.size]", "2.5"),
        ("[join {a b} -]", "a-b"),
        (r"\[value x\]", "[value x]"),
        ('[file tail "[value Shot.label]/a b"]', "a b"),
        ("[file dirname [value Shot.label]/x/y]", "/my shots/x"),
        ("[join {a [b]} {[frame]}]", "a[frame][b]"),
        ("[nosuch command]", "[nosuch command]"),
    ],
)
def test_brackets(nuke: Any, group: Any, text: str, comes_to: str) -> None:
    nuke.root()["name"].setValue("/shots/s.nk")
    group.addKnob(nuke.Double_Knob("size", "size"))
    group["size"].setValue(2.5)
    group["label"].setValue("/my shots")
    node = nuke.nodes.NoOp()
    node["label"].setValue(text)
    assert node["label"].value() == comes_to
    assert node["label"].getText() == text


def test_expressions_see_the_group_and_other_nodes(nuke: Any, group: Any) -> None:
    group.addKnob(nuke.Enumeration_Knob("show", "show", ["a", "b", "c"]))
    with group:
        inner = nuke.nodes.Switch(name="pick")
    inner["which"].setExpression("parent.show ? 2 - parent.show : frame * 10")
    nuke.frame(4)
    assert inner["which"].value() == 40
    group["show"].setValue("c")
    assert inner["which"].value() == 0
    other = nuke.nodes.Multiply()
    other["value"].setExpression("Shot.pick.which + 1")
    assert other["value"].value() == 1
    other["value"].setExpression("Shot.nothing")
    with pytest.raises(ValueError, match="nothing is named"):
        other["value"].value()


def test_constant_keys(nuke: Any, group: Any) -> None:
    group.addKnob(nuke.Double_Knob("have", ""))
    knob = group["have"]
    knob.fromScript("{curve K x0 0 x3 1 x5 0}")
    assert [knob.valueAt(frame) for frame in (-9, 2, 3, 4, 5, 99)] == [0, 0, 1, 1, 0, 0]
    assert knob.isAnimated()
    assert knob.toScript() == "{curve K x0 0 x3 1 x5 0}"
    knob.fromScript("0")
    assert not knob.isAnimated()


def test_keys_by_python_are_smooth(nuke: Any, group: Any) -> None:
    group.addKnob(nuke.Double_Knob("amount", ""))
    knob = group["amount"]
    knob.setAnimated()
    knob.setValueAt(0, 10)
    knob.setValueAt(1, 20)
    assert knob.valueAt(15) == pytest.approx(0.5)
    assert 20 in knob.getKeyList()
    knob.clearAnimated()
    assert not knob.isAnimated()


def test_no_animation_means_it(nuke: Any, group: Any) -> None:
    group.addKnob(nuke.Double_Knob("fixed", ""))
    group["fixed"].setFlag(nuke.NO_ANIMATION)
    with pytest.raises(RuntimeError, match="NO_ANIMATION"):
        group["fixed"].setExpression("frame")
    group["fixed"].setAnimated()
    assert not group["fixed"].isAnimated()


def test_what_the_artist_may_touch(nuke: Any, group: Any) -> None:
    group.addKnob(nuke.String_Knob("status", ""))
    group["status"].setEnabled(False)
    with pytest.raises(RuntimeError, match="cannot change"):
        standin.pick(group["status"], "mine")
    group["status"].setValue("a script may")
    group["status"].setEnabled(True)
    group["status"].setVisible(False)
    with pytest.raises(RuntimeError, match="cannot change"):
        standin.pick(group["status"], "mine")


def test_channels_must_be_known(nuke: Any) -> None:
    copy = nuke.nodes.Copy()
    with pytest.raises(ValueError, match=r"frdm\.dirt"):
        copy["to0"].setValue("frdm.dirt")
    nuke.Layer("frdm", ["frdm.dirt"])
    copy["to0"].setValue("frdm.dirt")
    assert copy["to0"].value() == "frdm.dirt"
    assert "frdm" in nuke.layers()


def test_links_read_and_write_the_other(nuke: Any, group: Any) -> None:
    grade = nuke.nodes.Multiply(name="gain")
    group.addKnob(nuke.Link_Knob("linked"))
    group["linked"].setLink("gain.value")
    group["linked"].setValue(3)
    assert grade["value"].value() == group["linked"].value() == 3


def test_knobs_of_ones_own_come_under_a_tab(nuke: Any, group: Any) -> None:
    group.addKnob(nuke.Int_Knob("a", "a"))
    assert group["User"].Class() == "Tab_Knob"
    with pytest.raises(ValueError, match="already"):
        group.addKnob(nuke.Int_Knob("a", "again"))
    with pytest.raises(NameError, match="does not exist"):
        group["nothing"]
    assert group.knob("nothing") is None
