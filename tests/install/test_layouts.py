"""Installed, brought up to date and taken out, on the layouts of Linux, macOS and Windows: the tree is what it was.

Into folders that nobody has used yet, and into used ones, compared byte for byte with modes and links.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from frdm_install import engine, locations, nuke, resolve, units
from frdm_install.placing import Done
from tests.install.conftest import BRIDGE, HOST, NUKE, fill, make_wheel

Entry = tuple[str, int, bytes]

PLATFORMS = {"linux": "linux_x86_64", "darwin": "macos", "win32": "win_amd64"}
WHEELS = {"linux": "manylinux2014_x86_64", "darwin": "macosx_11_0_universal2", "win32": "win_amd64"}
SCRIPT = b'import os\nFRDM = ""\nprint(FRDM)\n'
RESOLVE = {"__init__.py": b"", "cli.py": b"import zmq\n"}


@dataclass(frozen=True)
class Studio:
    """A machine: its system, its folders, and what `frdm install` is told of them."""

    root: Path
    system: str

    @property
    def environment(self) -> dict[str, str]:
        home = self.root / {"linux": "home/ann", "darwin": "Users/ann", "win32": "Users/Ann Lee"}[self.system]
        given = {"HOME": str(home)} if self.system != "win32" else {"USERPROFILE": str(home)}
        return given | {"APPDATA": str(home / "AppData/Roaming"), "PROGRAMDATA": str(self.root / "ProgramData")}

    @property
    def home(self) -> Path:
        return Path(self.environment.get("HOME") or self.environment["USERPROFILE"])


def entries(folder: Path) -> dict[str, Entry]:
    """Everything below a folder: kind, mode, and content or where a link leads."""

    def each() -> Iterator[tuple[str, Entry]]:
        for path in sorted(folder.rglob("*")):
            name, mode = path.relative_to(folder).as_posix(), path.lstat().st_mode & 0o7777
            if path.is_symlink():
                yield name, ("link", 0, str(path.readlink()).encode())
            elif path.is_dir():
                yield name, ("folder", mode, b"")
            else:
                yield name, ("file", mode, path.read_bytes())

    return dict(each())


def release(root: Path, *, newer: bool) -> Path:
    """FRDM's own files as a source tree has them; a newer release changes, adds and drops some. Returns the package."""
    changed = {"node.py": b"import nuke  # newer\n", "batch.py": b""} if newer else {"old.py": b""}
    fill(root / "host_nuke", HOST)
    fill(root / "host_nuke/frdm_nuke", {**NUKE, **changed})
    fill(root / "bridge/frdm_bridge", {**BRIDGE, **({"paths/new.py": b""} if newer else {"paths/old.py": b""})})
    fill(root / "host_resolve", {"FRDM Restore.py": SCRIPT, "FRDM Remove.py": SCRIPT})
    fill(root / "host_resolve/frdm_resolve", {**RESOLVE, **({"new.py": b""} if newer else {"cli.py": b"import os\n"})})
    fill(root / "install/frdm_install", {"__init__.py": b""})
    return root / "install/frdm_install"


def shelf(root: Path, *, version: str) -> Path:
    for platform in WHEELS.values():
        for python, abi in (("cp39", "cp39"), ("cp310", "cp310"), ("cp311", "cp311"), ("cp312", "abi3")):
            make_wheel(root, python=python, abi=abi, platform=platform, version=version)
    return root


class ForNuke:
    def __init__(self, studio: Studio, *, shared: bool = False) -> None:
        own = locations.user_folder(environment=studio.environment, system=studio.system)
        self.folder = studio.root / "studio/nuke" if shared else own
        self.platforms = tuple(PLATFORMS.values()) if shared else (PLATFORMS[studio.system],)

    def used(self) -> None:
        fill(self.folder, {"menu.py": b"print('mine')\r\n", "init.py": b"import os\r\nx = 1", "python/mine.py": b""})
        (self.folder / "init.py").chmod(0o640)
        (self.folder / "gizmos").symlink_to("python")

    def install(self, version: str, package: Path | None, wheels: Path, *, dry_run: bool = False) -> Done:
        return nuke.install(
            self.folder,
            version=version,
            platforms=self.platforms,
            wheel_folder=wheels,
            package=package,
            dry_run=dry_run,
        )

    def uninstall(self) -> Done:
        return nuke.uninstall(self.folder)


class ForNukeShared(ForNuke):
    def __init__(self, studio: Studio) -> None:
        super().__init__(studio, shared=True)
        self.folder.parent.mkdir()


class ForResolve:
    everybody = False

    def __init__(self, studio: Studio) -> None:
        environment, system = studio.environment, studio.system
        self.folder = resolve.fusion_folder(everybody=self.everybody, environment=environment, system=system)
        if not self.folder.is_relative_to(studio.root):  # a machine's own folder, on a disk of the test
            self.folder = studio.root / self.folder.relative_to("/")
        self.platforms = (PLATFORMS[studio.system],)

    def used(self) -> None:
        fill(self.folder, {"Scripts/Utility/mine.py": b"x = 1", "Scripts/Comp/a.lua": b"", "Modules/Lua/b.lua": b""})
        (self.folder / "Scripts/Utility").chmod(0o700)
        (self.folder / "Macros").mkdir()

    def install(self, version: str, package: Path | None, wheels: Path, *, dry_run: bool = False) -> Done:
        return resolve.install(
            self.folder,
            version=version,
            platforms=self.platforms,
            wheel_folder=wheels,
            package=package,
            dry_run=dry_run,
        )

    def uninstall(self) -> Done:
        return resolve.uninstall(self.folder)


class ForResolveOfAll(ForResolve):
    everybody = True


