"""docs/nuke.md holds what is true of the node: its knobs, what it says, its Pythons, its pictures."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from frdm_install.block import make
from frdm_install.locations import PYTHONS
from frdm_install.wheels import PLATFORMS, PYZMQ, tag_for

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/nuke.md").read_text("utf-8")
HOST = ROOT / "host_nuke"
TABS = {"frdm": "FRDM", "plate_tab": "Plate", "cache_tab": "Cache", "engine_tab": "Engine"}


def knobs() -> Iterator[tuple[str, str, bool]]:
    """Name, label and whether it is hidden, of each knob but the tabs; read from the source, as Nuke is not here."""
    for node in ast.walk(ast.parse((HOST / "frdm_nuke/knobs.py").read_text("utf-8"))):
        match node:
            case ast.Call(
                func=ast.Name(id="KnobSpec"), args=[ast.Constant(), ast.Constant(name), ast.Constant(label), *_]
            ):
                hidden = any(one.arg == "hidden" for one in node.keywords)
                yield str(name), str(label), hidden
            case ast.Call(func=ast.Name(id="_button"), args=[ast.Constant(name), ast.Constant(label), *_]):
                yield str(name), str(label), False


def section(title: str) -> str:
    """The text below a heading, up to the next one of any level."""
    return re.split(r"^#+ ", TEXT.partition(f"# {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of the tables' bodies."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row, line in zip(cells, lines, strict=True) if not line.startswith("|---")]


def test_every_knob_is_in_the_document_and_no_other() -> None:
    documented = {(row[1].strip("`"), row[0]) for title in TABS.values() for row in rows(section(title))[1:]}
    assert documented == {(name, label) for name, label, hidden in knobs() if not hidden}
    kept = {row[0].strip("`") for row in rows(section("What is not shown"))[1:]}
    assert kept == {name for name, _, hidden in knobs() if hidden}
    assert len(documented) > 30


def test_tabs_are_named_as_in_the_node() -> None:
    source = (HOST / "frdm_nuke/knobs.py").read_text("utf-8")
    assert dict(re.findall(r'_tab\("(\w+)", "(\w+)"\)', source)) == TABS


@pytest.mark.parametrize("choices", ["VIEWS", "MISSING", "RANGES", "CUTS", "PROXIES", "OLD_FILES", "DATATYPES"])
def test_every_choice_is_told(choices: str) -> None:
    found = re.search(rf"^{choices} = (\(.*\))$", (HOST / "frdm_nuke/knobs.py").read_text("utf-8"), re.MULTILINE)
    assert found is not None
    text = section("FRDM") + section("Plate") + section("Cache")
    for choice in ast.literal_eval(found[1]):
        assert re.search(rf"\b{re.escape(choice)}\b", text), choice


def said() -> str:
    """All text that node and bridge may say."""
    parts: list[str] = []
    for path in (*HOST.rglob("*.py"), *(ROOT / "bridge").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                parts.append(node.value)
    return "\n".join(parts)


def test_what_is_quoted_is_what_is_said() -> None:
    known = said()
    quoted = [row[0] for row in rows(section("When something is wrong").partition("| what you see")[0])[1:]]
    assert len(quoted) > 15
    for sentence in quoted:
        for part in sentence.replace("frdm cannot be run", " cannot be run").split("…"):
            assert part in known, sentence


def test_the_pythons_are_the_installer_s() -> None:
    table = {row[0]: row[1:] for row in rows(section("Install")) if row[0].isdigit()}
    assert {int(version) for version in table} | {13} == set(PYTHONS)
    for version, (python, vendored) in table.items():
        expected = PYTHONS[int(version)]
        assert python == "{}.{}".format(*expected)
        assert vendored == f"`vendor/{(tag_for(expected, 'x') or '').partition('-')[0]}-...`"
    assert f"pyzmq=={PYZMQ}\n" in TEXT
    for name in PLATFORMS:
        assert name in section("Install")
    assert make(b"", folder="frdm").count(b"\n") == 4
    assert "four marked lines" in TEXT


def test_pictures_and_links_are_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)", TEXT):
        assert (ROOT / "docs" / target).is_file(), target
    pictures = sorted((ROOT / "docs/images").glob("nuke-*"))
    assert {f"images/{path.name}" for path in pictures} <= set(re.findall(r"\]\(([^)]+)\)", TEXT))
    assert all(path.stat().st_size < 200_000 for path in pictures)
    headings = {
        re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in TEXT.splitlines()
        if line.startswith("#")
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= headings
