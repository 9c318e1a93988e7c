"""nuke.execute in the stand-in: callbacks in order, views, proxies, cancel, errors, and renders within renders."""

from __future__ import annotations

from pathlib import Path
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

    nuke.addFormat("16 12 0 0 16 12 1 tiny")
    nuke.root()["format"].setValue("tiny")
    return nuke


@pytest.fixture
def write(nuke: Any, tmp_path: Path) -> Any:
    board = nuke.nodes.CheckerBoard2()
    return nuke.nodes.Write(inputs=[board], name="W", file=str(tmp_path / "o" / "f.%04d.exr"), create_directories=True)


def names(folder: Path) -> List[str]:
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*.exr"))


def test_frames(nuke: Any, write: Any, tmp_path: Path) -> None:
    nuke.execute("W", 3, 7, 2)
    nuke.execute(write, nuke.FrameRange("9-10"))
    assert names(tmp_path) == [f"o/f.{frame:04d}.exr" for frame in (3, 5, 7, 9, 10)]


def test_callbacks_come_in_order(nuke: Any, write: Any) -> None:
    seen: List[Any] = []

    def note(what: str) -> None:
        seen.append((what, nuke.thisNode().name(), nuke.frame()))

    for event in ("BeforeRender", "BeforeFrameRender", "AfterFrameRender", "AfterRender"):
        getattr(nuke, f"add{event}")(note, event)
    nuke.frame(50)
    nuke.execute(write, 1, 2)
    assert seen == [
        ("BeforeRender", "W", 1),
        ("BeforeFrameRender", "W", 1),
        ("AfterFrameRender", "W", 1),
        ("BeforeFrameRender", "W", 2),
        ("AfterFrameRender", "W", 2),
        ("AfterRender", "W", 2),
    ]
    assert nuke.frame() == 50


def test_a_callback_that_raises_ends_the_render(nuke: Any, write: Any, tmp_path: Path) -> None:
    def fail() -> None:
        raise RuntimeError("not restored yet")

    nuke.addBeforeFrameRender(fail)
    with pytest.raises(RuntimeError, match="not restored yet"):
        nuke.execute(write, 1, 1)
    assert names(tmp_path) == []


def test_within_a_render_nothing_is_rendered(nuke: Any, session: standin.Session, write: Any, tmp_path: Path) -> None:
    other = nuke.nodes.Write(inputs=[write.input(0)], file=str(tmp_path / "other.exr"))
    nuke.addBeforeRender(lambda: nuke.thisNode() is write and nuke.execute(other, 1, 1))
    with pytest.raises(RuntimeError, match="I'm already executing something else"):
        nuke.execute(write, 1, 1)
    session.options.nested_execute = True
    nuke.execute(write, 1, 1)
    assert names(tmp_path) == ["o/f.0001.exr", "other.exr"]


def test_within_knob_changed_nothing_is_rendered(nuke: Any, session: standin.Session, write: Any) -> None:
    nuke.addKnobChanged(lambda: nuke.execute(write, 1, 1), nodeClass="CheckerBoard2")
    write.input(0)["boxsize"].setValue(4)
    assert "already executing" in session.console[-1]
    assert session.rendered == []


def test_a_cancel_says_so(nuke: Any, session: standin.Session, write: Any, tmp_path: Path) -> None:
    session.cancel_at = 3
    with pytest.raises(RuntimeError, match=r"(?i)cancel"):
        nuke.execute(write, 1, 9)
    assert [frame for _, frame, _ in session.rendered] == [1, 2]
    nuke.execute(write, 3, 3)  # the next render is not cancelled


def test_errors_name_the_node(nuke: Any, write: Any, tmp_path: Path) -> None:
    read = nuke.nodes.Read(file=str(tmp_path / "gone.%04d.exr"), first=1, last=9, name="Plate")
    write.setInput(0, read)
    with pytest.raises(RuntimeError, match=r"Plate: .*No such file or directory.*gone\.0002\.exr"):
        nuke.execute(write, 2, 2)


def test_errors_can_be_gone_past(nuke: Any, session: standin.Session, write: Any, tmp_path: Path) -> None:
    nuke.execute(write, 1, 1)
    nuke.execute(write, 3, 3)
    read = nuke.nodes.Read(file=str(tmp_path / "o" / "f.%04d.exr"), first=1, last=3)
    second = nuke.nodes.Write(inputs=[read], file=str(tmp_path / "g.%04d.exr"), name="G")
    with pytest.raises(RuntimeError, match="No such file"):
        nuke.execute(second, 1, 3, continueOnError=True)
    assert [frame for name, frame, _ in session.rendered if name == "G"] == [1, 3]


@pytest.mark.parametrize(
    ("knob", "value", "said"),
    [
        ("file", "", "no output filename"),
        ("disable", True, "is disabled"),
        ("create_directories", False, "No such file or directory"),
        ("file", "/tmp/a.tif", "unknown file type"),
    ],
)
def test_what_cannot_be_rendered(nuke: Any, write: Any, knob: str, value: Any, said: str) -> None:
    write[knob].setValue(value)
    with pytest.raises(RuntimeError, match=said):
        nuke.execute(write, 1, 1)


def test_views_and_their_names(nuke: Any, session: standin.Session, write: Any, tmp_path: Path) -> None:
    nuke.root()["views"].setValue("left\nright")
    assert nuke.views() == ["left", "right"]
    other = nuke.nodes.Constant()
    joined = nuke.nodes.JoinViews(inputs=[write.input(0), other])
    write.setInput(0, joined)
    write["file"].setValue(str(tmp_path / "%V" / "f.%v.exr"))
    nuke.execute(write, 1, 1, 1, ["left", "right"])
    assert names(tmp_path) == ["left/f.l.exr", "right/f.r.exr"]
    read = nuke.nodes.Read(file=str(tmp_path / "%V" / "f.%v.exr"))
    assert standin.image(read, 1, view="right").channels["rgba.red"].max() == 0
    assert standin.image(read, 1, view="left").channels["rgba.red"].max() > 0
    with pytest.raises(RuntimeError, match='No view is named "middle"'):
        nuke.execute(write, 1, 1, 1, ["middle"])


def test_renders_go_by_the_project_s_proxy_mode(nuke: Any, write: Any, tmp_path: Path) -> None:
    nuke.root()["proxy"].setValue(True)
    nuke.execute(write, 1, 1)
    read = nuke.nodes.Read(file=str(tmp_path / "o" / "f.0001.exr"))
    nuke.root()["proxy"].setValue(False)
    assert standin.image(read, 1).format.width() == 8  # over the full one's name, as nobody named a proxy
    write["proxy"].setValue(str(tmp_path / "small.%04d.exr"))
    nuke.root()["proxy"].setValue(True)
    assert nuke.filename(write) == str(tmp_path / "small.%04d.exr")
    nuke.execute(write, 2, 2)
    assert names(tmp_path) == ["o/f.0001.exr", "small.0002.exr"]


def test_a_group_is_rendered_by_its_writes_in_their_order(nuke: Any, session: standin.Session, tmp_path: Path) -> None:
    group = nuke.nodes.Group(name="G")
    with group:
        board = nuke.nodes.CheckerBoard2()
        for name, order in (("late", 2), ("soon", 1), ("off", 0)):
            one = nuke.nodes.Write(inputs=[board], name=name, file=str(tmp_path / f"{name}.exr"))
            one["render_order"].setValue(order)
        nuke.toNode("off")["disable"].setValue(True)
    nuke.execute(group, 1, 1)
    assert [name for name, _, _ in session.rendered] == ["G.soon", "G.late"]
