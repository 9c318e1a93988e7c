"""Messages gone wrong: real ones mutated in every layer, and bytes that never were a message."""

from __future__ import annotations

import json
import random
from typing import Any

from frdm_bridge.codec import MAGIC, encode, new_id
from frdm_bridge.messages import CHUNK
from tests.bridge.portable.samples import SAMPLES, buffers_of

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**53, 2**63, -(2**63), 10**30, 0.5, -0.0, 1e308, "", "x", "\x00", "..", "/",
    "/etc/passwd", "/dev/zero", "/proc/self/mem", "../../etc/passwd", "%0999999999d", "%s%n", "0-999999999", "a" * 5000,
    "\ud7ff", "\U0010ffff", "{}", "'; DROP TABLE jobs; --", "__class__", "b0" * 16, [], [[]], [None] * 200, {},
    {"a": {}}, {"__proto__": 1},
)  # fmt: skip


def message(rng: random.Random) -> list[bytes]:
    """One hostile message, without the sender's name."""
    sort = rng.random()
    if sort < 0.1:
        return [rng.randbytes(rng.choice((0, 1, 5, 50, 2000))) for _ in range(rng.randrange(1, 6))]
    sample = rng.choice(SAMPLES)
    frames = encode(sample, id=new_id(), buffers=buffers_of(sample))
    if sort < 0.35:
        return _torn(frames, rng)
    plain = json.loads(frames[1])
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        _twist(plain if rng.random() < 0.2 else plain.get("body"), rng)
    try:
        header = json.dumps(plain, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):
        header = b"{}"
    buffers = list(frames[2:])
    if rng.random() < 0.1:
        buffers.append(rng.randbytes(rng.choice((0, 10, 5000))))
    return [MAGIC, header, *buffers]


def _torn(frames: list[bytes], rng: random.Random) -> list[bytes]:
    """Bytes flipped, cut, doubled; frames swapped, lost, repeated."""
    made = [bytearray(frame) for frame in frames]
    for _ in range(rng.randrange(1, 6)):
        frame = rng.choice(made)
        at = rng.randrange(len(frame) + 1)
        match rng.randrange(7):
            case 0 if frame:
                frame[at % len(frame)] ^= 1 << rng.randrange(8)
            case 1:
                del frame[at:]
            case 2:
                frame[at:at] = rng.randbytes(rng.randrange(1, 20))
            case 3:
                frame[at:at] = rng.choice(
                    (b"[" * 5000, b'{"a":' * 5000, b"1" * 20_000, b"NaN", b"\\ud800", b"\xff\xfe")
                )
            case 4:
                rng.shuffle(made)
            case 5:
                made.append(bytearray(rng.choice(made)))
            case _ if len(made) > 1:
                made.remove(frame)
    return [bytes(frame) for frame in made]


def _twist(part: Any, rng: random.Random) -> None:
    """Changes one value, name or place somewhere below."""
    while isinstance(part, (dict, list)) and part:
        key = rng.choice(list(part) if isinstance(part, dict) else range(len(part)))
        if isinstance(part[key], (dict, list)) and part[key] and rng.random() < 0.6:
            part = part[key]
            continue
        match rng.randrange(4):
            case 0 if isinstance(part, dict):
                del part[key]
            case 1 if isinstance(part, dict):
                part[rng.choice(("x", "", "__init__", "client", "job", key + "s"))] = rng.choice(ODD)
            case _:
                part[key] = rng.choice(ODD)
        return


def oversized(rng: random.Random) -> list[bytes]:
    """A frame over the bound: the connection is closed."""
    return [MAGIC, b"{" + b" " * (CHUNK + 1024 + rng.randrange(10_000)) + b"}"]
