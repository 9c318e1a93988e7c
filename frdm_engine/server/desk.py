"""What is done about a request that may take a moment: paths are resolved and judged, then the service is asked.

Runs on a thread of the listener's own, so that a slow disk holds up requests like it but no ping.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from frdm_bridge import messages as m
from frdm_bridge.fields import plain_record
from frdm_bridge.jobs import MOST_FRAMES, JobSpec
from frdm_bridge.paths import to_engine
from frdm_engine.errors import AccessError, ConflictError, FrdmError, InputError, UnknownJobError
from frdm_engine.plates.choosing import choose, find_mask
from frdm_engine.plates.sequence import Sequence, parse_frames
from frdm_engine.restore.ledger import ledger_path
from frdm_engine.server.roots import Roots, check_outputs, check_pattern
from frdm_engine.server.spool import Spool
from frdm_engine.server.wire import event_of, health_of, sentence_of, summary_of

OPEN_STATES = ("queued", "running")
EVENTS_A_PULL = 64
_PROBE = re.compile(r"\.frdm-probe-[0-9a-f]{32}", re.ASCII)


class Service(Protocol):
    """What the listener asks of the engine. Calls come from one thread; each returns within milliseconds."""

    model_sha256: str

    def submit(self, client: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Puts a job into the journal, or knows it by its key; a snapshot, with `again` true in the latter case."""

    def cancel(self, job_id: str) -> Mapping[str, Any]:
        """Ends a job."""

    def job(self, job_id: str) -> Mapping[str, Any]:
        """A snapshot of one job."""

    def jobs(
        self, *, states: tuple[str, ...] | None = None, client: str | None = None, limit: int = 100, skip: int = 0
    ) -> tuple[list[Any], int]:
        """Snapshots, newest first, and how many there are."""

    def events(self, job_id: str, after: int = 0, limit: int = 256) -> list[Any]:
        """Events of a job from the journal."""

    def status(self) -> Mapping[str, Any]:
        """How the engine is."""

    def metrics(self) -> str:
        """Figures in the Prometheus text format."""

    def ask_stop(self) -> None:
        """Begins the end of the engine."""


