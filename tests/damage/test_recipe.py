"""A frame's damage follows from recipe, seed and number alone, and its mattes tell the whole of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from frdm_engine.damage import PRESETS, Damager, Recipe, Templates
from frdm_engine.damage.dirt import DirtSettings
from frdm_engine.errors import InputError, SettingError

Array = npt.NDArray[np.float32]


def damager(plate: Array, recipe: Recipe | str = "heavy", *, seed: int = 5, monochrome: bool = False) -> Damager:
    recipe = Recipe.load(recipe) if isinstance(recipe, str) else recipe
    return Damager(recipe, seed=seed, height=plate.shape[0], width=plate.shape[1], monochrome=monochrome)


@pytest.mark.parametrize("name", PRESETS)
def test_a_frame_depends_on_its_number_and_not_on_the_order(name: str, plate: Array) -> None:
    forwards, backwards = damager(plate, name), damager(plate, name)
    frames = [-40, -1, 0, 1, 77, 100000]
    first = {n: forwards.frame(n, forwards.grain(n, forwards.weave(n, plate))) for n in frames}
    for n in reversed(frames):
        damaged, mattes = backwards.frame(n, backwards.grain(n, backwards.weave(n, plate)))
        np.testing.assert_array_equal(damaged, first[n][0])
        np.testing.assert_array_equal(mattes, first[n][1])


def test_seeds_and_frames_differ(plate: Array) -> None:
    here = damager(plate).frame(0, plate)[0]
    assert not np.array_equal(here, damager(plate).frame(1, plate)[0])
    assert not np.array_equal(here, damager(plate, seed=6).frame(0, plate)[0])
    assert not np.array_equal(here, damager(plate, seed=-5).frame(0, plate)[0])


@pytest.mark.parametrize("seed", range(12))
def test_where_the_mattes_are_zero_not_a_bit_changes(seed: int, plate: Array) -> None:
    source = plate.copy()
    for frame in range(4):
        damaged, mattes = damager(plate, seed=seed).frame(frame, source)
        untouched = mattes.max(axis=2) == 0
        np.testing.assert_array_equal(damaged[untouched], plate[untouched])
        assert damaged.dtype == mattes.dtype == np.float32
        assert mattes.shape == (144, 208, 4)
        assert mattes.min() >= 0
        assert mattes.max() <= 1
        assert np.isfinite(damaged).all()
        strong = mattes.max(axis=2) > 0.5
        assert not strong.any() or np.abs(damaged - plate)[strong].mean() > 0.5 / 255
    np.testing.assert_array_equal(source, plate)


def test_gray_plates_stay_gray(plate: Array) -> None:
    gray = np.repeat(plate[..., :1], 3, axis=2)
    for seed in range(6):
        shot = damager(gray, seed=seed, monochrome=True)
        damaged, _ = shot.frame(3, shot.grain(3, shot.weave(3, gray)))
        np.testing.assert_allclose(damaged[..., 0], damaged[..., 1], atol=1e-6)
        np.testing.assert_allclose(damaged[..., 0], damaged[..., 2], atol=1e-6)


def test_damage_grows_with_the_recipe(plate: Array) -> None:
    def mean_matte(name: str) -> float:
        shots = [damager(plate, name, seed=seed) for seed in range(12)]
        return float(np.mean([(shot.frame(n, plate)[1][..., :3]).mean() for shot in shots for n in (0, 9)]))

    light, medium, heavy = (mean_matte(name) for name in ("light", "medium", "heavy"))
    assert light < medium < heavy


def test_json_round_trip(tmp_path: Path) -> None:
    for name, recipe in PRESETS.items():
        file = tmp_path / f"{name}.json"
        file.write_text(recipe.to_json(), encoding="utf-8")
        assert Recipe.load(file) == recipe
        assert Recipe.load(name) is recipe
    partial = Recipe.from_json('{"dirt": {"density": 3, "white": [0, 1]}}')
    assert partial == replace(Recipe(), dirt=DirtSettings(density=3, white=(0, 1)))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not valid JSON"),
        ("[]", "must be a JSON object"),
        ('{"dust": {}}', "no setting called 'dust'"),
        ('{"dirt": 4}', "must be a JSON object"),
        ('{"dirt": {"density": -1}}', "DirtSettings.density is -1 but must lie within 0 and 5000"),
        ('{"dirt": {"density": "many"}}', "must hold numbers"),
        ('{"dirt": {"density": NaN}}', "must lie within"),
        ('{"dirt": {"white": 0.5}}', "must be a pair"),
        ('{"dirt": {"white": [0.1, 0.2, 0.3]}}', "must be a pair"),
        ('{"stains": {"life": [9, 3]}}', "must ascend"),
    ],
)
def test_a_bad_recipe_is_named_in_one_sentence(text: str, says: str) -> None:
    with pytest.raises(SettingError, match=says) as caught:
        Recipe.from_json(text)
    assert str(caught.value).count("\n") == 0


def test_an_unknown_recipe_lists_the_presets() -> None:
    with pytest.raises(SettingError, match=r"'mild' is neither .*archive-mixed.* nor a file"):
        Recipe.load("mild")


def test_a_plate_of_another_size_or_type_is_refused(plate: Array) -> None:
    shot = damager(plate)
    with pytest.raises(SettingError, match="must be float32"):
        shot.frame(0, plate[:100])
    with pytest.raises(SettingError, match="not float64"):
        shot.grain(0, plate.astype(np.float64))
    with pytest.raises(SettingError, match="too small"):
        Damager(Recipe(), seed=0, height=4, width=300)


def test_every_setting_is_documented_and_bounded() -> None:
    for name, part in json.loads(Recipe().to_json()).items():
        if isinstance(part, dict):
            text = type(getattr(Recipe(), name)).__doc__ or ""
            assert all(setting in text for setting in part)


def test_templates_are_used_and_missing_ones_named(plate: Array, shapes_folder: Path, tmp_path: Path) -> None:
    templates = Templates(shapes_folder)
    assert templates.kinds == ("dots", "hair", "scratches")
    recipe = Recipe.load("heavy")
    with_shapes = Damager(recipe, seed=2, height=144, width=208, templates=templates)
    without = Damager(recipe, seed=2, height=144, width=208)
    assert not np.array_equal(with_shapes.frame(0, plate)[0], without.frame(0, plate)[0])
    shape = templates.shape(("hair", "lint"), np.random.default_rng(0), 30.0)
    assert shape.max() == 1
    assert 28 <= np.ptp(np.argwhere(shape > 0.1), axis=0).max() + 1 <= 38 or shape.shape[0] <= 40
    with pytest.raises(InputError, match="no sub-folders"):
        Templates(tmp_path)
