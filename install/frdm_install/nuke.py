"""FRDM in Nuke's folder of one user, or one that is shared: put there, brought up to date, and taken out again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from frdm_install import block, locations, manifest, tree, wheels
from frdm_install.errors import InstallError
from frdm_install.manifest import Manifest

FOLDER = "frdm"
"""The plug-in's folder, in the one that Nuke reads."""
INIT = "init.py"


@dataclass(frozen=True)
class Done:
    """What was done, or would be: paths relative to Nuke's folder, and what to say about the rest."""

    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    fetched: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether there was anything to do."""
        return bool(self.written or self.removed or self.fetched)


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
    known = manifest.load(plugin)
    made_folder = known.made_folder if known else not folder.exists()
    if not folder.is_dir() and (folder.exists() or not folder.parent.is_dir()):
        raise InstallError(f"{folder} is no folder and cannot be made one; choose another --folder.")
    record = known or Manifest()
    init = _init(folder, record)
    block_wanted = block.make(init.parts.before, folder=FOLDER)
    host = locations.host_files(package)
    vendored, fetch = _vendored(plugin, record, platforms, wheel_folder)
    if not dry_run:
        for tag in fetch:
            vendored[tag] = wheels.fetch(*tag.split("-"))
    lacking = tuple(tag for tag, wheel in vendored.items() if wheel is None and tag not in fetch)
    ready = {tag: wheel for tag, wheel in vendored.items() if wheel is not None}
    if not ready and not fetch:
        raise InstallError(
            f"--wheels {wheel_folder} holds no wheel of pyzmq for {' or '.join(lacking)}; put one there, such as "
            f"pyzmq-{wheels.PYZMQ}-cp311-cp311-....whl."
        )
    wanted = dict(host)
    for tag, wheel in ready.items():
        wanted.update({f"vendor/{tag}/{name}": content for name, content in wheel.files.items()})
    # What would be fetched is not known in a dry run: then it is not compared.
    skipped = tuple(f"vendor/{tag}/" for tag in fetch if dry_run)
    ours = {path: sha for path, sha in record.files.items() if not path.startswith(skipped)}
    changes = tree.compare(plugin, wanted, replace(record, files=ours))
    new_init = init.parts.before + block_wanted + init.parts.after
    result = Done(
        written=(*(f"{FOLDER}/{path}" for path in changes.write), *((INIT,) if new_init != init.there else ())),
        removed=tuple(f"{FOLDER}/{path}" for path in changes.remove),
        fetched=tuple(fetch),
        lacking=lacking,
        tags=(*ready, *fetch) if dry_run else tuple(ready),
    )
    if dry_run:
        return result
    final = Manifest(
        version=version,
        files={path: manifest.digest(content) for path, content in wanted.items()},
        wheels={tag: {"file": wheel.name, "sha256": wheel.sha256} for tag, wheel in ready.items()},
        block=manifest.digest(block_wanted),
        made_init=init.there is None or (record.made_init and bool(init.parts.block)),
        made_folder=made_folder,
    )
    if known != final:
        # Should this be cut off, files are known both as they were and as they were to be.
        pending = {path: final.files[path] for path in changes.write}
        unfinished = replace(final, files={**final.files, **record.files}, pending=pending)
        tree.write(plugin / manifest.NAME, manifest.text(unfinished))
    for path in changes.write:
        tree.write(plugin / path, wanted[path])
    tree.remove(plugin, changes.remove)
    if new_init != init.there:
        tree.write(init.path, new_init)
    if known != final:
        tree.write(plugin / manifest.NAME, manifest.text(final))
    return result


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
    there = {path: tree.read(plugin / path) for path in record.paths}
    ours = tuple(path for path, content in there.items() if content is not None and record.wrote(path, content))
    mine = {*ours, *((manifest.NAME,) if known else ())}
    kept = tuple(f"{FOLDER}/{path}" for path in _foreign(plugin, mine)) if known else ()
    drop_init = bool(init.parts.block) and record.made_init and not left
    result = Done(
        written=(INIT,) if init.parts.block and not drop_init else (),
        removed=(*((INIT,) if drop_init else ()), *(f"{FOLDER}/{path}" for path in sorted(mine))),
        kept=kept,
    )
    if dry_run or not result.changed:
        return result
    if drop_init:
        tree.unlink(init.path)
    elif init.parts.block:
        tree.write(init.path, left)
    # The record goes last, so that an uninstallation that was cut off can be finished.
    tree.remove(plugin, ours)
    tree.remove(plugin, (manifest.NAME,))
    tree.prune(plugin)
    if record.made_folder:
        tree.prune(folder)
    return result


def tags(platforms: Iterable[str]) -> list[str]:
    """The folders of wheels for some platforms."""
    return [wheels.tag(abi, system) for system in platforms for abi in wheels.ABIS]


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


def _vendored(
    plugin: Path, record: Manifest, platforms: Iterable[str] | None, wheel_folder: Path | None
) -> tuple[dict[str, wheels.Wheel | None], list[str]]:
    """The wheel of each tag, None where there is none (yet), and the tags that must be fetched."""
    before = {tag.partition("-")[2] for tag in record.wheels}
    chosen = dict.fromkeys([*(platforms or [wheels.this_platform()]), *sorted(before)])
    for name in chosen:
        if name not in wheels.PLATFORMS:
            raise InstallError(f"--platform {name} is not known; choose of {', '.join(wheels.PLATFORMS)}.")
    found: dict[str, wheels.Wheel | None] = {}
    for tag in tags(chosen):
        abi, _, system = tag.partition("-")
        path = wheels.choose(wheel_folder, abi, system) if wheel_folder else None
        there = _whole(plugin, record, tag)
        current = there is not None and there.name.startswith(f"pyzmq-{wheels.PYZMQ}-")
        found[tag] = wheels.unpack(path) if path else there if current or wheel_folder else None
    fetch = [] if wheel_folder else [tag for tag, wheel in found.items() if wheel is None]
    return found, fetch


def _whole(plugin: Path, record: Manifest, tag: str) -> wheels.Wheel | None:
    """A wheel that lies there as it was unpacked."""
    if tag not in record.wheels:
        return None
    files: dict[str, bytes] = {}
    start = f"vendor/{tag}/"
    for path, sha in record.files.items():
        if path.startswith(start):
            content = tree.read(plugin / path)
            if content is None or manifest.digest(content) != sha:
                return None
            files[path[len(start) :]] = content
    return wheels.Wheel(record.wheels[tag]["file"], record.wheels[tag]["sha256"], files) if files else None


def _foreign(plugin: Path, ours: set[str]) -> list[str]:
    """Files that stay: not written by FRDM, or changed since."""
    files = (path for path in sorted(plugin.rglob("*")) if path.is_file() or path.is_symlink())
    names = (path.relative_to(plugin).as_posix() for path in files if "__pycache__" not in path.parts)
    return [name for name in names if name not in ours and not name.endswith(tree.ASIDE)]
