"""Installing into real folders, bringing up to date, taking out: what was there is there after, byte by byte."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest

from frdm_install import locations, manifest, tree, wheels
from frdm_install.errors import InstallError
from frdm_install.nuke import install, uninstall
from frdm_install.placing import Done
from tests.install.conftest import HOST, fill, tree_of

LINUX = "linux_x86_64"
INITS = [None, b"", b"import nuke\n", b"x = 1", b"x = 1\r\nif x:\r\n    y = 2", b"\xef\xbb\xbfname = '\xc3\xa9'\n\n"]


@pytest.fixture
def put(home: Path, source: Path, shelf: Path) -> Callable[..., Done]:
    """Installs into the user's ~/.nuke from the source tree and the shelf of wheels."""

    def run(folder: Path = home / ".nuke", version: str = "1", **options: object) -> Done:
        given = {"platforms": (LINUX,), "wheel_folder": shelf, "package": source} | options
        return install(folder, version=version, **given)  # type: ignore[arg-type]  # options of this call

    return run


def test_what_is_put_there(home: Path, put: Callable[..., Done], shelf: Path) -> None:
    before = tree_of(home)
    done = put()
    plugin = home / ".nuke" / "frdm"
    assert {name: content for name, content in tree_of(home).items() if not name.startswith(".nuke/frdm")} == {
        **before,
        ".nuke/init.py": (home / ".nuke/init.py").read_bytes(),
    }
    assert 'nuke.pluginAddPath("./frdm")' in (home / ".nuke/init.py").read_text()
    assert (plugin / "init.py").read_bytes() == HOST["init.py"]
    assert sorted(path.name for path in plugin.iterdir()) == [
        *("frdm_bridge", "frdm_nuke", "icons", "init.py", "manifest.json", "menu.py", "vendor"),
    ]
    assert sorted(path.name for path in (plugin / "vendor").iterdir()) == sorted(done.tags)
    assert set(done.tags) == {f"{abi}-{LINUX}" for abi in wheels.ABIS}
    for tag in done.tags:
        module = load(plugin / "vendor" / tag / "zmq" / "__init__.py")
        assert module.FOR[0] == tag.partition("-")[0].partition("_")[0]
    record = json.loads((plugin / "manifest.json").read_bytes())
    files = [path for path in plugin.rglob("*") if path.is_file() and path.name != "manifest.json"]
    assert record["files"] == {
        path.relative_to(plugin).as_posix(): manifest.digest(path.read_bytes()) for path in files
    }
    name = "pyzmq-27.3.0-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
    assert record["wheels"]["cp311-linux_x86_64"] == {
        "file": name,
        "sha256": manifest.digest((shelf / name).read_bytes()),
    }


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("loaded", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("content", INITS)
def test_in_and_out_leaves_the_tree_as_it_was(home: Path, put: Callable[..., Done], content: bytes | None) -> None:
    if content is not None:
        (home / ".nuke/init.py").write_bytes(content)
    before = tree_of(home)
    put()
    # Nuke's Python compiles what it imports.
    fill(home / ".nuke/frdm", {"frdm_nuke/__pycache__/node.cpython-311.pyc": b"compiled"})
    assert not uninstall(home / ".nuke").kept
    assert tree_of(home) == before
    assert not uninstall(home / ".nuke").changed


def test_a_folder_that_was_not_there_is_gone_again(tmp_path: Path, put: Callable[..., Done]) -> None:
    home = tmp_path / "new"
    home.mkdir()
    put(home / ".nuke")
    assert (home / ".nuke/frdm/init.py").is_file()
    uninstall(home / ".nuke")
    assert tree_of(home) == {}


def test_a_second_time_changes_nothing(home: Path, put: Callable[..., Done]) -> None:
    put()
    before = tree_of(home)
    times = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    assert not put().changed
    assert tree_of(home) == before
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*")} == times


@pytest.mark.parametrize("content", [None, b"x = 1"])
def test_a_dry_run_touches_nothing_and_tells_the_same(
    home: Path, put: Callable[..., Done], content: bytes | None
) -> None:
    if content is not None:
        (home / ".nuke/init.py").write_bytes(content)
    before = tree_of(home)
    told = put(dry_run=True)
    assert tree_of(home) == before
    assert told == put()
    before = tree_of(home)
    told = uninstall(home / ".nuke", dry_run=True)
    assert tree_of(home) == before
    assert told == uninstall(home / ".nuke")


def test_a_dry_run_fetches_nothing(home: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", None)
    done = install(home / ".nuke", version="1", platforms=("macos",), package=source, dry_run=True)
    assert done.fetched == tuple(f"{abi}-macos" for abi in wheels.ABIS)


def test_an_upgrade_writes_what_changed_and_removes_what_went(
    home: Path, put: Callable[..., Done], source: Path
) -> None:
    put()
    user = b"\nimport mine\n"
    with (home / ".nuke/init.py").open("ab") as file:
        file.write(user)
    host = source.parents[1] / "host_nuke"
    fill(host, {"menu.py": b"import frdm_nuke  # newer\n", "frdm_nuke/batch.py": b"import nuke\n"})
    (host / "frdm_nuke/node.py").unlink()
    done = put(version="2")
    assert set(done.written) == {"frdm/menu.py", "frdm/frdm_nuke/batch.py"}
    assert done.removed == ("frdm/frdm_nuke/node.py",)
    assert (home / ".nuke/frdm/menu.py").read_bytes() == b"import frdm_nuke  # newer\n"
    assert not (home / ".nuke/frdm/frdm_nuke/node.py").exists()
    uninstall(home / ".nuke")
    assert (home / ".nuke/init.py").read_bytes() == user


def test_platforms_add_up_and_wheels_that_fit_stay(home: Path, put: Callable[..., Done], tmp_path: Path) -> None:
    put()
    done = put(platforms=("win_amd64",))
    assert {tag.partition("-")[2] for tag in done.tags} == {LINUX, "win_amd64"}
    assert all(path.startswith("frdm/vendor/") and "win_amd64" in path for path in done.written)
    # All wheels are there and of the right release: none is fetched.
    assert not put(wheel_folder=None).changed
    (tmp_path / "empty").mkdir()
    assert not put(wheel_folder=tmp_path / "empty").changed


def test_a_damaged_wheel_is_put_right(home: Path, put: Callable[..., Done]) -> None:
    put()
    library = home / ".nuke/frdm/vendor/cp311-linux_x86_64/zmq/backend/_zmq.so"
    library.unlink()
    assert put().written == (library.relative_to(home / ".nuke").as_posix(),)
    assert library.is_file()


def test_wheels_that_lack_are_told_of(
    home: Path, put: Callable[..., Done], tmp_path: Path, wheel: Callable[..., Path]
) -> None:
    wheel(tmp_path / "one")
    done = put(wheel_folder=tmp_path / "one")
    assert done.tags == ("cp311-linux_x86_64",)
    assert done.lacking == tuple(f"{abi}-{LINUX}" for abi in ("cp39", "cp310", "cp312_abi3"))
    with pytest.raises(InstallError, match="holds no wheel of pyzmq for cp39-win_amd64"):
        put(tmp_path / "other", wheel_folder=tmp_path / "one", platforms=("win_amd64",))
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    "path", ["frdm/menu.py", "frdm/frdm_nuke/node.py", "frdm/vendor/cp311-linux_x86_64/zmq/__init__.py"]
)
def test_a_foreign_file_in_the_way_stops_before_anything_is_done(
    home: Path, put: Callable[..., Done], path: str
) -> None:
    fill(home / ".nuke", {path: b"somebody else's"})
    before = tree_of(home)
    with pytest.raises(InstallError, match=f"{path} is there and is not FRDM's; move it away"):
        put()
    assert tree_of(home) == before
    assert not uninstall(home / ".nuke").changed
    assert tree_of(home) == before


def test_a_changed_file_is_neither_replaced_nor_removed(home: Path, put: Callable[..., Done]) -> None:
    put()
    fill(home / ".nuke", {"frdm/menu.py": b"mine now", "frdm/notes.txt": b"mine"})
    before = tree_of(home)
    with pytest.raises(InstallError, match=r"menu\.py was changed since it was installed"):
        put(version="2")
    assert tree_of(home) == before
    assert uninstall(home / ".nuke").kept == ("frdm/menu.py", "frdm/notes.txt")
    left = tree_of(home / ".nuke/frdm")
    assert left == {"menu.py": b"mine now", "notes.txt": b"mine"}


@pytest.mark.parametrize("changed", [b"# mine\n", b""])
def test_changed_lines_in_init_are_left_to_the_user(home: Path, put: Callable[..., Done], changed: bytes) -> None:
    put()
    init = home / ".nuke/init.py"
    init.write_bytes(init.read_bytes().replace(b"import nuke\n", changed))
    before = tree_of(home)
    for call in (put, partial(uninstall, home / ".nuke")):
        with pytest.raises(InstallError, match="were changed; remove them by hand"):
            call()
    assert tree_of(home) == before


def test_a_linked_init_stays_a_link(home: Path, put: Callable[..., Done], tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    (tmp_path / "dotfiles/init.py").write_bytes(b"x = 1")
    (home / ".nuke/init.py").symlink_to(tmp_path / "dotfiles/init.py")
    (tmp_path / "dotfiles/init.py").chmod(0o640)
    before = tree_of(tmp_path)
    put()
    assert b"pluginAddPath" in (tmp_path / "dotfiles/init.py").read_bytes()
    assert (home / ".nuke/init.py").is_symlink()
    uninstall(home / ".nuke")
    assert tree_of(tmp_path) == before
    assert (tmp_path / "dotfiles/init.py").stat().st_mode & 0o777 == 0o640


def test_links_and_files_in_the_way(home: Path, put: Callable[..., Done], tmp_path: Path) -> None:
    nuke = home / ".nuke"
    (nuke / "init.py").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InstallError, match="a link to nothing"):
        put()
    (nuke / "init.py").unlink()
    (nuke / "init.py").mkdir()
    with pytest.raises(InstallError, match="is a folder"):
        put()
    (nuke / "init.py").rmdir()
    (nuke / "frdm").symlink_to(tmp_path)
    with pytest.raises(InstallError, match="is not a folder of FRDM's"):
        put()
    (nuke / "frdm").unlink()
    fill(nuke, {"frdm/frdm_nuke": b"a file"})
    with pytest.raises(InstallError, match="a file where a folder must be"):
        put()
    with pytest.raises(InstallError, match="cannot be made"):
        put(tmp_path / "no" / "such")
    with pytest.raises(InstallError, match=r"--platform amiga is not known; choose of linux_x86_64"):
        put(platforms=("amiga",))


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b'{"format": 99}',
        b'{"format": 1, "unheard": 2}',
        b'{"format": 1, "files": {"../menu.py": ""}}',
        b'{"format": 1, "pending": {"/etc/passwd": ""}}',
    ],
)
def test_a_record_that_cannot_be_read(home: Path, put: Callable[..., Done], content: bytes) -> None:
    fill(home / ".nuke", {"frdm/manifest.json": content})
    for call in (put, partial(uninstall, home / ".nuke")):
        with pytest.raises(InstallError, match=r"manifest\.json is (damaged|of another version)"):
            call()


