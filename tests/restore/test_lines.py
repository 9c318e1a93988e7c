"""A scratch is as sure from end to end, and the picture goes on alike on both its sides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from frdm_engine.model.denoiser import CLASSES
from frdm_engine.restore.bars import BARS, Bars, Line
from frdm_engine.restore.lines import Laid, Lines
from frdm_engine.restore.matte import hysteresis, mattes

Array = npt.NDArray[np.float32]
PLAIN = Bars(high=0.4, low=0.1, full=0.3)
LIKELY = 0.25
ANY = Line(along=(0.0, 1e-3), sure=(-1.0, 0.0), sides=(8.0, 9.0))
"""A bar every line passes."""


@pytest.fixture
def plane() -> Array:
    """Three lines of 30 rows, their middle column sure in all rows, in 24 and in 13."""
    out = np.full((40, 40), 0.01, np.float32)
    for x, sure in ((6, 30), (16, 24), (26, 12)):
        out[5:35, x : x + 3], out[5 : 5 + sure, x + 1], out[20, x + 1] = LIKELY, 0.95, 0.95
    return out


def test_a_line_is_as_faint_as_it_is_unsure_along_its_length(plane: Array) -> None:
    """An edge is sure here and there. How wide it is, and how sure its rims are, is nothing to it."""
    made = hysteresis(plane, replace(PLAIN, line=replace(ANY, along=(0.4, 0.9))))
    plain = hysteresis(plane, PLAIN)
    for x, mean in ((6, 0.95), (16, (24 * 0.95 + 6 * LIKELY) / 30), (26, (13 * 0.95 + 17 * LIKELY) / 30)):
        share = min((mean - 0.4) / 0.5, 1)
        np.testing.assert_allclose(made[:, x : x + 3], share * plain[:, x : x + 3], rtol=1e-4)


def test_rows_that_are_sure_are_counted_too(plane: Array) -> None:
    made = hysteresis(plane, replace(PLAIN, line=replace(ANY, sure=(0.5, 0.9), level=0.9)))
    assert (made[5:35, 7] == 1).all()
    np.testing.assert_allclose(made[5:29, 17], (24 / 30 - 0.5) / 0.4, rtol=1e-4)
    assert not made[:, 26:29].any()


def test_some_very_sure_rows_may_tell_all_the_same(plane: Array) -> None:
    bars = replace(PLAIN, line=replace(ANY, along=(0.96, 0.99), sides=(0.0, 1e-6), told=(0.98, 0.1)))
    plane[19:21, 27] = 0.99  # two rows of thirty are an edge's
    assert not hysteresis(plane, bars).any()
    plane[21, 27] = 0.99
    made = hysteresis(plane, bars, laid=picture(0.2))
    assert (made[19:22, 27] == 1).all()
    assert (made[5:35, 26:29] > 0).all()
    assert not made[:, :23].any()


def picture(step: float, scratch: float = 0.2) -> Laid:
    """Two halves that differ by ``step``, a line of three pixels between them, and what would be laid in."""
    fill = np.full((40, 40, 3), 0.4, np.float32)
    fill[:, 18:] += np.float32(step)
    shot = fill.copy()
    shot[5:35, 17:20] = fill[5:35, 17:20] + np.float32(scratch)
    return Laid(shot, fill)


@pytest.mark.parametrize("scratch", [0.2, -0.2])
@pytest.mark.parametrize(
    ("step", "share"), [(0.0, 1.0), (-0.09, 1.0), (0.1, 1.0), (0.15, 0.5), (-0.15, 0.5), (0.2, 0.0)]
)
def test_a_line_whose_sides_differ_is_an_edge(step: float, share: float, scratch: float) -> None:
    plane = np.full((40, 40), 0.01, np.float32)
    plane[5:35, 17:20] = 0.95
    bars = replace(PLAIN, line=replace(ANY, sides=(0.5, 1.0)))
    made = hysteresis(plane, bars, laid=picture(step, scratch))
    np.testing.assert_allclose(made[5:35, 17:20], share, atol=1e-4)
    assert (hysteresis(plane, bars)[5:35, 17:20] == 1).all(), "nobody told what would be laid in"


def test_what_a_scratch_crosses_is_no_edge() -> None:
    """Its sides differ here by as much as there, the other way."""
    laid = picture(0.0)
    for plane in (laid.picture, laid.fill):
        plane[5:20, :17] += np.float32(0.3)
        plane[20:35, 20:] += np.float32(0.3)
    chance = np.full((40, 40), 0.01, np.float32)
    chance[5:35, 17:20] = 0.95
    assert (hysteresis(chance, BARS["scratch"], laid=laid)[5:35, 17:20] == 1).all()


def test_at_the_frame_s_border_only_whole_rows_tell() -> None:
    chance = np.full((40, 40), 0.01, np.float32)
    chance[2:38, 0:2] = chance[2:38, 37:40] = 0.95
    made = hysteresis(chance, BARS["scratch"], laid=Laid(*np.random.default_rng(3).random((2, 40, 40, 3), np.float32)))
    assert (made[2:38, 0:2] == 1).all()
    assert (made[2:38, 37:40] == 1).all()


def test_rows_of_repairs_that_share_them_are_told_apart() -> None:
    y, x = np.array([3, 3, 3, 3, 4, 4]), np.array([1, 2, 8, 9, 2, 3])
    repair, chance = np.array([1, 1, 2, 2, 1, 1], np.int32), np.array([0.2, 0.9, 0.5, 0.4, 0.3, 0.6], np.float32)
    lines = Lines.of(y, x, repair, chance, 4)
    assert lines.owner.tolist() == [1, 1, 2]
    assert lines.y.tolist() == [3, 4, 3]
    assert lines.left.tolist() == [1, 2, 8]
    assert lines.right.tolist() == [2, 3, 9]
    assert lines.middle.tolist() == [2, 3, 8]
    np.testing.assert_allclose(lines.mean(lines.surest), [0, 0.75, 0.5, 0], rtol=1e-6)


def test_mattes_hand_on_what_is_laid_in() -> None:
    logits = np.full((2, 40, 40), -9, np.float32)
    logits[1, 5:35, 17:20] = 3.0  # sure, but no pixel tells it by itself
    kept, gone = (mattes(CLASSES[:2], logits, fix=CLASSES, strength=1, laid=picture(step)) for step in (0.0, 0.4))
    assert kept[1, 5:35, 17:20].all()
    assert not gone.any()


def broken(gap: int, *, at: int = 24) -> Array:
    """A sure piece of a line, ``gap`` rows of nothing, and a piece that is unsure by itself."""
    out = np.full((80, 12), 0.01, np.float32)
    out[at : at + 10, 5], out[at + 10 + gap :, 5] = 0.7, 0.7
    out[:at, 5] = 0.95
    return out


@pytest.mark.parametrize(("gap", "together"), [(0, True), (16, True), (17, False)])
def test_pieces_of_a_line_are_one(gap: int, together: bool) -> None:
    """What is too unsure by itself goes with the piece that it is the end of; what lies between them stays."""
    plane = broken(gap)
    made = hysteresis(plane, replace(PLAIN, high=0.6, line=replace(ANY, along=(0.5, 0.75))))
    alone = hysteresis(plane, replace(PLAIN, high=0.9, line=replace(ANY, along=(0.5, 0.75), gap=0)))
    assert made[:34, 5].all()
    assert not made[34 : 34 + gap].any()
    assert not made[:, :5].any()
    assert not made[:, 6:].any()
    far = made[34 + gap :, 5]
    assert (far > 0).all()
    assert np.allclose(far, made[0, 5]) == together
    assert alone[34 + gap :, 5].any() == (gap == 0)


def test_rows_between_pieces_are_unsure_ones() -> None:
    """Else a dotted edge, sure in each of its dots, would pass for a line."""
    dotted = np.full((60, 9), 0.01, np.float32)
    for top in range(0, 60, 20):
        dotted[top : top + 10, 4] = 0.95
    made = hysteresis(dotted, replace(PLAIN, line=replace(ANY, along=(0.4, 0.9))))
    np.testing.assert_allclose(made[:10, 4], (0.95 * 30 / 50 - 0.4) / 0.5, rtol=1e-4)


@pytest.mark.parametrize("top", [0, 3, 30, 53])
def test_a_line_is_as_high_wherever_it_lies(top: int) -> None:
    """At the frame's border too: 7 rows by 3 columns are 7 * 7 / 21 times higher than wide."""
    plane = np.full((60, 9), 0.01, np.float32)
    plane[top : top + 7, 3:6] = 0.95
    least = 49 / 21
    assert hysteresis(plane, replace(PLAIN, elongation=least, line=ANY))[top : top + 7, 3:6].all()
    assert not hysteresis(plane, replace(PLAIN, elongation=least + 0.01, line=ANY)).any()
