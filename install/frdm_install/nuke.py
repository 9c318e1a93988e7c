"""FRDM in Nuke's folder of one user, or one that is shared: put there, brought up to date, and taken out again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from frdm_install import block, locations, manifest, placing, shadows, tree, vendored
from frdm_install.errors import InstallError
from frdm_install.manifest import Manifest
from frdm_install.placing import Done

FOLDER = "frdm"
"""The plug-in's folder, in the one that Nuke reads."""
INIT = "init.py"
VENDOR = "vendor"
MODULES = ("frdm_nuke", "frdm_bridge")
"""What Nuke's Python imports of FRDM; its folder comes last on the path of modules."""


@dataclass(frozen=True)
class _Init:
    """The user's `init.py`: where it really is, what it holds, and what is to be in it."""

    path: Path
    there: bytes | None
    parts: block.Split


def install(
    folder: Path,
    *,
    version: str,
    platforms: Iterable[str] | None = None,
    wheel_folder: Path | None = None,
    dry_run: bool = False,
    package: Path | None = None,
) -> Done:
    """Puts the plug-in and its pyzmq into a folder of Nuke and on its plug-in path; or brings what is there up to date.

    `platforms` are names of `wheels.PLATFORMS`: this machine's unless told, and those already there.

    Raises:
        InstallError: something cannot be read, fetched or written, or is in the way. Nothing was changed, unless a
            disk failed in between; then the same call finishes it.
    """
    plugin = _plugin(folder)
    known = manifest.load(plugin) or Manifest()
    if not folder.is_dir() and (folder.exists() or not folder.parent.is_dir()):
        raise InstallError(f"{folder} is no folder and cannot be made one; choose another --folder.")
    for one in shadows.find(MODULES, [folder]):
        raise InstallError(f"Nuke would load {one.path} in place of what is installed; move it away, then try again.")
    init = _init(folder, known)
    lines = block.make(init.parts.before, folder=FOLDER)
    new_init = init.parts.before + lines + init.parts.after
    host = locations.host_files(package)
    zmq = vendored.gather(
        plugin, at=VENDOR, known=known, platforms=platforms, wheel_folder=wheel_folder, dry_run=dry_run
    )
    record = Manifest(
        version=version,
        wheels=zmq.record,
        block=manifest.digest(lines),
        made_init=init.there is None or (known.made_init and bool(init.parts.block)),
    )
    unknown = tuple(f"{VENDOR}/{tag}/" for tag in zmq.fetched if dry_run)
    todo = placing.plan(plugin, host | zmq.files, at="", record=record, unknown=unknown)
    if not dry_run:
        placing.apply(todo, last=lambda: tree.write(init.path, new_init) if new_init != init.there else None)
    return Done(
        written=(*(f"{FOLDER}/{path}" for path in todo.changes.write), *((INIT,) if new_init != init.there else ())),
        removed=tuple(f"{FOLDER}/{path}" for path in todo.changes.remove),
        fetched=zmq.fetched,
        lacking=zmq.lacking,
        tags=tuple(dict.fromkeys((*zmq.record, *zmq.fetched))),
    )


def uninstall(folder: Path, *, dry_run: bool = False) -> Done:
    """Takes out what was installed; a file that was changed since, or is not FRDM's, is kept and told of.

    The user's `init.py` is then, byte for byte, what it was, with what the user changed in it since.

    Raises:
        InstallError: something cannot be read or removed.
    """
    plugin = _plugin(folder)
    known = manifest.load(plugin)
    record = known or Manifest()
    init = _init(folder, record)
    left = init.parts.before + init.parts.after
    drop_init = bool(init.parts.block) and record.made_init and not left
    ours = placing.take(plugin, at="", dry_run=True).removed
    kept = tuple(f"{FOLDER}/{path}" for path in _foreign(plugin, set(ours))) if known else ()
    if not dry_run:
        tree.unlink(tree.aside(init.path))
        if drop_init:
            tree.unlink(init.path)
        elif init.parts.block:
            tree.write(init.path, left)
        placing.take(plugin, at="")
    return Done(
        written=(INIT,) if init.parts.block and not drop_init else (),
        removed=(*((INIT,) if drop_init else ()), *(f"{FOLDER}/{path}" for path in ours)),
        kept=kept,
    )


def _plugin(folder: Path) -> Path:
    plugin = folder / FOLDER
    if plugin.is_symlink() or (plugin.exists() and not plugin.is_dir()):
        raise InstallError(f"{plugin} is not a folder of FRDM's; move it away, then run this again.")
    return plugin


def _init(folder: Path, record: Manifest) -> _Init:
    path = folder / INIT
    if path.is_symlink():
        if not path.exists():
            raise InstallError(f"{path} is a link to nothing; mend or remove it, then run this again.")
        path = path.resolve()  # the link stays, what it leads to gets the lines
    there = tree.read(path)
    parts = block.split(there or b"", path)
    if (
        parts.block
        and manifest.digest(parts.block) != record.block
        and parts.block != block.make(parts.before, folder=FOLDER)
    ):
        raise InstallError(f"FRDM's lines in {path} were changed; remove them by hand, then run this again.")
    return _Init(path, there, parts)


def _foreign(plugin: Path, ours: set[str]) -> list[str]:
    """Files that stay: not written by FRDM, or changed since."""
    files = (path for path in sorted(plugin.rglob("*")) if path.is_file() or path.is_symlink())
    names = (path.relative_to(plugin).as_posix() for path in files if "__pycache__" not in path.parts)
    return [name for name in names if name not in ours and not name.endswith(tree.ASIDE)]
