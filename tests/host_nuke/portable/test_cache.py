from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from frdm_nuke import cache
from frdm_nuke.cache import Cache
from frdm_nuke.errors import CacheError


def written(where: Cache, role: str, frame: int, content: bytes = b"pixels") -> Path:
    where.prepare()
    path = where.file(role, frame)
    path.write_bytes(content)
    return path


def test_folders_keep_their_tokens_and_get_forward_slashes_and_views() -> None:
    text = cache.text("[file dirname [value root.name]]/frdm", "FRDM1_0f", "", "plate")
    assert text == "[file dirname [value root.name]]/frdm/FRDM1_0f/%V/plate.%07d.exr"
    assert cache.text("C:\\shots\\my cache\\", "n", "", "plate") == "C:/shots/my cache/n/%V/plate.%07d.exr"
    assert cache.text("/shots/%V/cache", "n", "kept", "plate") == "/shots/%V/cache/n/kept/plate.%07d.exr"


def test_views_stand_in_for_their_tokens() -> None:
    assert cache.in_view("/a/%V/%v/p.%07d.exr", "left") == "/a/left/l/p.%07d.exr"
    assert Cache.of("/a b/%V/plate.%07d.exr", "right").folder == Path("/a b/right")


def test_frames_are_named_as_the_engine_reads_them(tmp_path: Path) -> None:
    where = Cache(tmp_path)
    assert where.pattern("plate") == f"{tmp_path}/plate.%07d.exr"
    assert where.file("plate", 12).name == "plate.0000012.exr"
    assert where.file("plate", -3).name == "plate.-000003.exr"


def test_a_record_vouches_for_the_file_it_was_written_for(tmp_path: Path) -> None:
    where = Cache(tmp_path / "deep" / "down")
    path = written(where, "result", 5)
    where.vouch("result", 5, {"above": "ab"})
    assert where.record("result", 5)["above"] == "ab"
    assert where.frames("result") == {5}
    path.write_bytes(b"another length")
    assert where.record("result", 5) == {}


def test_a_damaged_record_vouches_for_nothing(tmp_path: Path) -> None:
    where = Cache(tmp_path)
    written(where, "plate", 1)
    where.file("plate", 1).with_suffix(".json").write_text("{half of it")
    assert where.record("plate", 1) == {}


def test_a_file_without_its_record_does_not_count(tmp_path: Path) -> None:
    where = Cache(tmp_path)
    written(where, "result", 1)
    written(where, "result", -2)
    where.vouch("result", -2, {})
    assert where.frames("result") == {-2}
    assert where.frames("plate") == set()


def test_clearing_deletes_what_the_node_has_written_and_nothing_else(tmp_path: Path) -> None:
    where = Cache(tmp_path / "FRDM1" / "main")
    for role in cache.ROLES:
        written(where, role, 7)
    where.vouch("result", 7, {})
    (where.folder / "result.frdm.jsonl").write_text("{}\n")
    kept = where.folder / "notes of the artist.txt"
    kept.write_text("mine")
    assert where.clear() == 7
    assert list(where.folder.iterdir()) == [kept]
    kept.unlink()
    assert where.clear() == 0
    assert not (tmp_path / "FRDM1").exists()


def test_forgetting_passes_over_what_is_not_there(tmp_path: Path) -> None:
    where = Cache(tmp_path)
    written(where, "plate", 3)
    where.forget("plate", (2, 3, 4))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CacheError, match=r"cannot be written .*; choose another on the node's tab Cache"):
        Cache(tmp_path / "file" / "main").prepare()


def test_a_full_disk_is_told_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = Cache(tmp_path)
    written(where, "result", 1)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(CacheError, match=r"No space left on device.*; free space in the cache folder"):
        where.vouch("result", 1, {})