class Desk:
    """Answers requests about jobs."""

    def __init__(self, service: Service, *, roots: Roots, spool: Spool) -> None:
        self.service, self.roots, self.spool = service, roots, spool

    def answer(self, message: m.Message, *, client: str, clients: int) -> m.Message:
        """The answer to a request.

        Raises:
            FrdmError: it cannot be met.
        """
        match message:
            case m.Submit():
                return self.submit(message, client=client)
            case m.Cancel(job=job):
                self.service.cancel(job)
                return m.Ok()
            case m.Jobs():
                return self.jobs(message, client=client)
            case m.Status():
                health = health_of(
                    self.service.status(), clients=clients, spool_used=self.spool.used, spool_limit=self.spool.limit
                )
                return m.HealthReport(health=health)
            case m.Metrics():
                own = f"# TYPE frdm_clients gauge\nfrdm_clients {clients}\n# TYPE frdm_spool_bytes gauge\n"
                return m.MetricsText(text=f"{self.service.metrics()}{own}frdm_spool_bytes {self.spool.used}\n")
            case m.Probe():
                return self.probe(message)
            case m.Stop():
                self.service.ask_stop()
                return m.Ok()
        raise InputError(f"A client may not send {message.TYPE}; see PROTOCOL.md.")

    def submit(self, wanted: m.Submit, *, client: str) -> m.Submitted:
        """Puts a job into the journal, once its paths are judged.

        Raises:
            FrdmError: of the kind that fits; nothing has been touched.
        """
        known = self._known(wanted, client)
        # A job sent again is not judged again: its outputs exist by now.
        request = known or self.request_of(wanted)
        snapshot = self.service.submit(client, request) if known is None else request
        return m.Submitted(job=wanted.job, known=known is not None or bool(snapshot.get("again")))

    def _known(self, wanted: m.Submit, client: str) -> Mapping[str, Any] | None:
        try:
            snapshot = self.service.job(wanted.job)
        except UnknownJobError:
            return None
        if snapshot["client"] != client or snapshot.get("spec") != _digest(wanted.spec):
            raise ConflictError(f"There is another job {wanted.job}; draw another name at random.")
        return snapshot

    def request_of(self, wanted: m.Submit) -> dict[str, Any]:
        """The job as the service takes it: paths resolved and allowed, frames counted out.

        Raises:
            FrdmError: a path is not allowed, a frame is not there, or a pattern is not understood.
        """
        spec = wanted.spec
        bundle = spec.bundle
        placed = self._in_bundle(spec) if bundle else self._on_disk(spec)
        source, frames = choose(str(placed["source"]), spec.frames or None, handles=spec.handles)
        if len(frames) > MOST_FRAMES:
            raise InputError(f"The job has {len(frames):,} frames; submit at most {MOST_FRAMES:,} at a time.")
        if not bundle:
            self.roots.check_inputs(source)
        for name in ("protect", "force"):
            mask = find_mask(placed.get(name), option=name, frames=frames)
            if mask is not None and not bundle:
                self.roots.check_inputs(mask)
        outputs = {
            name: Sequence.output(placed[name], frames=frames, like=source)
            for name in ("output", "matte", "difference")
            if placed.get(name)
        }
        for made in outputs.values():
            check_outputs(made.path(frame) for frame in made.frames)
        check_outputs([ledger_path(outputs["output"])])
        if bundle:
            self.spool.require(sum(source.path(frame).stat().st_size for frame in frames) * len(outputs))
        return {
            **placed,
            "source": source.pattern,
            "key": wanted.job,
            "frames": list(frames),
            "colourspace": spec.colourspace,
            "layer": spec.layer or None,
            "cuts": None if spec.cuts is None else list(parse_frames(spec.cuts)) if spec.cuts else [],
            "overwrite": spec.existing == "overwrite",
            "resume": spec.existing == "resume",
            "model": spec.model or None,
            "settings": asdict(spec.settings) | {"fix": list(spec.settings.fix)},
            "interactive": spec.priority == "interactive",
            "label": spec.label,
            "bundle": bundle,
            "spec": _digest(spec),
            "shown": [] if bundle else self._shown(spec, placed, outputs),
        }

    def _on_disk(self, spec: JobSpec) -> dict[str, str]:
        placed = {"source": str(self.roots.readable(to_engine(spec.source, spec.path_map)))}
        for name in ("protect", "force"):
            if getattr(spec, name):
                placed[name] = str(self.roots.readable(to_engine(getattr(spec, name), spec.path_map)))
        for name in ("output", "matte", "difference"):
            if getattr(spec, name):
                placed[name] = str(self.roots.writable(to_engine(getattr(spec, name), spec.path_map)))
        return placed

    def _in_bundle(self, spec: JobSpec) -> dict[str, str]:
        placed = {}
        for name in ("source", "protect", "force", "output", "matte", "difference"):
            value = getattr(spec, name)
            if not value:
                continue
            if "/" in value or "\\" in value or value.startswith("."):
                raise AccessError(f"{name} {value!r} is no file name; within a bundle give names without folders.")
            check_pattern(value)
            folder = self.spool.inputs if name in ("source", "protect", "force") else self.spool.outputs
            placed[name] = str(folder(spec.bundle) / value)
        return placed

    def _shown(self, spec: JobSpec, placed: Mapping[str, str], outputs: Mapping[str, Sequence]) -> list[list[str]]:
        """The folders of results as the engine has them and as the client named them."""
        pairs = []
        for name, made in outputs.items():
            named: str = getattr(spec, name)
            if made.folder != Path(placed[name]):  # the name of a file or pattern, not of a folder
                named = re.sub(r"[\\/][^\\/]*$", "", named) or "/"
            pairs.append([str(made.folder), named])
        return pairs

    def jobs(self, wanted: m.Jobs, *, client: str) -> m.JobList:
        """How jobs stand."""
        if wanted.job:
            found = [self.service.job(wanted.job)]
            total = 1
        else:
            found, total = self.service.jobs(
                states=wanted.states, client=client if wanted.mine else None, limit=wanted.limit, skip=wanted.skip
            )
        return m.JobList(jobs=tuple(summary_of(one) for one in found), total=total)

    def probe(self, wanted: m.Probe) -> m.Seen:
        """Looks at a client's probe file, and answers beside it where asked to; touches files of that name alone."""
        path = to_engine(wanted.path, wanted.path_map)
        try:
            # One to be answered lies where results go, which need not be where plates are read.
            real = self.roots.writable(path) if wanted.write else self.roots.readable(path)
            if wanted.write and not _PROBE.fullmatch(real.name):
                raise AccessError(f"{real.name} is no name of a probe; see PROTOCOL.md.")
            digest = hashlib.sha256(_read_plain(real)).hexdigest()
        except (FrdmError, OSError) as error:
            return m.Seen(readable=False, why=sentence_of(error))
        if not wanted.write:
            return m.Seen(readable=True, sha256=digest)
        try:
            answer = self.roots.writable(f"{path}.answer")
            handle = os.open(answer, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
            with os.fdopen(handle, "w", encoding="ascii") as out:
                out.write(digest)
        except (FrdmError, OSError) as error:
            return m.Seen(readable=True, sha256=digest, why=sentence_of(error))
        return m.Seen(readable=True, sha256=digest, writable=True)

    def follow(self, job: str) -> Mapping[str, Any]:
        """The job whose events shall be told.

        Raises:
            UnknownJobError: there is none.
        """
        return self.service.job(job)

    def events(self, snapshot: Mapping[str, Any], *, after: int) -> list[m.Event]:
        """Events of a job after one, from the journal, as many as are sent at once."""
        found = self.service.events(snapshot["job"], after=after, limit=EVENTS_A_PULL)
        return [event_of(one, snapshot) for one in found]

    def bundles_in_use(self) -> set[str]:
        """Bundles of jobs that are still to be done."""
        found: set[str] = set()
        skip = 0
        while True:
            snapshots, total = self.service.jobs(states=OPEN_STATES, limit=1000, skip=skip)
            found |= {str(one.get("bundle") or "") for one in snapshots}
            skip += len(snapshots)
            if not snapshots or skip >= total:
                return found - {""}


def _digest(spec: JobSpec) -> str:
    """What tells one job's wishes from another's."""
    return hashlib.sha256(json.dumps(plain_record(spec), sort_keys=True).encode()).hexdigest()


def _read_plain(path: Path) -> bytes:
    """How a file begins, of a plain file alone: opening a pipe would wait for its writer."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as source:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise AccessError(f"{path} is no plain file; name an image.")
        return source.read(m.PROBED)
