"""Training examples: patches know their place, the truth tells what can be seen, and a key draws the same batch."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from frdm_engine.damage import PRESETS, Templates
from frdm_engine.data.clips import ClipLibrary
from frdm_engine.data.footage import Footage
from frdm_engine.data.pairs import Pair, Register
from frdm_engine.data.patches import (
    FRAME_SIZES,
    VISIBLE,
    VISIBLE_LEVEL,
    Batch,
    PatchStream,
    Views,
    _end_of_shot,
    crop,
    join,
    pick,
    truth_matte,
    views,
)
from frdm_engine.errors import InputError
from frdm_engine.model.small import grow, small_size

SIZE, SMALL = 64, 48


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two textures that move, as PNG folders, and their manifest."""
    root = tmp_path_factory.mktemp("footage")
    lines = ["path\tclass\tlicence"]
    for number in range(2):
        noise = np.random.default_rng(number).random((420, 500, 3)).astype(np.float32)
        soft = cv2.GaussianBlur(noise, (0, 0), 3)
        picture = np.clip(128 + 700 * (soft - 0.5), 0, 255).astype(np.uint8)
        folder = root / f"train/video/texture{number}"
        folder.mkdir(parents=True)
        for step in range(6):
            cv2.imwrite(str(folder / f"f{step}.png"), np.roll(picture, 3 * step, axis=1))
        lines.append(f"train/video/texture{number}\tfree\tnone")
    (root / "MANIFEST.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def library(root: Path) -> ClipLibrary:
    return ClipLibrary.open(root)


@pytest.fixture(scope="module")
def stream(root: Path) -> Callable[..., PatchStream]:
    def make(*, frames: int = 2, patches: int = 3, broad: int = 0, seed: int = 0) -> PatchStream:
        return PatchStream(
            root=root,
            classes=("free",),
            cache=None,
            recipes=(PRESETS["heavy"],),
            seed=seed,
            radius=2,
            small_side=SMALL,
            size=SIZE,
            frames=frames,
            patches=patches,
            broad=broad,
        )

    return make


@pytest.fixture(scope="module")
def batch(stream: Callable[..., PatchStream], library: ClipLibrary) -> Batch:
    return stream().batch(library, None, np.random.default_rng(0))


def tensors(batch: Batch) -> dict[str, Tensor]:
    """Every tensor of a batch by name."""
    found = {"box": batch.box, "owner": batch.owner, "pattern": batch.pattern}
    for side in ("small", "patches", "far"):
        of = getattr(batch, side)
        if of is None:
            continue
        found |= {f"{side}.{name}": value for name, value in vars(of).items() if isinstance(value, Tensor)}
        found |= {f"{side}.evidence.{name}": value for name, value in vars(of.evidence).items()}
    return found


def same(one: Batch, other: Batch) -> bool:
    return all(torch.equal(value, tensors(other)[name]) for name, value in tensors(one).items())


# Truth


def test_the_truth_is_what_shows_and_was_drawn() -> None:
    clean = torch.full((3, 1, 6), 0.5)
    damaged = clean.clone()
    damaged[1, 0] = 0.5 + torch.tensor([0.0, VISIBLE / 2, VISIBLE, 3 * VISIBLE, -VISIBLE, VISIBLE_LEVEL / 2])
    drawn = torch.ones(4, 1, 6)
    drawn[0, 0, 4], drawn[1, 0, 3] = 0.01, 0.0
    truth = truth_matte(damaged, clean, drawn)
    assert truth.shape == (4, 1, 6)
    torch.testing.assert_close(truth[0, 0], torch.tensor([0.0, 0.5, 1.0, 1.0, 0.0, 1 / 6]), rtol=0, atol=1e-4)
    torch.testing.assert_close(truth[1, 0], torch.tensor([0.0, 0.5, 1.0, 0.0, 1.0, 1 / 6]), rtol=0, atol=1e-4)
    for broad in truth[2:]:
        torch.testing.assert_close(broad[0], torch.tensor([0.0, 1.0, 1.0, 1.0, 1.0, 0.5]), rtol=0, atol=1e-4)


def test_where_nothing_shows_the_matte_is_zero(batch: Batch) -> None:
    of = batch.patches
    shows = (of.evidence.centre - of.clean).abs().amax(dim=1, keepdim=True) > 0
    assert not (of.matte * ~shows).any()
    assert float(of.matte.amin()) == 0
    assert float(of.matte.amax()) == 1


# Views


def test_a_crop_of_views_is_a_crop_of_all_they_hold() -> None:
    window, clean, broad = torch.rand(2, 5, 3, 40, 56), torch.rand(2, 3, 40, 56), torch.rand(2, 3, 40, 56)
    matte = torch.rand(2, 4, 40, 56)
    whole = views(window, clean, broad, matte)
    part = crop(whole, 8, 4, 40, 36)
    rows, across = slice(4, 36), slice(8, 40)
    assert torch.equal(part.window, window[..., rows, across])
    assert torch.equal(part.clean, clean[..., rows, across])
    assert torch.equal(part.broad, broad[..., rows, across])
    assert torch.equal(part.matte, matte[..., rows, across])
    assert torch.equal(part.columns, whole.columns[..., rows, across])
    assert torch.equal(part.flow, whole.flow[..., 1:9, 2:10])
    assert torch.equal(part.evidence.aligned, whole.evidence.aligned[..., rows, across])
    assert torch.equal(part.evidence.doubt, whole.evidence.doubt[..., 2:18, 4:20])
    assert torch.equal(part.evidence.centre, window[:, 2][..., rows, across])


def test_views_picked_and_joined_again_are_the_same() -> None:
    clean, broad = torch.rand(3, 3, 24, 32), torch.rand(3, 3, 24, 32)
    whole = views(torch.rand(3, 5, 3, 24, 32), clean, broad, torch.rand(3, 4, 24, 32))
    again = join([pick(whole, slice(index, index + 1)) for index in range(3)])
    for name, value in vars(whole).items():
        if isinstance(value, Tensor):
            assert torch.equal(getattr(again, name), value), name
    for name, value in vars(whole.evidence).items():
        assert torch.equal(getattr(again.evidence, name), value), name


# Batches


def test_shapes(batch: Batch) -> None:
    assert batch.box.shape == (6, 4)
    assert batch.owner.tolist() == [0, 0, 0, 1, 1, 1]
    assert batch.patches.window.shape == (6, 5, 3, SIZE, SIZE)
    assert batch.patches.columns.shape == (6, 5, 1, SIZE, SIZE)
    assert batch.patches.flow.shape == (6, 4, 2, SIZE // 4, SIZE // 4)
    assert batch.patches.evidence.doubt.shape == (6, 4, SIZE // 2, SIZE // 2)
    assert batch.patches.matte.shape == (6, 4, SIZE, SIZE)
    height, width = batch.small.clean.shape[-2:]
    assert (height, width) in {small_size(*size, SMALL) for size in FRAME_SIZES}
    assert batch.small.window.shape == (2, 5, 3, height, width)
    assert batch.far is not None
    assert batch.far.window.shape == (2, 5, 3, *(side // 2 for side in frame_size(batch)))
    for name, value in tensors(batch).items():
        assert value.dtype == (torch.int64 if name == "owner" else torch.float32), name
        assert torch.isfinite(value).all(), name


def test_a_key_draws_its_batch(stream: Callable[..., PatchStream], library: ClipLibrary, batch: Batch) -> None:
    assert same(stream().batch(library, None, np.random.default_rng(0)), batch)
    assert not same(stream().batch(library, None, np.random.default_rng(1)), batch)


def test_the_stream_draws_by_seed_worker_and_number(stream: Callable[..., PatchStream], library: ClipLibrary) -> None:
    small = stream(frames=1, patches=1, seed=7)
    drawn = list(islice(small, 2))
    for index, made in enumerate(drawn):
        assert same(made, small.batch(library, None, np.random.default_rng((7, 0, index))))


def test_streaming_in_this_process_leaves_its_threads_alone(stream: Callable[..., PatchStream]) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        next(iter(stream(frames=1, patches=1)))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def frame_size(batch: Batch) -> tuple[int, int]:
    """Height and width of the whole frames of a batch, told from its boxes."""
    across, down = (float(batch.box[0, k + 2] - batch.box[0, k]) for k in (0, 1))
    return round(SIZE / down), round(SIZE / across)


def test_boxes_say_where_patches_lie(batch: Batch) -> None:
    height, width = frame_size(batch)
    assert (height, width) in FRAME_SIZES
    pixels = batch.box * torch.tensor([width, height, width, height])
    torch.testing.assert_close(pixels, 4 * (pixels / 4).round(), rtol=0, atol=1e-3)
    torch.testing.assert_close(pixels[:, 2:] - pixels[:, :2], torch.full((6, 2), float(SIZE)), rtol=0, atol=1e-3)
    assert float(pixels.min()) >= 0
    assert float(pixels[:, 2].max()) <= width + 1e-3
    assert float(pixels[:, 3].max()) <= height + 1e-3


def test_patches_show_their_owner_at_their_box(batch: Batch) -> None:
    """The small whole frame, brought up to size at the box, is the patch's soft picture; another frame's is not."""

    def likeness(owner: Tensor, box: Tensor) -> float:
        soft = grow(batch.small.clean[owner], SIZE, SIZE, box)
        patch = torch.nn.functional.avg_pool2d(batch.patches.clean, 9, stride=1, padding=4, count_include_pad=False)
        return float((soft - patch).abs().mean())

    right = likeness(batch.owner, batch.box)
    assert right < 0.6 * likeness(1 - batch.owner, batch.box)
    assert right < 0.6 * likeness(batch.owner, batch.box.roll(1, dims=0))


def test_frames_are_seen_from_afar_where_their_patches_lie(batch: Batch) -> None:
    """A patch at half size is a part of its owner at half size, motion and column maps looked at anew."""
    height, width = frame_size(batch)
    assert batch.far is not None
    for n, owner in enumerate(batch.owner.tolist()):
        x0, y0, x1, y1 = (batch.box[n] * torch.tensor([width, height, width, height]) / 2).round().int().tolist()
        for name in ("window", "clean", "matte"):
            half = torch.nn.functional.avg_pool2d(getattr(batch.patches, name)[n], 2)
            torch.testing.assert_close(getattr(batch.far, name)[owner][..., y0:y1, x0:x1], half)
    again = views(batch.far.window, batch.far.clean, batch.far.broad, batch.far.matte)
    assert torch.equal(again.columns, batch.far.columns)
    assert torch.equal(again.evidence.aligned, batch.far.evidence.aligned)


def whole(matte: Tensor, centre: Tensor) -> Views:
    """Views of a frame whose neighbours all are the same grey, as far as the choice of places looks at them."""
    height, width = matte.shape[-2:]
    window = torch.full((1, 5, 3, height, width), 0.5)
    window[:, 2] = centre
    grey = torch.full((1, 3, height, width), 0.5)
    return views(window, grey, grey, matte)


def test_patches_are_drawn_towards_suspects_and_damage_in_turn(stream: Callable[..., PatchStream]) -> None:
    made = stream(patches=6)
    matte, centre = torch.zeros(1, 4, 208, 304), torch.full((1, 3, 208, 304), 0.5)
    matte[0, 1, 150:153, 260:263] = 1
    centre[..., 20:24, 30:34] = 1.0  # leaves the range of its neighbours, and is no damage
    frame = whole(matte, centre)
    rng, suspects, damage = np.random.default_rng(0), [], []
    for _ in range(20):
        places = made._places(frame, rng)
        assert all(0 <= x <= 304 - SIZE and 0 <= y <= 208 - SIZE and x % 4 == y % 4 == 0 for x, y in places)
        for index in (1, 4):
            x, y = places[index]
            suspects.append(bool((centre[0, 0, y : y + SIZE, x : x + SIZE] > 0.9).any()))
            x, y = places[index + 1]
            damage.append(bool(matte[0, 1, y : y + SIZE, x : x + SIZE].any()))
    assert np.mean(suspects) > 0.9  # a corner's rounding may push a speck out
    assert np.mean(damage) > 0.9
    calm = whole(torch.zeros_like(matte), torch.full_like(centre, 0.5))
    assert len({made._places(calm, rng)[1] for _ in range(40)}) > 30


def test_some_windows_end_at_a_cut() -> None:
    rng = np.random.default_rng(0)
    orders = [tuple(_end_of_shot(rng, 2, 2)) for _ in range(4000)]
    shares = {order: orders.count(order) / 4000 for order in set(orders)}
    first_two, last_two = {(4, 3, 2, 3, 4), (4, 1, 2, 3, 4)}, {(0, 1, 2, 1, 0), (0, 1, 2, 3, 0)}
    assert set(shares) == {(0, 1, 2, 3, 4), (2, 2, 2, 2, 2)} | first_two | last_two
    assert shares[0, 1, 2, 3, 4] > 0.8
    assert all(order[2] == 2 for order in orders)


def test_beyond_a_cut_the_centre_stands_in() -> None:
    rng = np.random.default_rng(0)
    orders = {tuple(_end_of_shot(rng, 2, 4)) for _ in range(2000)}
    assert orders == {
        (0, 1, 2, 3, 4, 5, 6, 7, 8),
        (4, 4, 4, 4, 4, 4, 4, 4, 4),
        (4, 4, 6, 5, 4, 5, 6, 7, 8),
        (4, 4, 6, 3, 4, 5, 6, 7, 8),
        (0, 1, 2, 3, 4, 3, 2, 4, 4),
        (0, 1, 2, 3, 4, 5, 2, 4, 4),
    }


def test_small_frames_alone_know_frames_beyond_their_window(
    stream: Callable[..., PatchStream], library: ClipLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stream(frames=0, patches=0, broad=2)
    made.batch(library, None, np.random.default_rng(0))  # of footage that is too short for more
    pixels = np.tile(np.arange(96, dtype=np.uint8)[:, None, None], (1, 128, 3))
    still = Footage("still", "none", "still", (1, 96, 128), ((0, 1),), 1, "", _pixels=pixels[None])
    library = ClipLibrary([*library.sources, still])
    asked: list[int] = []
    own = made.window

    def window(*arguments: Any, reach: int, **others: Any) -> Any:
        asked.append(reach)
        shown = own(*arguments, reach=reach, **others)
        assert len(shown[0]) == 2 * reach + 1
        return shown

    monkeypatch.setattr(made, "window", window)
    for seed in range(12):
        batch = made.batch(library, None, np.random.default_rng(seed))
        assert batch.far is None
        assert batch.small.window.shape[:2] == (2, 5)
        assert batch.pattern.shape[:2] == (2, 6)
        assert batch.pattern.isfinite().all()
    assert set(asked) == {2, 4}
    assert asked.count(4) > asked.count(2)


def test_clean_windows_are_among_them(stream: Callable[..., PatchStream], library: ClipLibrary) -> None:
    made = stream(frames=1, patches=1)
    clean = 0
    for seed in range(24):
        window, truth, broad, matte = made.window(library, None, np.random.default_rng(seed), 64, 80)
        if torch.equal(window[2], truth):
            clean += 1
            assert torch.equal(broad, truth)
            assert not matte.any()
        else:
            assert matte.any()
    assert 1 <= clean <= 12


def test_templates_are_used(
    root: Path, tmp_path: Path, stream: Callable[..., PatchStream], library: ClipLibrary
) -> None:
    bar = np.zeros((40, 60), np.uint8)
    bar[18:22, 5:55] = 255
    (tmp_path / "hair").mkdir()
    cv2.imwrite(str(tmp_path / "hair" / "0.png"), bar)
    made = stream(frames=1, patches=1)
    plain, cut = (
        [made.window(library, templates, np.random.default_rng(seed), 64, 80)[0] for seed in range(6)]
        for templates in (None, Templates(tmp_path))
    )
    assert any(not torch.equal(one, other) for one, other in zip(plain, cut, strict=True))


def test_a_batch_goes_to_a_device_whole(batch: Batch) -> None:
    moved = batch.to(torch.device("meta"))
    assert {value.device.type for value in tensors(moved).values()} == {"meta"}
    assert tensors(moved).keys() == tensors(batch).keys()
    assert isinstance(moved.small, Views)


# Real damage and packs


def test_windows_of_pairs_come_with_their_truth(root: Path, library: ClipLibrary, tmp_path: Path) -> None:
    """A batch of nothing but pairs shows the pair, its damage in the truth matte."""
    for frame in range(6):
        clean = cv2.imread(str(root / f"train/video/texture0/f{frame}.png"))
        assert clean is not None
        scan = clean.copy()
        scan[20 * frame :: 60, ::50] = 255
        for name, pixels in (("scan", scan), ("done", clean)):
            (tmp_path / name).mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / name / f"f.{frame:04d}.png"), pixels)
    register = Register(tmp_path / "pairs.json").add(Pair("reel", "scan/f.%04d.png", "done/f.%04d.png", 0, 5))
    register.save()
    stream = PatchStream(
        root=root,
        classes=("free",),
        cache=tmp_path,
        recipes=(PRESETS["heavy"],),
        seed=0,
        radius=2,
        small_side=SMALL,
        size=SIZE,
        apart=frozenset({"train/video/texture0"}),
        pairs=register.path,
        pair_share=1.0,
    )
    batch = next(iter(stream))
    changed = (batch.patches.window[:, 2] != batch.patches.clean).any(dim=1)
    assert changed.any()
    assert float(changed.float().mean()) < 0.01
    assert torch.equal(batch.patches.matte.amax(dim=1) > 0, changed)
    # Nothing broad was found in the pair, and under its dirt lies its restoration.
    assert torch.equal(batch.patches.broad, batch.patches.clean)


def test_sources_held_apart_are_never_drawn(root: Path) -> None:
    everything = frozenset({"train/video/texture0", "train/video/texture1"})
    stream = PatchStream(
        root=root, classes=("free",), cache=None, recipes=(PRESETS["heavy"],), seed=0, radius=2, small_side=SMALL,
        size=SIZE, apart=everything,
    )  # fmt: skip
    with pytest.raises(InputError, match="no footage is large and long enough"):
        next(iter(stream))
