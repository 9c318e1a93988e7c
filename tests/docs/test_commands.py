"""Whoever types a page of the documentation from top to bottom gets through: each command is run for real."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import CALL, SHELL, Block, blocks, inline, name, pages, typed
from tests.docs.stage import Stage, shared
from tests.docs.unrunnable import NEVER, UNRUNNABLE, UNRUNNABLE_PYTHON

TYPED = [page for page in pages() if any(block.language in (*SHELL, "python") for block in typed(page))]


@pytest.mark.slow
@pytest.mark.parametrize("page", TYPED, ids=name)
def test_a_page_is_typed(page: Path, tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    try:
        for block, before in shared(typed(page)):
            stage.run(block, before=before)
    finally:
        stage.close()


def test_what_is_left_out_is_still_told_somewhere() -> None:
    """A reason whose command is gone from the documentation goes too."""
    found = [block for page in pages() for block in blocks(page)]
    commands = [command for block in found if block.language in SHELL for command in block.commands]
    commands += [code for page in pages() for code in inline(page) if CALL.fullmatch(code)]
    for start, reason in UNRUNNABLE.items():
        assert reason
        assert any(re.match(start, command) for command in commands), start
    for module in UNRUNNABLE_PYTHON:
        assert any(module in block.text for block in found if block.language == "python"), module


def test_which_calls_in_the_text_are_typed() -> None:
    for call in ("frdm info plate.####.exr", "frdm plan 4096x3112 --vram 8G", "frdm status --metrics"):
        assert CALL.fullmatch(call), call
    for call in ("frdm restore", "frdm bench quality", "frdm cancel JOB...", "frdm serve --home DIR"):
        assert not CALL.fullmatch(call), call


def test_nothing_that_changes_the_machine_is_run() -> None:
    for command in (
        "sudo frdm install nuke",
        "systemctl --user start x",
        "frdm install engine --system",
        "/bin/su -c a",
    ):
        assert re.match(NEVER, command), command
    for command in ("frdm install engine", "frdm restore a b --resume", "frdm install nuke --folder /studio/nuke"):
        assert not re.match(NEVER, command), command


def test_a_command_that_fails_is_told_with_what_it_said(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    wrong = Block(pages()[0], 1, "sh", "frdm info none.####.exr\n")
    with pytest.raises(AssertionError, match=r"README.md:1, exit code 2"):
        stage.run(wrong)
