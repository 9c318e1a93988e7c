"""Labels say which kinds lie where, and agree with the mattes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from frdm_engine.damage import CLASSES, KINDS, Damager, Recipe
from frdm_engine.damage.dirt import SIZES, DirtSettings
from frdm_engine.damage.drawing import CLASS_OF, LABELLED
from frdm_engine.damage.fading import FadingSettings
from frdm_engine.damage.flicker import FlickerSettings
from frdm_engine.damage.gate import GateSettings
from frdm_engine.damage.mould import MouldSettings
from frdm_engine.damage.scan import ScanSettings
from frdm_engine.damage.scratches import ScratchSettings
from frdm_engine.damage.splices import SpliceSettings
from frdm_engine.damage.stains import StainSettings
from frdm_engine.damage.tears import TearSettings

Array = npt.NDArray[np.float32]

NOTHING = {
    "dirt": DirtSettings(presence=0),
    "scratches": ScratchSettings(presence=0, rain_presence=0, scuff=0, cinch=0),
    "stains": StainSettings(presence=0),
    "mould": MouldSettings(presence=0),
    "splices": SpliceSettings(chance=0),
    "tears": TearSettings(chance=0),
    "gate": GateSettings(presence=0),
    "flicker": FlickerSettings(presence=0),
}


def only(**parts: object) -> Recipe:
    return Recipe(**{**NOTHING, **parts})  # type: ignore[arg-type]


def dirt_of(kind: str) -> Recipe:
    return only(dirt=DirtSettings(density=30, **{name: float(name == kind) for name in SIZES}))  # type: ignore[arg-type]


ONE_KIND = {
    "speck": (dirt_of("speck"), "dust"),
    "spot": (dirt_of("spot"), "dust"),
    "blotch": (dirt_of("blotch"), "blotch"),
    "fibre": (dirt_of("fibre"), "hair"),
    "hair": (dirt_of("hair"), "hair"),
    "lint": (dirt_of("lint"), "hair"),
    "sparkle": (dirt_of("sparkle"), "sparkle"),
    "trace": (dirt_of("trace"), "dust"),
    "running": (
        only(scratches=ScratchSettings(presence=1, running=(20, 20), standing=0, rain_presence=0, scuff=0, cinch=0)),
        "scratch",
    ),
    "standing": (
        only(scratches=ScratchSettings(presence=1, running=(0, 0), standing=20, rain_presence=0, scuff=0, cinch=0)),
        "standing scratch",
    ),
    "rain": (only(scratches=ScratchSettings(presence=0, rain_presence=1, rain=(30, 30), scuff=0, cinch=0)), "scratch"),
    "scuff": (only(scratches=ScratchSettings(presence=0, rain_presence=0, scuff=50, cinch=0)), "scratch"),
    "cinch": (only(scratches=ScratchSettings(presence=0, rain_presence=0, scuff=0, cinch=20)), "scratch"),
    "mould": (only(mould=MouldSettings(presence=1, alive=(60, 60), dye=(0.6, 0.9))), "mould"),
    "splice": (only(splices=SpliceSettings(chance=0.5, both=1)), "splice"),
    "tear": (only(tears=TearSettings(chance=0.5, two=1)), "tear"),
    "gate": (only(gate=GateSettings(presence=1, alive=(6, 6))), "hair"),
    "stain": (only(stains=StainSettings(presence=1, alive=(20, 20))), "stain"),
    "flicker": (only(flicker=FlickerSettings(presence=1, strength=(0.2, 0.2))), "flicker"),
}


@pytest.mark.parametrize("name", ONE_KIND)
def test_each_kind_bears_its_own_label_alone(name: str, plate: Array) -> None:
    recipe, label = ONE_KIND[name]
    marked = 0
    for seed in range(3):
        shot = Damager(recipe, seed=seed, height=plate.shape[0], width=plate.shape[1])
        kinds = shot.labelled(4, plate).kinds
        assert kinds.dtype == np.uint16
        assert set(np.unique(kinds)) <= {0, 1 << KINDS.index(label)}
        marked += int((kinds > 0).sum())
    assert marked > 50


def test_labels_agree_with_the_mattes_and_the_frame(plate: Array) -> None:
    for seed in range(6):
        shot = Damager(Recipe.load("heavy"), seed=seed, height=plate.shape[0], width=plate.shape[1])
        found = shot.labelled(2, plate)
        damaged, mattes = shot.frame(2, plate)
        np.testing.assert_array_equal(found.plate, damaged)
        np.testing.assert_array_equal(found.mattes, mattes)
        for bit, kind in enumerate(KINDS):
            here = (found.kinds >> bit & 1).astype(bool)
            assert (mattes[..., CLASS_OF[kind]][here] > LABELLED * 0.99).all()
        for index in range(len(CLASSES)):
            bits = sum(1 << bit for bit, kind in enumerate(KINDS) if CLASS_OF[kind] == index)
            # A matte may gather more than one faint defect, each under the bound.
            bare = found.kinds[mattes[..., index] > 0.5] & bits == 0
            assert bare.sum() <= 0.01 * bare.size


def test_every_kind_is_drawn_by_some_recipe_of_the_test() -> None:
    assert {label for _, label in ONE_KIND.values()} == set(KINDS)


def rich() -> Recipe:
    """Much of everything, so that a few frames show it all."""
    return Recipe(
        mould=MouldSettings(presence=1),
        splices=SpliceSettings(chance=0.5),
        tears=TearSettings(chance=0.5),
        gate=GateSettings(presence=1),
        fading=FadingSettings(presence=1, gradient=1),
        scan=ScanSettings(presence=0.7),
    )


@pytest.mark.parametrize("recipe", ["light", "medium", "heavy", "archive-mixed", "rich"])
def test_process_depends_on_the_frame_and_not_on_the_order(recipe: str, plate: Array) -> None:
    chosen = rich() if recipe == "rich" else Recipe.load(recipe)
    for seed in range(3):
        forwards, backwards = (Damager(chosen, seed=seed, height=144, width=208) for _ in range(2))
        frames = (-3, 0, 1, 5000)
        first = {frame: forwards.process(frame, plate) for frame in frames}
        for frame in reversed(frames):
            again = backwards.process(frame, plate)
            for part in ("truth", "plate", "broad", "mattes", "kinds"):
                np.testing.assert_array_equal(getattr(again, part), getattr(first[frame], part))


@pytest.mark.parametrize("seed", range(8))
def test_process_leaves_the_truth_where_the_mattes_are_zero(seed: int, plate: Array) -> None:
    source = plate.copy()
    for frame in range(3):
        made = Damager(rich(), seed=seed, height=144, width=208).process(frame, source)
        untouched = made.mattes.max(axis=2) == 0
        np.testing.assert_array_equal(made.plate[untouched], made.truth[untouched])
        assert not made.kinds[untouched].any()
        for array in (made.truth, made.plate, made.mattes):
            assert array.dtype == np.float32
            assert np.isfinite(array).all()
        assert made.mattes.min() >= 0
        assert made.mattes.max() <= 1
    np.testing.assert_array_equal(source, plate)


def test_process_is_its_steps_in_order(plate: Array) -> None:
    shot = Damager(rich(), seed=4, height=144, width=208)
    truth = shot.grain(6, shot.fade(6, shot.weave(6, plate)))
    found = shot.labelled(6, truth)
    truth, damaged, mattes = shot.scan(6, truth, found.plate, found.mattes)
    made = shot.process(6, plate)
    np.testing.assert_array_equal(made.truth, truth)
    np.testing.assert_array_equal(made.plate, damaged)
    np.testing.assert_array_equal(made.mattes, mattes)
    grainless = shot.process(6, plate, grain=False)
    assert not np.array_equal(grainless.truth, truth)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_process_without_damage_makes_the_truth_alone(seed: int, plate: Array) -> None:
    shot = Damager(rich(), seed=seed, height=144, width=208)
    made = shot.process(6, plate, damage=False)
    assert np.array_equal(made.plate, made.truth)
    assert not made.mattes.any()
    assert not made.kinds.any()
    assert np.array_equal(made.broad, made.truth)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_damage_leaves_the_truth_but_for_the_marks_of_compression(seed: int, plate: Array) -> None:
    """Where a matte tells of damage the truth is the undamaged one; elsewhere it is what was scanned."""
    shot = Damager(rich(), seed=seed, height=144, width=208)
    made, bare = shot.process(6, plate), shot.process(6, plate, damage=False).truth
    told = made.mattes.max(axis=2) > 0
    assert 0 < told.mean() < 1
    np.testing.assert_array_equal(made.truth[told], bare[told])
    assert float(np.abs(made.truth - bare)[~told].mean()) < 1 / 255


def test_without_a_scan_the_truth_knows_nothing_of_the_damage(plate: Array) -> None:
    shot = Damager(replace(rich(), scan=ScanSettings(presence=0)), seed=1, height=144, width=208)
    made = shot.process(6, plate)
    assert made.mattes.any()
    assert np.array_equal(made.truth, shot.process(6, plate, damage=False).truth)


# What is broad


@pytest.mark.parametrize("seed", range(4))
def test_what_is_broad_is_the_plate_but_for_dirt_and_scratches(seed: int, plate: Array) -> None:
    for frame in range(2):
        made = Damager(rich(), seed=seed, height=144, width=208).process(frame, plate)
        assert made.broad.dtype == np.float32
        local, broad = made.mattes[..., :2].max(axis=2) > 0, made.mattes[..., 2:].max(axis=2) > 0
        assert 0 < local.mean() < 1
        np.testing.assert_array_equal(made.broad[~local], made.plate[~local])
        assert (made.broad != made.plate)[local].any()
        sound = ~local & ~broad
        np.testing.assert_array_equal(made.broad[sound], made.truth[sound])


@pytest.mark.parametrize("name", ["stain", "mould", "flicker"])
def test_a_kind_that_is_broad_is_in_it_whole(name: str, plate: Array) -> None:
    """Nothing but it was drawn, so it is the plate."""
    recipe = replace(ONE_KIND[name][0], scan=ScanSettings(presence=1, compressed=1))
    made = Damager(recipe, seed=1, height=144, width=208).process(3, plate)
    assert (made.plate != made.truth).any()
    np.testing.assert_array_equal(made.broad, made.plate)


@pytest.mark.parametrize("name", ["speck", "running", "tear", "splice", "gate"])
def test_a_kind_that_hides_the_picture_is_not_in_it(name: str, plate: Array) -> None:
    """Under it lies the truth, scanned as it would have been."""
    recipe = replace(ONE_KIND[name][0], scan=ScanSettings(presence=0))
    shot = Damager(recipe, seed=2, height=144, width=208)
    drawn = 0
    for frame in range(6):
        made = shot.process(frame, plate)
        drawn += int((made.plate != made.truth).sum())
        np.testing.assert_array_equal(made.broad, made.truth)
    assert drawn > 0
