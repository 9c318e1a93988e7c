"""The connection file: found, read, and not trusted when others could have read or written it."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import pytest

from frdm_bridge.discovery import (
    VARIABLE,
    Connection,
    connection_file,
    connection_text,
    read_connection,
    runtime_folder,
)
from frdm_bridge.errors import DiscoveryError, MessageError

KEY = "x" * 40
FULL = Connection(address="tcp://127.0.0.1:5555", server_key=KEY, public_key=KEY, secret_key=KEY, pid=7)
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="rights are told by modes")


def write(folder: Any, text: Any, mode: Any = 0o600) -> Any:
    file = folder / "engine.json"
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    return file


def test_a_file_comes_back_as_it_was_written(tmp_path: Any) -> None:
    assert read_connection(write(tmp_path, connection_text(FULL))) == FULL
    assert FULL.keys is not None
    assert Connection(address="ipc:///x").keys is None


def test_a_newer_engine_may_write_more(tmp_path: Any) -> None:
    text = json.dumps({**json.loads(connection_text(FULL)), "colour": "blue"})
    assert read_connection(write(tmp_path, text)) == FULL


def test_where_it_is_looked_for(tmp_path: Any) -> None:
    assert connection_file({VARIABLE: "/x/y.json"}).as_posix() == "/x/y.json"
    assert connection_file({"XDG_RUNTIME_DIR": "/run/user/7"}).as_posix() == "/run/user/7/frdm/engine.json"
    assert str(os.getuid()) in runtime_folder({}).name


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602, 0o610])
def test_a_file_that_others_may_touch_is_refused(tmp_path: Any, mode: Any) -> None:
    with pytest.raises(DiscoveryError, match="chmod 600"):
        read_connection(write(tmp_path, connection_text(FULL), mode))


def test_no_file_tells_how_to_start_an_engine(tmp_path: Any) -> None:
    with pytest.raises(DiscoveryError, match="frdm serve"):
        read_connection(tmp_path / "engine.json")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"address": 5}', '{"address": "tcp://*:5"}', "x" * 20_000, "[" * 9_000]
)
def test_what_is_no_connection_file_is_refused(tmp_path: Any, text: Any) -> None:
    with pytest.raises(DiscoveryError, match="no connection file"):
        read_connection(write(tmp_path, text))


def test_a_link_and_a_pipe_are_refused(tmp_path: Any) -> None:
    file = write(tmp_path, connection_text(FULL))
    (tmp_path / "link.json").symlink_to(file)
    os.mkfifo(str(tmp_path / "pipe.json"), 0o600)
    for name in ("link.json", "pipe.json", "."):
        with pytest.raises(DiscoveryError):
            read_connection(tmp_path / name)


def test_an_address_everywhere_is_refused() -> None:
    with pytest.raises(MessageError):
        Connection(address="tcp://*:5555")
