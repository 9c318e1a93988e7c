"""Every message of the wire as a frozen dataclass; PROTOCOL.md tells what each is for.

Requests go from client to engine and are answered by the message named beside them or by `error`. Events come
without being asked for, once a client has sent `subscribe`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Dict, Optional, Tuple, Type

from frdm_bridge.fields import Checked, Choice, Flag, Integer, Listing, Maybe, Record, Text, of
from frdm_bridge.frames import FrameList
from frdm_bridge.jobs import (
    BYTES,
    COUNT,
    DIGEST,
    FILE_NAME,
    FRAME,
    IDENTIFIER,
    NAME,
    PATH,
    SECONDS,
    SENTENCE,
    SEQ,
    SHARE,
    STATES,
    Health,
    JobSpec,
    JobSummary,
    PathRule,
)

MEBI = 2**20
CHUNK = MEBI
"""Bytes of file that one chunk carries at most."""
LARGEST_FILE = 4 * 2**30
PROBED = 65_536
"""Bytes at the beginning of a file that a probe's SHA-256 is of."""
JOBS_A_PAGE = 100

OPTIONAL_ID = Text(32, pattern=r"([0-9a-f]{32})?", said="32 digits 0-9 a-f, or empty")
CODES = (
    "malformed",
    "version",
    "hello_first",
    "too_large",
    "access",
    "input",
    "output",
    "unknown_job",
    "unknown_file",
    "conflict",
    "busy",
    "spool",
    "offset",
    "checksum",
    "damaged",
    "stopping",
    "internal",
)


class Message(Checked):
    """Base of all messages. `TYPE` is its name on the wire, `BUFFERS` how many binary frames come with it."""

    TYPE: ClassVar[str]
    BUFFERS: ClassVar[int] = 0


# --- Who is there -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hello(Message):
    """The first message of a connection; answered by `welcome`."""

    TYPE: ClassVar[str] = "hello"
    client: str = field(
        metadata=of(IDENTIFIER, "the client's own name, drawn at random and kept to come back as the same")
    )
    program: str = field(default="", metadata=of(NAME, "what the client is, for people: nuke 15.1"))


@dataclass(frozen=True)
class Welcome(Message):
    """The answer to `hello`."""

    TYPE: ClassVar[str] = "welcome"
    engine: str = field(metadata=of(IDENTIFIER, "drawn at random each time the engine starts"))
    version: str = field(metadata=of(Text(64), "version of FRDM"))
    chunk: int = field(metadata=of(Integer(1024, CHUNK), "most bytes of file in one chunk"))
    window: int = field(metadata=of(Integer(1024, 64 * MEBI), "most bytes of file asked for and not yet received"))
    reach: int = field(
        default=8, metadata=of(Integer(0, 1000), "frames on each side with a say in a frame: to be streamed along")
    )
    exchange: str = field(default="", metadata=of(PATH, "folder for shared memory; empty: the client is elsewhere"))
    model: str = field(
        default="", metadata=of(Text(64), "SHA-256 of the model it restores with, since 1.1; empty: an older engine")
    )


@dataclass(frozen=True)
class Ping(Message):
    """Is anybody there; answered by `pong`."""

    TYPE: ClassVar[str] = "ping"


@dataclass(frozen=True)
class Pong(Message):
    """The answer to `ping`, given while frames are computed too."""

    TYPE: ClassVar[str] = "pong"
    engine: str = field(metadata=of(IDENTIFIER, "as in welcome"))


@dataclass(frozen=True)
class Ok(Message):
    """The answer to a request that has no other."""

    TYPE: ClassVar[str] = "ok"


@dataclass(frozen=True)
class Error(Message):
    """The answer to a request that could not be met."""

    TYPE: ClassVar[str] = "error"
    code: str = field(metadata=of(Choice(CODES), "what kind of error"))
    sentence: str = field(metadata=of(SENTENCE, "what is wrong and what to do"))


