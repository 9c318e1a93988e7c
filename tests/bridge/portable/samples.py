"""One message of every kind, with fixed names: what PROTOCOL.md shows and the golden bytes are made of."""

from __future__ import annotations

import zlib
from typing import Any

from frdm_bridge import messages as m
from frdm_bridge.jobs import DeviceState, Health, JobSpec, JobSummary, PathRule, Settings

JOB = "0f" * 16
ENGINE = "e0" * 16
CLIENT = "c1" * 16
BUNDLE = "b0" * 16
SEGMENT = "5e" * 16
SHA = "ab" * 32
BYTES = b"\x76\x2f\x31\x01 the first bytes of an EXR"
ID, REQUEST = "1d" * 16, "2d" * 16

SPEC = JobSpec(
    source="/show/reel3/plate.%04d.exr",
    output="/show/reel3/clean/plate.####.exr",
    frames="1001-1048",
    matte="/show/reel3/matte/matte.####.exr",
    settings=Settings(fix=("dirt", "scratch"), seed=7),
    path_map=(PathRule(client="P:\\show", engine="/show"),),
    label="reel 3, scene 12",
)
_DEVICE = DeviceState(name="cuda:0", state="working", pid=4711, job=JOB, frame=1004, memory_total=25_769_803_776)
_HEALTH = Health(version="0.1.0", pid=4700, uptime=3600.5, devices=(_DEVICE,), queued=3, running=1, done=12)
_SUMMARY = JobSummary(
    job=JOB,
    client=CLIENT,
    state="running",
    priority="batch",
    label="reel 3, scene 12",
    source="/show/reel3/plate.%04d.exr",
    output="/show/reel3/clean/plate.%04d.exr",
    done=3,
    total=48,
    submitted=1_760_000_000.0,
)
_EVENT: dict[str, Any] = {"job": JOB, "time": 1_760_000_000.25}
_FILE: dict[str, Any] = {"bundle": BUNDLE, "name": "plate.1001.exr"}

SAMPLES: tuple[m.Message, ...] = (
    m.Hello(client=CLIENT, program="nuke 15.1"),
    m.Welcome(
        engine=ENGINE, version="0.1.0", chunk=2**20, window=8 * 2**20, exchange="/dev/shm/frdm-1000", model="5a" * 32
    ),
    m.Ping(),
    m.Pong(engine=ENGINE),
    m.Ok(),
    m.Error(code="access", sentence="/etc is outside of what the engine may read; allow it with frdm serve --read."),
    m.Probe(path="/show/reel3/.frdm-probe-" + "9" * 32, write=True),
    m.Seen(readable=True, sha256=SHA, writable=True),
    m.Submit(job=JOB, spec=SPEC),
    m.Submitted(job=JOB, known=False),
    m.Jobs(states=("queued", "running"), mine=True),
    m.JobList(jobs=(_SUMMARY,), total=1),
    m.Cancel(job=JOB),
    m.Subscribe(job=JOB, since=5),
    m.Status(),
    m.HealthReport(health=_HEALTH),
    m.Metrics(),
    m.MetricsText(text="# TYPE frdm_frames_total counter\nfrdm_frames_total 12\n"),
    m.Stop(),
    m.Upload(**_FILE, size=12_000_000, sha256=SHA),
    m.Credit(**_FILE, offset=0, until=8 * 2**20),
    m.Chunk(**_FILE, offset=0, crc32=zlib.crc32(BYTES)),
    m.Stored(**_FILE, sha256=SHA),
    m.Find(**_FILE),
    m.Found(**_FILE, size=12_000_000, sha256=SHA),
    m.Fetch(**_FILE, offset=2**20, length=2**20),
    m.Release(bundle=BUNDLE),
    m.Place(**_FILE, segment=SEGMENT, width=2048, height=1556, channels=("R", "G", "B"), pixel="half"),
    m.Take(**_FILE, segment=SEGMENT, width=2048, height=1556, channels=("R", "G", "B"), pixel="half"),
    m.Accepted(**_EVENT, seq=1, ahead=2),
    m.Started(**_EVENT, seq=2, device="cuda:0", total=48),
    m.Progress(**_EVENT, seq=4, done=1, total=48, seconds_left=30.5),
    m.FrameReady(
        **_EVENT,
        seq=3,
        frame=1001,
        index=0,
        total=48,
        path="/show/reel3/clean/plate.1001.exr",
        matte="/show/reel3/matte/matte.1001.exr",
        changed=0.0125,
        sampled=0.25,
        seconds=0.65,
    ),
    m.Warning(**_EVENT, seq=5, text="frame 1002: cuda:0 ran out of memory; went on with tiles of 256", frame=1002),
    m.Done(**_EVENT, seq=99, frames=48, seconds=31.5, changed=0.011),
    m.Failed(
        **_EVENT,
        seq=100,
        code="input",
        sentence="/show/reel3/plate.1003.exr cannot be read (it ends early); restore the file.",
        frame=1003,
        frames="1003",
    ),
    m.Cancelled(**_EVENT, seq=101, frames=3),
)


def buffers_of(message: m.Message) -> tuple[bytes, ...]:
    """The binary frames that go with a sample."""
    return (BYTES,) * message.BUFFERS


def reply_to(message: m.Message) -> str:
    """What a sample's header answers: requests and events answer nothing."""
    return "" if type(message) in m.REQUESTS or isinstance(message, m.Event) else REQUEST
