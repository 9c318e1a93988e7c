"""Alignment finds where the film moved, through dirt and flicker, and windows agree with the whole."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from frdm_engine.model.alignment import (
    COST_CEILING,
    SUPPORT,
    align,
    coarse_motion,
    fine_motion,
    luma,
    median3,
    pyramid,
    upsample_flow,
    upsample_flow_window,
    warp,
)

Texture = Callable[..., Tensor]
HEIGHT, WIDTH = 256, 384


def errors(flow: Tensor, shift: tuple[float, float]) -> Tensor:
    """Distance in full-size pixels from the true shift, away from borders and from what left the frame."""
    edge = int(max(map(abs, shift))) + 16
    inner = upsample_flow(flow)[0, :, edge : HEIGHT - edge, edge : WIDTH - edge]
    return (inner - torch.tensor(shift).view(2, 1, 1)).norm(dim=0)


def pair(texture: Texture, shift: tuple[float, float], seed: int = 0) -> tuple[Tensor, Tensor]:
    """A frame and its neighbour, in which everything lies ``shift`` further right and down."""
    x, y = shift
    return texture(HEIGHT, WIDTH, seed=seed), texture(HEIGHT, WIDTH, seed=seed, x=-x, y=-y)


def specks(frame: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """The frame with 60 black and white specks, and where they lie (H, W)."""
    generator = torch.Generator().manual_seed(seed)
    dirty, where = frame.clone(), torch.zeros(HEIGHT, WIDTH, dtype=torch.bool)
    for number in range(60):
        y, x, side = (int(torch.randint(n, (), generator=generator)) for n in (HEIGHT - 8, WIDTH - 8, 5))
        part = (..., slice(y, y + side + 2), slice(x, x + side + 2))
        dirty[part], where[part] = float(number % 2), True
    return dirty, where


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.5, 0.25), (-1.3, 0.7), (2.6, -3.4), (-6.2, 1.0)], ids=str)
def test_small_moves_are_found_to_an_eighth_of_a_pixel(shift: tuple[float, float], texture: Texture) -> None:
    flow, cost = align(*pair(texture, shift))
    error = errors(flow, shift)
    assert float(error.median()) < 0.125
    assert float((error < 1).float().mean()) > 0.99
    assert float(cost.mean()) < 0.2 * COST_CEILING


@pytest.mark.parametrize("shift", [(12.75, 4.5), (-31.4, 22.2), (50.0, 20.0), (60.5, -33.0)], ids=str)
def test_large_moves_are_found(shift: tuple[float, float], texture: Texture) -> None:
    error = errors(align(*pair(texture, shift))[0], shift)
    assert float(error.median()) < 0.125
    assert float((error < 1).float().mean()) > 0.97


def test_what_cannot_be_matched_is_doubted(texture: Texture) -> None:
    centre, moved = pair(texture, (3.0, 2.0))
    stranger = texture(HEIGHT, WIDTH, seed=9)
    certain, doubtful = align(centre, moved)[1], align(centre, stranger)[1]
    assert float(doubtful.median()) > 2 * float(certain.median())
    assert float(certain.min()) >= 0
    assert float(doubtful.max()) <= COST_CEILING + 1e-6


@pytest.mark.parametrize("shift", [(0.0, 0.0), (-1.3, 0.7), (12.75, 4.5)], ids=str)
def test_dirt_does_not_mislead(shift: tuple[float, float], texture: Texture) -> None:
    centre, moved = pair(texture, shift)
    (dirty, where), (dirty_too, _) = specks(centre, 1), specks(moved, 2)
    flow, _ = align(dirty, dirty_too)
    assert float(errors(flow, shift).median()) < 0.125
    edge = int(max(map(abs, shift))) + 16
    under = errors(flow, shift)[where[edge : HEIGHT - edge, edge : WIDTH - edge]]
    assert len(under) > 300
    assert float(under.median()) < 0.2
    assert float(under.quantile(0.9)) < 0.4


@pytest.mark.parametrize("value", [0.0, 1.0], ids=["black", "white"])
@pytest.mark.parametrize("side", [8, 20])
def test_under_a_speck_lies_the_motion_around_it(side: int, value: float, texture: Texture) -> None:
    shift = (-3.6, 2.2)
    centre, moved = pair(texture, shift)
    centre[..., 120 : 120 + side, 200 : 200 + side] = value
    under = (upsample_flow(align(centre, moved)[0])[0] - torch.tensor(shift).view(2, 1, 1)).norm(dim=0)
    assert float(under[120 : 120 + side, 200 : 200 + side].max()) < 0.7


@pytest.mark.parametrize("move", [(8, 0), (6, 4), (-12, 0)], ids=str)
def test_the_border_of_a_moving_square_is_sharp(move: tuple[int, int], texture: Texture) -> None:
    """Within eight pixels of it, what lies inside moves and what lies outside stands: hardly anything in between."""
    ground, skin = texture(HEIGHT, WIDTH, seed=1), texture(HEIGHT, WIDTH, seed=2)
    x, y, side = 140, 80, 96
    centre, moved = ground.clone(), ground.clone()
    centre[..., y : y + side, x : x + side] = skin[..., y : y + side, x : x + side]
    moved[..., y + move[1] : y + move[1] + side, x + move[0] : x + move[0] + side] = skin[
        ..., y : y + side, x : x + side
    ]
    inside = torch.zeros(HEIGHT, WIDTH)
    inside[y : y + side, x : x + side] = 1
    near = F.max_pool2d(inside[None], 17, 1, 8)[0] * F.max_pool2d(1 - inside[None], 17, 1, 8)[0] > 0
    flow = upsample_flow(align(centre, moved)[0])[0]
    goes = (flow - torch.tensor(move).view(2, 1, 1)).norm(dim=0) < 1
    stands = flow.norm(dim=0) < 1
    assert float(goes[near & (inside > 0)].float().mean()) > 0.7
    assert float(stands[near & (inside == 0)].float().mean()) > 0.6  # some of it the square will hide
    assert float((goes | stands)[near].float().mean()) > 0.7


@pytest.mark.parametrize("gain", [0.8, 1.2])
@pytest.mark.parametrize("shift", [(0.0, 0.0), (-1.3, 0.7), (12.75, 4.5)], ids=str)
def test_flicker_does_not_look_like_motion(shift: tuple[float, float], gain: float, texture: Texture) -> None:
    centre, moved = pair(texture, shift)
    error = errors(align(centre, gain * moved)[0], shift)
    assert float(error.median()) < 0.45
    assert float((error < 1).float().mean()) > 0.85


def test_the_flow_leads_from_the_centre_to_the_neighbour(texture: Texture) -> None:
    centre, moved = pair(texture, (7.3, -4.6))
    warped = warp(moved, upsample_flow(align(centre, moved)[0]))
    inner = (..., slice(24, -24), slice(24, -24))
    assert float((warped - centre)[inner].abs().mean()) < 0.15 * float((moved - centre)[inner].abs().mean())


def test_alignment_is_deterministic_and_each_of_a_batch_stands_alone(texture: Texture) -> None:
    centre, moved = pair(texture, (3.4, 1.2))
    other = texture(HEIGHT, WIDTH, seed=4)
    flow, cost = align(centre, moved)
    again, cost_again = align(centre.clone(), moved.clone())
    assert torch.equal(flow, again)
    assert torch.equal(cost, cost_again)
    both, _ = align(torch.cat((other, centre)), torch.cat((other, moved)))
    torch.testing.assert_close(both[1:], flow, rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [(8, 8), (8, 128), (32, 40), (66, 70)])
def test_small_and_narrow_frames_are_aligned_too(size: tuple[int, int], texture: Texture) -> None:
    frame = texture(*size)
    flow, cost = align(frame, frame)
    assert flow.shape == (1, 2, size[0] // 2, size[1] // 2)
    assert cost.shape == (1, 1, size[0] // 2, size[1] // 2)
    assert float(flow.abs().max()) < 1e-4


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (6, 1), (2, 2), (9, 13)])
def test_median3_is_the_median(size: tuple[int, int]) -> None:
    x = torch.randn(2, 3, *size)
    padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
    neighbours = padded.unfold(2, 3, 1).unfold(3, 3, 1).flatten(-2)
    assert torch.equal(median3(x), neighbours.median(dim=-1).values)


def test_luma_weighs_rec_601() -> None:
    primaries = torch.eye(3).view(3, 3, 1, 1)
    torch.testing.assert_close(luma(primaries).flatten(), torch.tensor([0.299, 0.587, 0.114]))
    torch.testing.assert_close(luma(torch.full((2, 5, 3, 4, 4), 0.3)), torch.full((2, 5, 1, 4, 4), 0.3))


def test_warp_moves_by_whole_pixels_and_repeats_edges() -> None:
    image = torch.rand(1, 2, 10, 14)
    flow = torch.zeros(1, 2, 10, 14)
    flow[:, 0], flow[:, 1] = 3, -2
    expected = F.pad(image, (0, 3, 2, 0), mode="replicate")[..., :10, 3:]
    torch.testing.assert_close(warp(image, flow), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("apart", [False, True])
def test_warp_is_the_same_with_gradients(channels: int, apart: bool) -> None:
    """On a CPU other code samples what no gradient asks for: to the same place, not to a 32nd of a pixel."""
    image = torch.rand(2, 46, 60, channels).permute(0, 3, 1, 2)  # as a plate's pixels lie, or plane by plane
    image = image.contiguous() if apart else image
    flow = 8 * torch.randn(2, 2, 20, 30)
    made = warp(image, flow, at=(15, 7))
    expected = warp(image.clone().requires_grad_(), flow, at=(15, 7)).detach()
    torch.testing.assert_close(made, expected, rtol=0, atol=1e-4)
    assert torch.equal(warp(image, torch.zeros(2, 2, 46, 60)), image)


@given(st.integers(0, 40), st.integers(0, 30), st.integers(1, 20), st.integers(1, 16))
def test_warp_at_a_window_is_a_crop_of_the_whole(x: int, y: int, width: int, height: int) -> None:
    generator = torch.Generator().manual_seed(3)
    image = torch.rand(2, 3, 46, 60, generator=generator)
    flow = 8 * torch.randn(2, 2, 46, 60, generator=generator)
    part = (..., slice(y, y + height), slice(x, x + width))
    # Kernels may round differently by shape, so not bit for bit.
    made = warp(image, flow[part].contiguous(), at=(x, y))
    torch.testing.assert_close(made, warp(image, flow)[part], rtol=0, atol=1e-4)


@given(st.data())
def test_a_window_of_the_upsampled_flow_is_a_crop_of_it(data: st.DataObject) -> None:
    flow = torch.randn(2, 2, 23, 31, generator=torch.Generator().manual_seed(5))
    left, top = data.draw(st.integers(0, 30)), data.draw(st.integers(0, 22))
    right, bottom = data.draw(st.integers(left + 1, 31)), data.draw(st.integers(top + 1, 23))
    box = (2 * left, 2 * top, 2 * right, 2 * bottom)
    window = upsample_flow_window(flow, *box)
    expected = upsample_flow(flow)[..., box[1] : box[3], box[0] : box[2]]
    torch.testing.assert_close(window, expected, rtol=0, atol=1e-5)


def test_an_upsampled_flow_counts_full_pixels() -> None:
    flow = torch.full((1, 2, 5, 6), 1.5)
    assert torch.equal(upsample_flow(flow), torch.full((1, 2, 10, 12), 3.0))


@pytest.mark.parametrize("shift", [(-1.3, 0.7), (12.75, 4.5)], ids=str)
def test_the_motion_of_a_part_is_that_of_the_whole(shift: tuple[float, float], texture: Texture) -> None:
    """From the support's width inwards a part of a frame is aligned as the whole frame is; at the frame's edges too."""
    centre, moved = pair(texture, shift)
    dirty, _ = specks(centre, 3)
    a, b = pyramid(dirty), pyramid(moved)
    coarse = coarse_motion(a, b)
    flow, cost = align(dirty, moved)
    for x0, y0, x1, y1 in ((0, 0, 120, 128), (60, 0, 192, 100), (20, 16, 160, 128)):
        part_flow, part_cost = fine_motion(a[0], b[0], coarse, (x0, y0, x1, y1))
        left, top = (SUPPORT if x0 else 0), (SUPPORT if y0 else 0)
        right, bottom = x1 - x0 - (SUPPORT if x1 < 192 else 0), y1 - y0 - (SUPPORT if y1 < 128 else 0)
        inner = (..., slice(top, bottom), slice(left, right))
        whole = (..., slice(y0 + top, y0 + bottom), slice(x0 + left, x0 + right))
        torch.testing.assert_close(part_flow[inner], flow[whole], rtol=0, atol=1e-4)
        torch.testing.assert_close(part_cost[inner], cost[whole], rtol=0, atol=1e-5)


def test_a_frame_of_one_level_is_aligned(texture: Texture) -> None:
    small = texture(32, 40)
    a = pyramid(small)
    assert len(a) == 1
    assert coarse_motion(a, a) is None
    assert float(align(small, small)[0].abs().max()) < 0.05
