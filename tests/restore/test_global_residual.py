"""What is broad is taken back once for the whole frame, under its mattes and nowhere else, in any size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from frdm_engine.model.checkpoint import Loaded
from frdm_engine.model.denoiser import CLASSES
from frdm_engine.model.guide import Guide
from frdm_engine.restore.bars import BARS
from frdm_engine.restore.global_residual import STRIP, broad_mattes, low_resolution, mend
from frdm_engine.restore.restorer import Restorer

Array = npt.NDArray[np.float32]
Make = Callable[..., Restorer]
Pictures = Callable[..., dict[int, Array]]
HOW: dict[str, Any] = {"fix": CLASSES, "strength": 1.0, "protect": None, "usable": None}

PLAIN = torch.full((1, 1, 16, 24), 0.2)
"""A change that is plainly to be seen."""


@pytest.fixture(autouse=True)
def _stains_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """How much of the frame a stain may cover is told by the tests of the matte."""
    monkeypatch.setitem(BARS, "stain", replace(BARS["stain"], most=1.0))


def guide_of(*, level: float = 0.0, gain: float = 1.0, offset: float = 0.0, stain: Tensor, flicker: Tensor) -> Guide:
    """A guide of one level, gain and offset; stain and flicker (1, 1, h, w)."""
    plane = torch.ones(1, 3, *stain.shape[-2:])
    found = torch.zeros(1, 4, *stain.shape[-2:])
    return Guide(level * plane, flicker, gain * plane, offset * plane, stain, found)


def zeros() -> Tensor:
    return torch.zeros(1, 1, 16, 24)


def half() -> Tensor:
    """A plane whose left half is 1."""
    made = zeros()
    made[..., :12] = 1
    return made


# Mattes


def test_mattes_of_what_is_broad_are_those_of_the_small_frame_brought_up_to_size() -> None:
    made = broad_mattes(guide_of(stain=half(), flicker=half().flip(-1)), PLAIN, 160, 240, **HOW)
    assert made.shape == (2, 160, 240)
    assert made.dtype == np.float32
    assert (made[0, :, :110] == 1).all()
    assert not made[0, :, 130:].any()
    np.testing.assert_allclose(made[1, :, 130:], 1, rtol=0, atol=1e-6)
    assert not made[1, :, :110].any()
    assert np.abs(np.diff(made[1], axis=1)).max() < 0.11  # ten pixels to one small pixel: no stairs


@pytest.mark.parametrize(("name", "index"), [("stain", 0), ("flicker", 1)])
def test_switches_strength_and_masks_hold(name: str, index: int) -> None:
    guide = guide_of(stain=zeros() + 0.9, flicker=zeros() + 0.9)
    alone = broad_mattes(guide, PLAIN, 32, 48, **HOW | {"fix": (name,)})
    assert (alone[index] > 0).all()
    assert not alone[1 - index].any()
    assert not broad_mattes(guide, PLAIN, 32, 48, **HOW | {"strength": 0.0}).any()
    protect, usable = np.zeros((32, 48), np.float32), np.ones((32, 48), np.bool_)
    protect[:, :20], usable[20:] = 1, False
    held = broad_mattes(guide, PLAIN, 32, 48, **HOW | {"protect": protect, "usable": usable})
    assert ((held[index] > 0) == ((protect == 0) & usable)).all()


def test_a_certain_stain_is_no_trouble() -> None:
    """A probability of exactly 0 or 1 has no logit."""
    made = broad_mattes(guide_of(stain=half(), flicker=zeros()), PLAIN, 16, 24, **HOW)
    np.testing.assert_array_equal(made[0], half()[0, 0].numpy())


def test_a_stain_in_doubt_must_be_worth_the_sound_pixels_it_may_touch() -> None:
    """The stronger the stain, the less sure it need be."""
    for chance, least in ((0.95, 0.00815), (0.7, 0.0271)):
        guide = guide_of(stain=chance * half(), flicker=zeros())
        faint, plain = (
            broad_mattes(guide, change + zeros(), 16, 24, **HOW)[0] for change in (0.9 * least, 1.1 * least)
        )
        assert not faint.any()
        assert (plain[:, :11] == 1).all()


# Mending


def test_flicker_is_added_back_and_a_stain_is_filtered() -> None:
    """Each under its own matte, flicker first."""
    guide = guide_of(level=0.1, gain=2.0, offset=-0.3, stain=half(), flicker=half())
    picture = np.full((32, 48, 3), 0.4, np.float32)
    classes = np.zeros((2, 32, 48), np.float32)
    classes[0, :16], classes[1, :, :24] = 0.5, 0.5
    made = mend(picture, guide, classes)
    assert made[4, 4, 0] == pytest.approx(0.45 + 0.5 * (2 * 0.45 - 0.3 - 0.45))
    assert made[4, 40, 0] == pytest.approx(0.4 + 0.5 * (2 * 0.4 - 0.3 - 0.4))
    assert made[20, 4, 0] == pytest.approx(0.45)
    assert (made[20:, 24:] == picture[20:, 24:]).all()
    assert (picture == np.float32(0.4)).all()


def test_where_both_mattes_are_zero_every_bit_stays() -> None:
    guide = guide_of(level=0.1, gain=2.0, offset=0.1, stain=half(), flicker=half())
    picture = np.random.default_rng(0).normal(0, 3, (40, 56, 3)).astype(np.float32)
    picture[3, 40], picture[4, 40], picture[5, 40] = -0.0, np.nan, np.inf
    classes = np.zeros((2, 40, 56), np.float32)
    classes[0, 10:20, :20], classes[1, 15:30, 5:25] = 0.7, 1.0
    made = mend(picture, guide, classes)
    touched = classes.any(axis=0)
    np.testing.assert_array_equal(made[~touched].view(np.uint32), picture[~touched].view(np.uint32))
    assert (made[touched] != picture[touched]).any(axis=-1).all()
    assert mend(picture, guide, np.zeros_like(classes)) is picture


def test_a_tall_frame_is_mended_strip_by_strip_without_a_seam() -> None:
    """As if gain, offset and level were grown for all of it at once."""
    height, width = 2 * STRIP + 88, 24
    coarse = torch.rand(1, 9, 40, 8)
    level, gain, offset = (F.avg_pool2d(coarse, 3, 1, 1)).split(3, dim=1)
    guide = Guide(level, torch.ones(1, 1, 40, 8), gain, offset, torch.ones(1, 1, 40, 8), torch.ones(1, 4, 40, 8))
    picture = np.random.default_rng(0).random((height, width, 3)).astype(np.float32)
    classes = np.full((2, height, width), 0.5, np.float32)
    whole = guide.grown(height, width, torch.tensor([[0.0, 0.0, 1.0, 1.0]]))
    planes = [plane[0].permute(1, 2, 0).numpy() for plane in (whole.level, whole.gain, whole.offset)]
    lit = picture + 0.5 * planes[0]
    expected = lit + 0.5 * (planes[1] * lit + planes[2] - lit)
    np.testing.assert_allclose(mend(picture, guide, classes), expected, rtol=0, atol=2e-4)


# The pass, and the restorer that walks it


def test_the_pass_tells_the_guide_and_a_prompt_of_what_was_taken_back(tiny: Callable[..., Loaded]) -> None:
    frames = 5 * [torch.rand(1, 3, 24, 32)]
    stained, plain = tiny(stains=1e4).model, tiny(bias=-1e4).model
    with torch.no_grad():
        made, bare = low_resolution(stained, frames), low_resolution(plain, frames)
        own = plain.prompt(frames[2], frames[2])
    assert made.guide.stain.shape == (1, 1, 24, 32)
    assert float(made.guide.stain.min()) > 0.99
    assert not bare.guide.stain.any()
    assert not bare.guide.flicker.any()
    torch.testing.assert_close(bare.prompt.map, own.map)
    assert float((made.prompt.map - own.map).abs().max()) > 1e-3


@pytest.mark.parametrize("size", [(72, 100), (17, 61)], ids=str)
def test_a_stain_is_filtered_in_the_full_frame(size: tuple[int, int], restorer: Make, pictures: Pictures) -> None:
    """Gain and offset hold for all its detail, which no small picture has."""
    window = pictures(*size, range(5))
    used = restorer(bias=-1e4, stains=1e4)
    with torch.no_grad():
        leave = used.model.low_resolution.leave  # type: ignore[union-attr]
        leave.weight[:6] = 0
        leave.get_parameter("bias")[:6] = torch.tensor([0.25, 0.25, 0.25, -0.0625, -0.0625, -0.0625])
    made = used.restore(window, 2)
    assert (made.mattes[2] == 1).all()
    assert (made.alpha == 1).all()
    np.testing.assert_allclose(made.picture, 1.25 * window[2] - 0.0625, rtol=0, atol=1e-5)


def test_black_and_white_stays_so(restorer: Make, pictures: Pictures) -> None:
    """A stain's gain and offset are each channel's own; in a frame without colours they are one."""
    window = pictures(72, 100, range(5))
    gray = {number: np.repeat(picture[..., 1:2], 3, axis=2) for number, picture in window.items()}
    used = restorer(bias=-1e4, stains=1e4)
    with torch.no_grad():
        leave = used.model.low_resolution.leave  # type: ignore[union-attr]
        leave.weight[:6] = 0
        leave.get_parameter("bias")[:6] = torch.tensor([0.25, 0.125, 0.0, 0.125, 0.0, -0.0625])  # exact in bfloat16 too
    made = used.restore(gray, 2)
    assert (made.alpha == 1).all()
    np.testing.assert_allclose(made.picture, 1.125 * gray[2] + 0.0625 / 3, rtol=0, atol=1e-5)
    tinted = {number: picture * np.array([1.0, 0.9, 0.7], np.float32) for number, picture in gray.items()}
    used.forget()
    coloured = used.restore(tinted, 2)
    np.testing.assert_allclose(coloured.picture[..., 0], 1.25 * tinted[2][..., 0] + 0.125, rtol=0, atol=1e-5)


def test_dirt_is_looked_for_in_the_frame_as_mended(restorer: Make, pictures: Pictures) -> None:
    """A stain that is left is looked at as it is; one that is taken back is not seen any more."""
    window = pictures(72, 100, range(5))
    used = restorer(stains=1e4)
    with torch.no_grad():
        leave = used.model.low_resolution.leave  # type: ignore[union-attr]
        leave.weight[:6] = 0
        leave.get_parameter("bias")[:6] = torch.tensor([0.0, 0.0, 0.0, 0.125, 0.125, 0.125])
    lifted = used.restore(window, 2)
    unmended = restorer(stains=-1e4).restore(window, 2)
    assert not np.array_equal(lifted.mattes[0], unmended.mattes[0])
    untouched = (lifted.mattes[:2] == 0).all(axis=0)
    assert untouched.any()
    np.testing.assert_allclose(lifted.picture[untouched], (window[2] + np.float32(0.125))[untouched], rtol=0, atol=1e-6)


def test_alpha_tells_of_everything_that_changed(restorer: Make, pictures: Pictures) -> None:
    window = pictures(60, 90, range(5))
    made = restorer(stains=0.0).restore(window, 2)
    assert made.mattes[0].any()
    assert 0.02 < (made.mattes[2] > 0).mean() < 0.9
    np.testing.assert_allclose(made.alpha, 1 - np.prod(1 - made.mattes, axis=0), rtol=0, atol=1e-6)
    still = made.alpha == 0
    assert still.mean() > 0.1
    np.testing.assert_array_equal(made.picture[still], window[2][still])
