"""What a job is and how it stands: the records that messages carry. Bounds are those of PROTOCOL.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional, Tuple

from frdm_bridge.fields import Checked, Choice, Integer, Kind, Listing, Maybe, Number, Record, Text, of
from frdm_bridge.frames import FrameList

CLASSES = ("dirt", "scratch", "stain", "flicker")
STATES = ("queued", "running", "done", "failed", "cancelled")
ENDED = ("done", "failed", "cancelled")
PRIORITIES = ("batch", "interactive")
INTERACTIVE_FRAMES = 8
"""An interactive job has at most so many frames; a longer one would hold up the batch it overtakes."""

GIB = 2**30
MOST_FRAMES = 100_000
MOST_SEQ = 2**53 - 1

IDENTIFIER = Text(32, 32, pattern=r"[0-9a-f]{32}", said="32 digits 0-9 a-f")
DIGEST = Text(64, 64, pattern=r"[0-9a-f]{64}", said="64 digits 0-9 a-f, a SHA-256")
NAME = Text(128)
SENTENCE = Text(2000, lines=True)
PATH = Text(1024)
FILE_NAME = Text(
    200, 1, pattern=r"(?!\.)[^/\\]+", said="a file name of 1 to 200 characters: no slash, no backslash, no leading dot"
)
FRAME = Integer(-999_999_999, 999_999_999)
COUNT = Integer(0, MOST_FRAMES)
BYTES = Integer(0, 2**50)
SEQ = Integer(0, MOST_SEQ)
SECONDS: Kind = Number(0, 1e10)
SHARE: Kind = Number(0, 1)


@dataclass(frozen=True)
class Settings(Checked):
    """What decides the pixels, beside the model and the plate."""

    fix: Tuple[str, ...] = field(
        default=CLASSES, metadata=of(Listing(Choice(CLASSES), 4, 1), "kinds of damage to repair")
    )
    strength: float = field(
        default=1.0, metadata=of(Number(0, 16), "how readily a pixel counts as damaged: 0 never, 1 as trained")
    )
    steps: Optional[int] = field(
        default=None, metadata=of(Maybe(Integer(1, 64)), "sampling steps; null is the model's own number")
    )
    seed: int = field(default=0, metadata=of(Integer(0, 2**53 - 1), "key of all noise: same seed, same pixels"))
    grain: float = field(default=1.0, metadata=of(Number(0, 4), "share of missing grain given back to repairs"))
    tile: Optional[int] = field(
        default=None, metadata=of(Maybe(Integer(64, 16384)), "largest side of a tile; null lets the plan choose")
    )
    vram: Optional[int] = field(
        default=None,
        metadata=of(Maybe(Integer(GIB // 4, 1024 * GIB)), "device memory to stay under; null is the engine's"),
    )


@dataclass(frozen=True)
class PathRule(Checked):
    """One folder under the name it has at the client and the one it has at the engine."""

    client: str = field(metadata=of(Text(1024, 1), "the folder's absolute path at the client, POSIX or Windows"))
    engine: str = field(metadata=of(Text(1024, 1), "the folder's absolute path at the engine"))


@dataclass(frozen=True)
class JobSpec(Checked):
    """One restoration of one sequence. Paths are absolute, or file names within `bundle` when pixels are streamed."""

    source: str = field(
        metadata=of(Text(1024, 1), "the plate: a pattern (plate.%04d.exr, plate.####.exr), folder or file")
    )
    output: str = field(metadata=of(Text(1024, 1), "the result: a pattern, or a folder to keep the names"))
    frames: str = field(default="", metadata=of(FrameList(), "frames to write; empty: all there are"))
    handles: int = field(default=0, metadata=of(Integer(0, 1000), "frames at either end that are read, not written"))
    matte: str = field(default="", metadata=of(PATH, "where the matte goes; empty: nowhere"))
    difference: str = field(default="", metadata=of(PATH, "where output minus input goes; empty: nowhere"))
    protect: str = field(default="", metadata=of(PATH, "mask of what must stay; empty: none"))
    force: str = field(default="", metadata=of(PATH, "mask of what must be repaired; empty: none"))
    colourspace: str = field(
        default="auto", metadata=of(Text(128, 1), "auto, linear, srgb, cineon, adx10 or an OCIO name")
    )
    layer: str = field(default="", metadata=of(Text(256), "layer whose colours are meant; empty: the main one"))
    cuts: Optional[str] = field(
        default=None, metadata=of(Maybe(FrameList()), "first frames of the later shots; empty: one shot; null: found")
    )
    existing: str = field(
        default="refuse",
        metadata=of(
            Choice(("refuse", "overwrite", "resume")),
            "outputs that exist: an error, replaced, or kept where vouched for",
        ),
    )
    model: str = field(
        default="", metadata=of(PATH, "the model it must be, as the engine was started with; empty: whichever it is")
    )
    settings: Settings = field(default=Settings(), metadata=of(Record(Settings), "what decides the pixels"))
    priority: str = field(
        default="batch",
        metadata=of(Choice(PRIORITIES), "interactive jobs, 8 frames at most, overtake batch at frame borders"),
    )
    bundle: str = field(
        default="",
        metadata=of(
            Text(32, pattern=r"([0-9a-f]{32})?", said="32 digits 0-9 a-f, or empty"),
            "the bundle of streamed files that the paths are names in; empty: paths are on disks both see",
        ),
    )
    path_map: Tuple[PathRule, ...] = field(
        default=(),
        metadata=of(
            Listing(Record(PathRule), 32), "where the engine finds the client's folders; the longest match counts"
        ),
    )
    label: str = field(default="", metadata=of(NAME, "what people call the job"))


@dataclass(frozen=True)
class JobSummary(Checked):
    """How a job stands."""

    job: str = field(metadata=of(IDENTIFIER, "the job"))
    client: str = field(metadata=of(IDENTIFIER, "who submitted it"))
    state: str = field(metadata=of(Choice(STATES), "where it stands"))
    priority: str = field(metadata=of(Choice(PRIORITIES), "as submitted"))
    label: str = field(metadata=of(NAME, "as submitted"))
    source: str = field(metadata=of(PATH, "the plate, as the engine names it"))
    output: str = field(metadata=of(PATH, "the result, as the engine names it"))
    done: int = field(metadata=of(COUNT, "frames delivered"))
    total: int = field(metadata=of(COUNT, "frames asked for; 0 while not yet known"))
    submitted: float = field(metadata=of(SECONDS, "seconds since 1970 by the engine's clock"))
    ended: Optional[float] = field(default=None, metadata=of(Maybe(SECONDS), "when it ended; null while it has not"))
    error: str = field(default="", metadata=of(SENTENCE, "why it failed"))


@dataclass(frozen=True)
class DeviceState(Checked):
    """A device and the worker process that owns it."""

    name: str = field(metadata=of(NAME, "cpu, cuda:0 ..."))
    state: str = field(
        metadata=of(
            Choice(("starting", "unloaded", "loading", "idle", "working", "restarting")), "what its worker does"
        )
    )
    pid: int = field(default=0, metadata=of(Integer(0, 2**31), "the worker process; 0: none"))
    job: str = field(default="", metadata=of(Text(32), "the job in hand; empty: none"))
    frame: Optional[int] = field(default=None, metadata=of(Maybe(FRAME), "the frame in hand"))
    memory_used: int = field(default=0, metadata=of(BYTES, "device memory in use by the worker"))
    memory_total: int = field(default=0, metadata=of(BYTES, "device memory there is"))
    restarts: int = field(default=0, metadata=of(Integer(0, 2**31), "times the worker was started again"))


@dataclass(frozen=True)
class Health(Checked):
    """How the engine is."""

    version: str = field(metadata=of(Text(64), "version of FRDM"))
    pid: int = field(metadata=of(Integer(0, 2**31), "the engine's process"))
    uptime: float = field(metadata=of(SECONDS, "seconds since it started"))
    devices: Tuple[DeviceState, ...] = field(metadata=of(Listing(Record(DeviceState), 64), "its devices"))
    queued: int = field(default=0, metadata=of(Integer(0, 2**31), "jobs waiting"))
    running: int = field(default=0, metadata=of(Integer(0, 2**31), "jobs in hand"))
    done: int = field(default=0, metadata=of(Integer(0, 2**31), "jobs done that the journal remembers"))
    failed: int = field(default=0, metadata=of(Integer(0, 2**31), "jobs failed that the journal remembers"))
    cancelled: int = field(default=0, metadata=of(Integer(0, 2**31), "jobs cancelled that the journal remembers"))
    frames: int = field(default=0, metadata=of(Integer(0, 2**53 - 1), "frames delivered since the engine started"))
    frames_per_minute: float = field(default=0.0, metadata=of(Number(0, 1e9), "over the last ten minutes"))
    memory: int = field(default=0, metadata=of(BYTES, "host memory of the engine and its workers"))
    clients: int = field(default=0, metadata=of(Integer(0, 2**31), "clients heard from in the last ten minutes"))
    spool_used: int = field(default=0, metadata=of(BYTES, "bytes of streamed files kept"))
    spool_limit: int = field(default=0, metadata=of(BYTES, "the most the spool may hold"))
