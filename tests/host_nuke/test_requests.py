"""Restoring in the interface: it never freezes, it can be cancelled, it queues, and it survives the engine."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.host_nuke import standin
from tests.host_nuke.comps import Comp, expected, shoot
from tests.host_nuke.test_restoring import check
from tests.server.served import Served

FRAMES = range(1001, 1013)
MOST_HELD_S = 0.05


def made(served: Served, place: Path, frames: range = FRAMES, **options: Any) -> Comp:
    source = shoot(place / "in", frames, **options)
    comp = Comp(place, source, first=frames[0], last=frames[-1], connection=served.connection)
    comp.node["datatype"].setValue("half")
    return comp


def shown(comp: Comp, node: Any = None) -> list[int]:
    """The frames the node shows as restored."""
    knob = (node or comp.node)["frdm_have"]
    return [frame for frame in range(990, 1100) if knob.getValueAt(frame) == 1]


def test_the_interface_is_never_held(session: standin.Session, served: Served, place: Path) -> None:
    import frdm_nuke.look

    comp = made(served, place, height=96, width=96)
    for _ in range(40):  # a comp of some size above
        grade = comp.nuke.nodes.Grade(channels="rgb")
        grade.setInput(0, comp.node.input(0))
        comp.node.setInput(0, grade)
    standin.loop.run_until(lambda: not frdm_nuke.look._looking)
    standin.loop.clear()
    assert comp.restore() == "12 of 12 frames restored"
    print(
        f"main thread held {1000 * standin.loop.longest_hold:.1f} ms at most in {len(standin.loop.holds)} events; "
        f"one frame rendered in {1000 * standin.loop.longest_execute:.1f} ms"
    )
    assert standin.loop.longest_hold < MOST_HELD_S


def test_frames_appear_as_they_are_ready(session: standin.Session, served: Served, place: Path) -> None:
    comp = made(served, place, range(1001, 1025))
    comp.press("restore_range")
    seen: list[int] = []

    def all_there() -> bool:
        if (count := len(shown(comp))) not in seen:
            seen.append(count)
        return count == 24

    standin.loop.run_until(all_there, seconds=60)
    assert len(seen) > 5, "they came one after the other"
    comp.wait()


def test_the_progress_bar_tells_and_cancels_within_a_second(
    session: standin.Session, served: Served, place: Path
) -> None:
    comp = made(served, place, range(1001, 1061))
    comp.press("restore_range")
    standin.loop.run_until(lambda: len(shown(comp)) >= 2, seconds=60)
    (task,) = session.tasks
    assert 0 < task.progress < 100
    assert any("rendering plate 1001" in text for text in task.messages)
    began = time.monotonic()
    task.press_cancel()
    said = comp.wait()
    took = time.monotonic() - began
    print(f"cancelled after {took:.2f} s")
    assert took < 1.0
    assert said == "cancelled: Restoring FRDM1 was cancelled; frames that are done stay."
    done = shown(comp)
    assert 2 <= len(done) < 60
    assert session.messages == [], "it is no error"
    comp.node["range"].setValue("custom")
    comp.node["frames"].setValue(f"{done[0]}-{done[1]}")
    assert comp.restore() == "2 of 2 frames restored"


def test_the_button_cancels_too_and_waiting_nodes_go_on(session: standin.Session, served: Served, place: Path) -> None:
    comp = made(served, place, range(1001, 1041))
    second = comp.add(served.connection)
    second["range"].setValue("custom")
    second["frames"].setValue("1001-1002")
    comp.press("restore_range")
    comp.press("restore_range", second)
    assert second["status"].value() == "waiting for 1 other"
    standin.loop.run_until(lambda: shown(comp), seconds=60)
    comp.press("cancel")
    comp.wait()
    assert comp.node["status"].value().startswith("cancelled")
    assert second["status"].value() == "2 of 2 frames restored"
    assert shown(comp, second) == [1001, 1002]


def test_several_nodes_queue_up_in_the_order_they_were_asked(
    session: standin.Session, served: Served, place: Path
) -> None:
    comp = made(served, place, range(1001, 1004))
    nodes = [comp.node, comp.add(served.connection), comp.add(served.connection)]
    for node in nodes:
        comp.press("restore_range", node)
    comp.wait()
    assert [node["status"].value() for node in nodes] == ["3 of 3 frames restored"] * 3
    order = list(dict.fromkeys(name.split(".")[0] for name, _, _ in session.rendered))
    assert order == ["FRDM1", "FRDM2", "FRDM3"]


def test_a_message_that_is_left_open_holds_up_nobody(
    session: standin.Session, served: Served, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    comp = made(served, place, range(1001, 1004))
    comp.node["connection"].setValue(str(place / "none.json"))
    second = comp.add(served.connection)

    def left_open(prompt: str) -> None:
        session.messages.append(prompt)
        standin.loop.run_until(lambda: "restored" in second["status"].value(), seconds=30)

    monkeypatch.setattr(comp.nuke, "message", left_open)
    comp.press("restore_range")
    comp.press("restore_range", second)
    comp.wait()
    assert len(session.messages) == 1
    assert second["status"].value() == "3 of 3 frames restored"


def test_a_knob_that_is_changed_meanwhile_makes_the_results_stale(
    session: standin.Session, served: Served, place: Path
) -> None:
    import frdm_nuke.look

    comp = made(served, place)
    comp.press("restore_range")
    standin.loop.run_until(lambda: shown(comp), seconds=60)
    standin.pick(comp.node["strength"], 2.0)
    comp.wait()
    standin.loop.run_until(lambda: not frdm_nuke.look._looking)
    assert comp.node["status"].value() == (
        "12 of 12 frames restored; 12 stale: settings or what is above have changed since"
    )


def test_a_node_is_not_queued_twice(session: standin.Session, served: Served, place: Path) -> None:
    comp = made(served, place, range(1001, 1004))
    comp.press("restore_range")
    comp.press("restore_range")
    assert session.messages == ["FRDM1 is being restored already; wait for it, or press Cancel first."]
    comp.wait()


def test_a_deleted_node_ends_its_restoration(session: standin.Session, served: Served, place: Path) -> None:
    import frdm_nuke.requests

    comp = made(served, place, range(1001, 1041))
    comp.press("restore_range")
    standin.loop.run_until(lambda: shown(comp), seconds=60)
    comp.nuke.delete(comp.node)
    standin.loop.run_until(frdm_nuke.requests.queue.idle, seconds=5)
    assert session.messages == []


def test_a_closed_script_ends_all(session: standin.Session, served: Served, place: Path) -> None:
    import frdm_nuke.requests

    comp = made(served, place, range(1001, 1041))
    comp.press("restore_range")
    standin.loop.run_until(lambda: shown(comp), seconds=60)
    comp.nuke.scriptClear()
    standin.loop.run_until(frdm_nuke.requests.queue.idle, seconds=5)
    assert session.messages == []


def test_another_render_of_the_artist_is_waited_for(session: standin.Session, served: Served, place: Path) -> None:
    comp = made(served, place, range(1001, 1004))
    session.executing = 1
    comp.press("restore_range")
    standin.loop.run_until(lambda: session.tasks and any("waiting for Nuke" in t for t in session.tasks[-1].messages))
    session.executing = 0
    assert comp.wait() == "3 of 3 frames restored"


@pytest.fixture
def mortal(tmp_path: Path, model: Path) -> Iterator[Served]:
    """An engine of this test's own, which may be killed."""
    engine = Served(tmp_path, model)
    with engine:
        yield engine


