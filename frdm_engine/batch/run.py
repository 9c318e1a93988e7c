"""A run over several shots: all checked first, then done, bad frames passed over, everything on the record."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from frdm_engine import report
from frdm_engine.batch.crew import Crew, pieces_of
from frdm_engine.batch.jobs import job_of, sweep
from frdm_engine.batch.log import Log
from frdm_engine.batch.shots import Shot
from frdm_engine.batch.station import Station
from frdm_engine.batch.tally import Tally, record_path, write_record, write_report
from frdm_engine.errors import DeviceError, FrdmError, InputError, OutputError
from frdm_engine.plates import Sequence
from frdm_engine.restore.claim import Claim
from frdm_engine.restore.device import choose_device
from frdm_engine.restore.job import Job, check
from frdm_engine.restore.ledger import ledger_path
from frdm_engine.restore.room import check_room

DONE, BAD, FAILED, NO_DEVICE, STOPPED = 0, 2, 3, 4, 130
"""Exit codes of a run."""


class Screen(Protocol):
    """Where a run shows itself."""

    def frame(self, tally: Tally, event: dict[str, Any]) -> None:
        """One more frame is done, or has failed."""

    def say(self, text: str) -> None:
        """A line for a person."""


class Run:
    """Shots on devices. `check` first, then `go` once, which claims the frames of all shots until it returns."""

    def __init__(
        self,
        shots: tuple[Shot, ...],
        devices: tuple[str, ...],
        *,
        patience: float,
        log: Log,
        stop: Callable[[], bool],
    ) -> None:
        self.shots, self.devices, self.patience = shots, devices, patience
        self.log, self.stop = log, stop
        self.tallies: list[Tally] = []
        self._screen: Screen | None = None
        self._device_lost = ""
        # Several devices have a process each; the plan is the same wherever it is made.
        self._station = Station(
            devices[0] if len(devices) == 1 else "cpu", say=self._take, stop=stop, patience=patience
        )

    @property
    def total(self) -> int:
        """Frames of all shots."""
        return sum(tally.total for tally in self.tallies)

    def mark(self, tally: Tally) -> str:
        """What stands before a line about a shot, where there are others."""
        return f"{tally.shot.name}: " if len(self.shots) > 1 else ""

    def check(self) -> list[str]:
        """Looks at every shot and at the room for all of them; returns what is wrong, a sentence each."""
        troubles: list[str] = []
        for shot in self.shots:
            try:
                job = job_of(shot)
                checked = check(job, self._station.restorer(shot), tolerant=True, room=False)
                self._keep_apart(shot, job)
            except (InputError, OutputError) as error:
                troubles.append(f"Shot {shot.name}: {error}" if len(self.shots) > 1 else str(error))
                continue
            self.tallies.append(Tally(shot, job, checked))
        if not troubles:
            try:
                check_room(need for tally in self.tallies for need in tally.checked.needs)
            except OutputError as error:
                troubles.append(str(error))
        return troubles

    def _keep_apart(self, shot: Shot, job: Job) -> None:
        """No shot writes over what another one reads or writes, and its report has a folder."""
        if shot.report is not None and not Path(shot.report).parent.is_dir():
            raise OutputError(f"The folder of --report {shot.report} is not there; create it or choose another name.")
        for tally in self.tallies:
            other = tally.job
            if shot.report is not None and shot.report == tally.shot.report:
                raise OutputError(f"--report {shot.report} is shot {tally.shot.name}'s as well; name one for each.")
            if ledger_path(job.output).resolve() == ledger_path(other.output).resolve():
                raise OutputError(
                    f"{job.output.pattern} has the sidecar of shot {tally.shot.name}; choose another name."
                )
            for one, theirs in ((job, other), (other, job)):
                for written in filter(None, (one.output, one.matte, one.difference)):
                    read = theirs.source, theirs.protect, theirs.force
                    for used in filter(None, (*read, theirs.output, theirs.matte, theirs.difference)):
                        if _same_files(written, used):
                            raise OutputError(
                                f"{written.pattern} would be written over files of shot {tally.shot.name}; "
                                "choose another name."
                            )

    def go(self, screen: Screen) -> int:
        """Does all shots and returns the exit code.

        Raises:
            OutputError: another run writes some of the frames, or a folder cannot be made; nothing was begun.
            DeviceError: no device is left; what is done is on the record.
        """
        self._screen = screen
        claim = Claim(pair for tally in self.tallies for pair in tally.job.writes)
        try:
            for text in claim.notes:
                self._note(text)
            return self._go(screen)
        finally:
            claim.release()

    def _go(self, screen: Screen) -> int:
        self.log.write("run started", shots=len(self.tallies), frames=self.total, devices=list(self.devices))
        for tally in self.tallies:
            for text in tally.checked.notes:
                screen.say(self.mark(tally) + text)
            if swept := sweep(tally.job):
                screen.say(f"{self.mark(tally)}{swept} half-written files of an earlier run were removed")
        try:
            if len(self.devices) == 1:
                self._alone()
            else:
                self._together()
        finally:
            for tally in self.tallies:
                if tally.pieces and tally.started:
                    tally.stopped = True
                    self._close(tally)
            self._write_reel()
            code = self.code()
            done = sum(len(tally.settled) for tally in self.tallies)
            failed = sum(tally.failed for tally in self.tallies)
            self.log.write("run ended", done=done, failed=failed, frames=self.total, exit_code=code)
        return code

    def code(self) -> int:
        """What the run came to."""
        worst = FAILED if any(tally.failed for tally in self.tallies) else DONE
        missing = any(len(tally.settled) + tally.failed < tally.total for tally in self.tallies)
        return STOPPED if missing and self.stop() else worst

    def _alone(self) -> None:
        for tally in self.tallies:
            tally.pieces = 1
        for index, tally in enumerate(self.tallies):
            if self.stop():
                return
            self._begin(index)
            try:
                self._station.do(index, tally.shot, None)
            except (InputError, OutputError) as error:
                ended = {"event": "piece", "shot": index, "ended": "refused", "error": str(error), "facts": {}}
                self._take(ended)
            if self._device_lost:
                raise DeviceError(self._device_lost)

    def _together(self) -> None:
        share = -(-self.total // (4 * len(self.devices)))
        pieces = []
        for index, tally in enumerate(self.tallies):
            mine = list(pieces_of(index, tally.shot, tally.job.frames, share=share))
            tally.pieces = len(mine)
            pieces += mine
        crew = Crew(
            self.devices, patience=self.patience, take=self._take, begin=self._begin, note=self._note, stop=self.stop
        )
        crew.go(pieces)

    def _begin(self, index: int) -> None:
        tally = self.tallies[index]
        if not tally.started:
            tally.begin()
            self.log.write("shot started", shot=tally.shot.name, frames=tally.total, plate=tally.job.source.pattern)

    def _note(self, text: str) -> None:
        self.log.write("note", text=text)
        if self._screen is not None:
            self._screen.say(text)

    def _take(self, event: dict[str, Any]) -> None:
        """Takes in what a station told, and passes it on."""
        tally, screen = self.tallies[event["shot"]], self._screen
        mark, kind = self.mark(tally), event["event"]
        fresh = kind != "note" or event["text"] not in tally.notes
        tally.take(event)
        facts = {key: value for key, value in event.items() if key not in ("event", "shot", "facts")}
        if kind != "piece" and fresh:
            self.log.write(kind, shot=tally.shot.name, **facts)
        if screen is not None:
            if kind in ("frame", "failed"):
                screen.frame(tally, event)
            if kind == "failed":
                screen.say(f"{mark}frame {event['frame']} failed: {event['error']}")
            elif kind == "waiting":
                screen.say(f"{mark}waiting {event['seconds']:g} s for {event['path']} ({event['why']})")
            elif kind == "note" and fresh:
                screen.say(f"{mark}{event['text']}")
        if kind == "piece":
            self._device_lost = event["error"] if event["ended"] == "device" else ""
            if event["error"] is not None and screen is not None:
                screen.say(f"{mark}{event['error']}")
            tally.pieces -= 1
            if not tally.pieces:
                self._close(tally)

    def _close(self, tally: Tally) -> None:
        """The shot's record and page; what they lack is said, the frames are there all the same."""
        if not tally.started:
            return
        sweep(tally.job)
        record = tally.record(", ".join(self.devices))
        summary = ("done", "kept", "failed", "seconds", "frames_per_second", "waits", "stopped")
        self.log.write("shot ended", shot=tally.shot.name, **{key: record[key] for key in summary})
        try:
            if tally.job.output.folder.is_dir():
                write_record(record_path(tally.job), record)
                report.write(ledger_path(tally.job.output), record)
            if tally.shot.report is not None:
                write_report(Path(tally.shot.report), record, tally.lines())
        except FrdmError as error:
            self._note(f"{self.mark(tally)}{error}")

    def _write_reel(self) -> None:
        """A page that lists the shots, in the folder that holds all of them."""
        if len(self.tallies) < 2:
            return
        data = [report.data_path(ledger_path(tally.job.output)) for tally in self.tallies]
        there = [path for path in data if path.exists()]
        if there:
            folder = Path(os.path.commonpath([tally.job.output.folder.resolve() for tally in self.tallies]))
            try:
                report.write_reel(there, page=folder / "reel.html")
            except FrdmError as error:
                self._note(str(error))


def _same_files(one: Sequence, other: Sequence) -> bool:
    names = (one.prefix, one.suffix) == (other.prefix, other.suffix)
    return names and one.folder.resolve() == other.folder.resolve() and not set(one.frames).isdisjoint(other.frames)


def devices_of(name: str) -> tuple[str, ...]:
    """The devices a name means: `all` every CUDA device or else `cpu`, or a list such as `cuda:0,cuda:1`.

    Raises:
        DeviceError: one is not there, or they are of several kinds, which would not give the same pixels.
    """
    import torch

    if name == "all":
        return tuple(f"cuda:{index}" for index in range(torch.cuda.device_count())) or ("cpu",)
    names = tuple(word.strip() for word in name.split(",") if word.strip())
    kinds = {choose_device(one).type for one in names}
    if len(kinds) != 1:
        raise DeviceError(f"--device {name} names devices of several kinds, which round differently; choose one kind.")
    return names
