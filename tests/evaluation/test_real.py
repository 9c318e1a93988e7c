"""Real film: spikes counted against other photographs, repeats known, crops where there is something to see."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from frdm_engine.cli.demo_clip import make_clip
from frdm_engine.evaluation.real import FASTEST, MOST_REPAIRED, Look, RealReport, find_film, look
from frdm_engine.evaluation.sheets import GAP, LABEL, TALL, WIDE, Crop, place, write_sheet
from frdm_engine.evaluation.tables import shown
from frdm_engine.plates.curves import linear_to_model
from frdm_engine.restore.restorer import Restorer

Bytes = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def restorer() -> Restorer:
    return Restorer.from_pretrained("frdm-s", device="cpu")


@pytest.fixture(scope="module")
def photographs() -> list[Bytes]:
    """Six damaged frames of 240 x 160, 8-bit BGR."""
    coded = [np.clip(linear_to_model(light.astype(np.float32)), 0, 1) * 255 for light in make_clip(6).damaged]
    return [np.rint(frame[120:280, 200:440, ::-1]).astype(np.uint8) for frame in coded]


def folder_of(path: Path, frames: list[Bytes]) -> Path:
    path.mkdir(parents=True)
    for number, frame in enumerate(frames):
        assert cv2.imwrite(str(path / f"{number}.png"), frame)
    return path


@pytest.fixture(scope="module")
def seen(
    photographs: list[Bytes], restorer: Restorer, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Look, list[Crop]]:
    """A film whose every second photograph stands for two frames."""
    doubled = [photographs[index] for index in (0, 0, 1, 2, 2, 3, 4, 4, 5)]
    film = find_film([folder_of(tmp_path_factory.mktemp("film") / "doubled", doubled)])[0]
    assert not film.still
    return look(film, restorer, frames=9)


def test_spikes_shrink_though_their_photographs_are_repeated(seen: tuple[Look, list[Crop]]) -> None:
    counted, _ = seen
    assert counted.frames == 9
    assert counted.repeated == 3
    assert counted.spikes_before is not None
    assert counted.spikes_before > 0.001
    assert counted.spikes_left is not None
    assert counted.spikes_left < 0.8
    assert counted.away_changed is not None
    assert counted.away_changed < 0.02
    assert counted.repairs >= 1
    assert counted.changed is not None
    assert 0 < counted.changed < 0.2


def test_crops_show_what_was_repaired_and_what_is_fast_and_no_repeats(seen: tuple[Look, list[Crop]]) -> None:
    _, crops = seen
    reasons = [crop.why for crop in crops]
    assert 1 <= reasons.count("most repaired") <= MOST_REPAIRED
    assert 1 <= reasons.count("fastest") <= FASTEST
    for crop in crops:
        assert crop.before.shape == crop.after.shape == (*crop.mattes.shape[1:], 3)
        assert crop.clip == "doubled"
        # Frames 2, 5 and 8 repeat the ones before them.
        assert crop.frame not in {"frame 2", "frame 5", "frame 8"}
    assert all((crop.mattes > 0).any() for crop in crops if crop.why == "most repaired")


def test_video_files_are_film_too(photographs: list[Bytes], restorer: Restorer, tmp_path: Path) -> None:
    writer = cv2.VideoWriter(str(tmp_path / "a.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 24, (240, 160))
    for frame in photographs:
        writer.write(frame)
    writer.release()
    film = find_film([tmp_path / "a.avi"])[0]
    counted, _ = look(film, restorer, frames=2)
    assert (counted.name, counted.frames, counted.still) == ("a", 2, False)


def test_pictures_that_differ_in_size_are_stills(photographs: list[Bytes], restorer: Restorer, tmp_path: Path) -> None:
    film = find_film([folder_of(tmp_path / "old", [photographs[0], photographs[1][:100]])])[0]
    assert film.still
    counted, crops = look(film, restorer, frames=5)
    assert (counted.frames, counted.spikes_left, counted.flicker_before) == (2, None, None)
    assert {crop.why for crop in crops} <= {"most repaired"}


def test_stills_of_one_size_are_told_by_their_cuts(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    frames = [cv2.resize(rng.integers(0, 255, (12, 16, 3), np.uint8), (160, 120)) for _ in range(4)]
    assert find_film([folder_of(tmp_path / "apart", [np.asarray(frame, np.uint8) for frame in frames])])[0].still


def test_a_place_is_where_the_weight_is_and_not_taken() -> None:
    weight = np.zeros((600, 900), np.float32)
    weight[500:520, 800:820] = 1
    weight[50:60, 50:60] = 1
    first = place(weight)
    assert first is not None
    _, y, x = first
    assert y <= 500
    assert y + TALL >= 520
    assert x <= 800
    assert x + WIDE >= 820
    second = place(weight, [(y, x)])
    assert second is not None
    assert second[1] <= 50
    assert second[2] <= 50
    assert place(np.zeros((600, 900), np.float32)) is None


def test_a_sheet_has_a_row_a_crop_at_full_size(tmp_path: Path) -> None:
    grey = np.full((TALL, WIDE, 3), 0.5, np.float32)
    after = grey.copy()
    after[:10] = 0.6
    mattes = np.zeros((4, TALL, WIDE), np.float32)
    mattes[0, :10] = 1
    write_sheet(tmp_path / "s" / "sheet.png", [Crop("a", "frame 3", 5, 6, "fastest", grey, after, mattes)] * 2)
    sheet = cv2.imread(str(tmp_path / "s" / "sheet.png"))
    assert sheet is not None
    assert sheet.shape == (2 * (TALL + LABEL + GAP), 4 * (WIDE + 2 * GAP), 3)
    step = WIDE + 2 * GAP
    column = [sheet[LABEL + 5, GAP + index * step + 5].tolist() for index in range(4)]
    # Red is dirt, in OpenCV's order; a difference of 0.1 is shown four times as large.
    assert column == [[128] * 3, [153] * 3, [60, 90, 255], [230] * 3]
    write_sheet(tmp_path / "empty.png", [])
    assert cv2.imread(str(tmp_path / "empty.png")) is not None


def test_the_report_holds_the_means_of_what_moves(seen: tuple[Look, list[Crop]]) -> None:
    still = Look("old", True, 2, 0, 0.5, None, None, None, None, None, None, 3.0, 1.0)
    report = RealReport((seen[0], still), "frdm bench real", "a machine", "1.0", ("frdm-s", "abc"))
    table = report.table()
    assert [row[0] for row in table.rows] == ["doubled", "old (stills)", "**mean of films that move**"]
    assert table.rows[0][1:] == table.rows[2][1:]
    markdown, plain = report.markdown(), report.plain()
    for row in plain["table"]["rows"]:
        cells = [shown(cell, column["unit"]) for cell, column in zip(row, plain["table"]["columns"], strict=True)]
        assert "| " + " | ".join(cells) + " |" in markdown
    assert "(doubled.png)" in markdown
    assert "old: spikes left no telling" in report.describe()