def test_a_killed_engine_is_told_and_another_finishes_the_rest(
    session: standin.Session, mortal: Served, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import frdm_nuke.engine

    monkeypatch.setattr(frdm_nuke.engine, "PATIENCE", 3.0)
    place = mortal.folder / "a shot"
    frames = range(1001, 1041)
    comp = made(mortal, place, frames)
    comp.press("restore_range")
    standin.loop.run_until(lambda: len(shown(comp)) >= 3, seconds=60)
    worker = mortal.worker.pid
    os.kill(mortal.process.pid, signal.SIGKILL)
    os.kill(worker, signal.SIGKILL)
    said = comp.wait(seconds=60)
    assert said == (
        "error: The engine has not answered for 3 s and was given up; see `frdm status`, start it again with "
        "`frdm serve`, and press Restore range: what is done stays."
    )
    assert session.messages == [said.replace("error: ", "")]
    done = shown(comp)
    assert 3 <= len(done) < 40
    before = {path: path.stat().st_mtime_ns for path in place.rglob("result.*.exr") if int(path.stem[-4:]) in done}
    with Served(mortal.folder, model):
        assert comp.restore() == "40 of 40 frames restored"
    assert {path: path.stat().st_mtime_ns for path in before} == before
    check(comp.rendered(frames), expected(model, str(place / "in" / "plate.%04d.exr"), place / "right", frames))


def test_an_engine_that_comes_back_soon_goes_on(session: standin.Session, mortal: Served, model: Path) -> None:
    place = mortal.folder / "a shot"
    comp = made(mortal, place, range(1001, 1025))
    comp.press("restore_range")
    standin.loop.run_until(lambda: len(shown(comp)) >= 2, seconds=60)
    mortal.stop()
    with Served(mortal.folder, model):
        assert comp.wait(seconds=90) == "24 of 24 frames restored"
