"""The level tells flicker from light and damage: what both past and future deny, smooth, and nothing beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from frdm_engine.model.guide import FAINT, LEAST, PLAIN, SMOOTH, level_of
from tests.model.looking import evidence_of

Texture = Callable[..., Tensor]
HEIGHT, WIDTH = 96, 128
INNER = (..., slice(12, -12), slice(12, -12))


def pan(texture: Texture, levels: Sequence[float], *, speed: float = 2.0) -> Tensor:
    """(1, 5, 3, H, W): a texture that moves ``speed`` pixels a frame, each frame brighter by its level."""
    frames = [texture(HEIGHT, WIDTH, x=speed * t) + level for t, level in enumerate(levels)]
    return torch.stack(frames, dim=1)


def told(window: Tensor) -> tuple[Tensor, Tensor]:
    """Level and flicker of a window that holds no damage."""
    return level_of(evidence_of(window), sound=torch.ones(1, 1, HEIGHT, WIDTH))


@pytest.mark.parametrize("off", [0.03, -0.03])
def test_a_flickering_pan_is_evened_out(off: float, texture: Texture) -> None:
    """Up to the mean of the window, of which the frame itself is a fifth."""
    level, flicker = told(pan(texture, (0, 0, off, 0, 0)))
    assert float(flicker[INNER].min()) > 0.95
    evened = off + (flicker * level)[INNER]
    assert float(evened.mean()) == pytest.approx(off / 5, abs=0.12 * abs(off))
    assert float(evened.abs().max()) < 0.6 * abs(off)


def test_a_flickering_run_comes_out_even(texture: Texture) -> None:
    offs = torch.tensor([0.02, -0.02, 0.015, -0.01, 0.01, -0.025, 0.02, -0.015, 0.025]).tolist()
    frames = [texture(HEIGHT, WIDTH, x=2.0 * t) for t in range(len(offs))]
    left = []
    for t in range(2, len(offs) - 2):
        window = torch.stack([frames[k] + offs[k] for k in range(t - 2, t + 3)], dim=1)
        level, flicker = told(window)
        left.append(offs[t] + float((flicker * level).mean()))
    before = torch.tensor(offs[2:-2])
    assert float(torch.tensor(left).diff().abs().mean()) < 0.5 * float(before.diff().abs().mean())


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_a_switched_on_lamp_is_no_flicker(at: int, texture: Texture) -> None:
    """It differs from the past alone, from whichever frame of the window on it burns."""
    level, flicker = told(pan(texture, [0.03 * (t >= at) for t in range(5)]))
    assert float((flicker * level).abs()[INNER].max()) < 1 / 255


def test_a_lamp_that_is_slowly_dimmed_is_no_flicker(texture: Texture) -> None:
    level, flicker = told(pan(texture, [0.02 * t for t in range(5)]))
    assert float((flicker * level).abs()[INNER].max()) < 1 / 255


@pytest.mark.parametrize("order", [(2, 1, 0, 1, 2), (3, 0, 1, 2, 3), (1, 2, 3, 4, 1), (2, 3, 4, 3, 2)], ids=str)
@pytest.mark.parametrize("fade", [0.02, -0.02])
def test_a_fade_at_the_end_of_a_shot_is_no_flicker(order: tuple[int, ...], fade: float, texture: Texture) -> None:
    """What a cut hides is mirrored there; past and future being one frame must not make a fade look like flicker."""
    frames = pan(texture, [fade * t for t in range(5)])
    level, flicker = told(frames[:, list(order)])
    assert float((flicker * level).abs()[INNER].max()) < 1.5 / 255


@pytest.mark.parametrize("order", [(2, 1, 0, 1, 2), (3, 0, 1, 2, 3), (1, 2, 3, 4, 1), (2, 3, 4, 3, 2)], ids=str)
def test_flicker_at_the_end_of_a_shot_is_evened_out(order: tuple[int, ...], texture: Texture) -> None:
    frames = pan(texture, (0,) * 5)
    frames[:, order[2]] += 0.03
    level, flicker = told(frames[:, list(order)])
    assert float((0.03 + (flicker * level)[INNER]).abs().mean()) < 0.5 * 0.03


@pytest.mark.parametrize("off", [0.05, 0.07])
def test_strong_flicker_does_not_pass_for_a_bad_match(off: float, texture: Texture) -> None:
    level, flicker = told(pan(texture, (0, 0, off, 0, 0)))
    assert float((off + (flicker * level)[INNER]).abs().mean()) < 0.4 * off


def test_a_still_window_has_no_level_at_all(texture: Texture) -> None:
    level, flicker = told(pan(texture, (0,) * 5, speed=0))
    assert float(level.abs().max()) < 1e-5
    assert not flicker.any()


def test_what_is_faint_is_left_alone_and_what_is_plain_taken_back(texture: Texture) -> None:
    shares = [
        told(pan(texture, (0, 0, off, 0, 0), speed=0))[1][INNER]
        for off in (0.8 * FAINT, (FAINT + PLAIN) / 2, 1.3 * PLAIN)
    ]
    assert not shares[0].any()
    assert 0.3 < float(shares[1].mean()) < 0.7
    assert float(shares[2].min()) == 1


def test_each_channel_has_its_own_level(texture: Texture) -> None:
    window = pan(texture, (0,) * 5, speed=0)
    window[:, 2, 0] += 0.03
    level, _ = told(window)
    assert float(level[:, 0].mean()) < -0.018
    assert float(level[:, 1:].abs().max()) < 1e-3


def test_flicker_on_one_side_is_evened_on_that_side(texture: Texture) -> None:
    window = pan(texture, (0,) * 5, speed=0)
    window[:, 2, :, :, WIDTH // 2 :] += 0.03
    level, flicker = told(window)
    even = (flicker * level).mean(dim=1)[0]
    assert float(even[:, WIDTH // 2 + 2 * SMOOTH :].mean()) < -0.015
    assert float(even[:, : WIDTH // 2 - 2 * SMOOTH].abs().max()) < 1e-4
    assert float(even.diff(dim=1).abs().max()) < 0.004  # smooth in between


@pytest.mark.parametrize(("share", "flickers"), [(0.6 * LEAST, False), (4 * LEAST, True)])
def test_a_lesser_part_of_the_frame_does_not_flicker(share: float, flickers: bool, texture: Texture) -> None:
    """A thing that passes, a stain or a shadow, is not the film; what covers the frame is."""
    window = pan(texture, (0,) * 5, speed=0)
    side = round((share * HEIGHT * WIDTH) ** 0.5)
    top, left = (HEIGHT - side) // 2, (WIDTH - side) // 2
    window[:, 2, :, top : top + side, left : left + side] += 0.02
    assert bool(told(window)[1].any()) == flickers


def test_where_nothing_can_be_followed_nothing_is_known(texture: Texture) -> None:
    window = pan(texture, (0, 0, 0.03, 0, 0), speed=0)
    for t in (0, 1, 3, 4):
        window[:, t] = texture(HEIGHT, WIDTH, seed=20 + t, span=(0.06, 0.25))
    evidence = replace(evidence_of(window), doubt=torch.ones(1, 4, HEIGHT // 2, WIDTH // 2))
    assert not level_of(evidence, sound=torch.ones(1, 1, HEIGHT, WIDTH))[1].any()


@pytest.mark.parametrize("index", [0, 2])
def test_each_of_a_batch_has_its_own_level(index: int, texture: Texture) -> None:
    windows = torch.cat([pan(texture, (0, 0, off, 0, 0)) for off in (0.03, 0.0, -0.02)])
    together = level_of(evidence_of(windows), sound=torch.ones(3, 1, HEIGHT, WIDTH))
    alone = told(windows[index : index + 1])
    for ours, own in zip(together, alone, strict=True):
        torch.testing.assert_close(ours[index : index + 1], own, rtol=0, atol=1e-3)


def test_what_is_known_as_damage_has_no_say_in_the_level(texture: Texture) -> None:
    window, spot = pan(texture, (0,) * 5, speed=0), torch.zeros(1, 1, HEIGHT, WIDTH)
    spot[..., 40:52, 60:72] = 1
    window[:, 2] += 0.06 * spot
    evidence = evidence_of(window)
    blind, knowing = (level_of(evidence, sound=1 - known * spot)[0] for known in (0.0, 0.98))
    assert float(blind.abs().max()) > 0.003
    assert float(knowing.abs().max()) < 0.1 * float(blind.abs().max())
