"""Streamed files: chunks in order, damage, breaks, restarts, bounds."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from frdm_bridge.messages import Chunk, Credit, Fetch, Find, Stored, Upload
from frdm_engine.errors import SpoolError
from frdm_engine.server.spool import KEPT_S, MOST_OPEN, Spool

BUNDLE = "b0" * 16
DATA = bytes(range(256)) * 4096 * 2


def announce(data: bytes = DATA, name: str = "p.1.exr", bundle: str = BUNDLE) -> Upload:
    return Upload(bundle=bundle, name=name, size=len(data), sha256=hashlib.sha256(data).hexdigest())


def piece(offset: int, payload: bytes, name: str = "p.1.exr", crc: int | None = None) -> tuple[Chunk, bytes]:
    crc32 = zlib.crc32(payload) if crc is None else crc
    return Chunk(bundle=BUNDLE, name=name, offset=offset, crc32=crc32), payload


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(tmp_path / "spool", limit=16 * 2**20, window=2**20)
    yield made
    made.close()


def test_a_file_comes_in_by_credit(spool: Spool) -> None:
    credit = spool.upload(announce())
    assert credit == Credit(bundle=BUNDLE, name="p.1.exr", offset=0, until=2**20)
    credit = spool.chunk(*piece(0, DATA[: 2**20]))
    assert credit == Credit(bundle=BUNDLE, name="p.1.exr", offset=2**20, until=2**21)
    assert isinstance(spool.chunk(*piece(2**20, DATA[2**20 :])), Stored)
    assert (spool.inputs(BUNDLE) / "p.1.exr").read_bytes() == DATA
    assert isinstance(spool.upload(announce()), Stored)
    assert [file.name for file in spool.inputs(BUNDLE).iterdir()] == ["p.1.exr"]


def test_a_break_and_a_restart_go_on_where_they_were(spool: Spool, tmp_path: Path) -> None:
    spool.upload(announce())
    spool.chunk(*piece(0, DATA[:1000]))
    spool.close()
    again = Spool(tmp_path / "spool", limit=16 * 2**20)
    credit = again.upload(announce())
    assert isinstance(credit, Credit)
    assert credit.offset == 1000
    assert isinstance(again.chunk(*piece(1000, DATA[1000 : 2**20])), Credit)
    assert isinstance(again.chunk(*piece(2**20, DATA[2**20 :])), Stored)
    again.close()


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (piece(5, b"x"), "offset"),
        (piece(0, b""), "offset"),
        (piece(0, b"x", crc=7), "checksum"),
        (piece(0, b"x", name="other.exr"), "offset"),
    ],
)
def test_chunks_out_of_order_or_damaged_change_nothing(spool: Spool, told: tuple[Chunk, bytes], code: str) -> None:
    spool.upload(announce())
    with pytest.raises(SpoolError) as caught:
        spool.chunk(*told)
    assert caught.value.code == code
    credit = spool.upload(announce())
    assert isinstance(credit, Credit)
    assert credit.offset == 0


def test_more_than_was_announced_is_refused(spool: Spool) -> None:
    spool.upload(announce(b"abc"))
    with pytest.raises(SpoolError, match="does not fit"):
        spool.chunk(*piece(0, b"abcd"))


def test_a_file_with_another_hash_is_dropped(spool: Spool) -> None:
    spool.upload(announce(b"abc"))
    with pytest.raises(SpoolError) as caught:
        spool.chunk(*piece(0, b"abd"))
    assert caught.value.code == "damaged"
    assert list(spool.inputs(BUNDLE).iterdir()) == []


def test_another_file_of_the_same_name_takes_the_place_of_a_half_one(spool: Spool) -> None:
    spool.upload(announce())
    spool.chunk(*piece(0, DATA[:1000]))
    spool.upload(announce(b"abc"))
    assert isinstance(spool.chunk(*piece(0, b"abc")), Stored)
    assert [file.name for file in spool.inputs(BUNDLE).iterdir()] == ["p.1.exr"]


def test_what_does_not_fit_is_refused_before_a_byte_comes(spool: Spool) -> None:
    with pytest.raises(SpoolError, match="--spool"):
        spool.upload(Upload(bundle=BUNDLE, name="big.exr", size=17 * 2**20, sha256="0" * 64))
    for index in range(8):
        spool.upload(Upload(bundle=BUNDLE, name=f"{index}.exr", size=2**21 - 1, sha256="0" * 64))
    with pytest.raises(SpoolError) as caught:
        spool.upload(Upload(bundle=BUNDLE, name="9.exr", size=2**21 - 1, sha256="0" * 64))
    assert caught.value.code == "spool"


def test_open_files_are_bounded_and_set_aside(spool: Spool) -> None:
    for index in range(MOST_OPEN + 1):
        spool.upload(announce(b"abc", f"{index}.exr"))
    with pytest.raises(SpoolError) as caught:
        spool.chunk(*piece(0, b"abc", "0.exr"))
    assert caught.value.code == "offset"
    spool.upload(announce(b"abc", "0.exr"))
    assert isinstance(spool.chunk(*piece(0, b"abc", "0.exr")), Stored)


def test_results_are_found_and_fetched(spool: Spool) -> None:
    with pytest.raises(SpoolError) as caught:
        spool.find(Find(bundle=BUNDLE, name="o.exr"))
    assert caught.value.code == "unknown_file"
    (spool.outputs(BUNDLE) / "o.exr").write_bytes(DATA)
    found = spool.find(Find(bundle=BUNDLE, name="o.exr"))
    assert (found.size, found.sha256) == (len(DATA), hashlib.sha256(DATA).hexdigest())
    chunk, payload = spool.fetch(Fetch(bundle=BUNDLE, name="o.exr", offset=100, length=50))
    assert (chunk.offset, chunk.crc32, payload) == (100, zlib.crc32(payload), DATA[100:150])
    with pytest.raises(SpoolError, match="ends before"):
        spool.fetch(Fetch(bundle=BUNDLE, name="o.exr", offset=len(DATA), length=1))
    (spool.outputs(BUNDLE) / "l.exr").symlink_to("/etc/passwd")
    with pytest.raises(SpoolError):
        spool.find(Find(bundle=BUNDLE, name="l.exr"))


def test_bundles_are_released_and_swept(tmp_path: Path) -> None:
    now = [0.0]
    spool = Spool(tmp_path / "spool", limit=2**20, clock=lambda: now[0])
    names = [digit * 32 for digit in "abc"]
    for name in names:
        spool.upload(announce(b"abc", bundle=name))
    spool.release(names[0])
    spool.release(names[0])
    assert not (tmp_path / "spool" / names[0]).exists()
    now[0] = (tmp_path / "spool" / names[1]).stat().st_mtime + KEPT_S + 60
    assert spool.sweep({names[1]}) == [names[2]]
    assert [entry.name for entry in (tmp_path / "spool").iterdir()] == [names[1]]
    spool.close()
