"""What the repository says about itself holds: README's commands, versions, public names, no pickles."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from frdm_engine.version import __version__

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "frdm_engine").rglob("*.py"))
FORBIDDEN = {
    "pickle",
    "cPickle",
    "dill",
    "joblib",
    "marshal",
    "shelve",
    "torch.load",
    "torch.save",
    "recv_pyobj",
    "send_pyobj",
}
# What each package offers; a package that re-exports nothing is left out.
PUBLIC: dict[str, set[str]] = {
    "frdm_engine": {"Restored", "Restorer", "Settings", "__version__"},
    "frdm_engine.plates": {
        "ColourSpace",
        "Plate",
        "Sequence",
        "Shots",
        "cut_score",
        "find_cuts",
        "finite_mask",
        "is_cut",
        "parse_frames",
        "read_mask",
        "read_plate",
        "resolve",
        "small_frame",
        "write_image",
        "write_plate",
    },
    "frdm_engine.damage": {
        "CLASSES",
        "KINDS",
        "PRESETS",
        "Damager",
        "Labelled",
        "Processed",
        "Recipe",
        "Templates",
    },
    "frdm_engine.report": {"data_path", "page_path", "record_path", "write", "write_reel"},
    "frdm_engine.diffusion": {"NOISE", "bridge_state", "gaussian", "sample_euler", "scheduler", "sigmas"},
}


def fenced_lines() -> Iterator[str]:
    """The lines of README.md's code blocks."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    for block in blocks:
        yield from block.splitlines()


def names_used(source: Path) -> Iterator[str]:
    """Every module imported, and every attribute with and without the name before it."""
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield from (alias.name, alias.name.partition(".")[0])
            case ast.ImportFrom(module=str(module), names=names):
                yield module.partition(".")[0]
                yield from (f"{module}.{alias.name}" for alias in names)
            case ast.Attribute(value=ast.Name(id=before), attr=attribute):
                yield from (attribute, f"{before}.{attribute}")
            case ast.Attribute(attr=attribute):
                yield attribute


def test_ci_runs_the_readme_test_command() -> None:
    shown = subprocess.run(
        ["bash", str(ROOT / ".ci" / "run"), "show"], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert shown in fenced_lines()
    assert shown.startswith("python3.11 -m venv .venv && ")
    assert "-c constraints.txt -e '.[dev]'" in shown


def test_readme_has_two_commands_that_set_everything_up() -> None:
    set_up = [line for line in fenced_lines() if " -m venv " in line]
    assert [line.rpartition(" && ")[2] for line in set_up] == [
        ".venv/bin/frdm demo",
        ".venv/bin/python -m pytest",
    ]


def test_the_version_is_stated_once() -> None:
    assert "version" not in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert version("frdm") == __version__
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_every_dependency_is_pinned_to_one_release() -> None:
    def canonical(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    pins = {}
    for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            name, _, pinned = line.partition("==")
            assert re.fullmatch(r"[0-9][0-9a-z.]*", pinned), f"{line!r} is no exact public release"
            pins[canonical(name)] = pinned
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for requirement in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        assert canonical(re.split(r"[<>=!~ \[]", requirement)[0]) in pins
    assert pins["torch"] == "2.13.0"
    assert "opencv-python" not in pins


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_unpickles(source: Path) -> None:
    assert not FORBIDDEN.intersection(names_used(source))


@pytest.mark.parametrize(
    "package",
    [".".join(path.parent.relative_to(ROOT).parts) for path in SOURCES if path.name == "__init__.py"],
)
def test_public_names_are_pinned(package: str) -> None:
    assert set(getattr(importlib.import_module(package), "__all__", ())) == PUBLIC.get(package, set())