# --- Jobs -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Probe(Message):
    """Does the engine see the same file; answered by `seen`."""

    TYPE: ClassVar[str] = "probe"
    path: str = field(metadata=of(Text(1024, 1), "absolute path of a plain file, as the client names it"))
    write: bool = field(
        default=False,
        metadata=of(
            Flag(), "whether to put an answer beside it; the file must be named .frdm-probe- and 32 digits 0-9 a-f"
        ),
    )
    path_map: Tuple[PathRule, ...] = field(default=(), metadata=of(Listing(Record(PathRule), 32), "as in a job"))


@dataclass(frozen=True)
class Seen(Message):
    """The answer to `probe`."""

    TYPE: ClassVar[str] = "seen"
    readable: bool = field(metadata=of(Flag(), "the file was there and may be read"))
    sha256: str = field(
        default="",
        metadata=of(
            Text(64, pattern=r"([0-9a-f]{64})?", said="64 digits 0-9 a-f, or empty"), "SHA-256 of its first 65536 bytes"
        ),
    )
    writable: bool = field(default=False, metadata=of(Flag(), "the answer was written"))
    why: str = field(default="", metadata=of(SENTENCE, "why not"))


@dataclass(frozen=True)
class Submit(Message):
    """A job to be done; answered by `submitted`. Sent again with the same name it is still one job."""

    TYPE: ClassVar[str] = "submit"
    job: str = field(metadata=of(IDENTIFIER, "the job's name, drawn at random by the client"))
    spec: JobSpec = field(metadata=of(Record(JobSpec), "what is to be done"))


@dataclass(frozen=True)
class Submitted(Message):
    """The answer to `submit`: the job is in the journal and outlives the engine."""

    TYPE: ClassVar[str] = "submitted"
    job: str = field(metadata=of(IDENTIFIER, "the job"))
    known: bool = field(metadata=of(Flag(), "it had been submitted before"))


@dataclass(frozen=True)
class Status(Message):
    """How the engine is; answered by `health`."""

    TYPE: ClassVar[str] = "status"


@dataclass(frozen=True)
class HealthReport(Message):
    """The answer to `status`."""

    TYPE: ClassVar[str] = "health"
    health: Health = field(metadata=of(Record(Health), "how the engine is"))


@dataclass(frozen=True)
class Metrics(Message):
    """Figures for Prometheus; answered by `metrics_text`."""

    TYPE: ClassVar[str] = "metrics"


@dataclass(frozen=True)
class MetricsText(Message):
    """The answer to `metrics`, in the Prometheus text format."""

    TYPE: ClassVar[str] = "metrics_text"
    text: str = field(metadata=of(Text(200_000, lines=True), "the figures"))


@dataclass(frozen=True)
class Jobs(Message):
    """How jobs stand, newest first; answered by `job_list`."""

    TYPE: ClassVar[str] = "jobs"
    job: str = field(default="", metadata=of(OPTIONAL_ID, "one job only"))
    states: Tuple[str, ...] = field(default=STATES, metadata=of(Listing(Choice(STATES), 5, 1), "jobs in these states"))
    mine: bool = field(default=False, metadata=of(Flag(), "jobs of this client only"))
    skip: int = field(default=0, metadata=of(Integer(0, 2**31), "jobs to pass over"))
    limit: int = field(default=JOBS_A_PAGE, metadata=of(Integer(1, JOBS_A_PAGE), "most jobs to tell of"))


@dataclass(frozen=True)
class JobList(Message):
    """The answer to `jobs`."""

    TYPE: ClassVar[str] = "job_list"
    jobs: Tuple[JobSummary, ...] = field(metadata=of(Listing(Record(JobSummary), JOBS_A_PAGE), "the jobs"))
    total: int = field(metadata=of(Integer(0, 2**53 - 1), "how many there are"))


@dataclass(frozen=True)
class Cancel(Message):
    """A job that is no longer wanted; answered by `ok`, also when it has ended."""

    TYPE: ClassVar[str] = "cancel"
    job: str = field(metadata=of(IDENTIFIER, "the job"))


