"""What is broad: the patches' truth under it, and small whole frames more in which it has the size it has in film."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from frdm_engine.damage import PRESETS, Damager, Recipe
from frdm_engine.data.clips import ClipLibrary
from frdm_engine.data.patches import Batch, PatchStream, made_small

SIZE, SMALL = 64, 64
HEAVY = PRESETS["heavy"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A texture that moves, as a PNG folder, and its manifest."""
    root = tmp_path_factory.mktemp("footage")
    noise = np.random.default_rng(0).random((420, 500, 3)).astype(np.float32)
    picture = np.clip(128 + 700 * (cv2.GaussianBlur(noise, (0, 0), 3) - 0.5), 0, 255).astype(np.uint8)
    folder = root / "train/video/texture"
    folder.mkdir(parents=True)
    for step in range(6):
        cv2.imwrite(str(folder / f"f{step}.png"), np.roll(picture, 3 * step, axis=1))
    (root / "MANIFEST.tsv").write_text("path\tclass\tlicence\ntrain/video/texture\tfree\tnone\n", encoding="utf-8")
    return root


def drawn(root: Path, *, broad: int, frames: int = 2, recipe: Recipe = HEAVY, seed: int = 7) -> Batch:
    stream = PatchStream(
        root=root,
        classes=("free",),
        cache=None,
        recipes=(recipe,),
        seed=0,
        radius=2,
        small_side=SMALL,
        size=SIZE,
        frames=frames,
        patches=2,
        broad=broad,
    )
    return stream.batch(ClipLibrary.open(root), None, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def batch(root: Path) -> Batch:
    return drawn(root, broad=3)


# Patches


def test_the_broad_truth_is_the_centre_but_for_dirt_and_scratches(batch: Batch) -> None:
    of = batch.patches
    centre, told = of.evidence.centre, of.matte.amax(dim=1, keepdim=True) > 0
    differs = (of.broad != centre).any(dim=1, keepdim=True)
    assert differs.any()
    assert float(differs.float().mean()) < 0.5
    stained = of.matte[:, 2:3] > 0.5
    # What differs is told as damage, but for faint marks of compression beside it.
    untold = (of.broad - centre).abs().amax(dim=1, keepdim=True)[~told]
    assert float((untold > 0.02).float().mean()) < 0.05 < float(told.float().mean())
    assert float(untold.max()) < 0.1
    assert float((of.broad - of.clean).abs().mean(dim=1, keepdim=True)[stained].mean()) > 2 / 255


# Small frames


def test_there_may_be_small_frames_alone(root: Path) -> None:
    made = drawn(root, broad=3, frames=0)
    again = drawn(root, broad=3, frames=0)
    assert len(made.owner) == len(made.box) == len(made.patches.clean) == 0
    assert len(made.small.clean) == len(made.pattern) == 3
    height, width = made.small.clean.shape[-2:]
    assert made.pattern.shape[-2:] == (height // 2, width // 2)
    assert torch.equal(made.pattern, again.pattern)
    assert torch.equal(made.small.window, again.small.window)


def test_small_frames_more_come_after_those_of_the_patches(batch: Batch) -> None:
    assert batch.owner.tolist() == [0, 0, 1, 1]
    height, width = batch.small.clean.shape[-2:]
    assert max(height, width) == SMALL
    assert batch.small.window.shape == (5, 5, 3, height, width)
    assert batch.small.broad.shape == (5, 3, height, width)
    assert batch.small.matte.shape == (5, 4, height, width)
    assert batch.small.evidence.aligned.shape == (5, 4, 3, height, width)
    for value in (batch.small.window, batch.small.matte, batch.small.evidence.doubt):
        assert value.dtype == torch.float32
        assert torch.isfinite(value).all()


def test_the_patches_do_not_depend_on_how_many_small_frames_there_are(root: Path, batch: Batch) -> None:
    """Not those of the first frames either; the places of patches are drawn after."""
    bare = drawn(root, broad=0)
    assert bare.small.window.shape[0] == 2
    torch.testing.assert_close(bare.small.window, batch.small.window[:2])
    torch.testing.assert_close(bare.small.matte, batch.small.matte[:2])


def test_small_frames_more_show_pictures_and_damage_of_their_own(batch: Batch) -> None:
    clean = batch.small.clean
    assert all(not torch.equal(clean[a], clean[b]) for a in range(5) for b in range(a))
    assert len({round(float(matte.mean()), 6) for matte in batch.small.matte}) > 3


def test_small_frames_are_stained_as_whole_frames_are(root: Path) -> None:
    """Many have a stain, and none is covered by it as a piece of film may be."""
    always = replace(HEAVY, stains=replace(HEAVY.stains, presence=1.0), flicker=replace(HEAVY.flicker, presence=0.0))
    covered = torch.cat([
        (drawn(root, broad=4, frames=1, recipe=always, seed=seed).small.matte[1:, 2] > 0.5).float().mean(dim=(1, 2))
        for seed in range(3)
    ])  # fmt: skip
    assert float((covered > 0.002).float().mean()) >= 0.3
    assert float(covered.max()) < 0.6


def test_a_recipe_made_small_shrinks_what_it_draws_and_keeps_how_much_there_is() -> None:
    small = made_small(HEAVY, 214)  # a quarter of the frame that sizes are stated for
    ratio = 214 / 854
    assert small.size_scale == pytest.approx(tuple(ratio * value for value in HEAVY.size_scale))
    for name in ("stains", "mould"):
        was, now = getattr(HEAVY, name).alive, getattr(small, name).alive
        assert now == pytest.approx(tuple(min(100.0, value / ratio**2) for value in was))
    assert small.grain.strength == pytest.approx(tuple(0.3 * value for value in HEAVY.grain.strength))
    untouched = ("scratches", "dirt", "flicker", "weave", "scan", "fading", "tears", "splices", "gate")
    assert all(getattr(small, name) == getattr(HEAVY, name) for name in untouched)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("width", [16, 192, 854])
def test_every_recipe_can_be_made_small(name: str, width: int) -> None:
    small = made_small(PRESETS[name], width)
    frame = np.full((24, width, 3), 0.5, np.float32)
    made = Damager(small, seed=1, height=24, width=width).process(0, frame)
    assert np.isfinite(made.plate).all()
