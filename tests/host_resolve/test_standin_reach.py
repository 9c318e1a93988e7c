"""How scripts reach the stand-in, what gates and modals do, and projects without a name."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any, Iterator

import pytest

from tests.host_resolve import standin


@pytest.fixture(autouse=True)
def _over() -> Iterator[None]:
    yield
    standin.uninstall()


def _reach() -> Any:
    sys.path.append(str(Path(os.environ["RESOLVE_SCRIPT_API"]) / "Modules"))
    return importlib.import_module("DaVinciResolveScript").scriptapp("Resolve")


def test_a_script_outside_reaches_it(tmp_path: Path) -> None:
    standin.install(tmp_path)
    resolve = _reach()
    assert resolve.GetProductName() == standin.STUDIO
    assert resolve.GetVersion()[:3] == [21, 0, 2]


@pytest.mark.parametrize(
    "how",
    [{"running": False}, {"external": False}, {"product": standin.FREE}],
    ids=["not running", "external scripting off", "the free version"],
)
def test_a_script_outside_gets_none(how: Any, tmp_path: Path) -> None:
    standin.install(tmp_path, **how)
    assert _reach() is None


def test_the_module_is_on_no_path_of_itself(tmp_path: Path) -> None:
    standin.install(tmp_path, variables=False)
    assert "RESOLVE_SCRIPT_API" not in os.environ
    with pytest.raises(ImportError):
        importlib.import_module("DaVinciResolveScript")


def test_the_module_needs_its_library(tmp_path: Path) -> None:
    session = standin.install(tmp_path)
    os.environ["RESOLVE_SCRIPT_LIB"] = ""
    (session.place / "libs" / "Fusion" / "fusionscript.so").unlink()
    with pytest.raises(ImportError, match="dependencies"):
        _reach()


@pytest.mark.parametrize(
    ("product", "version", "reached"),
    [
        (standin.FREE, (20, 0, 0), True),
        (standin.FREE, (21, 1, 0), False),
        (standin.STUDIO, (21, 1, 0), True),
    ],
)
def test_a_script_inside(product: str, version: Any, reached: bool, tmp_path: Path) -> None:
    standin.install(tmp_path, product=product, version=version, external=False)
    script = tmp_path / "script.py"
    script.write_text("found = resolve is not None\nagain = bmd.scriptapp('Resolve') is not None\n")
    names = standin.run_script(script)
    assert (names["found"], names["again"]) == (reached, reached)


def test_everything_is_lost_when_it_quits(tmp_path: Path) -> None:
    standin.install(tmp_path)
    project = standin.project()
    standin.uninstall()
    assert project.GetName() is None
    assert project.SetName("Other") is False


def test_hasattr_says_nothing(tmp_path: Path) -> None:
    session = standin.install(tmp_path)
    assert hasattr(session.resolve, "GetEverything")
    assert session.resolve.GetEverything is None
    assert "GetEverything" not in dir(session.resolve)
    assert "GetProductName" in dir(session.resolve)


def test_a_method_that_a_version_lacks(tmp_path: Path) -> None:
    session = standin.install(tmp_path)
    project = standin.project()
    session.options.lacking.add("Timeline.GetMarkInOut")
    line = project.GetCurrentTimeline()
    assert "GetMarkInOut" not in dir(line)
    assert line.GetMarkInOut is None
    assert "SetMarkInOut" in dir(line)


def test_arguments_have_no_names(tmp_path: Path) -> None:
    standin.install(tmp_path)
    project = standin.project()
    with pytest.raises(TypeError, match="by name"):
        project.SetName(projectName="Other")


def test_a_gated_call_stops_calls_that_have_nothing_to_do_with_it(tmp_path: Path) -> None:
    session = standin.install(tmp_path, product=standin.FREE)
    project = standin.project()
    assert not project.GetCurrentTimeline().CreateSubtitlesFromAudio()
    assert project.GetName() is None
    assert project.GetMediaPool() is None
    assert session.resolve.GetProjectManager() is None
    session.click_away()
    assert project.GetName() == "Film"
    assert len(session.modals) == 1


def test_a_project_without_a_name(tmp_path: Path) -> None:
    session = standin.install(tmp_path)
    standin.project("Untitled Project")
    manager = session.resolve.GetProjectManager()
    assert manager.SaveProject() is False
    assert session.modal
    session.click_away()
    assert manager.CreateProject("Film") is None
    assert session.modal


def test_saving_it_hangs_without_an_interface(tmp_path: Path) -> None:
    session = standin.install(tmp_path, gui=False)
    standin.project("Untitled Project")
    with pytest.raises(TimeoutError):
        session.resolve.GetProjectManager().SaveProject()


def test_another_project_leaves_the_first_one_s_objects_empty(tmp_path: Path) -> None:
    session = standin.install(tmp_path)
    first = standin.project("One")
    standin.project("Two")
    assert first.GetName() is None
    assert session.resolve.GetProjectManager().GetProjectListInCurrentFolder() == ["One", "Two"]
    assert session.resolve.GetProjectManager().LoadProject("One").GetName() == "One"


def test_what_the_artist_does_meanwhile(tmp_path: Path) -> None:
    session = standin.install(tmp_path)
    project = standin.project()
    pool = project.GetMediaPool()
    session.meanwhile("Project.GetCurrentTimeline", lambda: pool.CreateEmptyTimeline("Other"))
    assert project.GetCurrentTimeline().GetName() == "Other"
    assert "MediaPool.CreateEmptyTimeline" not in session.calls
