"""What the stand-in offers is what Resolve has: its classes' methods, and the arguments these take, are in the stubs of
fusionscript-stubs, which follow Resolve's own documentation.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from tests.host_resolve.standin.clips import Folder, MediaPoolItem
from tests.host_resolve.standin.items import TimelineItem
from tests.host_resolve.standin.manager import ProjectManager
from tests.host_resolve.standin.pool import MediaPool
from tests.host_resolve.standin.project import Project
from tests.host_resolve.standin.resolve import Resolve
from tests.host_resolve.standin.storage import MediaStorage
from tests.host_resolve.standin.timelines import Timeline

CLASSES = (Resolve, ProjectManager, Project, MediaStorage, MediaPool, Folder, MediaPoolItem, Timeline, TimelineItem)
Function = ast.FunctionDef


@pytest.fixture(scope="module")
def stubs() -> dict[str, dict[str, list[Function]]]:
    """Of every class, its methods with all their overloads."""
    listed = metadata.files("fusionscript-stubs")
    if not listed:
        pytest.fail("fusionscript-stubs is not installed; it is one of the dev extra's packages")
    path = next(Path(str(one.locate())) for one in listed if one.name == "fusionscript.pyi")
    found: dict[str, dict[str, list[Function]]] = {}
    for made in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(made, ast.ClassDef):
            methods = found.setdefault(made.name, {})
            for one in made.body:
                if isinstance(one, ast.FunctionDef):
                    methods.setdefault(one.name, []).append(one)
    return found


def _methods() -> Iterator[tuple[str, str, Any]]:
    for made in CLASSES:
        for name, one in inspect.getmembers(made, callable):
            if not name.startswith("_"):
                yield made.__name__, name, one


def _misfit(made: Any, stubs: list[Function]) -> str:
    """In what way a method's arguments differ from all that the stubs allow; empty where they fit.

    They are given by place, so that their order counts; their names are the stubs' where no overload tells another.
    """
    own = [one for one in inspect.signature(made).parameters.values() if one.name != "self"]
    placed = [one.name for one in own if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    allowed = [[one.arg for one in (*stub.args.args, *stub.args.kwonlyargs) if one.arg != "self"] for stub in stubs]
    starred = any(stub.args.vararg for stub in stubs)
    if len(placed) > max(map(len, allowed)) and not starred:
        return f"takes {placed}, more than Resolve does"
    first = {name for names in allowed for name in names}
    beyond = [name for name in placed if name not in first]
    if beyond:
        return f"takes {beyond}, which Resolve does not"
    any_number = any(one.kind is one.VAR_POSITIONAL for one in own)
    most = max(map(len, allowed))
    return f"takes {placed} of {allowed}" if len(placed) < most and not any_number else ""


def _answers(stub: Function) -> str:
    return ast.unparse(stub.returns) if stub.returns else ""


def test_every_method_is_resolves(stubs: dict[str, dict[str, list[Function]]]) -> None:
    beyond = {f"{made}.{name}" for made, name, _ in _methods() if name not in stubs[made]}
    assert sorted(beyond) == []


def test_methods_take_what_resolves_take(stubs: dict[str, dict[str, list[Function]]]) -> None:
    wrong = {
        f"{made}.{name}": misfit
        for made, name, one in _methods()
        if name in stubs[made] and (misfit := _misfit(one, stubs[made][name]))
    }
    assert wrong == {}


def test_methods_say_yes_or_no_where_resolves_do(stubs: dict[str, dict[str, list[Function]]]) -> None:
    """A call that fails gives False, or None: which, hangs on this."""
    wrong = {
        f"{made}.{name}"
        for made, name, one in _methods()
        if name in stubs[made]
        and (one.__annotations__.get("return") == "bool") != (_answers(stubs[made][name][0]) == "bool")
    }
    assert sorted(wrong) == []


def test_constants_are_resolves(stubs: dict[str, dict[str, list[Function]]]) -> None:
    listed = metadata.files("fusionscript-stubs") or []
    text = next(Path(str(one.locate())) for one in listed if one.name == "fusionscript.pyi").read_text(encoding="utf-8")
    for name in vars(Resolve):
        if name.isupper():
            assert f"{name}:" in text or f"{name} =" in text, name


def test_a_name_that_resolve_lacks_is_found_out(stubs: dict[str, dict[str, list[Function]]]) -> None:
    def AddTake(self: Any, mediaPoolItem: Any, start: int) -> bool:
        return True

    assert "start" in _misfit(AddTake, stubs["TimelineItem"]["AddTake"])
    assert "Trim" not in stubs["TimelineItem"]
