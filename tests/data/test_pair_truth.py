"""The truth of a pair: how far it is off, its grade, and what was mended, by class."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from frdm_engine.data.pair_truth import Grade, changes, classify, displacement, likeness

Picture = npt.NDArray[np.float32]
HEIGHT, WIDTH = 240, 320


def film(seed: int = 0, *, grain: float = 0.01) -> Picture:
    rng = np.random.default_rng(seed)
    soft = cv2.GaussianBlur(rng.random((HEIGHT, WIDTH, 3), dtype=np.float32), (0, 0), 3)
    return np.clip(0.5 + 3 * (soft - 0.5) + grain * rng.standard_normal(soft.shape), 0, 1).astype(np.float32)


def moved(picture: Picture, x: float, y: float) -> Picture:
    move = np.array([[1, 0, x], [0, 1, y]], np.float64)
    return np.asarray(cv2.warpAffine(picture, move, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=4), np.float32)


def specked(picture: Picture) -> Picture:
    out = picture.copy()
    for x, y in np.random.default_rng(1).integers(20, 220, (30, 2)):
        cv2.circle(out, (int(x), int(y)), 4, (0.95, 0.95, 0.95), -1)
    return out


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.1, 0.0), (0.3, -0.4), (2.0, 1.0), (-3.4, 0.2)])
def test_a_shift_is_told_under_damage(shift: tuple[float, float]) -> None:
    clean = film()
    found = displacement(specked(clean), moved(clean, *shift))
    assert np.median(found, axis=0) == pytest.approx(shift, abs=0.03)


def test_a_flat_frame_tells_no_shift() -> None:
    flat = np.full((HEIGHT, WIDTH, 3), 0.5, np.float32)
    assert len(displacement(flat, flat)) == 0


def test_likeness_knows_another_picture() -> None:
    assert likeness(specked(film()), film()) > 0.7
    assert likeness(film(), film(2)) < 0.3


def test_a_grade_is_found_and_undone() -> None:
    clean = film()
    graded = (clean**0.8 * 0.95).astype(np.float32)
    grade = Grade.fit(specked(clean), graded)
    assert grade.deviation > 0.02
    # Where the curve was seen at all: its ends rest on few pixels.
    middle = (clean > 0.3) & (clean < 0.7)
    assert float(np.abs(grade.apply(graded) - clean)[middle].mean()) < 0.004


def test_no_grade_leaves_every_pixel() -> None:
    clean = film()
    grade = Grade.fit(specked(clean), clean)
    assert grade.deviation == 0
    assert grade.apply(clean) is clean


def test_only_what_was_mended_changes_the_scan() -> None:
    clean = film()
    scan = specked(clean)
    found = changes(scan, clean)
    assert found.noise == 0
    assert not found.flicker.any()
    altered = (scan != clean).any(axis=-1)
    assert float(found.support[altered].mean()) > 0.95
    assert not found.support[~altered].any()
    assert np.array_equal(found.truth[found.support], clean[found.support])
    far = cv2.dilate(altered.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0
    assert np.array_equal(found.truth[far], scan[far])


def test_another_grain_is_not_damage() -> None:
    picture, rng = film(grain=0), np.random.default_rng(4)
    one, other = (np.clip(picture + 0.02 * rng.standard_normal(picture.shape), 0, 1) for _ in range(2))
    found = changes(specked(one.astype(np.float32)), other.astype(np.float32))
    specks = (specked(picture) != picture).any(axis=-1)
    assert found.noise > 0.01
    assert float(found.support[specks].mean()) > 0.7
    assert float(found.support[~specks].mean()) < 0.005


def drawn(kind: str, *, frame: int = 0) -> Picture:
    """A scan with one piece of damage in the frame given: scratches and stains stay from frame to frame."""
    out = film()
    if kind == "dirt":
        cv2.circle(out, (60 + 70 * frame, 90), 6, (0.95, 0.95, 0.95), -1)
    elif kind == "hair":  # a thin upright line in one frame only is dirt
        cv2.line(out, (50 + 60 * frame, 100), (50 + 60 * frame, 140), (0.98, 0.98, 0.98), 2)
    elif kind == "scratch":
        cv2.line(out, (150, 60), (150 + frame, 110), (0.98, 0.98, 0.98), 2)
    elif kind == "rain":  # a line through most of the frame needs no neighbour
        cv2.line(out, (60 + 90 * frame, 0), (60 + 90 * frame, 200), (0.98, 0.98, 0.98), 2)
    elif kind == "stain":
        y, x = np.mgrid[:HEIGHT, :WIDTH]
        out *= (1 - 0.3 * np.exp(-((x - 200) ** 2 + (y - 120) ** 2) / 800))[..., None].astype(np.float32)
    elif kind == "flicker":
        out *= np.float32(1 + 0.06 * (frame == 1))
    return out


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [("dirt", 0), ("hair", 0), ("scratch", 1), ("rain", 1), ("stain", 2), ("flicker", 3)],
)
def test_damage_has_its_class(kind: str, wanted: int) -> None:
    scans = [drawn(kind, frame=frame) for frame in range(3)]
    before, now, after = (changes(scan, film()) for scan in scans)
    matte = classify(now, before=before, after=after)
    altered = (np.abs(scans[1] - film()) > 6 / 255).any(axis=-1)
    shares = [float(matte[altered][:, index].mean()) for index in range(4)]
    assert shares[wanted] > 0.9, shares
    assert sum(shares) - shares[wanted] < 0.05, shares


def test_flicker_does_not_hide_dirt() -> None:
    scan = drawn("dirt") * np.float32(1.05)
    found = changes(scan, film())
    matte = classify(found, before=None, after=None)
    speck = (np.abs(drawn("dirt") - film()) > 0.1).any(axis=-1)
    assert float(matte[speck][:, 0].mean()) > 0.9
    assert float(matte[..., 0].mean()) < 2 * float(speck.mean())
    assert float(matte[..., 3].mean()) > 0.8
    assert np.array_equal(found.truth, film())
