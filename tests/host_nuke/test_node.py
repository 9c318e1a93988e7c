"""The node as a node: making, copying, undoing, saving, and opening where the plug-in is missing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.host_nuke import standin
from tests.host_nuke.comps import Comp, same, shoot
from tests.host_nuke.conftest import forget_plugin, nuke_running
from tests.restore.on_disk import load
from tests.server.served import Served

FEW = range(1001, 1004)


@pytest.fixture
def comp(session: standin.Session, served: Served, place: Path) -> Comp:
    comp = Comp(place, shoot(place / "in", FEW), first=1001, last=1003, connection=served.connection)
    comp.node["datatype"].setValue("half")
    return comp


def settle(comp: Comp) -> str:
    """Lets what was started by a change come to its end."""
    import frdm_nuke.look

    standin.loop.run_for(0.05)
    standin.loop.run_until(lambda: not frdm_nuke.look._looking, seconds=20)
    standin.loop.drain()
    return str(comp.node["status"].value())


def test_it_is_connected_below_what_is_selected(session: standin.Session) -> None:
    import nuke

    import frdm_nuke.node

    plate = nuke.nodes.Constant()
    plate.selectOnly()
    node = frdm_nuke.node.create()
    assert node.input(0) is plate
    assert node.Class() == "Group"
    assert (node.name(), node["frdm_node"].value()) == ("FRDM1", "1")
    assert frdm_nuke.node.everywhere() == [node]


def test_making_it_is_one_step_that_can_be_taken_back_and_made_again(session: standin.Session) -> None:
    import nuke

    import frdm_nuke.node

    steps = nuke.Undo.undoSize()
    frdm_nuke.node.create()
    assert nuke.Undo.undoSize() == steps + 1
    nuke.undo()
    assert nuke.toNode("FRDM1") is None
    nuke.redo()
    again: Any = nuke.toNode("FRDM1")
    assert again["strength"].value() == 1.0
    assert again.node("result") is not None


def test_inputs_are_plate_and_optional_masks(session: standin.Session) -> None:
    import frdm_nuke.node

    node = frdm_nuke.node.create()
    inputs = sorted((one for one in node.nodes() if one.Class() == "Input"), key=lambda one: one["number"].value())
    assert [one.name() for one in inputs] == ["plate", "protect", "force"]


def test_every_knob_has_a_tool_tip(session: standin.Session) -> None:
    import frdm_nuke.knobs
    import frdm_nuke.node

    node = frdm_nuke.node.create()
    for spec in frdm_nuke.knobs.KNOBS:
        knob: Any = node.knob(spec.name)
        assert knob is not None, spec.name
        assert spec.hidden or spec.kind == "Tab" or len(knob.tooltip()) > 20, spec.name


def test_writes_inside_are_off_for_whoever_renders_all(session: standin.Session) -> None:
    import frdm_nuke.node

    node = frdm_nuke.node.create()
    writes = [one for one in node.nodes() if one.Class() == "Write"]
    assert len(writes) == 3
    assert all(one["disable"].value() and one["raw"].value() for one in writes)


def test_undo_takes_back_what_the_artist_set_and_not_what_was_restored(comp: Comp, session: standin.Session) -> None:
    import nuke

    comp.restore()
    standin.pick(comp.node["strength"], 3.0)
    settle(comp)
    assert "stale" in comp.node["status"].value()
    comp.restore()
    steps = nuke.Undo.undoSize()
    comp.restore("reload")
    assert nuke.Undo.undoSize() == steps, "restoring and looking make no steps"
    nuke.undo()
    assert comp.node["strength"].value() == 1.0
    assert comp.node["frdm_have"].getValueAt(1002) == 1, "the results are still there"
    assert "3 stale" in settle(comp)
    nuke.redo()
    assert comp.node["strength"].value() == 3.0


def test_a_copy_is_independent(comp: Comp, session: standin.Session, place: Path) -> None:
    import nuke

    comp.restore()
    comp.node.selectOnly()
    nuke.nodeCopy("%clipboard%")
    copy: Any = nuke.nodePaste("%clipboard%")
    assert copy["frdm_id"].value() != comp.node["frdm_id"].value()
    assert copy["frdm_leaf"].value() != comp.node["frdm_leaf"].value()
    assert copy["frdm_have"].getValueAt(1002) == 0
    assert copy["status"].value() == "nothing restored yet"
    assert copy["datatype"].value() == "half"
    copy.setInput(0, comp.plate)
    before = {path: path.stat().st_mtime_ns for path in place.rglob("result.*.exr")}
    comp.press("restore_range", copy)
    comp.wait()
    assert copy["status"].value() == "3 of 3 frames restored"
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len([*place.rglob("result.*.exr")]) == 6


def test_a_node_that_was_cut_keeps_its_results_when_it_is_pasted(comp: Comp, session: standin.Session) -> None:
    import nuke

    comp.restore()
    identity = comp.node["frdm_id"].value()
    comp.node.selectOnly()
    nuke.nodeCopy("%clipboard%")
    nuke.delete(comp.node)
    pasted: Any = nuke.nodePaste("%clipboard%")
    assert pasted["frdm_id"].value() == identity
    assert pasted["frdm_have"].getValueAt(1002) == 1


def test_a_renamed_node_keeps_its_results(comp: Comp, session: standin.Session) -> None:
    comp.restore()
    comp.node.setName("reel3_clean")
    rendered = len(session.rendered)
    assert comp.restore() == "3 of 3 frames restored"
    assert len(session.rendered) == rendered


def test_a_change_above_makes_it_stale_and_is_seen_by_itself(comp: Comp, session: standin.Session) -> None:
    grade = comp.nuke.nodes.Multiply(channels="rgb")
    grade.setInput(0, comp.plate)
    comp.node.setInput(0, grade)
    assert comp.restore() == "3 of 3 frames restored"
    standin.pick(grade["value"], 0.5)
    assert settle(comp) == "3 of 3 frames restored; 3 stale: settings or what is above have changed since"
    assert comp.rendered([1001]).keys() == {1001}, "the old result is still shown"
    assert comp.restore() == "3 of 3 frames restored"
    standin.pick(grade["xpos"], 500)
    standin.pick(grade["label"], "darker")
    grade.setName("Darker")
    comp.press("reload")
    assert settle(comp) == "3 of 3 frames restored"


def test_a_file_that_is_replaced_makes_its_frames_stale(comp: Comp, session: standin.Session, place: Path) -> None:
    frames = range(1001, 1031)
    shoot(place / "in", frames)
    comp.plate["file"].fromUserText(f"{place / 'in' / 'plate.%04d.exr'} 1001-1030")
    assert comp.restore() == "30 of 30 frames restored"
    shoot(place / "in", [1001], height=32, width=48, extra=True)
    comp.press("reload")
    # Those whose window, as far as the engine may look, holds the frame.
    assert "9 stale" in settle(comp)
    stale = [frame for frame in frames if comp.node["frdm_stale"].getValueAt(frame) == 1]
    assert stale == [*range(1001, 1010)]
    rendered = len(session.rendered)
    assert comp.restore() == "30 of 30 frames restored"
    assert len(session.rendered) == rendered + 1, "one frame of the plate had to be rendered"
    assert not any(comp.node["frdm_stale"].getValueAt(frame) for frame in frames)


def test_a_longer_shot_makes_the_frames_at_its_old_end_stale_alone(
    comp: Comp, session: standin.Session, place: Path
) -> None:
    frames = range(1001, 1021)
    shoot(place / "in", frames)
    comp.plate["file"].fromUserText(f"{place / 'in' / 'plate.%04d.exr'} 1001-1020")
    assert comp.restore() == "20 of 20 frames restored"
    shoot(place / "in", range(1021, 1025))
    standin.pick(comp.plate["last"], 1024)
    comp.press("reload")
    # Those that may look beyond the old end: 1013 to 1020.
    assert settle(comp) == "20 of 24 frames restored; 8 stale: settings or what is above have changed since"
    assert comp.restore() == "24 of 24 frames restored"


def test_proxy_mode_makes_nothing_stale(comp: Comp, session: standin.Session, place: Path) -> None:
    comp.plate["proxy"].setValue(str(place / "small" / "plate.%04d.exr"))
    comp.restore()
    comp.nuke.root()["proxy"].setValue(True)
    comp.press("reload")
    assert settle(comp) == "3 of 3 frames restored"


def test_a_graph_that_is_changed_while_it_is_looked_at_is_looked_at_again(comp: Comp) -> None:
    grade = comp.nuke.nodes.Multiply(channels="rgb")
    grade.setInput(0, comp.plate)
    comp.node.setInput(0, grade)
    comp.press("restore_range")
    comp.nuke.delete(grade)
    assert comp.wait() == "3 of 3 frames restored"


def test_settings_that_change_no_pixels_make_nothing_stale(comp: Comp) -> None:
    comp.restore()
    standin.pick(comp.node["memory"], 8.0)
    standin.pick(comp.node["show"], "matte")
    standin.pick(comp.node["missing_frames"], "plate")
    comp.press("reload")
    assert settle(comp) == "3 of 3 frames restored"


def test_missing_frames_are_an_error_or_the_plate(comp: Comp, place: Path) -> None:
    comp.node["range"].setValue("custom")
    comp.node["frames"].setValue("1002")
    comp.restore()
    with pytest.raises(RuntimeError, match="not_restored"):
        comp.rendered([1003])
    comp.node["missing_frames"].setValue("plate")
    plate = load(place / "in" / "plate.1003.exr")[0][1]
    assert same(comp.rendered([1003], name="plate")[1003][1]["R"], plate["R"])


@pytest.mark.parametrize("installed", [True, False], ids=["with the plug-in", "where it is missing"])
def test_a_saved_script_shows_its_results(installed: bool, comp: Comp, session: standin.Session, place: Path) -> None:
    import nuke

    comp.restore()
    before = comp.rendered(FEW)
    comp.nuke.delete(comp.nuke.toNode("Write1"))
    nuke.scriptSave(str(place / "comp.nk"))
    standin.uninstall()
    forget_plugin()
    if installed:
        with nuke_running() as again:
            assert again.loading == 0
            shows(place, before)
            import frdm_nuke.requests

            node: Any = sys.modules["nuke"].toNode("FRDM1")
            standin.press(node["restore_range"])
            standin.loop.run_until(frdm_nuke.requests.queue.idle)
            assert node["status"].value() == "3 of 3 frames restored"
            assert again.rendered == [], "the same script has the same cache"
        return
    bare = standin.install()
    sys.path[:] = [one for one in sys.path if "host_nuke" not in one]
    sys.modules["frdm_nuke"] = None  # type: ignore[assignment]  # importing it fails
    try:
        shows(place, before)
        node = sys.modules["nuke"].toNode("FRDM1")
        standin.press(node["restore_range"])
        assert bare.messages == [
            "FRDM's plug-in is not installed in this Nuke, so the node can show what it has restored and no more; "
            "install it with `frdm install nuke` and start Nuke again."
        ]
        for spec in ("restore_frame", "cancel", "reload", "clear_cache", "open_report", "check_engine"):
            standin.press(node[spec])
        assert len(bare.messages) == 7
    finally:
        del sys.modules["frdm_nuke"]


def shows(place: Path, before: dict[int, Any]) -> None:
    """The script opens, and the node shows what it showed when it was saved; frames that lack are errors."""
    import nuke

    nuke.scriptOpen(str(place / "comp.nk"))
    node: Any = nuke.toNode("FRDM1")
    for frame, (_, planes) in before.items():
        image = standin.image(node, frame)
        height = planes["R"].shape[0]
        for name, channel in (("R", "rgba.red"), ("frdm.opacity", "frdm.opacity")):
            got = image.channels[channel][::-1] if image.channels[channel].shape[0] == height else None
            assert got is not None
            assert (got.astype("f4") == planes[name].astype("f4")).all() or (
                image.channels[channel].astype("f4") == planes[name].astype("f4")
            ).all()
    with pytest.raises(standin.OpError):
        standin.image(node, 1004)
