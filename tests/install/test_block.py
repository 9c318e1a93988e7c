"""The lines in a user's init.py: in and out again to the last byte, for any content."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from frdm_install.block import BEGIN, END, JOINED, make, split
from frdm_install.errors import InstallError

INIT = Path("init.py")
CONTENTS = [
    b"",
    b"\n",
    b"import nuke\n",
    b"import nuke",
    b"import nuke\r\nx = 1\r\n",
    b"import nuke\r\nx = 1",
    b"x = 1\r",
    b"# -*- coding: latin-1 -*-\nname = '\xe9'",
    b"\xef\xbb\xbfname = '\xc3\xa9'\r\n",
    b"if True:\n    x = 1",
    b"\n\n\n",
]


@pytest.mark.parametrize("content", CONTENTS)
def test_in_and_out_again(content: bytes) -> None:
    made = content + make(content, folder="frdm")
    parts = split(made, INIT)
    assert parts.before == content
    assert parts.before + parts.block + parts.after == made
    assert parts.after == b""


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_any_bytes_around_it_come_back(before: bytes, after: bytes) -> None:
    assume(b"FRDM" not in before + after)  # marks of another block are refused
    made = before + make(before, folder="frdm") + after
    parts = split(made, INIT)
    assert (parts.before, parts.after) == (before, after)


@pytest.mark.parametrize("content", CONTENTS)
def test_it_is_python_and_does_one_thing(content: bytes) -> None:
    paths: list[str] = []
    names: dict[str, object] = {"pluginAddPath": paths.append}
    code = make(content, folder="frdm").replace(b"import nuke\r\n", b"").replace(b"import nuke\n", b"")
    exec(compile(content.replace(b"import nuke", b"pass") + code, "init.py", "exec"), {"nuke": _Names(names)})
    assert paths == ["./frdm"]


class _Names:
    def __init__(self, names: dict[str, object]) -> None:
        self.__dict__.update(names)


def test_line_endings_are_the_file_s_own() -> None:
    assert b"\r\n" not in make(b"x = 1\n", folder="frdm")
    made = make(b"x = 1\r\ny = 2", folder="frdm")
    assert made.startswith(b"\r\n" + BEGIN + JOINED)
    assert made.count(b"\n") == made.count(b"\r\n")


@pytest.mark.parametrize(
    "content",
    [
        BEGIN + b"\nimport nuke\n",
        b"x = 1\n" + END + b"\n",
        END + b"\n" + BEGIN + b"\n",
        make(b"", folder="frdm") * 2,
    ],
)
def test_half_a_block_is_refused(content: bytes) -> None:
    with pytest.raises(InstallError, match="parts of FRDM's lines"):
        split(content, INIT)


def test_a_line_break_that_is_gone_is_refused() -> None:
    block = make(b"x = 1", folder="frdm")
    with pytest.raises(InstallError, match="changed just before"):
        split(block.lstrip(b"\n"), INIT)