@dataclass(frozen=True)
class Stop(Message):
    """The engine shall end; answered by `ok`. Queued jobs stay in the journal."""

    TYPE: ClassVar[str] = "stop"


@dataclass(frozen=True)
class Subscribe(Message):
    """Events of a job after `since`, and from now on; answered by `ok`. One subscription a job and connection."""

    TYPE: ClassVar[str] = "subscribe"
    job: str = field(metadata=of(IDENTIFIER, "the job"))
    since: int = field(default=0, metadata=of(SEQ, "the last event the client has; 0: none"))


# --- Streamed pixels --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Upload(Message):
    """A file to be streamed to the engine, begun or gone on with; answered by `credit`, or `stored` if it is there."""

    TYPE: ClassVar[str] = "upload"
    bundle: str = field(metadata=of(IDENTIFIER, "the bundle, drawn at random by the client"))
    name: str = field(metadata=of(FILE_NAME, "the file"))
    size: int = field(metadata=of(Integer(1, LARGEST_FILE), "its bytes"))
    sha256: str = field(metadata=of(DIGEST, "its SHA-256"))


@dataclass(frozen=True)
class Credit(Message):
    """All bytes before `offset` are kept; those before `until` may be sent. Sent again after each chunk."""

    TYPE: ClassVar[str] = "credit"
    bundle: str = field(metadata=of(IDENTIFIER, "the bundle"))
    name: str = field(metadata=of(FILE_NAME, "the file"))
    offset: int = field(metadata=of(BYTES, "first byte not yet kept"))
    until: int = field(metadata=of(BYTES, "first byte that may not yet be sent"))


@dataclass(frozen=True)
class Chunk(Message):
    """Bytes of a file, in the message's one binary frame. To the engine: answered by `credit` or `stored`."""

    TYPE: ClassVar[str] = "chunk"
    BUFFERS: ClassVar[int] = 1
    bundle: str = field(metadata=of(IDENTIFIER, "the bundle"))
    name: str = field(metadata=of(FILE_NAME, "the file"))
    offset: int = field(metadata=of(BYTES, "where the bytes begin"))
    crc32: int = field(metadata=of(Integer(0, 2**32 - 1), "CRC-32 of the bytes"))


@dataclass(frozen=True)
class Stored(Message):
    """A file is whole at the engine: its SHA-256 is the one announced."""

    TYPE: ClassVar[str] = "stored"
    bundle: str = field(metadata=of(IDENTIFIER, "the bundle"))
    name: str = field(metadata=of(FILE_NAME, "the file"))
    sha256: str = field(metadata=of(DIGEST, "its SHA-256"))


@dataclass(frozen=True)
class Find(Message):
    """A result to be streamed back; answered by `found`."""

    TYPE: ClassVar[str] = "find"
    bundle: str = field(metadata=of(IDENTIFIER, "the bundle"))
    name: str = field(metadata=of(FILE_NAME, "the file"))


@dataclass(frozen=True)
class Found(Message):
    """The answer to `find`."""

    TYPE: ClassVar[str] = "found"
    bundle: str = field(metadata=of(IDENTIFIER, "the bundle"))
    name: str = field(metadata=of(FILE_NAME, "the file"))
    size: int = field(metadata=of(Integer(0, LARGEST_FILE), "its bytes"))
    sha256: str = field(metadata=of(DIGEST, "its SHA-256"))


@dataclass(frozen=True)
class Fetch(Message):
    """Bytes of a result; answered by `chunk`. A client keeps no more than `welcome.window` bytes asked for."""

    TYPE: ClassVar[str] = "fetch"
    bundle: str = field(metadata=of(IDENTIFIER, "the bundle"))
    name: str = field(metadata=of(FILE_NAME, "the file"))
    offset: int = field(metadata=of(BYTES, "where to begin"))
    length: int = field(metadata=of(Integer(1, CHUNK), "how many bytes"))


