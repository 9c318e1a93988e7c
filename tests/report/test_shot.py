"""A shot's page and data: what became of it, in figures, and what is missing."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frdm_engine.errors import InputError, OutputError
from frdm_engine.plates import Sequence, write_image
from frdm_engine.report import data_path, page_path, record_path, write, write_reel
from frdm_engine.report.finding import sidecars
from tests.report.painted import HEIGHT, WIDTH, Painted

Make = Callable[..., Painted]
PIXELS = HEIGHT * WIDTH


def report(made: Painted, **changes: Any) -> tuple[dict[str, Any], str]:
    """Data and page of the shot."""
    page = write(made.sidecar, made.told(**changes))
    assert page == page_path(made.sidecar)
    data: dict[str, Any] = json.loads(data_path(made.sidecar).read_text(encoding="utf-8"))
    return data, page.read_text(encoding="utf-8")


def test_a_shot_is_called_what_its_run_called_it(painted: Make) -> None:
    made = painted()
    data, page = report(made, shot="sh010 & co")
    assert data["shot"] == "sh010 & co"
    assert "<h1>sh010 &amp; co</h1>" in page
    assert "<title>sh010 &amp; co: " in page
    assert "the figures of every frame are in out.report.json" in page
    reel = write_reel([data_path(made.sidecar)], page=made.sidecar.parent / "reel.html").read_text(encoding="utf-8")
    assert ">sh010 &amp; co</a>" in reel
    assert report(made, shot="")[0]["shot"] == "out"


def test_the_figures_are_those_of_the_repairs(painted: Make) -> None:
    data, page = report(painted())
    assert data["state"] == "done"
    assert "6 frames restored, none failed" in page
    totals = data["totals"]
    assert (totals["frames"], totals["first"], totals["last"], totals["repairs"]) == (6, 1001, 1006, 7)
    changed = [24 + 48, 9 + 48, 96, 480, 0, PIXELS]
    assert totals["changed"] == pytest.approx(sum(changed) / 6 / PIXELS)
    assert totals["seconds"] == pytest.approx(0.5 * 6 + 2.1)
    assert totals["seconds_per_frame"] == pytest.approx(0.85)
    assert totals["slowest"] == {"frame": 1006, "seconds": 1.1}
    assert data["classes"]["dirt"] == {
        "mean": pytest.approx((24 + 9 + 4) / 6 / PIXELS),
        "highest": pytest.approx(24 / PIXELS),
        "highest_frame": 1001,
        "frames": 3,
    }
    assert data["classes"]["flicker"]["frames"] == 1
    assert data["checked"] == {"frames": 6, "strays": {}}
    assert list(data["repairs"]) == ["dirt", "scratch", "stain"]
    assert [place["box"] for place in data["repairs"]["dirt"]] == [
        [10, 8, 6, 4, 24],
        [30, 30, 3, 3, 9],
        [50, 40, 2, 2, 4],
    ]
    assert [entry["changed"] for entry in data["frames"]] == pytest.approx([one / PIXELS for one in changed])
    assert [entry["file"] for entry in data["frames"]] == [f"out.{frame}.exr" for frame in range(1001, 1007)]


def test_hashes_can_be_checked(painted: Make) -> None:
    made = painted()
    data, page = report(made)
    keys = "".join(f"{frame:064x}" for frame in range(1001, 1007))
    assert data["hashes"] == {
        "model": "5" * 64,
        "sidecar": hashlib.sha256(made.sidecar.read_bytes()).hexdigest(),
        "frames": hashlib.sha256(keys.encode()).hexdigest(),
    }
    assert all(value in page for value in data["hashes"].values())


def test_nothing_but_pictures_of_its_own_is_in_the_page(painted: Make) -> None:
    _, page = report(painted())
    assert re.findall(r'(?:src|href)="(?!data:|#)([^"]*)"', page) == []
    assert "http" not in page.replace("http-equiv", "")
    assert page.count("data:image/webp;base64,") == 3 * 6 + 3 * 5


def test_failures_come_first_and_as_text(painted: Make) -> None:
    failed = [
        {"frame": 1003, "error": "Frame 1003 <script>alert(1)</script> could not be read; replace the file."},
        {"frame": None, "error": "The disk is full; free space."},
    ]
    data, page = report(painted(), failures=failed)
    assert data["state"] == "failed"
    assert [one["frame"] for one in data["failures"]] == [None, 1003]
    assert "2 failures in 6 frames" in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_ten_thousand_failures_do_not_swell_the_page(painted: Make) -> None:
    failed = [
        {"frame": frame, "error": f"Frame {frame} could not be read; replace it."} for frame in range(2000, 12_000)
    ]
    data, page = report(painted(), failures=failed, frames="1001-1006,2000-11999")
    assert len(data["failures"]) == 10_000
    assert page.count("could not be read") == 200
    assert "And 9800 more" in page
    assert len(page) < 1_000_000


def test_frames_not_done_yet_are_told(painted: Make) -> None:
    data, page = report(painted(), frames="1001-1010")
    assert data["state"] == "unfinished"
    assert data["left"] == {"count": 4, "frames": "1007-1010"}
    assert "4 of 10 frames left to do" in page
    assert "1007-1010" in page


def test_results_that_went_away_or_changed_are_told(painted: Make) -> None:
    made = painted()
    (made.folder / "out" / "out.1002.exr").unlink()
    (made.folder / "out" / "out.1004.exr").touch()
    data, page = report(made)
    assert data["state"] == "failed"
    assert (data["totals"]["missing"], data["totals"]["altered"]) == ([1002], [1004])
    assert 1002 not in data["shown"]
    assert "1 file no longer there: 1002" in page
    assert "1 file not of the size or date" in page


def test_a_result_that_is_not_of_this_matte_is_told(painted: Make) -> None:
    made = painted()
    path = made.folder / "out" / "out.1005.exr"
    write_image(path, np.zeros((HEIGHT, WIDTH, 3), np.float32), channel_names=("R", "G", "B"))
    data, page = report(made)
    assert data["state"] == "failed"
    assert data["checked"]["strays"] == {"1005": PIXELS}
    assert f"Frame 1005 differs from the plate in {PIXELS:,} pixels where its matte is 0" in page


def test_without_the_plate_there_are_figures_and_a_reason(painted: Make) -> None:
    made = painted()
    data, page = report(made, source=None)
    assert data["shown"] == []
    assert data["problems"] == ["The plate is not recorded; name it with --plate."]
    assert len(data["repairs"]["dirt"]) == 3
    assert "The plate is not recorded; name it with --plate." in page
    data, _ = report(made, source="/nowhere/plate.%04d.exr")
    assert "/nowhere" in data["problems"][0]


def test_a_plate_that_cannot_be_read_is_named_and_the_others_are_shown(painted: Make) -> None:
    made = painted()
    (made.folder / "plate" / "plate.1003.exr").write_bytes(b"no picture")
    data, page = report(made)
    assert data["shown"] == [1001, 1002, 1004, 1005, 1006]
    (said,) = data["problems"]
    assert "plate.1003.exr cannot be read" in said
    assert "plate.1003.exr cannot be read" in page


def test_relative_names_are_found_from_anywhere(painted: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = painted()
    monkeypatch.chdir(tmp_path)
    data, _ = report(made, source="../plate/plate.%04d.exr", matte="../matte/matte.%04d.exr")
    assert len(data["shown"]) == 6
    assert data["checked"]["frames"] == 6


def test_plate_and_matte_can_be_named_anew(painted: Make) -> None:
    made = painted()
    moved = made.folder / "plates"
    (made.folder / "plate").rename(moved)
    page = write(made.sidecar, made.run, plate=Sequence.find(moved), matte=made.matte)
    assert page.read_text().count('class="card"') == 6


def test_what_the_record_lacks_is_said_to_lack(painted: Make) -> None:
    made = painted()
    page = write(made.sidecar, {"source": made.run["source"]})
    text = page.read_text(encoding="utf-8")
    assert "not recorded" in text
    assert text.count('class="card"') == 6
    assert "no matte by class was written" in text


@pytest.mark.parametrize("failures", [[1], [{"frame": 3}], [{"frame": "x", "error": ""}]])
def test_a_record_of_another_form_is_refused(painted: Make, failures: list[Any]) -> None:
    made = painted()
    with pytest.raises(InputError, match="failures are not of the form"):
        write(made.sidecar, made.told(failures=failures))
    assert not page_path(made.sidecar).exists()


def test_a_page_that_cannot_be_written_leaves_the_old_one(painted: Make) -> None:
    made = painted()
    report(made)
    old = data_path(made.sidecar).read_bytes()
    page_path(made.sidecar).unlink()
    page_path(made.sidecar).mkdir()
    with pytest.raises(OutputError, match=r"out\.report\.html cannot be written"):
        write(made.sidecar, made.run)
    assert data_path(made.sidecar).read_bytes() == old
    assert not list(made.sidecar.parent.glob(".*"))


def test_the_same_shot_gives_the_same_page(painted: Make) -> None:
    made = painted()
    first = report(made)
    assert report(made) == first


@pytest.mark.parametrize("there", [False, True])
def test_a_shot_that_failed_altogether_has_its_page(painted: Make, there: bool) -> None:
    made = painted()
    made.sidecar.unlink()
    if there:
        made.sidecar.touch()
    failed = [{"frame": frame, "error": f"Frame {frame} could not be read; replace it."} for frame in range(1001, 1007)]
    data, page = report(made, failures=failed)
    assert (data["state"], data["totals"]["frames"], data["left"]["count"], data["frames"]) == ("failed", 0, 6, [])
    assert "6 failures in 6 frames" in page
    assert page.count("could not be read; replace it.") == 6
    assert page.count('data-strip="marks"') == 1
    index = write_reel([data_path(made.sidecar)], page=made.folder / "reel.html").read_text(encoding="utf-8")
    assert "6 failures in 6 frames" in index
    record_path(made.sidecar).write_text(json.dumps(made.run))
    assert sidecars([str(made.folder)]) == (made.sidecar,)
