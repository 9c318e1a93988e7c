"""The guide of a whole frame: flicker and stains taken back as a filter, the same in every window of the frame."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from frdm_engine.model.denoiser import CLASSES, LOCAL, FilmRestorer
from frdm_engine.model.fixed_pattern import CHANNELS
from frdm_engine.model.guide import STAIN_FAINT, STAIN_PLAIN, Guide, guide_of
from frdm_engine.model.low_resolution import Broad
from tests.model.looking import evidence_of

Texture = Callable[..., Tensor]
HEIGHT, WIDTH = 96, 128
INNER = (..., slice(12, -12), slice(12, -12))


def broad_of(found: dict[str, Tensor] | None = None, *, gain: float = 1.0, offset: float = 0.0) -> Broad:
    """A network that is sure of its classes where they are 1, and sure of nothing else."""
    logits = torch.full((1, len(CLASSES), HEIGHT, WIDTH), -20.0)
    for name, where in (found or {}).items():
        logits[:, CLASSES.index(name)] += 40 * where[:, 0]
    plane = torch.ones(1, 3, HEIGHT, WIDTH)
    return Broad(gain * plane, offset * plane, logits[:, 2:3], logits)


def some_guide(count: int = 1) -> Guide:
    """A guide of smooth random planes."""

    def planes(channels: int) -> Tensor:
        coarse = torch.rand(count, channels, 3, 4)
        return torch.nn.functional.interpolate(coarse, size=(24, 32), mode="bilinear", align_corners=True)

    return Guide(planes(3), planes(1), 0.5 + planes(3), planes(3), planes(1), planes(4))


def spotted(texture: Texture, off: float) -> tuple[Tensor, Tensor]:
    """A window whose centre is off by a level and holds a white spot; where the spot is."""
    window = torch.stack([texture(HEIGHT, WIDTH, x=2.0 * t) + off * (t == 2) for t in range(5)], dim=1)
    spot = torch.zeros(1, 1, HEIGHT, WIDTH)
    spot[..., 42:50, 62:70] = 1
    window[:, 2] = torch.where(spot > 0, torch.ones_like(window[:, 2]), window[:, 2])
    return window, spot


# What is taken back


def test_the_base_is_the_lit_frame_under_the_stains_filter() -> None:
    """Flicker first: the filter of a stain is that of the film as it should have been lit."""

    def plane(value: float, channels: int = 3) -> Tensor:
        return torch.full((1, channels, 2, 2), value)

    frame = plane(0.4)
    made = Guide(plane(0.1), plane(0.5, 1), plane(2.0), plane(-0.3), plane(1.0, 1), plane(0.0, 4)).base(frame)
    torch.testing.assert_close(made, plane(2 * (0.4 + 0.5 * 0.1) - 0.3))


@pytest.mark.parametrize(
    ("chance", "share"),
    [(0.0, 0.0), (STAIN_FAINT, 0.0), ((STAIN_FAINT + STAIN_PLAIN) / 2, 0.5), (STAIN_PLAIN, 1.0), (1.0, 1.0)],
)
def test_a_stain_is_taken_back_as_far_as_it_is_plain(chance: float, share: float) -> None:
    none, one = torch.zeros(1, 3, 2, 2), torch.ones(1, 1, 2, 2)
    frame = torch.rand(1, 3, 2, 2)
    made = Guide(none, 0 * one, none + 1.5, none - 0.1, chance * one, none).base(frame)
    torch.testing.assert_close(made, frame + share * (0.5 * frame - 0.1))


def test_a_guide_of_nothing_leaves_every_bit(texture: Texture) -> None:
    window = texture(HEIGHT, WIDTH)[:, None].expand(-1, 5, -1, -1, -1).contiguous()
    guide = guide_of(broad_of(gain=1.3, offset=0.1), evidence_of(window))
    assert torch.equal(guide.base(window[:, 2]), window[:, 2])


# Windows


def test_a_window_of_the_guide_is_a_crop_of_the_whole() -> None:
    guide = some_guide()
    whole = guide.grown(96, 128, torch.tensor([[0.0, 0.0, 1.0, 1.0]]))
    part = guide.grown(32, 64, torch.tensor([[0.25, 1 / 3, 0.75, 2 / 3]]))
    for name, value in vars(part).items():
        torch.testing.assert_close(value, getattr(whole, name)[..., 32:64, 32:96], rtol=0, atol=1e-5, msg=name)
    frame = torch.rand(1, 3, 96, 128)
    torch.testing.assert_close(
        part.base(frame[..., 32:64, 32:96]), whole.base(frame)[..., 32:64, 32:96], rtol=0, atol=1e-5
    )


def test_each_window_has_the_guide_of_its_own_frame() -> None:
    guide, box = some_guide(2), torch.tensor([[0.0, 0.0, 0.5, 0.5]])
    both = guide.grown(16, 16, box.expand(3, 4), torch.tensor([1, 0, 1]))
    for index, owner in enumerate((1, 0, 1)):
        alone = Guide(**{name: value[owner : owner + 1] for name, value in vars(guide).items()}).grown(16, 16, box)
        for name, value in vars(alone).items():
            assert torch.equal(getattr(both, name)[index : index + 1], value), name


# What it is made of


def test_what_was_found_is_told_by_class_without_a_gradient(texture: Texture) -> None:
    window, spot = spotted(texture, 0.0)
    made = broad_of({"dirt": spot, "stain": spot.flip(-1)}, gain=1.2, offset=-0.1)
    made = Broad(*(value.requires_grad_() for value in vars(made).values()))
    guide = guide_of(made, evidence_of(window))
    torch.testing.assert_close(guide.found, made.hints.sigmoid())
    torch.testing.assert_close(guide.stain[:, 0], guide.found[:, CLASSES.index("stain")])
    assert torch.equal(guide.gain, made.gain)
    assert torch.equal(guide.offset, made.offset)
    assert not any(value.requires_grad for value in vars(guide).values())


def test_damage_leaves_no_halo_in_the_level(texture: Texture) -> None:
    window, spot = spotted(texture, 0.0)
    guide = guide_of(broad_of({"dirt": spot}), evidence_of(window))
    assert float((guide.base(window[:, 2]) - window[:, 2]).abs().max()) < 0.5 / 255


@pytest.mark.parametrize("name", CLASSES[:LOCAL])
def test_what_hides_the_picture_has_no_say_in_the_level(name: str, texture: Texture) -> None:
    window, _ = spotted(texture, 0.0)
    patch = torch.zeros(1, 1, HEIGHT, WIDTH)
    patch[..., 30:62, 50:90] = 1
    window[:, 2] += 0.05 * patch
    evidence = evidence_of(window)
    blind, knowing = (guide_of(broad_of(found), evidence).level for found in (None, {name: patch}))
    assert float(blind[..., 40:52, 62:78].abs().mean()) > 0.01
    assert float(knowing[INNER].abs().mean()) < 0.3 * float(blind[INNER].abs().mean())


def test_flicker_is_evened_under_damage_too(texture: Texture) -> None:
    window, spot = spotted(texture, 0.03)
    guide = guide_of(broad_of({"dirt": spot}), evidence_of(window))
    added = (guide.base(window[:, 2]) - window[:, 2]).mean(dim=1, keepdim=True)
    assert float(added[spot > 0].mean()) == pytest.approx(float(added[INNER].mean()), rel=0.25)
    assert float(added.mean()) < -0.015


def test_flicker_is_measured_with_the_low_resolution_network_off(texture: Texture) -> None:
    window, _ = spotted(texture, 0.03)
    evidence = evidence_of(window)
    model = FilmRestorer(width=8, features=8, prompt_dim=16, global_residual=False)
    pattern = torch.zeros(1, CHANNELS, *(side // 2 for side in window.shape[-2:]))
    guide = guide_of(model.broad(evidence, pattern), evidence)
    assert float((guide.flicker * guide.level).mean()) < -0.015
    torch.testing.assert_close(guide.base(window[:, 2]), window[:, 2] + guide.flicker * guide.level)
