"""The journal: one job a name, events without gaps, nothing lost to kills, clocks and damage."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from frdm_engine.errors import ConflictError, JournalError, UnknownJobError
from frdm_engine.server.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.sqlite3")


def add(journal: Journal, job: str, *, client: str = "anna", **request: Any) -> int:
    return journal.add(job, client=client, request=request, interactive=False, total=3)[0].number


def test_the_same_name_is_the_same_job(journal: Journal) -> None:
    first, fresh = journal.add("a", client="anna", request={"x": 1}, interactive=True, total=2)
    again, fresh_again = journal.add("a", client="anna", request={"x": 1}, interactive=True, total=2)
    assert (fresh, fresh_again, again) == (True, False, first)
    assert (first.state, first.seq, first.interactive, first.total, first.request) == ("queued", 1, True, 2, {"x": 1})
    with pytest.raises(ConflictError, match="draw a new one"):
        add(journal, "a", x=2)
    with pytest.raises(ConflictError):
        add(journal, "a", client="ben", x=1)
    assert journal.counts() == {"queued": 1, "running": 0, "done": 0, "failed": 0, "cancelled": 0}


def test_numbers_grow_and_lists_go_by_them(journal: Journal) -> None:
    numbers = [add(journal, name, client=client) for name, client in (("a", "anna"), ("b", "ben"), ("c", "anna"))]
    assert numbers == sorted(numbers)
    journal.record("b", state="running")
    assert [r.id for r in journal.find()[0]] == ["c", "b", "a"]
    assert [r.id for r in journal.find(oldest_first=True)[0]] == ["a", "b", "c"]
    found, total = journal.find(client="anna", limit=1, skip=1)
    assert ([r.id for r in found], total) == (["a"], 2)
    assert [r.id for r in journal.find(states=("running",))[0]] == ["b"]
    assert journal.find(states=("done",)) == ([], 0)


def test_events_have_no_gaps_and_come_from_any_point(journal: Journal) -> None:
    add(journal, "a")
    journal.record("a", ("started", {"device": "cpu"}), state="running")
    journal.record("a", ("frame_ready", {"frame": 7}), ("progress", {"done": 1}), frame=7)
    told = journal.events("a")
    assert [(e.seq, e.kind) for e in told] == [(1, "accepted"), (2, "started"), (3, "frame_ready"), (4, "progress")]
    assert [e.seq for e in journal.events("a", after=2)] == [3, 4]
    assert [e.seq for e in journal.events("a", after=1, limit=2)] == [2, 3]
    assert told[2].plain()["frame"] == 7
    assert journal.get("a").done == 1


def test_a_frame_is_told_once(journal: Journal) -> None:
    add(journal, "a")
    assert journal.record("a", ("frame_ready", {"frame": 7}), frame=7) is not None
    assert journal.record("a", ("frame_ready", {"frame": 7}), frame=7, deaths=5) is None
    now = journal.get("a")
    assert (now.done, now.seq, now.deaths) == (1, 2, 0)


@pytest.mark.parametrize("state", ["done", "failed", "cancelled"])
def test_what_ended_stays_as_it_ended(state: str, journal: Journal) -> None:
    add(journal, "a")
    assert journal.record("a", (state, {}), state=state) is not None  # type: ignore[arg-type]
    before = journal.get("a")
    assert before.ended is not None
    assert journal.record("a", ("started", {}), state="running") is None
    assert journal.get("a") == before


def test_unknown_jobs_are_named(journal: Journal) -> None:
    for ask in (journal.get, journal.events, journal.changed):
        with pytest.raises(UnknownJobError, match="no job zzz"):
            ask("zzz")
    assert journal.record("zzz", state="running") is None


def test_the_clock_may_be_set_back(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    for index, at in enumerate((now, now - 86_400, now + 86_400, 0.0)):
        monkeypatch.setattr(time, "time", lambda at=at: at)
        add(journal, f"job{index}")
        journal.record(f"job{index}", ("started", {}), state="running")
    assert [r.id for r in journal.find(oldest_first=True)[0]] == ["job0", "job1", "job2", "job3"]
    assert [e.seq for e in journal.events("job3")] == [1, 2]


def test_old_jobs_are_pruned_by_count_and_open_ones_never(journal: Journal) -> None:
    for index in range(10):
        add(journal, f"job{index}")
        if index % 2 == 0:
            journal.record(f"job{index}", ("done", {}), state="done")
    assert journal.prune(jobs=3) == 2
    assert [r.id for r in journal.find(states=("done",))[0]] == ["job8", "job6", "job4"]
    assert journal.counts()["queued"] == 5
    assert journal.prune(jobs=3, events=5) == 1
    assert journal.prune(jobs=3, events=0) == 1
    assert [r.id for r in journal.find(states=("done",))[0]] == ["job8"]
    with pytest.raises(UnknownJobError):
        journal.events("job4")


WRITER = """
import sys
from pathlib import Path
from frdm_engine.server.journal import Journal
journal = Journal(Path(sys.argv[1]))
for index in range(100000):
    journal.add(f"job{index}", client="a", request={"n": index}, interactive=False, total=1)
    journal.record(f"job{index}", ("started", {}), ("progress", {}), state="running")
    print(index, flush=True)
"""


def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    for wanted in (3, 17):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            told = -1
            for line in writer.stdout:
                told = int(line)
                if told == wanted:
                    os.kill(writer.pid, signal.SIGKILL)
        journal = Journal(path)
        assert journal.notes == []
        assert [e.kind for e in journal.events(f"job{told}")] == ["accepted", "started", "progress"]
        journal.close()
        path.unlink()


@pytest.mark.parametrize("cut", ["half", "header", "pages", "wal"])
def test_a_half_written_journal_is_saved_as_far_as_it_can_be_read(cut: str, tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    journal = Journal(path)
    for index in range(200):
        add(journal, f"job{index}", plate="p" * 100)
    journal.record("job3", ("started", {}), state="running")
    wal = Path(f"{path}-wal").read_bytes()
    journal.close()
    whole = path.read_bytes()
    if cut == "half":
        path.write_bytes(whole[: len(whole) // 2])
    elif cut == "header":
        path.write_bytes(b"no database at all" + whole[18:])
    elif cut == "pages":
        page = bytearray(whole)
        page[4096 * 5 : 4096 * 7] = b"\xff" * 8192
        path.write_bytes(bytes(page))
    else:
        # What a power cut in the middle of a write leaves: SQLite drops what is not whole, and says nothing.
        Path(f"{path}-wal").write_bytes(wal[: len(wal) - 700])
    journal = Journal(path)
    if cut == "wal":
        assert journal.notes == []
        assert journal.counts()["queued"] >= 199
    else:
        [note] = journal.notes
        assert "was damaged" in note
        assert "saved from it" in note
        assert "submit again" in note
        assert (tmp_path / "journal.sqlite3.damaged-1").is_file()
    if cut == "pages":
        assert journal.find()[1] > 50
        for record in journal.find()[0]:
            assert [e.seq for e in journal.events(record.id)] in ([], [1], [1, 2])
    # It works on, whatever was lost.
    add(journal, "new")
    assert journal.record("new", ("started", {}), state="running") is not None
    journal.close()


def test_a_journal_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(JournalError, match="has format 99"):
        Journal(path)


def test_a_journal_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite3").mkdir()
    with pytest.raises(JournalError, match=r"journal\.sqlite3 cannot be opened"):
        Journal(tmp_path / "journal.sqlite3")
