"""Sizes, lists and shares as users write and read them; stopping on a signal."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from frdm_engine.cli.console import Bar, Stop, count, parse_names, parse_size, percent, write_json
from frdm_engine.errors import OutputError, SettingError


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("24G", 24 * 2**30),
        ("8GB", 8 * 2**30),
        ("512MB", 512 * 2**20),
        ("1.5 GiB", 3 * 2**29),
        (" 2t ", 2**41),
        ("64k", 2**16),
    ],
)
def test_sizes_are_powers_of_1024(text: str, size: int) -> None:
    assert parse_size(text, option="--vram") == size


@pytest.mark.parametrize("text", ["", "24", "G", "-8G", "0G", "8 apples", "1e3G", "nanG", "8GBB", "9999999999G"])
def test_what_is_no_size_is_named(text: str) -> None:
    with pytest.raises(SettingError, match=r"--vram .* is not a size; write 24G"):
        parse_size(text, option="--vram")


def test_lists_and_shares_for_a_person() -> None:
    assert parse_names("dirt, scratch,") == ("dirt", "scratch")
    assert parse_names(None) == ()
    assert [percent(share) for share in (0.0, 0.00001, 0.0123, 1.0)] == ["0.00 %", "under 0.01 %", "1.23 %", "100.00 %"]
    assert [count(1, "frame"), count(1200, "frame")] == ["1 frame", "1,200 frames"]


def test_json_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1})
    assert json.loads((tmp_path / "a.json").read_text()) == {"b": 1}
    with pytest.raises(OutputError, match=r"none.a\.json cannot be written"):
        write_json(tmp_path / "none" / "a.json", {})
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_ends(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with Stop() as stop:
        assert not stop()
        os.kill(os.getpid(), number)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


def test_progress_without_a_terminal_is_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar(2) as bar:
        bar.advance("frame 1001  1/2", work="25 % of tiles sampled")
        bar.say("[red]careful[/red]")
        bar.advance(None, work="there already")
    assert capsys.readouterr().err.splitlines() == ["frame 1001  1/2", "[red]careful[/red]"]


def test_progress_on_a_terminal_is_a_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with Bar(2) as bar:
        bar.advance("a line", work="25 % of tiles sampled", title="frame 1001")
        bar.say("[red]careful[/red]")
    shown = capsys.readouterr().err
    assert "frame 1001" in shown
    assert "25 % of tiles sampled" in shown
    assert "[red]careful[/red]" in shown
