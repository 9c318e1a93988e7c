"""Messages to frames of bytes and back; knows no socket.

A message is [magic, header, buffers...]: the magic tells the envelope, the header is JSON in UTF-8, buffers are raw
bytes. See PROTOCOL.md, "Envelope".
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from typing import Any, Dict, List, NoReturn, Sequence, Tuple

from frdm_bridge.errors import MessageError, TooLargeError, VersionError
from frdm_bridge.fields import plain_record, read_record
from frdm_bridge.messages import CHUNK, TYPES, Error, Message
from frdm_bridge.version import PROTOCOL, PROTOCOL_TEXT

MAGIC = b"FRDM1"
LARGEST_HEADER = 2**20
LARGEST_FRAME = max(LARGEST_HEADER, CHUNK)
"""Bytes of the largest frame of a message; sockets are told to refuse more."""
MOST_FRAMES = 3

_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})", re.ASCII)
_KEYS = ("id", "reply_to", "version", "type", "body")


@dataclass(frozen=True)
class Packet:
    """A message with its envelope. `reply_to` is the id of the request it answers, or empty."""

    id: str
    reply_to: str
    message: Message
    buffers: Tuple[bytes, ...] = ()


def new_id() -> str:
    """128 random bits as 32 digits: the name of a message, job, bundle, client or segment."""
    return secrets.token_hex(16)


def encode(message: Message, *, id: str, reply_to: str = "", buffers: Sequence[bytes] = ()) -> List[bytes]:
    """The frames of a message.

    Raises:
        MessageError: it has too many bytes, or another number of buffers than its type.
    """
    head = {
        "id": id,
        "reply_to": reply_to,
        "version": PROTOCOL_TEXT,
        "type": message.TYPE,
        "body": plain_record(message),
    }
    header = json.dumps(head, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
    frames = [MAGIC, header, *buffers]
    _check_size(frames)
    _check_buffers(message, buffers)
    return frames


def decode(frames: Sequence[bytes]) -> Packet:
    """The message of some frames.

    Raises:
        VersionError: another major version.
        MessageError: anything else that is not what PROTOCOL.md says. Where the sender's id could be read it is
            found as `packet_id` on the error, so that the answer reaches the right request.
    """
    if not frames or frames[0] != MAGIC or len(frames) < 2:
        raise MessageError("This is no FRDM message: it does not begin with FRDM1; connect with frdm_bridge.")
    _check_size(frames)
    head = _header(frames[1])
    try:
        return _packet(head, frames[2:])
    except MessageError as error:
        found = head.get("id")
        if isinstance(found, str) and _ID.fullmatch(found):
            error.packet_id = found
        raise


def _packet(head: Dict[str, Any], buffers: Sequence[bytes]) -> Packet:
    version = head.get("version")
    match = _VERSION.fullmatch(version) if isinstance(version, str) else None
    if match is None:
        raise VersionError(f"The message tells no version; this end speaks {PROTOCOL_TEXT}.")
    theirs = (int(match[1]), int(match[2]))
    if theirs[0] != PROTOCOL[0]:
        # Either end may read this, so it says which version is too old, not whose.
        older = PROTOCOL_TEXT if theirs[0] > PROTOCOL[0] else version
        raise VersionError(
            f"The message is in version {version} of the protocol and this end speaks {PROTOCOL_TEXT}; "
            f"update the one that speaks {older}, client or engine."
        )
    # A newer minor version may have added fields: those are passed over. From its equals nothing unknown is taken.
    lenient = theirs[1] > PROTOCOL[1]
    stray = next((key for key in head if key not in _KEYS), None)
    absent = next((key for key in _KEYS if key not in head), None)
    if absent is not None or (stray is not None and not lenient):
        fault = f"lacks {absent}" if absent is not None else f"has a key {str(stray)[:40]!r} nobody knows"
        raise MessageError(f"The header {fault}; it holds {', '.join(_KEYS)}.")
    if not isinstance(head["id"], str) or not _ID.fullmatch(head["id"]):
        raise MessageError("The header's id is not 32 digits 0-9 a-f; draw one at random.")
    reply_to = head["reply_to"]
    if not isinstance(reply_to, str) or (reply_to and not _ID.fullmatch(reply_to)):
        raise MessageError("The header's reply_to is neither empty nor 32 digits 0-9 a-f; give the id of the request.")
    kind = TYPES.get(head["type"]) if isinstance(head["type"], str) else None
    if kind is None:
        raise MessageError(
            f"There is no message {str(head['type'])[:40]!r} in version {PROTOCOL_TEXT}; see PROTOCOL.md."
        )
    message = read_record(kind, head["body"], kind.TYPE, lenient=lenient)
    _check_buffers(message, buffers)
    return Packet(head["id"], reply_to, message, tuple(bytes(buffer) for buffer in buffers))


def _header(raw: bytes) -> Dict[str, Any]:
    try:
        head = json.loads(raw.decode("utf-8"), object_pairs_hook=_no_repeats, parse_constant=_no_constants)
    except (ValueError, RecursionError) as error:
        raise MessageError(
            f"The header is not JSON in UTF-8 ({str(error)[:80]}); encode it with frdm_bridge."
        ) from error
    if not isinstance(head, dict):
        raise MessageError("The header is not a JSON object; encode it with frdm_bridge.")
    return head


def _no_repeats(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_constants(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")


def _check_size(frames: Sequence[bytes]) -> None:
    if len(frames) > MOST_FRAMES:
        raise TooLargeError(f"The message has {len(frames)} frames; send at most {MOST_FRAMES}.")
    for frame, most in zip(frames[1:], (LARGEST_HEADER, CHUNK)):
        if len(frame) > most:
            raise TooLargeError(f"A frame of the message has {len(frame)} bytes; send at most {most}.")


def _check_buffers(message: Message, buffers: Sequence[bytes]) -> None:
    if len(buffers) != message.BUFFERS:
        raise MessageError(
            f"A message {message.TYPE} came with {len(buffers)} binary frames; it takes {message.BUFFERS}."
        )


def error_of(error: MessageError) -> Error:
    """The message that tells the sender what was wrong."""
    return Error(code=error.code, sentence=str(error)[:2000])