@dataclass(frozen=True)
class Release(Message):
    """A bundle is no longer wanted, its files are removed; answered by `ok`, also when there is none."""

    TYPE: ClassVar[str] = "release"
    bundle: str = field(metadata=of(IDENTIFIER, "the bundle"))


# --- Shared memory ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place(Message):
    """Pixels in shared memory that shall become a file of a bundle; answered by `ok`."""

    TYPE: ClassVar[str] = "place"
    bundle: str = field(metadata=of(IDENTIFIER, "the bundle"))
    name: str = field(metadata=of(FILE_NAME, "the file to make, an .exr"))
    segment: str = field(metadata=of(IDENTIFIER, "the segment in welcome.exchange: pixels row by row, top first"))
    width: int = field(metadata=of(Integer(1, 16384), "pixels a row"))
    height: int = field(metadata=of(Integer(1, 16384), "rows"))
    channels: Tuple[str, ...] = field(
        metadata=of(
            Listing(Text(64, 1, pattern=r"[A-Za-z0-9_.]+", said="1 to 64 of A-Z a-z 0-9 _ ."), 16, 1), "names, in order"
        )
    )
    pixel: str = field(metadata=of(Choice(("half", "float")), "kind of each value, little-endian"))


@dataclass(frozen=True)
class Take(Message):
    """A result that shall be put into shared memory, laid out as in `place`; answered by `ok`."""

    TYPE: ClassVar[str] = "take"
    bundle: str = field(metadata=of(IDENTIFIER, "the bundle"))
    name: str = field(metadata=of(FILE_NAME, "the file to read, an .exr"))
    segment: str = field(metadata=of(IDENTIFIER, "the segment to fill"))
    width: int = field(metadata=of(Integer(1, 16384), "pixels a row, which the file must have"))
    height: int = field(metadata=of(Integer(1, 16384), "rows, which the file must have"))
    channels: Tuple[str, ...] = field(
        metadata=of(
            Listing(Text(64, 1, pattern=r"[A-Za-z0-9_.]+", said="1 to 64 of A-Z a-z 0-9 _ ."), 16, 1), "names, in order"
        )
    )
    pixel: str = field(metadata=of(Choice(("half", "float")), "kind of each value, little-endian"))


# --- Events -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event(Message):
    """Base of the events. `seq` counts the events of a job from 1 without gaps, over restarts of the engine too."""

    job: str = field(metadata=of(IDENTIFIER, "the job"))
    seq: int = field(metadata=of(SEQ, "the event's number"))
    time: float = field(metadata=of(SECONDS, "seconds since 1970 by the engine's clock; order goes by seq"))


@dataclass(frozen=True)
class Accepted(Event):
    """The job is in the journal."""

    TYPE: ClassVar[str] = "accepted"
    ahead: int = field(default=0, metadata=of(Integer(0, 2**31), "jobs before it in the queue"))


@dataclass(frozen=True)
class Started(Event):
    """A worker has taken the job; again after an interruption."""

    TYPE: ClassVar[str] = "started"
    device: str = field(metadata=of(NAME, "where"))
    total: int = field(metadata=of(COUNT, "frames to deliver"))
    attempt: int = field(default=1, metadata=of(Integer(1, 2**31), "how often it was started"))


@dataclass(frozen=True)
class Progress(Event):
    """How far the job is."""

    TYPE: ClassVar[str] = "progress"
    done: int = field(metadata=of(COUNT, "frames delivered"))
    total: int = field(metadata=of(COUNT, "frames to deliver"))
    seconds_left: Optional[float] = field(default=None, metadata=of(Maybe(SECONDS), "estimate; null: not known"))


