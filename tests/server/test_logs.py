"""Logs of the engine: text for people, JSON lines for machines, bounded on disk."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path

import pytest

from frdm_engine.errors import ServerError
from frdm_engine.server import logs
from frdm_engine.server.figures import BUCKETS_S, Figures, prometheus


def test_both_kinds_and_their_facts(tmp_path: Path) -> None:
    handlers = logs.open_logs(tmp_path / "home" / "logs")
    log = logging.getLogger("frdm.engine")
    log.info("job %s done", "abc", extra={"job": "abc", "frame": 7})
    try:
        raise ValueError("it broke")
    except ValueError:
        log.exception("a bug")
    logging.getLogger("frdm_engine.server.listener").warning("ein Wort: ä")
    logs.close_logs(handlers)
    log.info("after the end")
    text = (tmp_path / "home" / "logs" / logs.TEXT).read_text("utf-8")
    assert "INFO    frdm.engine: job abc done\n" in text
    assert "ValueError: it broke" in text
    assert "after the end" not in text
    lines = [json.loads(line) for line in (tmp_path / "home" / "logs" / logs.LINES).read_text("utf-8").splitlines()]
    assert [(line["level"], line["text"]) for line in lines] == [
        ("info", "job abc done"),
        ("error", "a bug"),
        ("warning", "ein Wort: ä"),
    ]
    assert (lines[0]["job"], lines[0]["frame"]) == ("abc", 7)
    assert "it broke" in lines[1]["traceback"]


def test_files_are_turned_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES", 2000)
    handlers = logs.open_logs(tmp_path / "logs")
    log = logging.getLogger("frdm.engine")

    def write() -> None:
        for number in range(200):
            log.info("line %d", number)

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    logs.close_logs(handlers)
    files = sorted((tmp_path / "logs").iterdir())
    assert len(files) == 2 * (1 + logs.FILES_KEPT)
    assert all(path.stat().st_size <= 2000 for path in files)
    for line in (tmp_path / "logs" / logs.LINES).read_text().splitlines():
        json.loads(line)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file")
    with pytest.raises(ServerError, match=r"logs cannot be written to .*mend it"):
        logs.open_logs(tmp_path / "logs")


def test_figures_in_the_text_format() -> None:
    figures = Figures()
    for seconds in (0.05, 0.1, 0.3, 1000.0):
        figures.frame(seconds, skipped=False)
    figures.frame(0.0, skipped=True)
    device = {"name": 'cu"da\n', "state": "working", "memory_used": 3, "memory_total": 9}
    counts = dict.fromkeys(("queued", "running", "done", "failed", "cancelled"), 1)
    text = prometheus(figures, {"devices": [device], "memory": 5, **counts})
    lines = text.splitlines()
    assert "frdm_frames_total 5" in lines
    assert "frdm_frames_skipped_total 1" in lines
    assert 'frdm_frame_seconds_bucket{le="0.1"} 2' in lines
    assert 'frdm_frame_seconds_bucket{le="300"} 3' in lines
    assert 'frdm_frame_seconds_bucket{le="+Inf"} 4' in lines
    assert "frdm_frame_seconds_count 4" in lines
    assert r'frdm_device_working{device="cu\"da\n"} 1' in lines
    names = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(names) == len(set(names))
    assert len(figures.classes) == len(BUCKETS_S) + 1
    assert 4 < figures.per_minute <= 300
