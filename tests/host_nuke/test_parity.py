"""What the stand-in offers is what Nuke has: every name of its module, its classes and their methods, and the arguments
these take, are in the stubs of types-nuke.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from tests.host_nuke import standin

OWN = {"press_cancel"}
"""What tests need of the classes and Nuke lacks; all else of the stand-in's own begins with an underscore."""
MISTAKEN = {"Link_Knob.setValue", "Node.sample", "Group.sample", "Root.sample", "Gizmo.sample"}
"""Methods whose arguments the stubs take from a documentation that leaves them out, or tells them one by one."""

Function = ast.FunctionDef


class Stubs:
    """The stubs of the module: functions with all their overloads, classes, variables."""

    def __init__(self) -> None:
        self.functions: dict[str, list[Function]] = {}
        self.classes: dict[str, ast.ClassDef] = {}
        self.variables: set[str] = set()
        for path in _files("_nuke", "utils", "callbacks", "executeInMain", "overrides", "scripts"):
            for one in ast.parse(path.read_text(encoding="utf-8")).body:
                self._take(one)

    def _take(self, one: ast.stmt) -> None:
        if isinstance(one, ast.FunctionDef):
            self.functions.setdefault(one.name, []).append(one)
        elif isinstance(one, ast.ClassDef):
            self.classes[one.name] = one
        elif isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            self.variables.add(one.target.id)
        elif isinstance(one, ast.Assign) and isinstance(one.value, ast.Name):
            # `render = execute`
            for target in one.targets:
                if isinstance(target, ast.Name):
                    self.functions[target.id] = self.functions[one.value.id]

    def methods(self, name: str) -> dict[str, list[Function]]:
        """Of a class and those it is made of."""
        own = self.classes.get(name)
        found: dict[str, list[Function]] = {}
        if own is None:
            return found
        for one in own.body:
            if isinstance(one, ast.FunctionDef):
                found.setdefault(one.name, []).append(one)
        for base in own.bases:
            if isinstance(base, ast.Name):
                found = {**self.methods(base.id), **found}
        return found


def _files(*names: str) -> Iterator[Path]:
    listed = metadata.files("types-nuke")
    if not listed:
        pytest.fail("types-nuke is not installed; it is one of the dev extra's packages")
    wanted = {f"nuke-stubs/{name}.pyi" for name in names}
    for one in listed:
        if one.as_posix() in wanted:
            yield Path(str(one.locate()))


@pytest.fixture(scope="module")
def stubs() -> Stubs:
    return Stubs()


@pytest.fixture
def module() -> Iterator[dict[str, Any]]:
    standin.install()
    import nuke

    yield {name: one for name, one in vars(nuke).items() if not name.startswith("__")}
    standin.uninstall()


def _misfit(made: Any, stubs: list[Function], *, method: bool) -> str:
    """In what way a function's arguments differ from all that the stubs allow; empty where they fit."""
    own = list(inspect.signature(made).parameters.values())
    if method and own and own[0].name in ("self", "cls"):
        own = own[1:]
    allowed: list[list[str]] = []
    for stub in stubs:
        if stub.args.vararg is not None:
            return ""
        names = [one.arg for one in (*stub.args.posonlyargs, *stub.args.args)]
        names = names[1:] if method and names and names[0] in ("self", "cls") else names
        allowed.append([*names, *(one.arg for one in stub.args.kwonlyargs)])
    known = {name for names in allowed for name in names}
    by_place = [one for one in own if one.kind is one.POSITIONAL_ONLY]
    if len(by_place) > max(map(len, allowed)):
        return f"takes {len(by_place)} arguments by place, more than Nuke does"
    known -= {name for names in allowed for name in names[: len(by_place)]}
    named = [one for one in own if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    beyond = [one.name for one in named if one.name not in known]
    if beyond:
        return f"takes {beyond}, which Nuke does not"
    starred = {one.kind for one in own} & {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    lacking = [name for name in known if name not in [one.name for one in named]]
    return f"does not take {lacking}" if lacking and not starred else ""


def test_every_name_is_nukes(module: dict[str, Any], stubs: Stubs) -> None:
    known = {*stubs.functions, *stubs.classes, *stubs.variables}
    assert sorted(set(module) - known) == []


def test_functions_take_what_nukes_take(module: dict[str, Any], stubs: Stubs) -> None:
    wrong = {
        name: misfit
        for name, one in module.items()
        if inspect.isfunction(one) and (misfit := _misfit(one, stubs.functions[name], method=False))
    }
    assert wrong == {}


def _public(made: type) -> Iterator[tuple[str, Any]]:
    for name, one in inspect.getmembers(made, callable):
        if not name.startswith("_"):
            yield name, one


def test_methods_are_nukes(module: dict[str, Any], stubs: Stubs) -> None:
    beyond = {
        f"{made.__name__}.{name}"
        for made in module.values()
        if inspect.isclass(made)
        for name, _ in _public(made)
        if name not in stubs.methods(made.__name__) and name not in OWN
    }
    assert sorted(beyond) == []


def test_methods_take_what_nukes_take(module: dict[str, Any], stubs: Stubs) -> None:
    wrong = {
        f"{made.__name__}.{name}": misfit
        for made in module.values()
        if inspect.isclass(made)
        for name, one in _public(made)
        if name in stubs.methods(made.__name__)
        and f"{made.__name__}.{name}" not in MISTAKEN
        and (misfit := _misfit(one, stubs.methods(made.__name__)[name], method=True))
    }
    assert wrong == {}


def test_classes_descend_as_nukes_do(module: dict[str, Any], stubs: Stubs) -> None:
    for name, made in module.items():
        if not inspect.isclass(made):
            continue
        own = stubs.classes[name]
        bases = {base.id for base in own.bases if isinstance(base, ast.Name)} & set(module)
        assert bases <= {one.__name__ for one in made.__mro__}, name


def test_a_name_that_nuke_lacks_is_found_out(stubs: Stubs) -> None:
    def frame(f: int = 0, colour: str = "") -> int:
        return f

    assert "colour" in _misfit(frame, stubs.functions["frame"], method=False)
    assert "executeEverything" not in stubs.functions
