"""Figures: places of repairs, frames chosen for the sheet, columns of the chart, words."""

from __future__ import annotations

from itertools import pairwise

import pytest

from frdm_engine.report import chart, words
from frdm_engine.report.choice import choose
from frdm_engine.report.lines import Box, Line, View
from frdm_engine.report.places import KEPT, Places
from frdm_engine.report.summary import Row


def line(frame: int, *repairs: tuple[str, Box]) -> Line:
    view = View(len(repairs), {}, tuple(box for _, box in repairs), tuple(kind for kind, _ in repairs))
    return Line(frame, "", ("", 0, 0), 0.0, 0.0, 0.0, {"": view})


def row(frame: int, dirt: float, *, flicker: float = 0.0, seconds: float = 1.0, state: str = "whole") -> Row:
    return Row(frame, dirt, seconds, 1, (dirt, flicker), state)


def test_a_repair_that_stays_is_one_place_where_it_is_largest() -> None:
    places = Places()
    places.add(line(1, ("scratch", (40, 0, 2, 50, 90)), ("dirt", (5, 5, 4, 4, 12))))
    places.add(line(2, ("scratch", (40, 0, 2, 48, 96)), ("dirt", (30, 5, 9, 9, 60))))
    places.add(line(3, ("scratch", (40, 2, 2, 48, 80))))
    found = places.largest(8)
    (scratch,) = found["scratch"]
    assert (scratch.frame, scratch.first, scratch.last, scratch.frames) == (2, 1, 3, 3)
    assert scratch.box == (40, 0, 2, 48, 96)
    assert [(place.frame, place.frames) for place in found["dirt"]] == [(2, 1), (1, 1)]


def test_what_meets_by_less_than_half_is_another_place_and_so_is_another_class() -> None:
    places = Places()
    places.add(line(1, ("dirt", (0, 0, 10, 10, 100))))
    places.add(line(2, ("dirt", (4, 0, 10, 10, 100)), ("stain", (0, 0, 10, 10, 100))))
    assert len(places.largest(8)["dirt"]) == 2
    assert places.largest(8)["stain"][0].frames == 1


def test_only_the_largest_places_are_kept() -> None:
    places = Places()
    for frame in range(200):
        places.add(line(frame, ("dirt", (20 * frame, 0, 10, 10, 1 + frame % 100))))
    assert [place.box[4] for place in places.largest(KEPT)["dirt"]] == sorted(
        (1 + frame % 100 for frame in range(200)), reverse=True
    )[:KEPT]


def test_short_shots_are_shown_whole_but_for_what_is_missing() -> None:
    rows = [row(1, 0.1), row(2, 0.2, state="missing"), row(3, 0.0)]
    assert choose(rows) == (1, 3)


def test_long_shots_show_their_ends_and_their_worst_frames() -> None:
    rows = [row(frame, 0.001, flicker=1.0 if frame == 40 else 0.0) for frame in range(1, 401)]
    for bad in (77, 78, 300):
        rows[bad - 1] = row(bad, 0.5)
    chosen = choose(rows, broad=[1], most=10)
    assert len(chosen) == 10
    assert len(set(chosen)) == 10
    assert {1, 77, 300, 400} <= set(chosen[:4]) | set(chosen)
    assert 78 not in chosen  # as good as 77, and beside it
    assert {77, 300, 1, 400} == set(chosen[:4])
    even = sorted(set(chosen) - {77, 300})
    assert max(b - a for a, b in pairwise(even)) < 200


def test_the_chart_has_a_column_a_frame_as_high_as_its_share() -> None:
    rows = [row(1, 0.1), row(2, 0.0), row(4, 0.05)]
    columns = chart.bins(rows, (1, 2, 3, 4))
    strip = chart.strip(columns, lambda one: one.shares[0], words.percent)
    assert strip.top == 0.1
    assert [(one.x, one.height) for one in strip.columns] == [(0, 60.0), (3, 30.0)]
    assert strip.columns[1].title == "frame 4: 5.00 %"
    assert strip.columns[1].y + strip.columns[1].height == chart.HEIGHT
    assert chart.column_of(columns, 3) == 2
    assert chart.column_of(columns, 9) is None


def test_a_long_chart_shows_the_highest_frame_of_each_column() -> None:
    frames = tuple(range(1, 10_001))
    rows = [row(frame, 0.9 if frame == 5_003 else 0.001) for frame in frames]
    columns = chart.bins(rows, frames)
    assert len(columns) <= chart.COLUMNS
    assert (columns[0].first, columns[-1].last) == (1, 10_000)
    strip = chart.strip(columns, lambda one: one.shares[0], words.percent)
    highest = max(strip.columns, key=lambda one: one.height)
    assert "frame 5003 of" in highest.title
    assert min(one.height for one in strip.columns) >= chart.LEAST
    assert chart.ticks(columns)[0] == (round(50 / len(columns), 3), 1)


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0, "0 %"), (1e-9, "under 0.01 %"), (0.0123, "1.23 %"), (0.5, "50.0 %"), (0.9994, "99.94 %"),
        (0.999999, "over 99.99 %"), (1, "100 %"),
    ],
)  # fmt: skip
def test_shares_are_never_rounded_to_nothing_or_all(share: float, said: str) -> None:
    assert words.percent(share) == said


def test_times_and_counts_are_said_as_people_do() -> None:
    assert [words.duration(value) for value in (0.5, 59.4, 60, 3599, 3600, 400_000)] == [
        "0.50 s", "59.4 s", "1 min 0 s", "59 min 59 s", "1 h 0 min", "111 h 6 min",
    ]  # fmt: skip
    assert words.count(1, "frame") == "1 frame"
    assert words.count(10_000, "frame") == "10,000 frames"
    assert words.some([1, 2, 3, 7]) == "1-3, 7"
    assert words.some(range(0, 10_000, 2)).endswith("36, 38 and more")
    assert words.moment("2026-11-24T21:10:41+00:00") == "24 November 2026, 21:10 UTC"
    assert words.moment("last night") == "last night"
    assert words.moment(None) is None
