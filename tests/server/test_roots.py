"""What the engine may touch: folders, links, `..`, pipes and devices, patterns without bounds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from frdm_engine.errors import AccessError, FrdmError, InputError
from frdm_engine.plates import Sequence
from frdm_engine.server.roots import Roots, check_outputs, check_pattern


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    for name in ("in", "out", "private"):
        (tmp_path / name).mkdir()
    (tmp_path / "in" / "p.1.exr").write_bytes(b"x")
    (tmp_path / "private" / "p.1.exr").write_bytes(b"secret")
    return Roots(read=(tmp_path / "in",), write=(tmp_path / "out",))


def test_what_lies_inside_is_allowed(roots: Roots, tmp_path: Path) -> None:
    assert roots.readable(f"{tmp_path}/in/p.%d.exr") == tmp_path / "in" / "p.%d.exr"
    assert roots.readable(f"{tmp_path}/in") == tmp_path / "in"
    assert roots.readable(f"{tmp_path}/in/p.1.exr") == tmp_path / "in" / "p.1.exr"
    assert roots.writable(f"{tmp_path}/out") == tmp_path / "out"
    assert roots.writable(f"{tmp_path}/out/a/b/o.%04d.exr") == tmp_path / "out" / "a" / "b" / "o.%04d.exr"


@pytest.mark.parametrize(
    "path",
    [
        "{0}/private/p.%d.exr",
        "{0}/in/../private/p.%d.exr",
        "{0}/in/..",
        "in/p.%d.exr",
        "",
        "/",
        "/etc/passwd",
        "/dev/zero",
        "/proc/self/mem",
        "~/p.exr",
        "{0}/inside/p.exr",
    ],
)
def test_what_lies_outside_is_refused(roots: Roots, tmp_path: Path, path: str) -> None:
    for judge in (roots.readable, roots.writable):
        with pytest.raises((AccessError, InputError)):
            judge(path.format(tmp_path))


def test_reading_is_not_writing(roots: Roots, tmp_path: Path) -> None:
    with pytest.raises(AccessError, match="--read"):
        roots.readable(f"{tmp_path}/out")
    with pytest.raises(AccessError, match="--write"):
        roots.writable(f"{tmp_path}/in/o.exr")


def test_without_roots_nothing_is_allowed(tmp_path: Path) -> None:
    for judge in (Roots().readable, Roots().writable):
        with pytest.raises(AccessError):
            judge(str(tmp_path))


def test_links_out_of_a_root_are_followed_before_they_are_judged(roots: Roots, tmp_path: Path) -> None:
    (tmp_path / "in" / "link").symlink_to(tmp_path / "private")
    (tmp_path / "out" / "link").symlink_to(tmp_path / "private")
    (tmp_path / "out" / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(AccessError):
        roots.readable(f"{tmp_path}/in/link/p.%d.exr")
    with pytest.raises(AccessError):
        roots.writable(f"{tmp_path}/out/link/o.%d.exr")
    with pytest.raises(AccessError):
        roots.writable(f"{tmp_path}/out/dangling/o.%d.exr")


def test_links_within_a_root_are_fine(roots: Roots, tmp_path: Path) -> None:
    (tmp_path / "in" / "here").symlink_to(tmp_path / "in")
    assert roots.readable(f"{tmp_path}/in/here/p.%d.exr") == tmp_path / "in" / "p.%d.exr"
    (tmp_path / "in" / "p.2.exr").symlink_to(tmp_path / "in" / "p.1.exr")
    roots.check_inputs(Sequence.find(tmp_path / "in" / "p.%d.exr"))


def test_a_frame_that_is_a_link_out_is_refused(roots: Roots, tmp_path: Path) -> None:
    (tmp_path / "in" / "p.2.exr").symlink_to(tmp_path / "private" / "p.1.exr")
    with pytest.raises(AccessError, match=r"p\.2\.exr"):
        roots.check_inputs(Sequence.find(tmp_path / "in" / "p.%d.exr"))


def test_pipes_are_not_read(roots: Roots, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "in" / "pipe.exr")
    with pytest.raises(AccessError, match="no plain file"):
        roots.readable(f"{tmp_path}/in/pipe.exr")


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_outputs_that_are_no_plain_files_are_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "o.1.exr"
    if kind == "link":
        path.symlink_to(tmp_path / "elsewhere")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(AccessError, match=r"o\.1\.exr"):
        check_outputs([tmp_path / "new.exr", path])


@pytest.mark.parametrize(
    "name", ["p.%0999999999d.exr", "p.%99d.exr", "p." + "#" * 13, "p.##.##.exr", "p.1-999999999#.exr", "p.1-9y2#.exr"]
)
def test_patterns_without_bounds_are_refused(name: str) -> None:
    with pytest.raises(InputError):
        check_pattern(name)


@pytest.mark.parametrize(
    "name", ["p.%04d.exr", "p.%d.exr", "p.####.exr", "p.1001-1010####.exr", "scene-12-####.exr", "p3#.exr"]
)
def test_patterns_of_the_trade_are_fine(name: str) -> None:
    check_pattern(name)


def test_a_root_that_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "none", tmp_path / "file"):
        with pytest.raises(FrdmError):
            Roots(read=(path,))
