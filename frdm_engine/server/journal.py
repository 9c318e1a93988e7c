"""The journal: every job and every event of it in one SQLite file, so that jobs outlive the engine (C5).

Write-ahead log with a full sync a transaction: what was acknowledged survives a kill and a power cut. Order is that of
the numbers given out here, never of the clock. A file that is damaged is set aside and what it still holds is copied
over, with a note for each loss.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from frdm_engine.errors import ConflictError, JournalError, UnknownJobError
from frdm_engine.server.records import COLUMNS, OPEN, STATES, Event, Kind, Record

FORMAT = 1
"""Of the file's tables; kept in SQLite's user_version."""
KEPT_JOBS, KEPT_EVENTS = 2000, 1_000_000
"""Of jobs that ended; what is older is pruned, so that the file stops growing."""

_TABLES = """
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    client TEXT NOT NULL,
    interactive INTEGER NOT NULL,
    request TEXT NOT NULL,
    state TEXT NOT NULL,
    total INTEGER NOT NULL DEFAULT 0,
    done INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    opened INTEGER NOT NULL DEFAULT 0,
    cancelling INTEGER NOT NULL DEFAULT 0,
    deaths INTEGER NOT NULL DEFAULT 0,
    death_frame INTEGER,
    workers TEXT NOT NULL DEFAULT '[]',
    error TEXT,
    seq INTEGER NOT NULL DEFAULT 0,
    submitted REAL NOT NULL,
    started REAL,
    ended REAL
);
CREATE INDEX jobs_by_state ON jobs (state, number);
CREATE TABLE events (
    job INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at REAL NOT NULL,
    frame INTEGER,
    body TEXT NOT NULL,
    PRIMARY KEY (job, seq)
) WITHOUT ROWID;
CREATE UNIQUE INDEX frames_ready ON events (job, frame) WHERE kind = 'frame_ready';
"""
_JOB = f"SELECT {', '.join(COLUMNS)} FROM jobs"
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


class Journal:
    """The jobs of one engine; may be used from any thread. Writers wait for one another, readers for nobody.

    Raises:
        JournalError: the file cannot be opened, or belongs to another version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        """What was lost or set aside when the journal was opened."""
        self._writing, self._reading = threading.RLock(), threading.Lock()
        with self._told("opened"):
            if path.exists() and _is_damaged(path):
                aside = _set_aside(path)
                self._open()
                self.notes.append(f"{path} was damaged and is now {aside}; {_salvage(aside, self._writer)}")
            else:
                self._open()

    def _open(self) -> None:
        self._writer = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=10)
        self.path.chmod(0o600)
        self._writer.execute("PRAGMA journal_mode = WAL")
        self._writer.execute("PRAGMA synchronous = FULL")
        self._writer.execute("PRAGMA journal_size_limit = 16777216")
        version = int(self._writer.execute("PRAGMA user_version").fetchone()[0])
        if version == 0:
            # One transaction, or a kill between the tables would leave a journal of no version.
            self._writer.executescript(f"BEGIN IMMEDIATE;{_TABLES}PRAGMA user_version = {FORMAT};COMMIT;")
        elif version != FORMAT:
            self._writer.close()
            raise JournalError(
                f"{self.path} has format {version}, this version reads {FORMAT}; use the FRDM version it was made "
                "with, or move the file away."
            )
        self._reader = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=10)
        self._reader.execute("PRAGMA query_only = ON")

    def close(self) -> None:
        """Folds the write-ahead log into the file; the journal must not be used afterwards."""
        with self._writing, self._reading:
            self._reader.close()
            self._writer.close()

    # Reading

    def get(self, job: str) -> Record:
        """A job by its id.

        Raises:
            UnknownJobError: there is none.
        """
        rows = self._read(f"{_JOB} WHERE id = ?", (job,))
        if not rows:
            raise UnknownJobError(f"There is no job {job}; `frdm jobs` lists them.")
        return Record.from_row(rows[0])

    def find(
        self,
        *,
        states: Iterable[str] = STATES,
        client: str | None = None,
        skip: int = 0,
        limit: int = -1,
        oldest_first: bool = False,
    ) -> tuple[list[Record], int]:
        """Jobs in these states, of one client or of all, newest first unless told; and how many there are of them.

        ``limit`` of -1 means all.
        """
        wanted = list(states)
        values: list[Any] = [*wanted]
        where = f"state IN ({', '.join('?' * len(wanted))})"
        if client is not None:
            where += " AND client = ?"
            values.append(client)
        order = "ASC" if oldest_first else "DESC"
        total = self._read(f"SELECT count(*) FROM jobs WHERE {where}", values)[0][0]
        rows = self._read(f"{_JOB} WHERE {where} ORDER BY number {order} LIMIT ? OFFSET ?", [*values, limit, skip])
        return [Record.from_row(row) for row in rows], int(total)

    def events(self, job: str, *, after: int = 0, limit: int = 256) -> list[Event]:
        """What happened to a job after event ``after``, in order.

        Raises:
            UnknownJobError: there is no such job.
        """
        number = self.get(job).number
        rows = self._read(
            "SELECT seq, kind, at, body FROM events WHERE job = ? AND seq > ? ORDER BY seq LIMIT ?",
            (number, after, limit),
        )
        return [Event(job, seq, kind, at, json.loads(body)) for seq, kind, at, body in rows]

    def counts(self) -> dict[str, int]:
        """How many jobs are in each state."""
        found = dict(self._read("SELECT state, count(*) FROM jobs GROUP BY state", ()))
        return {state: int(found.get(state, 0)) for state in STATES}

    def changed(self, job: str) -> float:
        """Mean share of pixels changed over the frames delivered; 0 when there are none."""
        found = self._read(
            "SELECT avg(json_extract(body, '$.changed')) FROM events WHERE kind = 'frame_ready' AND job = ?",
            (self.get(job).number,),
        )
        return float(found[0][0] or 0.0)

    # Writing

    def add(
        self, job: str, *, client: str, request: Mapping[str, Any], interactive: bool, total: int
    ) -> tuple[Record, bool]:
        """A new job and its event ``accepted``, or the one of that name if it is there; and whether it is new.

        Raises:
            ConflictError: the name was given before, to another request or by another client.
        """
        text = json.dumps(request, sort_keys=True)
        with self._transaction() as at:
            rows = at.execute(f"{_JOB} WHERE id = ?", (job,)).fetchall()
            if rows:
                known = Record.from_row(rows[0])
                if known.client != client or json.dumps(known.request, sort_keys=True) != text:
                    raise ConflictError(f"The name {job} was given to another job; draw a new one for each job.")
                return known, False
            ahead = at.execute("SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')").fetchone()[0]
            at.execute(
                "INSERT INTO jobs (id, client, interactive, request, state, total, submitted) "
                "VALUES (?, ?, ?, ?, 'queued', ?, ?)",
                (job, client, interactive, text, total, time.time()),
            )
            return self._tell(at, job, [("accepted", {"ahead": ahead})]), True

    def record(
        self, job: str, *events: tuple[Kind, Mapping[str, Any]], frame: int | None = None, **changes: Any
    ) -> Record | None:
        """Changes columns of a job and tells events of it, all or nothing; ``frame`` is the one a frame_ready is of.

        Returns the job as it is now, or None, changing nothing, if it had ended before or that frame was told already.
        """
        with self._transaction() as at:
            row = at.execute("SELECT number, state FROM jobs WHERE id = ?", (job,)).fetchone()
            if row is None or row[1] not in OPEN:
                return None
            if frame is not None:
                told = "SELECT 1 FROM events WHERE job = ? AND frame = ? AND kind = 'frame_ready'"
                if at.execute(told, (row[0], frame)).fetchone():
                    return None
                changes["done"] = at.execute("SELECT done + 1 FROM jobs WHERE id = ?", (job,)).fetchone()[0]
            for name in ("workers", "error"):
                if changes.get(name) is not None:
                    changes[name] = json.dumps(changes[name])
            if changes.get("state") in STATES and changes["state"] not in OPEN:
                changes["ended"] = time.time()
            if changes:
                names = ", ".join(f"{name} = ?" for name in changes)
                at.execute(f"UPDATE jobs SET {names} WHERE id = ?", (*changes.values(), job))
            return self._tell(at, job, events, frame=frame)

    def prune(self, *, jobs: int = KEPT_JOBS, events: int = KEPT_EVENTS) -> int:
        """Drops the oldest jobs that ended, beyond so many jobs or events of them; returns how many went."""
        beyond = (
            "SELECT number FROM (SELECT number, row_number() OVER latest AS place, sum(seq) OVER latest AS told "
            "FROM jobs WHERE state NOT IN ('queued', 'running') WINDOW latest AS (ORDER BY number DESC)) "
            "WHERE place > ? OR (told > ? AND place > 1)"
        )
        with self._transaction() as at:
            numbers = at.execute(beyond, (jobs, events)).fetchall()
            at.executemany("DELETE FROM events WHERE job = ?", numbers)
            at.executemany("DELETE FROM jobs WHERE number = ?", numbers)
        return len(numbers)

    def _tell(
        self,
        at: sqlite3.Connection,
        job: str,
        events: Sequence[tuple[Kind, Mapping[str, Any]]],
        *,
        frame: int | None = None,
    ) -> Record:
        number, seq = at.execute("SELECT number, seq FROM jobs WHERE id = ?", (job,)).fetchone()
        for kind, body in events:
            seq += 1
            at.execute(
                "INSERT INTO events (job, seq, kind, at, frame, body) VALUES (?, ?, ?, ?, ?, ?)",
                (number, seq, kind, time.time(), frame if kind == "frame_ready" else None, json.dumps(body)),
            )
        at.execute("UPDATE jobs SET seq = ? WHERE number = ?", (seq, number))
        return Record.from_row(at.execute(f"{_JOB} WHERE number = ?", (number,)).fetchone())

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._writing, self._told("written"):
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    def _read(self, query: str, values: Sequence[Any]) -> list[Any]:
        with self._reading, self._told("read"):
            return self._reader.execute(query, values).fetchall()

    @contextlib.contextmanager
    def _told(self, done: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise JournalError(
                f"The journal {self.path} cannot be {done} ({error}); free space on its disk and mend its folder's "
                "permissions; if it is damaged, restart the engine, which saves what it holds."
            ) from error


def _is_damaged(path: Path) -> bool:
    """Whether a file is no journal any more; a disk that is full or a lock is not the file's fault and raises."""
    connection = sqlite3.connect(path, timeout=10)
    try:
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()
        return bool(verdict is None or verdict[0] != "ok")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorname.startswith(_DAMAGED):
            return True
        raise
    finally:
        connection.close()


def _set_aside(path: Path) -> Path:
    """Renames a damaged journal with its log, so that somebody may look at it; returns the new name."""
    count = 1
    while (aside := path.with_name(f"{path.name}.damaged-{count}")).exists():
        count += 1
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.replace(f"{path}{suffix}", f"{aside}{suffix}")
    return aside


def _salvage(aside: Path, into: sqlite3.Connection) -> str:
    """Copies every row that can still be read; returns how that went, in words."""
    jobs, lost, events = 0, 0, 0
    source = sqlite3.connect(aside, timeout=10)
    try:
        into.execute("BEGIN IMMEDIATE")
        for row in _readable(source, _JOB, "jobs", "number"):
            try:
                Record.from_row(row)
                into.execute(f"INSERT INTO jobs ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})", row)
                jobs += 1
            except (ValueError, sqlite3.IntegrityError):
                lost += 1
        columns = "job, seq, kind, at, frame, body"
        for row in _readable(source, f"SELECT {columns} FROM events", "events", "job"):
            try:
                into.execute(f"INSERT INTO events ({columns}) VALUES (?, ?, ?, ?, ?, ?)", row)
                events += 1
            except sqlite3.IntegrityError:
                lost += 1
        into.execute("DELETE FROM events WHERE job NOT IN (SELECT number FROM jobs)")
        # A job's counter must not fall behind the events that were saved, nor stand before ones that were lost.
        into.execute("UPDATE jobs SET seq = max(seq, (SELECT ifnull(max(seq), 0) FROM events WHERE job = number))")
        into.execute("COMMIT")
    finally:
        source.close()
    unreadable = f", {lost} rows could not be read" if lost else ""
    return (
        f"saved from it were {jobs} jobs and {events} events{unreadable}; submit again what `frdm jobs` does not list"
    )


def _readable(source: sqlite3.Connection, select: str, table: str, key: str) -> Iterator[tuple[Any, ...]]:
    """Rows of a damaged table: forwards until the damage, then backwards from the end."""
    seen: set[tuple[Any, ...]] = set()
    for order in ("ASC", "DESC"):
        try:
            for row in source.execute(f"{select} ORDER BY {table}.{key} {order}"):
                if row in seen:
                    return
                seen.add(row)
                yield row
            return
        except sqlite3.DatabaseError:
            continue
