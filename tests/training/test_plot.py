"""The log of a run as a picture."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from frdm_engine.errors import InputError, SettingError
from frdm_engine.training.plot import BIN, course, plot, read_log


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder with the log of 200 intervals and two validations."""
    folder = tmp_path / "mine"
    folder.mkdir()
    lines: list[dict[str, float]] = []
    for n in range(1, 201):
        line: dict[str, float] = {"step": 50 * n, "minutes": n / 2, "rate": 1e-3, "megapixels_per_second": 0.1}
        line |= dict.fromkeys(("image", "composite", "frequency", "matte", "small"), 1 / n)
        for name in ("dirt", "scratch", "stain"):
            line |= {f"{name}_psnr": 20 + n / 50, f"{name}_psnr_before": 18, f"{name}_recall": 0.5}
            line |= {f"{name}_precision": 0.7}
        lines.append(line)
        if n % 100 == 0:
            figures = {"whole_psnr": 35.0, "whole_psnr_before": 33.0, "changed": 0.01, "dirt_recall": 0.4}
            lines.append({"step": 50 * n, "minutes": n / 2, "validation": True, **figures})
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_lines_of_training_and_validation_are_told_apart(run: Path) -> None:
    trained, validated = read_log(run)
    assert (len(trained), len(validated)) == (200, 2)


def test_a_curve_is_averaged_to_what_can_be_seen(run: Path) -> None:
    minutes, values = course(read_log(run)[0], "dirt_psnr")
    assert len(values) <= BIN
    assert values[0] == pytest.approx(20 + 2.5 / 50)
    assert minutes == sorted(minutes)
    assert course(read_log(run)[0], "none") == ([], [])


def test_an_interval_without_a_class_leaves_no_peak() -> None:
    lines = [{"minutes": 1.0, "stain_psnr": 100.0}, {"minutes": 2.0, "stain_psnr": 22.0}]
    assert course(lines, "stain_psnr") == ([2.0], [22.0])


@pytest.mark.parametrize(("name", "begins"), [("log.svg", b"<?xml"), ("log.png", b"\x89PNG"), ("log.pdf", b"%PDF")])
def test_the_picture_is_written_alike_each_time(run: Path, name: str, begins: bytes) -> None:
    made = []
    for folder in ("a", "b"):
        path = run / folder / name
        plot(run, path)
        made.append(path.read_bytes())
    assert made[0].startswith(begins)
    assert made[0] == made[1]


def test_the_picture_tells_what_there_is(run: Path) -> None:
    plot(run, run / "log.svg")
    assert (run / "log.svg").stat().st_size > 20_000
    whole = (run / "log.svg").stat().st_size
    lines = [line for line in (run / "log.jsonl").read_text().splitlines() if "validation" not in line]
    (run / "log.jsonl").write_text("\n".join(lines) + "\n")
    plot(run, run / "log.svg")
    assert (run / "log.svg").stat().st_size < whole  # no panels of validation


def test_a_log_cut_short_is_read_and_a_broken_one_refused(run: Path) -> None:
    log = run / "log.jsonl"
    log.write_text(log.read_text() + '{"step": 1')
    assert len(read_log(run)[0]) == 200
    log.write_text('{"step"\n{"step": 2, "minutes": 1}\n')
    with pytest.raises(InputError, match="Line 1"):
        read_log(run)
    log.write_text("")
    with pytest.raises(InputError, match="no line yet"):
        read_log(run)
    log.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        plot(run, run / "log.svg")


def test_only_known_formats_are_drawn(run: Path) -> None:
    with pytest.raises(SettingError, match=r"\.svg, \.png, \.pdf"):
        plot(run, run / "log.txt")
