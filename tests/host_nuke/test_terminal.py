"""Nuke in the terminal and on a farm: what lacks is restored first, and what cannot be makes the render fail."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.host_nuke import standin
from tests.host_nuke.comps import Comp, expected, shoot
from tests.host_nuke.conftest import ROOT, forget_plugin, nuke_running
from tests.host_nuke.test_restoring import check
from tests.restore.on_disk import load
from tests.server.served import Served

FRAMES = range(1001, 1013)


def made(served: Served, place: Path, frames: range = FRAMES) -> Comp:
    comp = Comp(place, shoot(place / "in", frames), first=frames[0], last=frames[-1], connection=served.connection)
    comp.node["datatype"].setValue("half")
    return comp


@pytest.fixture
def comp(terminal: standin.Session, served: Served, place: Path) -> Comp:
    return made(served, place)


def saved(comp: Comp) -> Path:
    """The script with a Write below the node, saved."""
    comp.write()
    comp.nuke.root()["first_frame"].setValue(FRAMES[0])
    comp.nuke.root()["last_frame"].setValue(FRAMES[-1])
    script = comp.place / "comp.nk"
    comp.nuke.scriptSave(str(script))
    return script


def test_restore_all_blocks_tells_and_gives_the_right_frames(
    comp: Comp, place: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import frdm_nuke.batch

    assert frdm_nuke.batch.restore_all() == 12
    said = capsys.readouterr().out.splitlines()
    assert all(line.startswith("FRDM FRDM1: ") for line in said)
    assert any("rendering plate 1001" in line for line in said)
    assert "100 %" in said[-1]
    source = str(place / "in" / "plate.%04d.exr")
    check(comp.rendered(FRAMES), expected(model, source, place / "right", FRAMES))
    assert frdm_nuke.batch.restore_all([comp.node], "1001-1003") == 0


def test_a_failure_is_one_sentence_and_an_error(comp: Comp, place: Path) -> None:
    import frdm_nuke.batch

    comp.node["connection"].setValue(str(place / "engine.json"))
    with pytest.raises(RuntimeError, match="no engine runs here"):
        frdm_nuke.batch.restore_all()
    with pytest.raises(RuntimeError, match="no engine runs here"):
        standin.press(comp.node["restore_range"])


def test_nodes_above_come_first(comp: Comp, terminal: standin.Session, served: Served) -> None:
    import frdm_nuke.batch
    import frdm_nuke.chain

    second = comp.add(served.connection, above=comp.node)
    assert frdm_nuke.chain.in_order([second, comp.node]) == [comp.node, second]
    # Three of the second, and of the first what their windows hold, as far as an engine may look.
    assert frdm_nuke.batch.restore_all([second], "1001-1003") == 3 + 11


def test_rendering_a_write_restores_what_it_needs_where_nuke_renders_within_renders(
    comp: Comp, terminal: standin.Session, place: Path, model: Path
) -> None:
    terminal.options.nested_execute = True
    source = str(place / "in" / "plate.%04d.exr")
    check(comp.rendered(range(1004, 1007)), expected(model, source, place / "right", range(1004, 1007)))
    assert {path.name for path in place.rglob("result.*.exr") if "right" not in str(path)} == {
        f"result.{n:07d}.exr" for n in range(1004, 1007)
    }


def test_where_it_refuses_the_render_fails_with_the_remedy(comp: Comp, terminal: standin.Session) -> None:
    with pytest.raises(RuntimeError) as caught:
        comp.rendered([1004])
    assert str(caught.value) == (
        "Nuke does not render the plate of FRDM1 for frame 1001 while it renders something else; restore first, with "
        "Restore range, frdm_nuke.batch.restore_all(), or `nuke -t frdm_nuke/batch.py SCRIPT`."
    )


def test_what_is_restored_needs_no_engine(comp: Comp, terminal: standin.Session, place: Path) -> None:
    import frdm_nuke.batch

    frdm_nuke.batch.restore_all()
    comp.node["connection"].setValue(str(place / "engine.json"))
    assert comp.rendered(FRAMES).keys() == {*FRAMES}


def test_a_node_that_shows_the_plate_is_left_alone(comp: Comp, terminal: standin.Session) -> None:
    comp.node["show"].setValue("plate")
    assert comp.rendered([1004]).keys() == {1004}


@pytest.mark.parametrize(
    "arguments", [("-x", "-F", "1003-1004"), ("-xi", "1003,1004"), ("-X", "Write1", "-F", "1003-1004")]
)
def test_a_script_that_is_executed_has_its_frames_restored_first(
    arguments: tuple[str, ...], served: Served, place: Path, model: Path
) -> None:
    with nuke_running(gui=False):
        script = saved(made(served, place))
    trailing = arguments[-1:] if arguments[0] == "-xi" else ()
    flags = arguments[: len(arguments) - len(trailing)]
    with nuke_running(gui=False, raw_args=["nuke", *flags, str(script), *trailing]) as session:
        import nuke

        nuke.scriptOpen(str(script))
        assert {frame for name, frame, _ in session.rendered if name == "FRDM1.plate_write"} == {*FRAMES}
        write: Any = nuke.toNode("Write1")
        nuke.execute(write, 1003, 1004)
        assert {path.name for path in place.rglob("result.*.exr")} == {"result.0001003.exr", "result.0001004.exr"}


def test_time_that_runs_otherwise_in_between_restores_the_whole_range(served: Served, place: Path) -> None:
    with nuke_running(gui=False):
        comp = made(served, place)
        script = saved(comp)
        shift = comp.nuke.nodes.TimeOffset()
        shift["time_offset"].setValue(5)
        shift.setInput(0, comp.node)
        comp.nuke.toNode("Write1").setInput(0, shift)
        comp.nuke.scriptSave(str(script))
    with nuke_running(gui=False, raw_args=["nuke", "-x", "-F", "1008", str(script)]):
        import nuke

        nuke.scriptOpen(str(script))
        assert len([*place.rglob("result.*.exr")]) == 12


def test_a_script_that_is_only_opened_restores_nothing(served: Served, place: Path) -> None:
    with nuke_running(gui=False):
        script = saved(made(served, place))
    with nuke_running(gui=False, raw_args=["nuke", "-t", str(script)]) as session:
        import nuke

        nuke.scriptOpen(str(script))
        assert session.rendered == []


@pytest.mark.parametrize(
    ("raw", "asked"),
    [
        (["nuke", "-x", "a.nk"], ([], ())),
        (["nuke", "-x", "-F", "1-3", "-F", "7", "a.nk"], ([], (1, 2, 3, 7))),
        (["nuke", "-x", "a.nk", "1,5,2"], ([], (1, 3, 5))),
        (["nuke", "-x", "-m", "4", "a.nk", "-3--1"], ([], (-3, -2, -1))),
        (["nuke", "-X", "Write1,Write2", "a.nk"], (["Write1", "Write2"], ())),
        (["nuke", "-t", "a.py", "1-3"], None),
        (["nuke", "a.nk"], None),
    ],
)
def test_command_lines(raw: list[str], asked: Any, terminal: standin.Session) -> None:
    import frdm_nuke.terminal

    assert frdm_nuke.terminal.executed(raw) == asked


HOST = str(ROOT / "host_nuke")


@contextlib.contextmanager
def started(*raw: str) -> Iterator[standin.Session]:
    """Nuke with a command line, not yet run."""
    forget_plugin()
    session = standin.install(gui=False, raw_args=["nuke", *raw])
    try:
        yield session
    finally:
        standin.uninstall()
        forget_plugin()


def test_nuke_x_restores_and_renders(served: Served, place: Path, model: Path) -> None:
    with nuke_running(gui=False):
        script = saved(made(served, place))
    with started("-x", "-F", "1003-1004", str(script)):
        assert standin.terminal.run(HOST) == 0
    source = str(place / "in" / "plate.%04d.exr")
    found = {frame: load(place / "out" / f"main.{frame:07d}.exr")[0] for frame in (1003, 1004)}
    check(found, expected(model, source, place / "right", (1003, 1004)))
    assert len([*(place / "out").iterdir()]) == 2


def test_nuke_x_fails_where_a_frame_cannot_be_restored(
    served: Served, place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with nuke_running(gui=False):
        comp = made(served, place)
        comp.node["connection"].setValue(str(place / "engine.json"))
        script = saved(comp)
    with started("-x", "-F", "1003-1004", str(script)):
        assert standin.terminal.run(HOST) != 0
    assert not [*place.glob("out/*.exr")], "nothing passes for a result"
    assert "no engine runs here" in "".join(capfd.readouterr())


def test_nuke_t_runs_the_batch_file_with_a_range_that_nuke_strips(served: Served, place: Path) -> None:
    with nuke_running(gui=False):
        script = saved(made(served, place))
    with started("-t", f"{HOST}/frdm_nuke/batch.py", str(script), "--frames", "1001-1002"):
        assert standin.terminal.run(HOST) == 0
    assert {path.name for path in place.rglob("result.*.exr")} == {"result.0001001.exr", "result.0001002.exr"}


class TestBatch:
    """`nuke -t batch.py`, by its main()."""

    def test_done(self, served: Served, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with nuke_running(gui=False):
            script = saved(made(served, place))
        with nuke_running(gui=False):
            import frdm_nuke.batch

            assert frdm_nuke.batch.main([str(script), "--node", "FRDM1", "--frames", "1001-1002"]) == 0
            assert capsys.readouterr().out.splitlines()[-1] == "FRDM: 2 frames restored"

    def test_codes(self, served: Served, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with nuke_running(gui=False):
            comp = made(served, place)
            comp.node["connection"].setValue(str(place / "engine.json"))
            script = saved(comp)
        with nuke_running(gui=False):
            import frdm_nuke.batch

            assert frdm_nuke.batch.main([str(script)]) == 5
            assert capsys.readouterr().err.startswith("frdm: There is no connection file")
            assert frdm_nuke.batch.main([str(script), "--node", "FRDM7"]) == 2
            assert capsys.readouterr().err == "frdm: The script has no FRDM node 'FRDM7'; it has FRDM1.\n"
            assert frdm_nuke.batch.main([str(script), "--frames", "many"]) == 2
            assert frdm_nuke.batch.main([str(place / "none.nk")]) == 2
            assert "none.nk cannot be opened (" in capsys.readouterr().err

    def test_a_range_that_nuke_strips_is_still_known(self, terminal: standin.Session) -> None:
        import frdm_nuke.batch

        raw = ["nuke", "-t", "/x/frdm_nuke/batch.py", "a.nk", "--frames", "1-10"]
        assert frdm_nuke.batch.arguments(raw, frdm_nuke.batch.__file__) == ["a.nk", "--frames", "1-10"]
