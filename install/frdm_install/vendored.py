"""pyzmq beside a plug-in: a wheel for each Python and platform, kept where it is whole, fetched where it lacks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from frdm_install import manifest, tree, wheels
from frdm_install.errors import InstallError
from frdm_install.manifest import Manifest


@dataclass(frozen=True)
class Vendored:
    """Files by path, the record of their wheels, and the folders of wheels: fetched now, and those there is none for.

    In a dry run nothing is fetched: `fetched` are then tags whose files are not known.
    """

    files: dict[str, bytes]
    record: dict[str, dict[str, str]]
    fetched: tuple[str, ...]
    lacking: tuple[str, ...]


def gather(
    folder: Path,
    *,
    at: str,
    known: Manifest,
    platforms: Iterable[str] | None,
    wheel_folder: Path | None,
    dry_run: bool,
) -> Vendored:
    """The wheels for some platforms, this machine's unless told, and for those already there.

    `at` is the folder of wheels, below `folder`.

    Raises:
        InstallError: a platform is not known, or its wheels cannot be had or read.
    """
    before = {tag.partition("-")[2] for tag in known.wheels}
    chosen = dict.fromkeys([*(platforms or [wheels.this_platform()]), *sorted(before)])
    for name in chosen:
        if name not in wheels.PLATFORMS:
            raise InstallError(f"--platform {name} is not known; choose of {', '.join(wheels.PLATFORMS)}.")
    found: dict[str, wheels.Wheel] = {}
    lacking: list[str] = []
    fetched: list[str] = []
    for tag in tags(chosen):
        abi, _, system = tag.partition("-")
        path = wheels.choose(wheel_folder, abi, system) if wheel_folder else None
        there = _whole(folder, known, tag, at=f"{at}/{tag}/")
        if path:
            found[tag] = wheels.unpack(path)
        elif there and (wheel_folder or there.name.startswith(f"pyzmq-{wheels.PYZMQ}-")):
            found[tag] = there
        else:
            (lacking if wheel_folder else fetched).append(tag)
    if not found and wheel_folder:
        raise InstallError(
            f"--wheels {wheel_folder} holds no wheel of pyzmq for {' or '.join(lacking)}; put one there, such as "
            f"pyzmq-{wheels.PYZMQ}-cp311-cp311-....whl."
        )
    if not dry_run:
        found.update({tag: wheels.fetch(*tag.split("-")) for tag in fetched})
    files = {f"{at}/{tag}/{name}": content for tag, one in found.items() for name, content in one.files.items()}
    record = {tag: {"file": one.name, "sha256": one.sha256} for tag, one in found.items()}
    return Vendored(files, record, tuple(fetched), tuple(lacking))


def tags(platforms: Iterable[str]) -> list[str]:
    """The folders of wheels for some platforms."""
    return [wheels.tag(abi, system) for system in platforms for abi in wheels.ABIS]


def _whole(folder: Path, known: Manifest, tag: str, *, at: str) -> wheels.Wheel | None:
    """A wheel that lies there as it was unpacked."""
    if tag not in known.wheels:
        return None
    files: dict[str, bytes] = {}
    for path, sha in known.files.items():
        if path.startswith(at):
            content = tree.read(folder / path)
            if content is None or manifest.digest(content) != sha:
                return None
            files[path[len(at) :]] = content
    return wheels.Wheel(known.wheels[tag]["file"], known.wheels[tag]["sha256"], files) if files else None
