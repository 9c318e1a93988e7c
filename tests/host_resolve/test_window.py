"""The window and the scripts of Resolve's menu, with an artist who sets, presses, cancels; and the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from frdm_engine.plates.colour import resolve
from frdm_resolve import cli, settings
from frdm_resolve.errors import ChoiceError
from frdm_resolve.session import Open
from frdm_resolve.settings import Options
from tests.host_resolve import standin

START = 86400
SCRIPTS = Path(__file__).parents[2] / "host_resolve"
Press = Callable[[Any], None]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def shot(project: Any, tmp_path: Path) -> Any:
    standin.sequence(tmp_path / "a_%04d.exr", range(1001, 1007), timecode="01:02:00:00")
    return standin.cut(standin.bring(tmp_path / "a_%04d.exr", 1001, 1006), first=0, last=5, at=START)


def press(name: str) -> Press:
    return lambda window: standin.press(window, name)


def pick(name: str, value: Any) -> Press:
    return lambda window: standin.pick(window, name, value)


def close(session: standin.Session) -> Press:
    """The artist closes the window, once it has done its work."""

    def act(window: Any) -> None:
        if window.Find("Start").Enabled:
            standin.press(window, "Done")
        else:
            session.artist.insert(0, act)

    return act


def status(session: standin.Session) -> str:
    return str(session.windows[-1].Find("Status").Text)


def test_the_script_restores_and_remembers(
    session: standin.Session, project: Any, shot: Any, options: Options, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.save(options, settings.path())
    session.artist += [pick("Place", "New take, original kept"), pick("Strength", 0.5), pick("Handles", 1)]
    session.artist += [pick("Fix_stain", False), press("Start"), close(session)]
    standin.run_script(SCRIPTS / "FRDM Restore.py")
    assert capsys.readouterr().out == ""
    assert status(session) == "a_[1001-1006].exr: 6 frames restored and placed as a take."
    assert shot.GetTakesCount() == 2
    kept = settings.load(settings.path())
    assert kept == replace(options, place="take", strength=0.5, handles=1, fix=("dirt", "scratch", "flicker"))
    session.artist += [press("Start"), close(session)]
    standin.run_script(SCRIPTS / "FRDM Restore.py")
    assert "restored already with these settings" in status(session)
    standin.run_script(SCRIPTS / "FRDM Remove.py")
    assert "its restored take is taken out" in capsys.readouterr().out
    assert shot.GetTakesCount() == 0


def test_cancel_while_it_works(session: standin.Session, project: Any, shot: Any, options: Options) -> None:
    settings.save(options, settings.path())
    before = standin.snapshot(project)
    session.artist += [press("Start"), press("Cancel"), close(session)]
    standin.run_script(SCRIPTS / "FRDM Restore.py")
    assert status(session) == "Cancelled; frames that are done are kept, and the project is as it was."
    assert standin.snapshot(project) == before


def test_a_wrong_choice_is_said_in_the_window(session: standin.Session, project: Any, shot: Any) -> None:
    session.artist += [pick(f"Fix_{name}", False) for name in ("dirt", "scratch", "stain", "flicker")]
    session.artist += [press("Start"), close(session)]
    standin.run_script(SCRIPTS / "FRDM Restore.py")
    assert status(session) == "Nothing is to be repaired; choose dirt, scratches, stains or flicker."


def test_the_free_version_gets_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = standin.install(tmp_path, product=standin.FREE, version=(20, 0, 0))
    try:
        standin.run_script(SCRIPTS / "FRDM Restore.py")
    finally:
        standin.uninstall()
    assert "is the free version" in capsys.readouterr().out
    assert session.modals == []


def test_without_an_interface_the_command_line_does_it(
    tmp_path: Path, options: Options, capsys: pytest.CaptureFixture[str]
) -> None:
    session = standin.install(tmp_path, gui=False)
    try:
        project = standin.project()
        standin.sequence(tmp_path / "a_%04d.exr", range(1, 5))
        standin.cut(standin.bring(tmp_path / "a_%04d.exr", 1, 4), first=0, last=3, at=START)
        before = standin.snapshot(project)
        same = ["--folder", options.folder, "--connection", options.connection]
        assert cli.main(["restore", "--clips", "timeline", "--place", "take", "--fix", "dirt,scratch", *same]) == 0
        assert "4 frames restored and placed as a take" in capsys.readouterr().out
        assert cli.main(["status"]) == 0
        assert "project Film, timeline Edit" in capsys.readouterr().out
        assert cli.main(["restore", "--clips", "colour", "--value", "Pink", *same]) == 2
        assert "has the colour Pink" in capsys.readouterr().err
        assert cli.main(["remove"]) == 0
        assert standin.snapshot(project) == before
        assert cli.main(["remove"]) == 0
        assert "There is nothing to do." in capsys.readouterr().out
        standin.run_script(SCRIPTS / "FRDM Restore.py")
        assert "This Resolve shows no windows" in capsys.readouterr().out
        assert session.violations == []
    finally:
        standin.uninstall()


def test_settings_of_an_other_kind_are_not_taken(tmp_path: Path) -> None:
    file = tmp_path / "resolve.json"
    assert settings.load(file) == Options()
    file.write_text(json.dumps({"place": 7, "strength": 2, "fix": ["dirt"], "stranger": 1}))
    assert settings.load(file) == Options(strength=2, fix=("dirt",))
    file.write_text(json.dumps({"place": "nowhere"}))
    assert settings.load(file) == Options()


def test_colour_spaces_are_the_clips_own() -> None:
    assert Options().space("ACEScg", "a") == "ACEScg"
    assert Options().space("DaVinci WG/Intermediate", "a") == "DaVinci Intermediate WideGamut"
    assert Options().space("", "a") == "auto"
    assert Options(colourspace="adx10").space("Rec.709-A", "a") == "adx10"
    with pytest.raises(ChoiceError, match="choose its colour space by hand"):
        Options().space("Rec.709-A", "a")


@pytest.mark.parametrize("space", sorted(set(settings.SPACES.values())))
def test_the_engine_knows_each_colour_space(space: str) -> None:
    assert resolve(space, metadata={}, path_suffix=".exr", dtype="float32").name


def test_a_managed_project_keeps_the_clips_colour_space(
    session: standin.Session, options: Options, tmp_path: Path, at_work: Callable[[], Open]
) -> None:
    standin.project("Managed", science="davinciYRGBColorManagedv2")
    standin.sequence(tmp_path / "a_%04d.exr", range(1, 5))
    clip = standin.bring(tmp_path / "a_%04d.exr", 1, 4)
    clip.SetClipProperty("Input Color Space", "ACEScg")
    item = standin.cut(clip, first=0, last=3, at=START)
    assert cli.main(["restore", "--folder", options.folder, "--connection", options.connection, "--place", "take"]) == 0
    assert item.GetMediaPoolItem().GetClipProperty("Input Color Space") == "ACEScg"
    assert item.GetMediaPoolItem() is not clip
