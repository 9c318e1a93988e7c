"""PROTOCOL.md and the code say the same: versions, messages, bounds, codes, examples."""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from pathlib import Path

import pytest

import frdm_bridge
from frdm_bridge import codec, errors, messages
from frdm_bridge.fields import read_record
from frdm_bridge.version import PROTOCOL_TEXT, __version__
from frdm_engine.version import __version__ as engine_version
from tests.bridge.document import GOLDEN, PROTOCOL, ROOT, START, golden, second_half
from tests.bridge.portable.samples import SAMPLES

TEXT = PROTOCOL.read_text("utf-8")
SOURCES = sorted((ROOT / "bridge").rglob("*.py"))


def test_the_document_tells_its_version() -> None:
    assert f"\nVersion {PROTOCOL_TEXT}\n" in TEXT
    assert f"`version` | version of the protocol the sender speaks: `{PROTOCOL_TEXT}`" in TEXT
    assert __version__ == engine_version


def test_messages_and_records_are_as_the_code_has_them() -> None:
    """After a change on purpose: `PYTHONPATH=bridge python -m tests.bridge.document`, and the version."""
    assert TEXT[TEXT.index("\n" + START) + 1 :] == second_half()


def test_the_golden_bytes_are_what_the_codec_makes() -> None:
    assert json.loads(GOLDEN.read_text("utf-8")) == golden()


def test_every_error_code_is_explained_once() -> None:
    table = TEXT[TEXT.index("## Errors") : TEXT.index("## Streaming")]
    assert tuple(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == messages.CODES


def test_the_bounds_of_the_envelope_are_told() -> None:
    assert f"`{codec.MAGIC.decode()}`: magic" in TEXT
    assert TEXT.count(f"{codec.LARGEST_HEADER} bytes") >= 2
    assert messages.CHUNK == codec.LARGEST_FRAME == 1048576
    for key in ("id", "reply_to", "version", "type", "body"):
        assert re.search(rf"^\| `{key}` \|", TEXT, re.MULTILINE)


def test_every_example_can_be_sent() -> None:
    examples = [json.loads(one) for one in re.findall(r"^```json\n(.*?)\n```", TEXT, re.MULTILINE | re.DOTALL)]
    assert [one["type"] for one in examples] == [sample.TYPE for sample in SAMPLES]
    for one, sample in zip(examples, SAMPLES, strict=True):
        assert read_record(messages.TYPES[one["type"]], one["body"]) == sample


@pytest.mark.parametrize("name", [n for n, c in vars(errors).items() if isinstance(c, type) and n.endswith("Error")])
def test_the_errors_are_one_tree_and_all_in_its_picture(name: str) -> None:
    assert name in (errors.__doc__ or "")
    assert issubclass(getattr(errors, name), errors.BridgeError)


def test_the_wheel_ships_the_bridge_and_a_contract_keeps_it_a_leaf() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert "bridge/frdm_bridge" in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert any(one.startswith("pyzmq") for one in project["project"]["dependencies"])
    contracts = {one["name"]: one for one in project["tool"]["importlinter"]["contracts"]}
    assert contracts["The bridge is a leaf"]["forbidden_modules"] == ["frdm_engine"]
    imported = {
        name.partition(".")[0]
        for source in SOURCES
        for node in ast.walk(ast.parse(source.read_text("utf-8")))
        for name in _imported(node)
    }
    assert imported - set(sys.stdlib_module_names) == {"frdm_bridge", "zmq"}


def _imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=str(module)):
            return [module]
    return []


def test_public_names_are_pinned() -> None:
    assert set(frdm_bridge.__all__) == {
        "PROTOCOL",
        "BridgeError",
        "Client",
        "Connection",
        "JobSpec",
        "PathRule",
        "Settings",
        "__version__",
        "connection_file",
        "read_connection",
        "restore",
        "restore_pixels",
    }


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: Path(path).name)
def test_the_bridge_is_written_for_python_3_9(source: Path) -> None:
    tree = ast.parse(source.read_text("utf-8"), feature_version=(3, 9))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Match)]


FORBIDDEN = (
    r"\bpickle\b",
    r"recv_pyobj",
    r"send_pyobj",
    r"torch\.load",
    r"\bsetattr\(",
    r"tcp://\*",
    r"\beval\(",
    r"\bexec\(",
)


@pytest.mark.parametrize(
    "source", [*SOURCES, *sorted((ROOT / "frdm_engine" / "server").rglob("*.py"))], ids=lambda path: Path(path).name
)
def test_nothing_on_the_wire_is_executed(source: Path) -> None:
    text = source.read_text("utf-8")
    assert not [pattern for pattern in FORBIDDEN if re.search(pattern, text)]
