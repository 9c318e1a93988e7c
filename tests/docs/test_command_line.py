"""Every command and option that README and docs name is one that `frdm` takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.command_line import commands, options, parse
from tests.docs.pages import SHELL, SHOWN, blocks, calls, inline, name, pages

OTHERS = {
    "--multi_gpu",  # accelerate launch
    "--node",  # host_nuke/frdm_nuke/batch.py
    "--python-version",  # pip
}
"""Options of other programs."""
PAGES = pages()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_says_what_it_is(page: Path) -> None:
    for block in blocks(page):
        assert block.language in (*SHELL, *SHOWN, "python"), f"{block.place}: name the language of the block"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_in_blocks_are_parsed(page: Path) -> None:
    for block in blocks(page):
        if block.language in SHELL:
            for command in block.commands:
                for arguments in calls(command):
                    parse(arguments)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_in_the_text_are_parsed(page: Path) -> None:
    for code in inline(page):
        if code.startswith("frdm "):
            parse(code.split()[1:], whole=False)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_options_in_the_text_exist(page: Path) -> None:
    known = options() | OTHERS
    for code in inline(page):
        if not code.startswith(("frdm", "-")):  # another program's
            continue
        for flag in re.findall(r"(?<![\w-])--[a-z][\w-]*", code):
            assert flag in known, code


def test_a_command_that_is_none_is_told() -> None:
    for wrong in (
        ["restor"],
        ["restore", "a", "b", "--mat", "c"],
        ["damage", "a"],
        ["restore", "a", "b", "--seed", "x"],
    ):
        with pytest.raises(LookupError):
            parse(wrong)
    parse(["restore", "a", "b", "--seed", "7"])
    parse(["restore", "--seed", "7"], whole=False)
    with pytest.raises(LookupError):
        parse(["restore", "--no-such"], whole=False)
    assert ("install", "nuke") in dict(commands())
