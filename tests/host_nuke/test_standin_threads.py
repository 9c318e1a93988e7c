"""The main thread of the stand-in: who may change what, and the calls that other threads ask for."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable, Iterator, List

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


def elsewhere(call: Callable[[], Any]) -> List[Any]:
    """Runs it in another thread while the loop runs; what it gave or raised."""
    out: List[Any] = []

    def work() -> None:
        try:
            out.append(call())
        except BaseException as error:  # noqa: BLE001 - handed on
            out.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    ends = time.monotonic() + 10
    while thread.is_alive() and time.monotonic() < ends:
        standin.loop.turn()
    thread.join(1)
    return out


@pytest.mark.parametrize(
    "do",
    [
        lambda nuke, node: nuke.nodes.Dot(),
        lambda nuke, node: nuke.createNode("Dot"),
        lambda nuke, node: nuke.delete(node),
        lambda nuke, node: node["label"].setValue("x"),
        lambda nuke, node: node["xpos"].setValue(1),
        lambda nuke, node: node["xpos"].fromScript("1"),
        lambda nuke, node: node.addKnob(nuke.Int_Knob("a")),
        lambda nuke, node: node.setInput(0, None),
        lambda nuke, node: node.hasError(),
        lambda nuke, node: nuke.execute(node, 1, 1),
        lambda nuke, node: nuke.message("x"),
        lambda nuke, node: nuke.scriptSave("/nowhere/x.nk"),
    ],
)
def test_other_threads_change_nothing(nuke: Any, session: standin.Session, do: Callable[[Any, Any], Any]) -> None:
    node = nuke.nodes.Dot()
    (crash,) = elsewhere(lambda: do(nuke, node))
    assert isinstance(crash, standin.NukeCrash)
    assert not isinstance(crash, Exception), "no `except Exception` may swallow it"
    assert len(session.violations) == 1
    with pytest.raises(standin.NukeCrash):
        standin.loop.run_until(lambda: False, seconds=1)


def test_the_main_thread_does_it_for_them(nuke: Any) -> None:
    node = nuke.nodes.Dot()
    assert elsewhere(
        lambda: nuke.executeInMainThreadWithResult(lambda text: node["label"].setValue(text) or 5, "x")
    ) == [5]
    assert node["label"].value() == "x"


def test_what_it_raises_is_printed_and_none_comes_back(nuke: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise ValueError("lost on the way")

    assert elsewhere(lambda: nuke.executeInMainThreadWithResult(fail)) == [None]
    assert "lost on the way" in capsys.readouterr().err


def test_arguments_that_are_no_tuple_are_one(nuke: Any) -> None:
    seen: List[Any] = []
    nuke.executeInMainThread(seen.append, [1, 2])
    nuke.executeInMainThread(lambda *args, **more: seen.append((args, more)), (1, 2), {"c": 3})
    assert seen == [], "it does not happen before the loop turns"
    standin.loop.drain()
    assert seen == [[1, 2], ((1, 2), {"c": 3})]


def test_waiting_for_oneself_is_a_hang(nuke: Any, session: standin.Session) -> None:
    with pytest.raises(standin.NukeCrash, match="waits for itself"):
        nuke.executeInMainThreadWithResult(print)
    assert session.violations


def test_no_loop_runs_in_the_terminal() -> None:
    session = standin.install(gui=False)
    import nuke

    (crash,) = elsewhere(lambda: nuke.executeInMainThreadWithResult(print))
    assert isinstance(crash, standin.NukeCrash)
    assert "terminal" in session.violations[0]
    standin.uninstall()


def test_holds_are_measured(nuke: Any) -> None:
    nuke.executeInMainThread(time.sleep, 0.05)
    standin.loop.drain()
    assert 0.05 <= standin.loop.longest_hold < 1


def test_renders_are_measured_apart(nuke: Any, tmp_path: Any) -> None:
    write = nuke.nodes.Write(inputs=[nuke.nodes.CheckerBoard2()], file=str(tmp_path / "a.exr"))
    nuke.addBeforeRender(time.sleep, 0.2)
    nuke.executeInMainThread(nuke.execute, (write, 1, 1))
    standin.loop.drain()
    assert standin.loop.longest_execute >= 0.2
    assert standin.loop.longest_hold < 0.2


def test_the_loop_gives_up(nuke: Any) -> None:
    with pytest.raises(TimeoutError):
        standin.loop.run_until(lambda: False, seconds=0.05)


def test_progress_from_any_thread(nuke: Any, session: standin.Session) -> None:
    def work() -> bool:
        task = nuke.ProgressTask("restoring")
        task.setMessage("frame 1")
        task.setProgress(50)
        session.tasks[0].press_cancel()
        return bool(task.isCancelled())

    assert elsewhere(work) == [True]
    assert (session.tasks[0].messages, session.tasks[0].progress) == (["frame 1"], 50)
    with pytest.raises(TypeError):
        session.tasks[0].setProgress(0.5)


def test_a_session_settles_when_its_threads_have_ended(nuke: Any) -> None:
    node = nuke.nodes.Dot()
    thread = threading.Thread(target=nuke.executeInMainThreadWithResult, args=(node["label"].setValue, "done"))
    thread.start()
    standin.settle()
    assert not thread.is_alive()
    assert node["label"].value() == "done"
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    with pytest.raises(TimeoutError):
        standin.settle(seconds=0.05)
    stop.set()
    thread.join()
