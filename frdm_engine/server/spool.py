"""Streamed pixels: files that clients send and fetch, in a private folder of bounded size.

OpenImageIO's Python reads no memory, so what comes over the wire becomes a file first. A bundle is a folder with `in`
(what was sent) and `out` (results). A file that is still coming is named after its size and SHA-256: after a break, or
a restart of the engine, its length is the offset to go on from.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from frdm_bridge.messages import CHUNK, Chunk, Credit, Fetch, Find, Found, Stored, Upload
from frdm_engine.errors import SpoolError
from frdm_engine.server.keys import private_folder

WINDOW = 8 * 2**20
"""Bytes of a file that may be on their way."""
MOST_OPEN = 64
"""Files coming in at the same time; the one idle longest is set aside, and may be gone on with."""
MOST_BUNDLES = 4096
KEPT_S = 24 * 3600.0
"""How long a bundle that nobody uses is kept."""
_PART = ".part-"


@dataclass
class _Coming:
    """A file that is coming in."""

    announced: Upload
    part: Path
    out: BinaryIO
    offset: int
    digest: Any = field(repr=False)


class Spool:
    """The spool's folder. Calls come from one thread.

    Raises:
        ServerError: the folder cannot be made, or is not private.
    """

    def __init__(
        self, folder: Path, *, limit: int, window: int = WINDOW, clock: Callable[[], float] = time.time
    ) -> None:
        self.folder, self.limit, self.window = private_folder(folder), limit, window
        self._clock = clock
        self._coming: OrderedDict[tuple[str, str], _Coming] = OrderedDict()
        self._hashes: dict[Path, tuple[int, int, str]] = {}
        self.used = self._measure()

    def inputs(self, bundle: str) -> Path:
        """The folder of what was sent, made if need be. `bundle` is 32 digits."""
        return self._folder(bundle, "in")

    def outputs(self, bundle: str) -> Path:
        """The folder of results, made if need be."""
        return self._folder(bundle, "out")

    def upload(self, wanted: Upload) -> Credit | Stored:
        """Begins a file, or tells how far it is.

        Raises:
            SpoolError: there is no room for it.
        """
        whole = self.inputs(wanted.bundle) / wanted.name
        key = (wanted.bundle, wanted.name)
        coming = self._coming.get(key)
        if coming is not None and coming.announced != wanted:
            self._set_aside(key)
            coming = None
        if coming is None:
            if whole.exists() and self._hash(whole) == wanted.sha256:
                return Stored(bundle=wanted.bundle, name=wanted.name, sha256=wanted.sha256)
            coming = self._begin(wanted)
        self._coming.move_to_end(key)
        return self._credit(coming)

    def chunk(self, told: Chunk, payload: bytes) -> Credit | Stored:
        """Takes bytes of a file that is coming in.

        Raises:
            SpoolError: they do not follow the ones before, are damaged or too many, or the disk is full.
        """
        key = (told.bundle, told.name)
        coming = self._coming.get(key)
        if coming is None or told.offset != coming.offset:
            at = "is not being uploaded" if coming is None else f"goes on at {coming.offset}, not at {told.offset}"
            raise SpoolError(f"{told.name} {at}; send `upload` again and go on from its credit.", code="offset")
        if not payload or told.offset + len(payload) > coming.announced.size:
            raise SpoolError(
                f"{told.name} has {coming.announced.size} bytes and a chunk of {len(payload)} at {told.offset} does "
                "not fit; send `upload` again and go on from its credit.",
                code="offset",
            )
        if zlib.crc32(payload) != told.crc32:
            raise SpoolError(
                f"Bytes of {told.name} at {told.offset} were damaged on the way; send them again.", code="checksum"
            )
        try:
            coming.out.write(payload)
            coming.out.flush()
        except OSError as error:
            self._set_aside(key)
            raise SpoolError(
                f"The spool {self.folder} cannot be written ({error.strerror}); free space there."
            ) from error
        coming.digest.update(payload)
        coming.offset += len(payload)
        self._coming.move_to_end(key)
        return self._finish(key, coming) if coming.offset == coming.announced.size else self._credit(coming)

    def find(self, wanted: Find) -> Found:
        """Size and SHA-256 of a result.

        Raises:
            SpoolError: there is no such file.
        """
        path = self.result(wanted.bundle, wanted.name)
        return Found(bundle=wanted.bundle, name=wanted.name, size=path.stat().st_size, sha256=self._hash(path))

    def fetch(self, wanted: Fetch) -> tuple[Chunk, bytes]:
        """Bytes of a result.

        Raises:
            SpoolError: there is no such file, or it ends before `offset`.
        """
        path = self.result(wanted.bundle, wanted.name)
        with path.open("rb") as source:
            source.seek(wanted.offset)
            payload = source.read(min(wanted.length, CHUNK))
        if not payload:
            raise SpoolError(f"{wanted.name} ends before byte {wanted.offset}; ask `find` for its size.", code="offset")
        told = Chunk(bundle=wanted.bundle, name=wanted.name, offset=wanted.offset, crc32=zlib.crc32(payload))
        return told, payload

    def release(self, bundle: str) -> None:
        """Removes a bundle; one that is not there is no error.

        Raises:
            SpoolError: it cannot be removed.
        """
        for key in [key for key in self._coming if key[0] == bundle]:
            self._set_aside(key)
        self._remove(self.folder / bundle)
        self.used = self._measure()

    def sweep(self, live: Collection[str]) -> list[str]:
        """Removes bundles unused for a day, but for those of jobs still to be done; returns their names."""
        gone = []
        for entry in self._bundles():
            # A clock that was set back makes a bundle younger than now: it is simply kept longer.
            if entry.name not in live and self._clock() - entry.stat().st_mtime > KEPT_S:
                self._remove(entry)
                gone.append(entry.name)
        self.used = self._measure()
        return gone

    def require(self, more: int) -> None:
        """Makes sure that so many bytes more find room.

        Raises:
            SpoolError: they do not.
        """
        self.used = self._measure()
        reserved = sum(one.announced.size - one.offset for one in self._coming.values())
        free = min(self.limit - self.used - reserved, shutil.disk_usage(self.folder).free - reserved)
        if more > free:
            raise SpoolError(
                f"The spool has {max(free, 0) / 1e6:.0f} MB free and {more / 1e6:.0f} MB are needed; release bundles, "
                "wait for others to end, or start the engine with a larger --spool."
            )

    def close(self) -> None:
        """Sets all files aside; what is there stays for a later engine."""
        for key in list(self._coming):
            self._set_aside(key)

    def _begin(self, wanted: Upload) -> _Coming:
        folder = self.inputs(wanted.bundle)
        for old in folder.glob(f"{_PART}*-{_escaped(wanted.name)}"):
            if old.name != _part_name(wanted):
                old.unlink()
        part = folder / _part_name(wanted)
        kept = part.stat().st_size if part.exists() else 0
        if kept > wanted.size:
            part.unlink()
            kept = 0
        self.require(wanted.size - kept)
        if len(self._coming) >= MOST_OPEN:
            self._set_aside(next(iter(self._coming)))
        digest = hashlib.sha256()
        try:
            if kept:
                with part.open("rb") as source:
                    while block := source.read(CHUNK):
                        digest.update(block)
            out = part.open("ab")
        except OSError as error:
            raise SpoolError(
                f"The spool {self.folder} cannot be written ({error.strerror}); free space there."
            ) from error
        coming = _Coming(wanted, part, out, kept, digest)
        self._coming[wanted.bundle, wanted.name] = coming
        return coming

    def _finish(self, key: tuple[str, str], coming: _Coming) -> Stored:
        wanted = coming.announced
        del self._coming[key]
        try:
            os.fsync(coming.out.fileno())
            coming.out.close()
        except OSError as error:
            raise SpoolError(
                f"The spool {self.folder} cannot be written ({error.strerror}); free space there."
            ) from error
        if coming.digest.hexdigest() != wanted.sha256:
            coming.part.unlink()
            raise SpoolError(
                f"{wanted.name} arrived with another SHA-256 than announced; send it again.", code="damaged"
            )
        whole = coming.part.with_name(wanted.name)
        os.replace(coming.part, whole)
        facts = whole.stat()
        self._hashes[whole] = (facts.st_size, facts.st_mtime_ns, wanted.sha256)
        self.used += wanted.size
        return Stored(bundle=wanted.bundle, name=wanted.name, sha256=wanted.sha256)

    def _credit(self, coming: _Coming) -> Credit:
        wanted = coming.announced
        until = min(coming.offset + self.window, wanted.size)
        return Credit(bundle=wanted.bundle, name=wanted.name, offset=coming.offset, until=until)

    def _set_aside(self, key: tuple[str, str]) -> None:
        """Closes a file that is coming in; what has come stays."""
        self._coming.pop(key).out.close()

    def result(self, bundle: str, name: str) -> Path:
        path = self.outputs(bundle) / name
        if not path.is_file() or path.is_symlink():
            raise SpoolError(f"The bundle has no result {name}; wait for its frame_ready.", code="unknown_file")
        return path

    def _hash(self, path: Path) -> str:
        facts = path.stat()
        known = self._hashes.get(path)
        if known is None or known[:2] != (facts.st_size, facts.st_mtime_ns):
            digest = hashlib.sha256()
            with path.open("rb") as source:
                while block := source.read(CHUNK):
                    digest.update(block)
            if len(self._hashes) > 100_000:
                self._hashes.clear()
            known = self._hashes[path] = (facts.st_size, facts.st_mtime_ns, digest.hexdigest())
        return known[2]

    def _folder(self, bundle: str, part: str) -> Path:
        home = self.folder / bundle
        if not home.is_dir() and len(self._bundles()) >= MOST_BUNDLES:
            raise SpoolError(f"The spool holds {MOST_BUNDLES} bundles, the most it may; release some.")
        try:
            made = private_folder(private_folder(home) / part)
            os.utime(home)  # says that it is in use
        except OSError as error:
            raise SpoolError(
                f"The spool {self.folder} cannot be written ({error.strerror}); mend the folder."
            ) from error
        return made

    def _bundles(self) -> list[Path]:
        return [entry for entry in self.folder.iterdir() if entry.is_dir()]

    def _remove(self, folder: Path) -> None:
        try:
            if folder.is_dir():
                shutil.rmtree(folder)
        except OSError as error:
            raise SpoolError(f"The bundle {folder} cannot be removed ({error.strerror}); remove it by hand.") from error
        self._hashes = {path: known for path, known in self._hashes.items() if folder not in path.parents}

    def _measure(self) -> int:
        return sum(size for size in _sizes(self.folder))


def _sizes(folder: Path) -> Iterator[int]:
    for home, _, names in os.walk(folder):
        for name in names:
            try:
                yield os.lstat(os.path.join(home, name)).st_size
            except FileNotFoundError:
                continue  # a worker has just given it its name


def _part_name(wanted: Upload) -> str:
    return f"{_PART}{wanted.sha256[:16]}-{wanted.size}-{wanted.name}"


def _escaped(name: str) -> str:
    """A file name that stands for itself in a glob."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)