@pytest.mark.parametrize("writes", range(0, 40, 3))
def test_an_installation_that_was_cut_off_is_finished_or_taken_out(
    home: Path, put: Callable[..., Done], source: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    before = tree_of(home)
    put()
    fill(source.parents[1] / "host_nuke", dict.fromkeys(("init.py", "menu.py", "frdm_nuke/node.py"), b"# newer\n"))
    left, real = writes, tree.write

    def failing(path: Path, content: bytes) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise InstallError("the disk is full")
        real(path, content)

    if writes % 2:
        uninstall(home / ".nuke")
    monkeypatch.setattr(tree, "write", failing)
    cut = None
    try:
        put(version="2")
    except InstallError as error:
        cut = str(error)
    monkeypatch.setattr(tree, "write", real)
    assert cut in (None, "the disk is full")
    if writes % 4 > 1:
        put(version="2")
        assert (home / ".nuke/frdm/menu.py").read_bytes() == b"# newer\n"
    assert not uninstall(home / ".nuke").kept
    assert tree_of(home) == before


def test_a_disk_that_fails_is_one_sentence(
    home: Path, put: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree_of(home)

    def full(descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(InstallError, match=r"manifest\.json cannot be written \(No space left on device\)"):
            put()
    uninstall(home / ".nuke")
    assert {name: content for name, content in tree_of(home).items() if content is not None} == {
        name: content for name, content in before.items() if content is not None
    }


def test_without_a_record_the_lines_are_still_found(home: Path, put: Callable[..., Done]) -> None:
    (home / ".nuke/init.py").write_bytes(b"x = 1")
    put()
    (home / ".nuke/frdm/manifest.json").unlink()
    assert uninstall(home / ".nuke").written == ("init.py",)
    assert (home / ".nuke/init.py").read_bytes() == b"x = 1"


def test_the_host_looks_where_the_wheels_are() -> None:
    """frdm_nuke names the folder of its Python and platform as the installer does."""
    host = importlib.import_module("frdm_nuke.vendor")
    for system, name, machine in (
        ("linux", "Linux", "x86_64"),
        ("linux", "Linux", "aarch64"),
        ("darwin", "Darwin", "arm64"),
        ("win32", "Windows", "AMD64"),
    ):
        for minor in range(9, 15):
            python = (3, minor)
            assert host.tag(python, name, machine) == wheels.tag_for(python, wheels.this_platform(system, machine))


def test_the_installed_zmq_is_the_one_python_loads(home: Path, put: Callable[..., Done]) -> None:
    put()
    tag = wheels.tag_for((3, 11), LINUX)
    code = "import sys; sys.path.insert(0, sys.argv[1]); import zmq; print(zmq.FOR[0])"
    command = [sys.executable, "-S", "-c", code, str(home / f".nuke/frdm/vendor/{tag}")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "cp311"


def test_frdm_s_own_files_are_all_there() -> None:
    """The source tree, or the wheel, that runs this test."""
    files = locations.host_files()
    assert {"init.py", "menu.py", "icons/frdm.png", "frdm_nuke/vendor.py", "frdm_bridge/client.py"} <= set(files)
    for name, content in files.items():
        if name.endswith(".py"):
            compile(content, name, "exec")
