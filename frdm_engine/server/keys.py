"""Who may come in: CURVE keys made on first start, the ZAP check of each client, and files nobody else may read."""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

import zmq
import zmq.utils.z85

from frdm_bridge.discovery import Connection, connection_text
from frdm_engine.errors import ServerError

DOMAIN = "frdm"
_Z85 = re.compile(rb"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")


@dataclass(frozen=True)
class Pair:
    """A CURVE key pair, each 40 characters of Z85."""

    public: str
    secret: str


@dataclass(frozen=True)
class Keys:
    """The engine's pair, the pair its connection file hands to clients, and the folder of further clients' keys.

    Any file `NAME.pub` in ``others`` that holds a public key lets its owner in; removing it shuts him out.
    """

    engine: Pair
    client: Pair
    others: Path

    @classmethod
    def open(cls, folder: Path) -> Keys:
        """The keys in a folder, made where they are not there yet.

        Raises:
            ServerError: the folder or a key file is another user's, may be read by others, or is damaged.
        """
        private_folder(folder)
        private_folder(folder / "clients")
        return cls(_pair(folder / "engine.key"), _pair(folder / "client.key"), folder / "clients")

    def allows(self, public: bytes) -> bool:
        """Whether the owner of a public key (32 bytes) may come in. The folder is read anew each time."""
        if len(public) != 32:
            return False
        text = zmq.utils.z85.encode(public)
        if secrets.compare_digest(text, self.client.public.encode()):
            return True
        for file in sorted(self.others.glob("*.pub")):
            try:
                known = file.read_bytes()[:200].strip()
            except OSError:
                continue  # a key file that cannot be read lets nobody in
            if _Z85.fullmatch(known) and secrets.compare_digest(text, known):
                return True
        return False


def zap_answer(frames: list[bytes], keys: Keys) -> list[bytes]:
    """The answer to a request of ZAP 1.0 (rfc.zeromq.org/spec/27): 200 for a key that is known, else 400."""
    if len(frames) != 7 or frames[0] != b"1.0":
        return [b"1.0", frames[1] if len(frames) > 1 else b"", b"500", b"No ZAP 1.0 request", b"", b""]
    _, request, domain, _, _, mechanism, key = frames
    if domain == DOMAIN.encode() and mechanism == b"CURVE" and keys.allows(key):
        return [b"1.0", request, b"200", b"OK", zmq.utils.z85.encode(key), b""]
    return [b"1.0", request, b"400", b"This key is not known", b"", b""]


def write_connection(path: Path, connection: Connection) -> None:
    """Writes a connection file that its user alone may read, whole or not at all.

    Raises:
        ServerError: it cannot be written.
    """
    _write_private(path, connection_text(connection), replace=True)


def private_folder(folder: Path) -> Path:
    """The folder, made with mode 0700 where it is not there.

    Raises:
        ServerError: it cannot be made, is another user's, or may be entered by others.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = folder.lstat()
    except OSError as error:
        raise ServerError(f"The folder {folder} cannot be made ({error.strerror}); choose another place.") from error
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid():
        raise ServerError(f"{folder} is not a folder of your own; remove it or choose another place.")
    if facts.st_mode & 0o077:
        raise ServerError(f"Others may enter {folder}; run `chmod 700 {folder}`.")
    return folder


def _pair(path: Path) -> Pair:
    if not path.exists():
        public, secret = zmq.curve_keypair()
        _write_private(path, json.dumps({"public": public.decode(), "secret": secret.decode()}) + "\n", replace=False)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise ServerError(
            f"The key {path} cannot be opened ({error.strerror}); mend its rights or remove it."
        ) from error
    with os.fdopen(handle, "rb") as source:
        facts = os.fstat(source.fileno())
        if not stat.S_ISREG(facts.st_mode) or facts.st_uid != os.getuid() or facts.st_mode & 0o077:
            raise ServerError(
                f"The key {path} must be yours alone; run `chmod 600 {path}`, or remove it for a new one."
            )
        raw = source.read(1000)
    try:
        plain = json.loads(raw)
        found = Pair(str(plain["public"]), str(plain["secret"]))
        whole = zmq.curve_public(found.secret.encode()) == found.public.encode()
    except (ValueError, KeyError, TypeError, zmq.ZMQError) as error:
        raise ServerError(f"The key {path} is damaged ({error}); remove it, and a new one is made.") from error
    if not whole:
        raise ServerError(f"The key {path} is damaged (its halves do not match); remove it, and a new one is made.")
    return found


def _write_private(path: Path, text: str, *, replace: bool) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        if replace:
            os.replace(temporary, path)
        else:
            os.link(temporary, path)  # unlike a rename it never takes the place of a key another process just made
    except FileExistsError:
        return
    except OSError as error:
        raise ServerError(f"{path} cannot be written ({error.strerror}); free space or mend the folder.") from error
    finally:
        temporary.unlink(missing_ok=True)
