"""Evidence of a window, its crops, and what the fusion makes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from frdm_engine.model.denoiser import FilmRestorer
from frdm_engine.model.encoder import columns
from frdm_engine.model.frame_fusion import (
    Motion,
    blind,
    both_columns,
    gather_evidence,
    middle_of,
    move_features,
    out_of_range,
    part_of,
    quarter_flow,
    window_motion,
)

Texture = Callable[..., Tensor]
Lively = Callable[..., FilmRestorer]
HEIGHT, WIDTH = 64, 96


def fused_by(model: FilmRestorer, window: Tensor) -> Any:
    maps = columns(window[0])[None]
    motion = window_motion(window)
    features = move_features(model.encode(window[0], maps[0])[None], quarter_flow(motion))
    with torch.no_grad():
        return model.fusion(gather_evidence(window, motion, both_columns(maps)), features)


@pytest.mark.parametrize("index", [0, 1, 3, 4])
def test_a_swapped_neighbour_changes_features_and_trust(
    index: int, lively: Lively, texture: Texture, window: Tensor
) -> None:
    model = lively()
    swapped = window.clone()
    swapped[:, index] = texture(HEIGHT, WIDTH, seed=8)
    before, after = fused_by(model, window), fused_by(model, swapped)
    for name in ("half", "quarter", "trust"):
        change = (getattr(before, name) - getattr(after, name)).abs()
        assert float(change.mean()) > 1e-3, name


def test_trust_starts_even(window: Tensor) -> None:
    fused = fused_by(FilmRestorer(width=8, features=8, prompt_dim=16), window)
    assert float(fused.trust.abs().max()) == 0


def test_evidence_of_a_window_is_a_crop_of_the_whole(window: Tensor) -> None:
    maps = columns(window[0])[None]
    motion = window_motion(window)
    whole = gather_evidence(window, motion, both_columns(maps))
    for box in ((0, 0, 32, 32), (32, 8, 96, 40), (64, 32, 96, 64)):
        part = both_columns(maps[..., box[1] : box[3], box[0] : box[2]])
        cropped, asked = whole.crop(*box), gather_evidence(window, motion, part, box)
        listed = gather_evidence(list(window.unbind(1)), motion, part, box)
        for name, value in vars(cropped).items():
            # Kernels may round differently by shape, so not bit for bit.
            torch.testing.assert_close(getattr(asked, name), value, rtol=0, atol=1e-4, msg=name)
            torch.testing.assert_close(getattr(listed, name), value, rtol=0, atol=1e-4, msg=name)


def test_moved_features_of_a_window_are_a_crop_of_the_whole(window: Tensor) -> None:
    features, flow = torch.randn(1, 5, 6, HEIGHT // 4, WIDTH // 4), quarter_flow(window_motion(window))
    whole = move_features(features, flow)
    part = move_features(features, flow[..., 4:12, 8:20], at=(8, 4))
    torch.testing.assert_close(part, whole[..., 4:12, 8:20], rtol=0, atol=1e-4)
    assert torch.equal(whole[:, 0], features[:, 2])


def test_the_motion_of_a_part_goes_by_the_part(window: Tensor) -> None:
    """What was aligned for a part of the frame serves any box in it as the whole motion does."""
    whole, maps = window_motion(window), both_columns(columns(window[0])[None])
    part = Motion(whole.flow[..., 4:32, 8:40], whole.doubt[..., 4:32, 8:40], at=(16, 8))
    box = (32, 16, 64, 56)
    columns_there = maps[..., box[1] : box[3], box[0] : box[2]]
    for one, other in zip(
        vars(gather_evidence(window, whole, columns_there, box)).values(),
        vars(gather_evidence(window, part, columns_there, box)).values(),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5)
    torch.testing.assert_close(quarter_flow(whole, box), quarter_flow(part, box), rtol=0, atol=1e-5)
    torch.testing.assert_close(quarter_flow(whole)[..., 4:14, 8:16], quarter_flow(whole, box), rtol=0, atol=1e-5)


def test_edges_of_a_part_repeat() -> None:
    image = torch.rand(1, 2, 10, 13)
    assert torch.equal(part_of(image, (2, 3, 9, 8)), image[..., 3:8, 2:9])
    beyond = part_of(image, (8, 4, 16, 14))
    assert beyond.shape == (1, 2, 10, 8)
    assert torch.equal(beyond[..., :6, :5], image[..., 4:, 8:])
    assert torch.equal(beyond[..., 6:, :], beyond[..., 5:6, :].expand(-1, -1, 4, -1))
    assert torch.equal(beyond[..., 5:], beyond[..., 4:5].expand(-1, -1, -1, 3))


def test_aligned_neighbours_match_the_centre_and_raw_ones_do_not(window: Tensor) -> None:
    evidence = gather_evidence(window, window_motion(window), both_columns(columns(window[0])[None]))
    inner = (..., slice(12, -12), slice(12, -12))
    aligned = (evidence.aligned - evidence.centre[:, None])[inner].abs().mean(dim=(0, 2, 3, 4))
    raw = (evidence.raw - evidence.centre[:, None])[inner].abs().mean()
    assert float(aligned.max()) < 0.35 * float(raw)
    assert torch.equal(evidence.raw, window[:, [1, 3]])


def test_spikes_leave_the_range_of_the_neighbours() -> None:
    aligned = torch.tensor([0.2, 0.5, 0.3, 0.4]).view(1, 4, 1, 1, 1).expand(-1, -1, 3, 2, 2)
    for value, expected in ((0.9, 0.4), (0.35, 0.0), (0.1, -0.1)):
        excess = out_of_range(torch.full((1, 3, 2, 2), value), aligned)
        torch.testing.assert_close(excess, torch.full((1, 3, 2, 2), expected))
    torch.testing.assert_close(middle_of(aligned), torch.full((1, 3, 2, 2), 0.35))
    torch.testing.assert_close(middle_of(aligned[:, :2]), torch.full((1, 3, 2, 2), 0.35))


def test_blind_evidence_is_that_of_a_still_frame(window: Tensor) -> None:
    maps = columns(window[0])[None]
    evidence = gather_evidence(window, window_motion(window), both_columns(maps))
    still = blind(evidence)
    frozen = window[:, 2:3].expand_as(window).contiguous()
    no_motion = Motion(torch.zeros(1, 4, 2, HEIGHT // 2, WIDTH // 2), torch.zeros(1, 4, HEIGHT // 2, WIDTH // 2))
    expected = gather_evidence(frozen, no_motion, both_columns(maps[:, 2:3].expand_as(maps)))
    for name, value in vars(expected).items():
        torch.testing.assert_close(getattr(still, name), value, rtol=0, atol=1e-5, msg=name)
