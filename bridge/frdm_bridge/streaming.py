"""Files to the engine and back, in chunks: paid for with credit, checked, and gone on with after a break."""

from __future__ import annotations

import hashlib
import os
import time
import zlib
from pathlib import Path
from typing import BinaryIO, Callable

from frdm_bridge.errors import RefusedError, TransferError, UnreachableError
from frdm_bridge.link import Link
from frdm_bridge.messages import CHUNK, Chunk, Credit, Fetch, Find, Found, Stored, Upload

SILENCE = 5.0
"""Seconds without an answer after which a transfer is taken up anew."""
AGAIN = ("offset", "hello_first", "busy", "checksum", "stopping")
"""Errors that say: ask where we are, and go on from there."""
TRIES = 3
"""Times a file may arrive damaged as a whole."""

Report = Callable[[int, int], None]


def upload(
    link: Link,
    path: Path,
    *,
    bundle: str,
    name: str,
    patience: float = 120.0,
    on_bytes: Report = lambda done, size: None,
) -> None:
    """Streams a file into a bundle. ``on_bytes`` is told how many of its bytes the engine has.

    Raises:
        TransferError: the file cannot be read, or changes meanwhile.
        UnreachableError: nothing went on for ``patience`` seconds.
        RefusedError: the engine does not take it, for lack of room for example.
    """
    try:
        with path.open("rb") as source:
            for _ in range(TRIES):
                size, digest = _measure(source)
                if _upload(
                    link, source, Upload(bundle=bundle, name=name, size=size, sha256=digest), patience, on_bytes
                ):
                    return
    except OSError as error:
        raise TransferError(f"{path} cannot be read ({error.strerror}); restore the file.") from error
    raise TransferError(f"{path} arrived damaged {TRIES} times; is something writing it? Send it when it is whole.")


def download(
    link: Link,
    target: Path,
    *,
    bundle: str,
    name: str,
    patience: float = 120.0,
    on_bytes: Report = lambda done, size: None,
) -> None:
    """Streams a result out of a bundle. The file gets its name once it is whole and its SHA-256 is right.

    Raises:
        TransferError: it cannot be written, or arrives damaged.
        UnreachableError: nothing went on for ``patience`` seconds.
        RefusedError: the engine has no such file.
    """
    wanted = Find(bundle=bundle, name=name)
    for _ in range(TRIES):
        found = link.request(wanted, timeout=patience).message
        if not isinstance(found, Found):
            raise TransferError(f"The engine answered find with {found.TYPE}; update the older of the two.")
        # Named after its content: what an earlier attempt has fetched of the same file is gone on with.
        part = target.with_name(f".{target.name}.{found.sha256[:16]}.part")
        try:
            with part.open("a+b") as out:
                _fetch(link, out, found, patience, on_bytes)
                out.flush()
                os.fsync(out.fileno())
                out.seek(0)
                _, digest = _measure(out)
            if digest == found.sha256:
                os.replace(part, target)
                return
            part.unlink()
        except OSError as error:
            raise TransferError(
                f"{target} cannot be written ({error.strerror}); free space or mend its folder."
            ) from error
    raise TransferError(f"{name} arrived damaged {TRIES} times; check the network, then fetch it again.")


def _upload(link: Link, source: BinaryIO, file: Upload, patience: float, on_bytes: Report) -> bool:
    """Whether the file is whole at the engine; False where it arrived as something else than announced."""
    kept, deadline = -1, time.monotonic() + patience
    while True:
        answer = link.request(file, timeout=patience).message
        if isinstance(answer, Stored):
            on_bytes(file.size, file.size)
            return True
        if not isinstance(answer, Credit):
            raise TransferError(f"The engine answered upload with {answer.TYPE}; update the older of the two.")
        if answer.offset > kept:
            kept, deadline = answer.offset, time.monotonic() + patience
        elif time.monotonic() > deadline:
            raise UnreachableError(f"{file.name} did not go on at byte {kept} for {patience:g} s; check the network.")
        try:
            if _send(link, source, file, answer, on_bytes):
                return True
        except UnreachableError:
            link.redial()
        except RefusedError as error:
            if error.code == "damaged":
                return False
            if error.code not in AGAIN:
                raise
            time.sleep(0.05 if error.code != "busy" else 0.5)
        finally:
            link.forget()


def _send(link: Link, source: BinaryIO, file: Upload, credit: Credit, on_bytes: Report) -> bool:
    """Sends from a credit on; whether the file is whole. Returns False when no answer comes any more."""
    sent, until = credit.offset, credit.until
    source.seek(sent)
    while True:
        while sent < until:
            payload = source.read(min(CHUNK, until - sent))
            if not payload:
                raise TransferError(f"{file.name} became shorter while it was sent; send it when it is whole.")
            chunk = Chunk(bundle=file.bundle, name=file.name, offset=sent, crc32=zlib.crc32(payload))
            link.post(chunk, [payload], until=time.monotonic() + SILENCE)
            sent += len(payload)
        packet = link.collect(timeout=SILENCE)
        if packet is None:
            return False
        if isinstance(packet.message, Stored):
            on_bytes(file.size, file.size)
            return True
        if isinstance(packet.message, Credit):
            until = max(until, packet.message.until)
            on_bytes(packet.message.offset, file.size)


def _fetch(link: Link, out: BinaryIO, found: Found, patience: float, on_bytes: Report) -> None:
    """Appends what lacks of a file."""
    out.seek(0, os.SEEK_END)
    if out.tell() > found.size:
        out.truncate(0)
        out.seek(0)
    deadline = time.monotonic() + patience
    while out.tell() < found.size:
        before = out.tell()
        try:
            _take_in(link, out, found, on_bytes)
        except UnreachableError:
            link.redial()
        except RefusedError as error:
            if error.code not in AGAIN:
                raise
            time.sleep(0.05 if error.code != "busy" else 0.5)
        finally:
            link.forget()
        if out.tell() > before:
            deadline = time.monotonic() + patience
        elif time.monotonic() > deadline:
            raise UnreachableError(
                f"{found.name} did not go on at byte {before} for {patience:g} s; check the network."
            )


def _take_in(link: Link, out: BinaryIO, found: Found, on_bytes: Report) -> None:
    """Asks for chunks, a window of them at a time, and appends them; returns when no answer comes any more."""
    window, asked = link.welcome.window, out.tell()
    while out.tell() < found.size:
        while asked < found.size and asked - out.tell() + CHUNK <= window:
            length = min(CHUNK, found.size - asked)
            fetch = Fetch(bundle=found.bundle, name=found.name, offset=asked, length=length)
            link.post(fetch, until=time.monotonic() + SILENCE)
            asked += length
        packet = link.collect(timeout=SILENCE)
        if packet is None or not isinstance(packet.message, Chunk):
            return
        payload = packet.buffers[0]
        if packet.message.offset != out.tell() or zlib.crc32(payload) != packet.message.crc32:
            return
        out.write(payload)
        on_bytes(out.tell(), found.size)


def _measure(source: BinaryIO) -> tuple[int, str]:
    """Bytes and SHA-256 of a file, from its beginning."""
    source.seek(0)
    digest, size = hashlib.sha256(), 0
    while True:
        block = source.read(CHUNK)
        if not block:
            return size, digest.hexdigest()
        digest.update(block)
        size += len(block)
