"""A restoration from end to end: paths where the engine sees them, streamed frames where it does not."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict, Set

from frdm_bridge.client import Client
from frdm_bridge.codec import new_id
from frdm_bridge.errors import JobCancelledError, JobError, OutputError, RefusedError, TransferError, UsageError
from frdm_bridge.files import IMAGE_SUFFIXES, Naming, find_frames, naming, near, parse_frames
from frdm_bridge.jobs import JobSpec
from frdm_bridge.messages import Done, Event, FrameReady
from frdm_bridge.paths import is_absolute
from frdm_bridge.probing import sees
from frdm_bridge.streaming import download, upload

WAYS = ("auto", "paths", "streamed")
OnEvent = Callable[[Event], None]
_OUTPUTS = {"output": "result", "matte": "matte", "difference": "difference"}


def restore(
    engine: Client,
    spec: JobSpec,
    *,
    way: str = "auto",
    on_event: OnEvent = lambda event: None,
    on_bytes: Callable[[int, int], None] = lambda done, size: None,
    cancelled: Callable[[], bool] = lambda: False,
    patience: float = 120.0,
) -> Done:
    """Does a job and returns when its results are where the job says.

    ``way``: `paths` lets the engine read and write where the job says; `streamed` sends the frames and fetches
    the results; `auto` asks the engine whether it sees the folders, and decides. ``on_bytes`` is told of each file
    streamed.

    Raises:
        JobFailedError, JobCancelledError: with the engine's sentence.
        RefusedError: the engine does not take the job.
        UnreachableError: it is silent for ``patience`` seconds. Over a shorter silence the job goes on.
        TransferError: pixels could not be streamed.
        UsageError: a file is not there, or the way is none of the three.
    """
    if way not in WAYS:
        raise UsageError(f"There is no way {way!r}; choose one of {', '.join(WAYS)}.")
    spec = _absolute(spec)
    if way == "paths" or (way == "auto" and why_not_paths(engine, spec) == ""):
        job = engine.submit(spec, timeout=patience)
        return engine.wait(job, on_event=on_event, cancelled=cancelled, patience=patience)
    return _Streamed(engine, spec, patience, on_bytes).run(on_event, cancelled)


def why_not_paths(engine: Client, spec: JobSpec) -> str:
    """What the engine does not see of a job's folders, in words; empty where it sees them all.

    Raises:
        UnreachableError: the engine does not answer.
        UsageError: the source is not there.
    """
    for value in (spec.source, spec.protect, spec.force):
        if value:
            known = next(iter(find_frames(value).values()))
            seen, why = sees(engine.link, known.parent.absolute(), known=known.absolute(), rules=spec.path_map)
            if not seen:
                return why
    for value in (spec.output, spec.matte, spec.difference):
        if value:
            path = Path(value).absolute()
            folder = path if path.suffix.lower() not in IMAGE_SUFFIXES else path.parent
            while not folder.is_dir():
                folder = folder.parent
            seen, why = sees(engine.link, folder, write=True, rules=spec.path_map)
            if not seen:
                return why
    return ""


def _absolute(spec: JobSpec) -> JobSpec:
    """The job with whole paths: the engine has another current folder."""
    whole: Dict[str, Any] = {}
    for name in ("source", "output", "matte", "difference", "protect", "force"):
        value: str = getattr(spec, name)
        if value and not is_absolute(value):
            whole[name] = os.path.join(os.getcwd(), value)
    return replace(spec, **whole)


class _Streamed:
    """One job whose frames are sent and fetched. Files in the bundle have names of their own: source, result, ..."""

    def __init__(self, engine: Client, spec: JobSpec, patience: float, on_bytes: Callable[[int, int], None]) -> None:
        self.engine, self.spec, self.patience, self.on_bytes = engine, spec, patience, on_bytes
        self.bundle = spec.bundle or new_id()
        self.source = find_frames(spec.source)
        self.frames = parse_frames(spec.frames) if spec.frames else set(self.source)
        self.targets = {name: self._target(getattr(spec, name)) for name in _OUTPUTS if getattr(spec, name)}

    def run(self, on_event: OnEvent, cancelled: Callable[[], bool]) -> Done:
        self._refuse_existing()
        self._cancelled = cancelled
        names: Dict[str, Any] = {name: self._name(name) for name in self.targets}
        reach = self.engine.welcome.reach
        names["source"] = self._send(self.source, "source", near(self.source, self.frames, reach=reach))
        names["protect"], names["force"] = self._send_mask("protect"), self._send_mask("force")
        # Resumes of the bundle's own results, where an earlier attempt left some.
        sent = replace(self.spec, bundle=self.bundle, path_map=(), existing="resume", **names)
        job = self.engine.submit(sent, timeout=self.patience)

        def deliver(event: Event) -> None:
            on_event(self._fetched(event) if isinstance(event, FrameReady) else event)

        try:
            done = self.engine.wait(job, on_event=deliver, cancelled=cancelled, patience=self.patience)
        except JobError:
            self._release()  # it has ended; after any other error the bundle is kept to go on with
            raise
        self._fetch_sidecar()
        self._release()
        return done

    def _target(self, value: str) -> Naming:
        """Where results go here: a folder keeps the names of the source."""
        path = Path(value)
        if path.is_dir() or value.endswith("/") or path.suffix.lower() not in IMAGE_SUFFIXES:
            like = naming(self.spec.source)
            if Path(self.spec.source).is_dir():
                first, file = next(iter(self.source.items()))
                stem = file.stem[: len(file.stem) - len(_digits(file.stem))]
                like = Naming(path, stem, file.suffix, len(_digits(file.stem)) if first >= 0 else 1)
            return replace(like, folder=path)
        found = naming(value)
        if not found.width and len(self.frames) > 1:
            raise UsageError(f"{value} is one file for {len(self.frames)} frames; write {path.stem}.%04d{path.suffix}.")
        return found

    def _name(self, name: str) -> str:
        return f"{_OUTPUTS[name]}.%04d{self.targets[name].suffix}"

    def _refuse_existing(self) -> None:
        for target in self.targets.values():
            for frame in sorted(self.frames):
                path = target.path(frame)
                if self.spec.existing == "refuse" and path.exists():
                    raise OutputError(
                        f"{path} exists; ask for it to be overwritten, or choose another output.", code="output"
                    )
            try:
                target.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise TransferError(
                    f"{target.folder} cannot be made ({error.strerror}); choose another output."
                ) from error

    def _send(self, files: Dict[int, Path], role: str, wanted: Set[int]) -> str:
        """Streams files under names of their role; returns their pattern."""
        suffix = next(iter(files.values())).suffix
        for frame, path in files.items():
            if frame in wanted:
                if self._cancelled():
                    self._release()
                    raise JobCancelledError("The job was cancelled while its frames were sent.", job="")
                name = f"{role}.{frame:04d}{suffix}"
                upload(
                    self.engine.link,
                    path,
                    bundle=self.bundle,
                    name=name,
                    patience=self.patience,
                    on_bytes=self.on_bytes,
                )
        return f"{role}.%04d{suffix}"

    def _send_mask(self, role: str) -> str:
        value: str = getattr(self.spec, role)
        if not value:
            return ""
        files = find_frames(value)
        if not Path(value).is_file():
            return self._send(files, role, self.frames)
        name = f"{role}{Path(value).suffix}"  # one mask for all frames bears no number
        upload(
            self.engine.link, Path(value), bundle=self.bundle, name=name, patience=self.patience, on_bytes=self.on_bytes
        )
        return name

    def _fetched(self, event: FrameReady) -> FrameReady:
        """A frame's files fetched, and the event with the names they have here."""
        here: Dict[str, Any] = {}
        for name, key in (("output", "path"), ("matte", "matte"), ("difference", "difference")):
            there = getattr(event, key)
            if there and name in self.targets:
                target = self.targets[name].path(event.frame)
                self._download(target, there)
                here[key] = str(target)
        return replace(event, **here)

    def _download(self, target: Path, name: str) -> None:
        download(
            self.engine.link, target, bundle=self.bundle, name=name, patience=self.patience, on_bytes=self.on_bytes
        )

    def _fetch_sidecar(self) -> None:
        """What was done to each frame, beside the result as `frdm restore` puts it."""
        output = self.targets["output"]
        stem = output.prefix.rstrip("._-") or output.folder.name
        self._download(output.folder / f"{stem}.frdm.jsonl", "result.frdm.jsonl")

    def _release(self, patience: float = 5.0) -> None:
        """Gives the spool its room back. The job's worker may take a moment to let go."""
        deadline = time.monotonic() + patience
        while True:
            try:
                return self.engine.release(self.bundle)
            except RefusedError as error:
                if error.code != "conflict" or time.monotonic() > deadline:
                    raise
            time.sleep(0.1)


def _digits(stem: str) -> str:
    kept = stem.rstrip("0123456789")
    return stem[len(kept) :]
