"""Keys made on first start, kept to oneself, and the question who may come in."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import zmq
import zmq.utils.z85

from frdm_bridge.discovery import Connection, read_connection
from frdm_engine.errors import ServerError
from frdm_engine.server.keys import DOMAIN, Keys, private_folder, write_connection, zap_answer


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def asked(key: bytes, *, mechanism: bytes = b"CURVE", domain: bytes = DOMAIN.encode()) -> list[bytes]:
    return [b"1.0", b"7", domain, b"127.0.0.1", b"", mechanism, key]


def test_keys_are_made_once_and_belong_to_one_user(tmp_path: Path) -> None:
    keys = Keys.open(tmp_path / "keys")
    assert Keys.open(tmp_path / "keys") == keys
    assert keys.engine != keys.client
    assert mode(tmp_path / "keys") == 0o700
    assert {mode(file) for file in (tmp_path / "keys").glob("*.key")} == {0o600}
    assert sorted(file.name for file in (tmp_path / "keys").iterdir()) == ["client.key", "clients", "engine.key"]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"public": "x", "secret": "y"}', b"\xff"])
def test_a_damaged_key_is_told(tmp_path: Path, content: bytes) -> None:
    Keys.open(tmp_path / "keys")
    (tmp_path / "keys" / "engine.key").write_bytes(content)
    with pytest.raises(ServerError, match=r"engine\.key is damaged"):
        Keys.open(tmp_path / "keys")


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    Keys.open(tmp_path / "keys")
    (tmp_path / "keys" / "client.key").chmod(0o644)
    with pytest.raises(ServerError, match="chmod 600"):
        Keys.open(tmp_path / "keys")


def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pytest.raises(ServerError, match="chmod 700"):
        private_folder(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(ServerError):
        private_folder(tmp_path / "link")


def test_known_keys_come_in_and_no_others(tmp_path: Path) -> None:
    keys = Keys.open(tmp_path / "keys")
    own = zmq.utils.z85.decode(keys.client.public)
    other, _ = zmq.curve_keypair()
    raw = zmq.utils.z85.decode(other)
    assert zap_answer(asked(own), keys)[2] == b"200"
    assert zap_answer(asked(raw), keys)[2] == b"400"
    (keys.others / "farm.pub").write_bytes(other + b"\n")
    assert zap_answer(asked(raw), keys)[2] == b"200"
    (keys.others / "farm.pub").unlink()
    assert zap_answer(asked(raw), keys)[2] == b"400"


def test_anything_but_curve_in_our_domain_stays_out(tmp_path: Path) -> None:
    keys = Keys.open(tmp_path / "keys")
    own = zmq.utils.z85.decode(keys.client.public)
    for request in (
        asked(own, mechanism=b"NULL"),
        asked(own, domain=b"other"),
        asked(b""),
        asked(own[:-1]),
        [b"1.0"],
        [],
        [b"2.0", *asked(own)[1:]],
    ):
        assert zap_answer(request, keys)[2] in (b"400", b"500")


def test_the_connection_file_is_private_and_replaced_whole(tmp_path: Path) -> None:
    for port in (1, 2):
        write_connection(tmp_path / "engine.json", Connection(address=f"tcp://127.0.0.1:{port}"))
    assert mode(tmp_path / "engine.json") == 0o600
    assert read_connection(tmp_path / "engine.json").address == "tcp://127.0.0.1:2"
    assert [file.name for file in tmp_path.iterdir()] == ["engine.json"]
