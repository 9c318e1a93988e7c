"""Files put into a folder with a record of them, brought up to date, and taken out again to the last byte.

What is to be done is known before the first file is touched. An installation that was cut off is known by its record:
the next call finishes it, or takes it out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from frdm_install import manifest, tree
from frdm_install.manifest import Manifest


@dataclass(frozen=True)
class Plan:
    """What will make `folder` hold `files`; `record` is what will be noted in `at`, below it."""

    folder: Path
    at: str
    files: Mapping[str, bytes]
    changes: tree.Changes
    known: Manifest | None
    record: Manifest


@dataclass(frozen=True)
class Done:
    """What was done, or would be, by path; `kept` is what stays, as it is not as FRDM wrote it.

    Of pyzmq for hosts: `tags` are folders of wheels that are there then, `fetched` those that are new, `lacking` those
    there is no wheel for.
    """

    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    fetched: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether there was anything to do."""
        return bool(self.written or self.removed or self.fetched)


def plan(
    folder: Path,
    files: Mapping[str, bytes],
    *,
    at: str,
    record: Manifest,
    unknown: tuple[str, ...] = (),
) -> Plan:
    """Compares what a folder holds with what it is to hold.

    `at` is the folder of the record, relative ("": `folder` itself); `record` tells version and options, the rest is
    filled in. Files whose paths begin with one of `unknown` are left out of the comparison.

    Raises:
        InstallError: a file is in the way that no installation wrote, or that was changed since.
    """
    known = manifest.load(folder / at)
    before = known or Manifest()
    compared = {path: sha for path, sha in before.files.items() if not path.startswith(unknown or ("\0",))}
    changes = tree.compare(folder, files, replace(before, files=compared))
    needed = manifest.folders_of([*files, name_of(at)])
    ours = {*before.made, *([at] if _cut_off(folder, at) else [])}
    made = {one for one in needed if one in ours or not (folder / one).is_dir()}
    final = replace(
        record,
        files={path: manifest.digest(content) for path, content in files.items()},
        made=sorted(made),
        above=before.above if known else max(_lacking(folder), "" in ours),
    )
    return Plan(folder, at, files, changes, known, final)


def apply(todo: Plan, *, last: Callable[[], None] = lambda: None) -> None:
    """Carries out a plan; `last` is done when the files are there, before the record says that all is well.

    Raises:
        InstallError: a disk failed; the same installation again finishes it.
    """
    record = todo.folder / name_of(todo.at)
    before = todo.known or Manifest()
    if todo.known != todo.record:
        # Should this be cut off, files are known both as they were and as they were to be.
        pending = {path: todo.record.files[path] for path in todo.changes.write}
        unfinished = replace(
            todo.record,
            files={**todo.record.files, **before.files},
            pending=pending,
            made=sorted({*todo.record.made, *before.made}),
        )
        tree.write(record, manifest.text(unfinished))
    for path in todo.changes.write:
        tree.write(todo.folder / path, todo.files[path])
    tree.remove(todo.folder, [path for path in before.paths if path not in todo.files], made=before.made)
    last()
    if todo.known != todo.record:
        tree.write(record, manifest.text(todo.record))


def take(folder: Path, *, at: str, dry_run: bool = False) -> Done:
    """Takes out what was put there, and the folders that were made for it.

    Raises:
        InstallError: something cannot be read or removed.
    """
    record = manifest.load(folder / at)
    if record is None and not _cut_off(folder, at):
        return Done()
    known = record or Manifest(made=[at], above=int(not at))
    there = {path: tree.read(folder / path) for path in known.paths}
    ours = tuple(path for path, content in there.items() if content is not None and known.wrote(path, content))
    kept = tuple(path for path, content in there.items() if content is not None and path not in ours)
    if not dry_run:
        # The record goes last, so that what was cut off can be finished.
        for path in kept:
            tree.unlink(tree.aside(folder / path))
        tree.remove(folder, [path for path in known.paths if path not in kept], made=known.made)
        tree.remove(folder, (name_of(at),), made=known.made)
        whole = folder.absolute()
        for one in (whole, *whole.parents)[: known.above]:
            tree.prune(one)
    return Done(removed=(*ours, *((name_of(at),) if record else ())), kept=kept)


def name_of(at: str) -> str:
    """The record's path, relative to the folder that is installed into."""
    return f"{at}/{manifest.NAME}" if at else manifest.NAME


def _cut_off(folder: Path, at: str) -> bool:
    """Whether an installation ended before it had a record, or an uninstallation just after: the folder is FRDM's."""
    place = folder / at
    return place.is_dir() and {path.name for path in place.iterdir()} <= {manifest.NAME + tree.ASIDE}


def _lacking(folder: Path) -> int:
    """How many folders, from this one upwards, are not there yet."""
    whole = folder.absolute()
    return next(index for index, one in enumerate((whole, *whole.parents)) if one.is_dir())