@dataclass(frozen=True)
class FrameReady(Event):
    """A frame is written whole."""

    TYPE: ClassVar[str] = "frame_ready"
    frame: int = field(metadata=of(FRAME, "its number"))
    index: int = field(metadata=of(COUNT, "its place among the job's frames, from 0"))
    total: int = field(metadata=of(COUNT, "frames to deliver"))
    path: str = field(metadata=of(PATH, "the result, as the client names it; within a bundle a file name"))
    matte: str = field(default="", metadata=of(PATH, "its matte; empty: none was asked for"))
    difference: str = field(default="", metadata=of(PATH, "its difference; empty: none was asked for"))
    skipped: bool = field(default=False, metadata=of(Flag(), "an earlier run had made it of the same"))
    changed: float = field(default=0.0, metadata=of(SHARE, "share of pixels changed"))
    sampled: float = field(default=0.0, metadata=of(SHARE, "share of the tiles' pixels that was looked at"))
    seconds: float = field(default=0.0, metadata=of(SECONDS, "time it took"))


@dataclass(frozen=True)
class Warning(Event):  # the field's word for it
    """Something the artist should know, such as a smaller tile plan for lack of memory."""

    TYPE: ClassVar[str] = "warning"
    text: str = field(metadata=of(SENTENCE, "what"))
    frame: Optional[int] = field(default=None, metadata=of(Maybe(FRAME), "where, if it has a place"))
    failed: bool = field(
        default=False, metadata=of(Flag(), "the frame could not be restored, and the job goes on; since 1.2")
    )


@dataclass(frozen=True)
class Done(Event):
    """The job has ended, and every frame is written."""

    TYPE: ClassVar[str] = "done"
    frames: int = field(metadata=of(COUNT, "frames delivered"))
    seconds: float = field(metadata=of(SECONDS, "from its start to its end"))
    changed: float = field(default=0.0, metadata=of(SHARE, "mean share of pixels changed"))


@dataclass(frozen=True)
class Failed(Event):
    """The job has ended with an error; frames told of before are whole."""

    TYPE: ClassVar[str] = "failed"
    code: str = field(metadata=of(Choice(CODES), "what kind of error"))
    sentence: str = field(metadata=of(SENTENCE, "what is wrong and what to do"))
    frame: Optional[int] = field(default=None, metadata=of(Maybe(FRAME), "where, if it has a place"))
    tile: Optional[Tuple[int, ...]] = field(
        default=None, metadata=of(Maybe(Listing(Integer(-(2**31), 2**31), 4, 4)), "x, y, width, height in pixels")
    )
    frames: str = field(
        default="",
        metadata=of(
            FrameList(),
            "frames that could not be restored, as many as fit, where all others were; empty: it ended before its "
            "last frame; since 1.2",
        ),
    )


@dataclass(frozen=True)
class Cancelled(Event):
    """The job has ended because it was cancelled; frames told of before are whole."""

    TYPE: ClassVar[str] = "cancelled"
    frames: int = field(metadata=of(COUNT, "frames delivered"))


EVENTS: Tuple[Type[Event], ...] = (Accepted, Started, Progress, FrameReady, Warning, Done, Failed, Cancelled)
"""All events, in the order a job may see them."""

REQUESTS: Dict[Type[Message], Tuple[Type[Message], ...]] = {
    Hello: (Welcome,),
    Ping: (Pong,),
    Probe: (Seen,),
    Submit: (Submitted,),
    Status: (HealthReport,),
    Metrics: (MetricsText,),
    Jobs: (JobList,),
    Cancel: (Ok,),
    Stop: (Ok,),
    Subscribe: (Ok,),
    Upload: (Credit, Stored),
    Chunk: (Credit, Stored),
    Find: (Found,),
    Fetch: (Chunk,),
    Release: (Ok,),
    Place: (Ok,),
    Take: (Ok,),
}
"""What a client may send, and what answers it beside `error`."""

_ANSWERS: Tuple[Type[Message], ...] = tuple(answer for answers in REQUESTS.values() for answer in answers)
_ALL: Tuple[Type[Message], ...] = (*REQUESTS, *_ANSWERS, Error, *EVENTS)
TYPES: Dict[str, Type[Message]] = {kind.TYPE: kind for kind in _ALL}
"""Every message by its name on the wire."""
