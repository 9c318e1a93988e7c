"""docs/resolve.md holds what is true of the adapter: its flags, choices, colour spaces, folders, sentences."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from frdm_install.resolve import fusion_folder
from frdm_resolve import cli, dialog
from frdm_resolve.settings import SPACES

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/resolve.md").read_text("utf-8")


def test_every_flag_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["restore", "--help"])
    flags = set(re.findall(r"--[a-z]+", capsys.readouterr().out)) - {"--help"}
    told = set(re.findall(r"--[a-z][a-z-]*", TEXT))
    assert flags <= told
    others = {"--all-users", "--daemon", "--read", "--write", "--wheels", "--dry-run", "--platform"}
    assert {one for one in told if one not in others} <= flags


def test_every_choice_is_told() -> None:
    for name, _ in (*dialog.WHICH, *dialog.WHERE):
        assert f"`{name}`" in TEXT


def test_every_colour_space_is_told() -> None:
    table = TEXT.partition("| input colour space in Resolve")[2].partition("\n\n")[0]
    for theirs, ours in SPACES.items():
        if not theirs.endswith(("/Linear", " Linear")):
            assert theirs.partition("/")[0] in table
            assert ours in table or theirs == ours


def test_the_folders_are_those_of_the_installer() -> None:
    environment = {"HOME": "~", "APPDATA": "%APPDATA%", "PROGRAMDATA": "%PROGRAMDATA%"}
    for system in ("linux", "darwin", "win32"):
        for everybody in (False, True):
            folder = str(fusion_folder(everybody=everybody, environment=environment, system=system))
            assert f"`{folder if system != 'win32' else folder.replace('/', chr(92))}`" in TEXT


def test_the_sentences_are_those_of_the_adapter() -> None:
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "host_resolve/frdm_resolve").glob("*.py"))
    for words in (
        "Resolve gives scripts no access",
        "The project has no name yet",
        "is retimed",
        "is no longer the open one",
        "did not place the result",
        "cannot load Resolve's library",
        "The project renders through the ACES output transform",
    ):
        assert words in source
        assert words in TEXT


def test_the_scripts_say_what_the_documentation_names() -> None:
    for name in ("FRDM Restore", "FRDM Remove"):
        assert (ROOT / f"host_resolve/{name}.py").is_file()
        assert name in TEXT


def test_pictures_and_links_are_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)", TEXT):
        assert (ROOT / "docs" / target).is_file(), target
    assert "images/resolve-inside.svg" in TEXT
    headings = {
        re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in TEXT.splitlines()
        if line.startswith("#")
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= headings


def test_the_diagram_is_read_in_light_and_dark() -> None:
    """It is whole, says in words what it shows, and has colours for both."""
    path = ROOT / "docs/images/resolve-inside.svg"
    root = ElementTree.parse(path).getroot()
    assert root.find("{http://www.w3.org/2000/svg}title") is not None
    assert "prefers-color-scheme: dark" in path.read_text("utf-8")
