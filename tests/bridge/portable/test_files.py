"""Frames on the client's disk, found as the engine finds them."""

from __future__ import annotations

from typing import Any

import pytest

from frdm_bridge.errors import UsageError
from frdm_bridge.files import find_frames, naming, near, parse_frames


@pytest.fixture
def folder(tmp_path: Any) -> Any:
    for number in (-2, 0, 1001, 1002, 10003):
        (tmp_path / f"plate.{number:04d}.exr").touch()
    (tmp_path / "plate.00005.exr").touch()
    (tmp_path / "plate.1004.exr.tmp").touch()
    return tmp_path


@pytest.mark.parametrize("spec", ["plate.%04d.exr", "plate.####.exr", "plate.@@@@.exr"])
def test_patterns(folder: Any, spec: Any) -> None:
    assert list(find_frames(str(folder / spec))) == [-2, 0, 1001, 1002, 10003]


def test_one_file_and_one_folder(folder: Any, tmp_path_factory: Any) -> None:
    assert find_frames(str(folder / "plate.1001.exr")) == {1001: folder / "plate.1001.exr"}
    apart = tmp_path_factory.mktemp("apart")
    for number in (3, 1):
        (apart / f"a.{number}.exr").touch()
    assert list(find_frames(str(apart))) == [1, 3]
    (apart / "b.1.exr").touch()
    with pytest.raises(UsageError, match="2 sequences"):
        find_frames(str(apart))


@pytest.mark.parametrize("spec", ["none.%04d.exr", "none.exr", "gone/p.%04d.exr"])
def test_what_is_not_there_is_told(folder: Any, spec: Any) -> None:
    with pytest.raises(UsageError, match="check the name"):
        find_frames(str(folder / spec))


def test_names_of_frames() -> None:
    assert naming("/o/out.####.exr").path(7).name == "out.0007.exr"
    assert naming("/o/out.%d.exr").path(7).name == "out.7.exr"
    assert naming("/o/out.exr").path(7).name == "out.exr"
    with pytest.raises(UsageError, match="2 places"):
        naming("/o/out.##.##.exr")


def test_neighbours_go_along() -> None:
    assert near(range(1, 21), {5, 6, 18}, reach=2) == {3, 4, 5, 6, 7, 8, 16, 17, 18, 19, 20}
    assert parse_frames("1-5x2,9") == {1, 3, 5, 9}
    with pytest.raises(UsageError, match="not understood"):
        parse_frames("one")
