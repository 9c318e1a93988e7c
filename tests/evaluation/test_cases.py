"""Cases: the right frames, the same pixels every time, and masks that tell kinds of damage apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from frdm_engine.damage import KINDS
from frdm_engine.errors import InputError, SettingError
from frdm_engine.evaluation.cases import CONTEXT, KIND_GROUPS, Case, Clip, find_clips, is_gray, make, plan_cases, read
from frdm_engine.plates import write_image


def film(folder: Path, count: int, *, gray: bool = False, seed: int = 0) -> Path:
    """A folder of PNG frames, 64 x 96, of a soft texture that drifts; frame n is a little brighter than frame n - 1."""
    folder.mkdir(parents=True)
    noise = np.random.default_rng(seed).random((64, 96 + 2 * count, 3))
    soft = cv2.GaussianBlur(noise, (0, 0), 2.0)
    if gray:
        soft[:] = soft.mean(axis=2, keepdims=True)
    for number in range(count):
        coded = np.clip(60 + number + 120 * soft[:, 2 * number : 2 * number + 96], 0, 255).astype(np.uint8)
        assert cv2.imwrite(str(folder / f"{number}.png"), coded)
    return folder


def case_of(path: Path, *, recipe: str = "heavy", seed: int = 1, frames: int = 3) -> Case:
    return plan_cases(find_clips([path]), recipes=[recipe], seeds=[seed], frames=frames)[0]


def test_clips_are_found_in_folders_and_folders_of_folders(tmp_path: Path) -> None:
    film(tmp_path / "all" / "b", 3)
    film(tmp_path / "all" / "a", 4)
    assert [(clip.name, clip.length) for clip in find_clips([tmp_path / "all"])] == [("a", 4), ("b", 3)]
    assert [clip.name for clip in find_clips([tmp_path / "all"], names=["b"])] == ["b"]
    assert find_clips([tmp_path / "all" / "a"])[0].name == "a"


def test_what_is_no_clip_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    film(tmp_path / "one" / "a", 2)
    film(tmp_path / "two" / "a", 2)
    with pytest.raises(InputError, match="is not there"):
        find_clips([tmp_path / "absent"])
    with pytest.raises(InputError, match="empty holds no frames"):
        find_clips([tmp_path / "empty"])
    with pytest.raises(InputError, match="second clip called a"):
        find_clips([tmp_path / "one", tmp_path / "two"])
    with pytest.raises(InputError, match="No clip is called 'x'"):
        find_clips([tmp_path / "one"], names=["x"])
    with pytest.raises(SettingError, match="nonesuch"):
        plan_cases(find_clips([tmp_path / "one"]), recipes=["nonesuch"], seeds=[1], frames=2)


@pytest.mark.parametrize(
    ("length", "wanted", "first", "measured", "context"),
    [(16, 12, 0, 12, 2), (50, 12, 17, 12, 2), (5, 12, 0, 1, 2), (4, 12, 0, 2, 1), (1, 12, 0, 1, 0)],
)
def test_the_middle_of_a_clip_is_measured_with_context_on_both_sides(
    length: int, wanted: int, first: int, measured: int, context: int
) -> None:
    case = plan_cases([Clip("a", Path("a"), length)], recipes=["light"], seeds=[1], frames=wanted)[0]
    assert (case.first, case.measured, case.context) == (first, measured, context)
    assert case.taken == measured + 2 * context <= length
    assert case.context <= CONTEXT


def test_a_case_is_the_same_every_time_and_untouched_pixels_are_the_truth(tmp_path: Path) -> None:
    case = case_of(film(tmp_path / "a", 7))
    one, two = make(case), make(case)
    np.testing.assert_array_equal(one.damaged, two.damaged)
    clear = (one.mattes == 0).all(axis=-1)
    assert 0.05 < clear.mean() < 1
    np.testing.assert_array_equal(one.damaged[clear], one.truth[clear])
    assert (one.damaged != one.truth).any()
    assert one.inner == slice(2, 5)
    assert one.truth.shape == one.plain.shape == (7, 64, 96, 3)
    assert one.kinds.shape == (7, 64, 96)


def test_clips_and_seeds_are_damaged_each_in_its_own_way(tmp_path: Path) -> None:
    a = case_of(film(tmp_path / "a", 5))
    b = case_of(film(tmp_path / "b", 5))
    assert (
        len({a.damage_seed, b.damage_seed, replace(a, seed=2).damage_seed, replace(a, recipe="light").damage_seed}) == 4
    )
    assert (make(a).mattes != make(b).mattes).any()
    assert a.record() != replace(a, seed=2).record()
    assert str(tmp_path) not in str(a.record())


def test_files_that_changed_make_another_case(tmp_path: Path) -> None:
    folder = film(tmp_path / "a", 5)
    before = case_of(folder).record()
    (folder / "4.png").write_bytes((folder / "4.png").read_bytes() + b"\0")
    assert case_of(folder).record() != before


def test_gray_film_is_damaged_gray(tmp_path: Path) -> None:
    gray, colour = make(case_of(film(tmp_path / "g", 5, gray=True))), make(case_of(film(tmp_path / "c", 5)))
    assert is_gray(gray.damaged)
    assert not is_gray(colour.damaged)


def test_broad_damage_is_measured_where_nothing_sharper_lies(tmp_path: Path) -> None:
    made = make(case_of(film(tmp_path / "a", 5), frames=1))
    bit = {kind: 1 << index for index, kind in enumerate(KINDS)}
    labels = np.zeros_like(made.kinds)
    labels[0, 0, :4] = bit["stain"], bit["stain"] | bit["dust"], bit["stain"] | bit["mould"], bit["dust"]
    labels[0, 1, :3] = bit["scratch"], bit["standing scratch"], bit["hair"] | bit["flicker"]
    made = replace(made, kinds=labels)
    where = {group: np.argwhere(made.of_kind(group, 0)).tolist() for group in KIND_GROUPS}
    assert where["stains"] == [[0, 0], [0, 2]]
    assert where["mould"] == [[0, 2]]
    assert where["dirt"] == [[0, 1], [0, 3]]
    assert where["scratches"] == [[1, 0], [1, 1]]
    assert where["standing scratches"] == [[1, 1]]
    assert where["hair"] == [[1, 2]]
    assert where["flicker"] == []


def test_plates_are_read_in_model_encoding(tmp_path: Path) -> None:
    (tmp_path / "plates").mkdir()
    for number in (1001, 1002, 1003):
        light = np.full((16, 24, 3), 0.18 * (number - 1000), np.float32)
        write_image(tmp_path / "plates" / f"p.{number}.exr", light, channel_names=("R", "G", "B"))
    clip = find_clips([tmp_path / "plates"])[0]
    assert clip.length == 3
    got = read(clip, 1, 2)
    assert got.shape == (2, 16, 24, 3)
    # 0.36 and 0.54 of scene-linear light under the sRGB curve.
    assert got[0].mean() == pytest.approx(0.6345, abs=1e-3)
    assert got[1].mean() == pytest.approx(0.7611, abs=1e-3)


def test_a_clip_too_short_or_of_two_sizes_is_refused(tmp_path: Path) -> None:
    clip = find_clips([film(tmp_path / "a", 3)])[0]
    with pytest.raises(InputError, match="fewer than 4 frames"):
        read(clip, 1, 3)
    assert cv2.imwrite(str(tmp_path / "a" / "1.png"), np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(InputError, match="mixes sizes at its frame 2"):
        read(clip, 0, 3)
