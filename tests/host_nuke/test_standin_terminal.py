"""The stand-in's command line: what it understands, renders, and exits with."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator, List

import pytest

from tests.host_nuke import standin
from tests.host_nuke.standin.terminal import understood


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Path]:
    """A script of ten frames with two Writes, one of them off."""
    standin.install(gui=False)
    import nuke

    nuke.addFormat("16 12 0 0 16 12 1 tiny")
    nuke.root()["format"].setValue("tiny")
    nuke.root()["last_frame"].setValue(3)
    board: Any = nuke.nodes.CheckerBoard2()
    for name in ("on", "off"):
        write: Any = nuke.nodes.Write(inputs=[board], name=name, file=str(tmp_path / f"{name}.%d.exr"))
        write["disable"].setValue(name == "off")
    nuke.scriptSave(str(tmp_path / "s.nk"))
    yield tmp_path / "s.nk"
    standin.uninstall()


def rendered(*words: str) -> List[str]:
    session = standin.install(gui=False, raw_args=["nuke", *words])
    assert standin.terminal.run() == 0
    return [f"{name} {frame}" for name, frame, _ in session.rendered]


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (["-x"], ["on 1", "on 2", "on 3"]),
        (["-xi"], ["on 1", "on 2", "on 3"]),
        (["-F", "2-4x2", "-x"], ["on 2", "on 4"]),
        (["-X", "on", "-F", "7", "-m", "2"], ["on 7"]),
        (["-t"], []),
    ],
)
def test_what_is_rendered(script: Path, words: List[str], out: List[str]) -> None:
    assert rendered(*words, str(script)) == out


def test_a_range_at_the_end(script: Path) -> None:
    assert rendered("-x", str(script), "2,5") == ["on 2", "on 5"]


def test_scripts_do_not_see_a_range_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import sys, nuke\nnuke.tprint(*sys.argv[1:], nuke.GUI)\nsys.exit(5)\n")
    session = standin.install(
        gui=False, raw_args=["nuke", "-t", str(tmp_path / "a.py"), "--node", "N", "--frames", "1-3"]
    )
    assert standin.terminal.run() == 5
    assert session.printed == ["--node N --frames False"]
    assert understood(session.raw_args).frames == [1, 2, 3]
    standin.uninstall()


def test_failures_are_told_by_the_exit_code(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    standin.install(gui=False, raw_args=["nuke", "-X", "none", str(script)])
    assert standin.terminal.run() == 1
    assert "none: no such node" in capsys.readouterr().err
    standin.install(gui=False, raw_args=["nuke", "-X", "off", str(script)])
    assert standin.terminal.run() == 1
    assert "is disabled" in capsys.readouterr().err