class ForEngine:
    machine = False

    def __init__(self, studio: Studio) -> None:
        found = engine.place(machine=self.machine, environment=studio.environment, system=studio.system)
        folder = found.folder
        if not folder.is_relative_to(studio.root):
            folder = studio.root / folder.relative_to("/")
        self.place = engine.Place(**{**vars(found), "folder": folder})
        self.folder = folder

    def used(self) -> None:
        fill(self.folder, {"systemd/user/mine.service": b"[Service]\n", "LaunchAgents/mine.plist": b"<plist/>"})
        (self.folder / "frdm").mkdir(mode=0o700)

    def install(self, version: str, package: Path | None, wheels: Path, *, dry_run: bool = False) -> Done:
        options = ["--read", "/shows", *(("--write", "/shows") if version == "2" else ())]
        service = units.Service(
            command=("python", "-m", "frdm_engine", "serve", *options),
            home=Path("/var/lib/frdm"),
            user="render" if self.machine else None,
        )
        return engine.install(self.place, service, version=version, options=options, dry_run=dry_run)

    def uninstall(self) -> Done:
        return engine.uninstall(self.place)


class ForEngineOfMachine(ForEngine):
    machine = True


HOSTS: list[Callable[[Studio], ForNuke | ForResolve | ForEngine]] = [
    *(ForNuke, ForNukeShared, ForResolve, ForResolveOfAll, ForEngine, ForEngineOfMachine),
]


@pytest.mark.parametrize("used", [False, True], ids=["fresh", "used"])
@pytest.mark.parametrize("system", PLATFORMS)
@pytest.mark.parametrize("host", HOSTS)
def test_the_tree_is_what_it_was(
    tmp_path: Path, host: Callable[[Studio], ForNuke | ForResolve | ForEngine], system: str, used: bool
) -> None:
    if system == "win32" and host in (ForEngine, ForEngineOfMachine):
        pytest.skip("the engine does not run there")
    studio = Studio(tmp_path / "machine", system)
    studio.home.mkdir(parents=True)
    fill(studio.home, {"notes.txt": b"mine"})
    one = host(studio)
    if used:
        one.used()
    before = entries(studio.root)
    first = release(tmp_path / "first", newer=False), shelf(tmp_path / "wheels", version="27.3.0")
    second = release(tmp_path / "second", newer=True), shelf(tmp_path / "later", version="27.10.0")

    told = one.install("1", *first, dry_run=True)
    assert entries(studio.root) == before
    done = one.install("1", *first)
    assert done == told
    assert done.written
    for name, entry in before.items():
        if name.rpartition("/")[2] != "init.py":
            assert entries(studio.root)[name] == entry
    installed, times = entries(studio.root), {path: path.stat().st_mtime_ns for path in studio.root.rglob("*")}
    assert not one.install("1", *first).changed
    assert entries(studio.root) == installed
    assert {path: path.stat().st_mtime_ns for path in studio.root.rglob("*")} == times

    upgraded = one.install("2", *second)
    assert upgraded.changed
    fresh = Studio(tmp_path / "other", system)
    fresh.home.mkdir(parents=True)
    other = host(fresh)
    other.install("2", *second)
    assert contents(one.folder) >= contents(other.folder)  # as if the second had been the only one
    assert not any("old.py" in name for name in entries(one.folder))
    for path in list(one.folder.rglob("frdm_*/*.py")):  # hosts compile what they import
        fill(path.parent / "__pycache__", {f"{path.stem}.cpython-311.pyc": b"compiled"})

    assert not one.uninstall().kept
    assert entries(studio.root) == before
    assert not one.uninstall().changed


def contents(folder: Path) -> set[tuple[str, bytes]]:
    """Files that do not tell their own place or what was there before them."""
    found = entries(folder).items()
    telling = ("manifest.json", "init.py", "FRDM Restore.py", "FRDM Remove.py")
    return {(name, content) for name, (kind, _, content) in found if kind == "file" and not name.endswith(telling)}


@pytest.mark.parametrize("host", [ForNuke, ForResolve])
def test_what_this_release_ships_comes_out_again(
    tmp_path: Path, host: Callable[[Studio], ForNuke | ForResolve | ForEngine]
) -> None:
    """FRDM's real files, over those of an older release."""
    studio = Studio(tmp_path / "machine", "linux")
    studio.home.mkdir(parents=True)
    one = host(studio)
    one.used()
    before = entries(studio.root)
    wheels = shelf(tmp_path / "wheels", version="27.3.0")
    one.install("1", release(tmp_path / "first", newer=False), wheels)
    assert one.install("2", None, wheels).removed
    assert not one.install("2", None, wheels).changed
    one.uninstall()
    assert entries(studio.root) == before


@pytest.mark.parametrize("made_folder", [False, True])
def test_a_record_of_the_first_format_is_understood(tmp_path: Path, made_folder: bool) -> None:
    """What an earlier FRDM installed is brought up to date and taken out."""
    import json

    studio = Studio(tmp_path / "machine", "linux")
    studio.home.mkdir(parents=True)
    one = ForNuke(studio)
    if not made_folder:
        one.folder.mkdir()
    before = entries(studio.root)
    wheels, package = shelf(tmp_path / "wheels", version="27.3.0"), release(tmp_path / "first", newer=False)
    one.install("1", package, wheels)
    record = one.folder / "frdm/manifest.json"
    plain = json.loads(record.read_bytes())
    for key in ("made", "above", "options"):
        del plain[key]
    record.write_text(json.dumps({**plain, "format": 1, "made_folder": made_folder}))
    one.install("2", package, wheels)
    assert json.loads(record.read_bytes())["format"] == 2
    one.uninstall()
    assert entries(studio.root) == before
