"""What a hole is filled with: film from the sound surroundings and the neighbours, nothing of what lies in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from frdm_engine.model.denoiser import FilmRestorer
from frdm_engine.model.filler import FAINTEST, LARGEST_SHIFT, PLAIN, Candidates, Filler, around, candidates, hole_of
from frdm_engine.model.frame_fusion import Evidence, Fused, middle_of
from tests.model.looking import evidence_of, look_at

Texture = Callable[..., Tensor]
Lively = Callable[..., FilmRestorer]
HEIGHT, WIDTH = 64, 96
SPOT = (..., slice(24, 34), slice(40, 50))
SURROUNDINGS, MIDDLE, CLOSE, WIDE, LEVELLED, ALIGNED, MOVED = 0, 1, 2, 3, 4, 5, 9
"""Where the candidates of a window of five frames lie; the three in the middle are the centre, lifted."""


@pytest.fixture
def hole() -> Tensor:
    """A hole of ten by ten pixels."""
    made = torch.zeros(1, 1, HEIGHT, WIDTH)
    made[SPOT] = 1
    return made


@pytest.fixture
def still(texture: Texture) -> Evidence:
    """Five times the same frame."""
    return evidence_of(texture(HEIGHT, WIDTH)[:, None].expand(-1, 5, -1, -1, -1).contiguous())


def offered(found: Candidates, index: int) -> Tensor:
    return found.pictures()[index]


def all_of(found: Candidates) -> Tensor:
    return torch.stack(found.pictures(), dim=1)


# Surroundings


def test_surroundings_of_a_constant_are_the_constant() -> None:
    frame = torch.tensor([0.2, 0.7, 0.4]).view(1, 3, 1, 1).expand(-1, -1, 24, 20)
    for weight in (torch.ones(1, 1, 24, 20), torch.full((1, 1, 24, 20), 1e-6), torch.rand(1, 1, 24, 20) + 1e-6):
        torch.testing.assert_close(around(frame, weight), frame, rtol=0, atol=1e-5)


@pytest.mark.parametrize("across", [True, False], ids=["column", "row"])
def test_surroundings_fill_a_thin_line_from_both_sides(across: bool) -> None:
    """A ramp from side to side is gone on with under the line, whose own value does not show."""
    ramp = torch.linspace(0.2, 0.8, 40).view(1, 1, 1, 40).expand(1, 3, 40, 40).clone()
    if not across:
        ramp = ramp.transpose(-1, -2).contiguous()
    weight = torch.ones(1, 1, 40, 40)
    (weight if across else weight.transpose(-1, -2))[..., 20] = 1e-6
    made = around(torch.where(weight < 1, torch.ones_like(ramp), ramp), weight)
    inner = weight.expand(-1, 3, -1, -1)[..., 8:-8, 8:-8] < 1
    torch.testing.assert_close(made[..., 8:-8, 8:-8][inner], ramp[..., 8:-8, 8:-8][inner], rtol=0, atol=4e-3)


@pytest.mark.parametrize("side", [4, 8, 16, 32])
def test_surroundings_reach_into_the_middle_of_a_large_hole(side: int) -> None:
    """Whatever lies in it, and however far its rim."""
    frame, weight = torch.full((1, 3, 96, 96), 0.4), torch.ones(1, 1, 96, 96)
    inside = (..., slice(48 - side // 2, 48 + side // 2), slice(48 - side // 2, 48 + side // 2))
    frame[inside], weight[inside] = 1.0, 1e-6
    assert float((around(frame, weight)[inside] - 0.4).abs().max()) < 0.005


def test_what_is_nearest_counts_most() -> None:
    """A near thing outvotes all that is further: detail beside a hole is gone on with into it."""
    frame, weight = torch.full((1, 3, 64, 64), 0.2), torch.ones(1, 1, 64, 64)
    frame[..., 28:36, 28:36] = 0.8
    weight[..., 31:33, 31:33] = 1e-6
    assert float(around(frame, weight)[..., 31:33, 31:33].min()) > 0.75


def test_doubtful_pixels_count_for_less() -> None:
    frame, weight = torch.full((1, 3, 24, 24), 0.5), torch.ones(1, 1, 24, 24)
    frame[..., 12] = 1.0
    shown = []
    for sound in (1.0, 0.25, 1e-6):
        weight[..., 12] = sound
        shown.append(float((around(frame, weight)[..., 12, 12] - 0.5).abs().max()))
    assert shown[0] > 2 * shown[1] > 4 * shown[2]


# Holes and candidates


def test_a_hole_opens_between_faint_and_plain_damage() -> None:
    damage = torch.tensor([0.0, FAINTEST, (FAINTEST + PLAIN) / 2, PLAIN, 1.0]).view(1, 1, 1, 5)
    torch.testing.assert_close(hole_of(damage).flatten(), torch.tensor([0.0, 0.0, 0.5, 1.0, 1.0]))


def test_candidates_of_a_sound_still_frame_are_the_frame(still: Evidence) -> None:
    found = candidates(still, torch.zeros(1, 1, HEIGHT, WIDTH))
    assert all_of(found).shape == (1, 13, 3, HEIGHT, WIDTH)
    assert torch.equal(found.cut, still.centre)
    for index in range(MIDDLE, 13):
        if index != LEVELLED:
            torch.testing.assert_close(offered(found, index), still.centre, rtol=0, atol=1e-5)
    assert float(found.disagree.max()) < 1e-5


def test_candidates_lie_in_their_order(window: Tensor, hole: Tensor) -> None:
    evidence = evidence_of(window)
    found = candidates(evidence, hole)
    assert torch.equal(all_of(found)[:, ALIGNED:MOVED], evidence.aligned)
    torch.testing.assert_close(middle_of(all_of(found)[:, MOVED:]), offered(found, MIDDLE))
    torch.testing.assert_close(found.cut[SPOT], offered(found, SURROUNDINGS)[SPOT])
    assert torch.equal(found.cut * (1 - hole), evidence.centre * (1 - hole))
    shifts = all_of(found)[:, MOVED:] - evidence.aligned
    lifts = all_of(found)[:, CLOSE:ALIGNED] - evidence.centre[:, None]
    for change in (shifts, lifts):  # a level is smooth: no detail of its own
        assert float(change.diff(dim=-1).abs().max()) < 0.5 * float(evidence.centre.diff(dim=-1).abs().max())


def test_what_is_hidden_reaches_none_but_the_lifted_centres(window: Tensor, hole: Tensor) -> None:
    evidence = evidence_of(window)
    spoiled = evidence.centre.clone()
    spoiled[SPOT] = 1 - spoiled[SPOT].round()
    sound, found = (candidates(replace(evidence, centre=centre), hole) for centre in (evidence.centre, spoiled))
    apart = (all_of(sound) - all_of(found)).abs().amax(dim=(0, 2, 3, 4))
    lifted = torch.zeros(13, dtype=torch.bool)
    lifted[CLOSE:ALIGNED] = True
    assert float(apart[~lifted].max()) < 2e-3
    assert float(apart[lifted].min()) > 0.1
    assert float((sound.cut - found.cut).abs().max()) < 2e-3
    assert float((sound.disagree - found.disagree).abs().max()) < 2e-3


def test_the_rim_of_a_hole_is_not_taken_for_sound() -> None:
    """Soft edges of a speck, which no matte covers, do not bleed into its fill."""
    centre, hole = torch.full((1, 3, 24, 24), 0.5), torch.zeros(1, 1, 24, 24)
    centre[..., 11:14, 11:14], hole[..., 12, 12] = 1.0, 1.0
    evidence = evidence_of(centre[:, None].expand(-1, 5, -1, -1, -1).contiguous())
    assert float((offered(candidates(evidence, hole), SURROUNDINGS)[0, :, 12, 12] - 0.5).abs().max()) < 0.01


@pytest.mark.parametrize("off", [0.1, -0.1])
def test_a_neighbour_of_another_level_is_moved_to_that_of_the_surroundings(
    off: float, still: Evidence, hole: Tensor
) -> None:
    found = candidates(replace(still, aligned=still.aligned + off), hole)
    for k in range(4):
        torch.testing.assert_close(offered(found, ALIGNED + k), still.centre + off)
        torch.testing.assert_close(offered(found, MOVED + k), still.centre, rtol=0, atol=1e-4)
    torch.testing.assert_close(offered(found, MIDDLE), still.centre, rtol=0, atol=1e-4)


def test_no_neighbour_is_moved_by_more_than_film_allows(still: Evidence, hole: Tensor) -> None:
    found = candidates(replace(still, aligned=still.aligned + 0.4), hole)
    torch.testing.assert_close(offered(found, MOVED), still.centre + 0.4 - LARGEST_SHIFT, rtol=0, atol=1e-4)


def test_a_translucent_stain_is_lifted_with_its_own_grain(still: Evidence, hole: Tensor) -> None:
    """What lies under it keeps every detail; the level comes from the neighbours."""
    grain = 0.02 * torch.randn(still.centre.shape)
    found = candidates(replace(still, centre=still.centre + grain - 0.2 * hole), hole)
    own = still.centre + grain
    middle_error = float((offered(found, MIDDLE) - own)[SPOT].std())
    for index in (CLOSE, WIDE):
        error = (offered(found, index) - own)[SPOT]
        assert float(error.mean().abs()) < 0.02
        assert float(error.std()) < 0.5 * middle_error
    # The wide lift is one level for the whole hole: within it only the level changes.
    torch.testing.assert_close(
        (offered(found, WIDE) - own)[..., 26:32, 42:48].std(), torch.tensor(0.0), rtol=0, atol=0.004
    )


def test_a_centre_without_helpful_neighbours_is_lifted_to_its_surroundings(hole: Tensor) -> None:
    """The last lift asks no neighbour: strangers do not change it."""
    frame = torch.full((1, 3, HEIGHT, WIDTH), 0.6)
    evidence = evidence_of(frame[:, None].expand(-1, 5, -1, -1, -1).contiguous())
    strange = replace(evidence, centre=frame - 0.2 * hole, aligned=torch.rand_like(evidence.aligned))
    found = candidates(strange, hole)
    torch.testing.assert_close(offered(found, LEVELLED)[SPOT], frame[SPOT], rtol=0, atol=0.01)
    assert float((offered(found, WIDE) - frame)[SPOT].abs().max()) > 0.02


def test_a_stranger_disagrees_with_the_sound_pixels_around(still: Evidence, texture: Texture, hole: Tensor) -> None:
    aligned = still.aligned.clone()
    aligned[:, 3] = texture(HEIGHT, WIDTH, seed=9)
    disagree = candidates(replace(still, aligned=aligned), hole).disagree
    assert disagree.shape == (1, 4, HEIGHT, WIDTH)
    assert float(disagree[:, :3].max()) < 1e-4
    assert float(disagree[:, 3][SPOT].min()) > 0.02


def test_candidates_carry_no_gradient(still: Evidence, hole: Tensor) -> None:
    asked = replace(still, centre=still.centre.clone().requires_grad_())
    assert not any(value.requires_grad for value in vars(candidates(asked, hole.clone().requires_grad_())).values())


# Filler


def fused_of(evidence: Evidence, trust: Tensor) -> Fused:
    height, width = evidence.centre.shape[-2:]
    return Fused(torch.zeros(1, 8, height // 2, width // 2), torch.zeros(1, 16, height // 4, width // 4), trust)


def test_the_fill_is_the_weighted_candidates_and_the_networks_paint(
    lively: Lively, window: Tensor, hole: Tensor
) -> None:
    """No candidate but those told of: there is none left for the damaged centre as it is."""
    model = lively()
    look = look_at(model, window)
    with torch.no_grad():
        made = model.denoise(look.evidence.centre, torch.ones(1), look, hole=hole)
    torch.testing.assert_close(made.weights.sum(dim=1), torch.ones(1, HEIGHT, WIDTH))
    found = candidates(look.evidence, hole)
    torch.testing.assert_close((made.weights[:, :, None] * all_of(found)).sum(dim=1), made.mixed, rtol=0, atol=1e-5)
    assert float((made.fill - made.mixed).abs().max()) > 1e-3
    assert float(made.weights.std(dim=1).max()) > 1e-3


def test_a_new_filler_mixes_evenly_and_paints_nothing(still: Evidence, hole: Tensor) -> None:
    filler = Filler(neighbours=4, features=8)
    with torch.no_grad():
        fill, mixed, weights = filler(
            still, fused_of(still, torch.zeros(1, 4, HEIGHT, WIDTH)), torch.rand(1, 8, HEIGHT // 2, WIDTH // 2), hole
        )
    torch.testing.assert_close(weights, torch.full((1, 13, HEIGHT, WIDTH), 1 / 13))
    assert torch.equal(fill, mixed)
    assert torch.equal(weights, filler.idle(still.centre))


def test_trust_in_a_neighbour_weighs_it_as_it_is_and_moved(still: Evidence, hole: Tensor) -> None:
    trust = torch.zeros(1, 4, HEIGHT, WIDTH)
    trust[:, 1], trust[:, 2] = 2.0, -2.0
    with torch.no_grad():
        _, _, weights = Filler(neighbours=4, features=8)(
            still, fused_of(still, trust), torch.zeros(1, 8, HEIGHT // 2, WIDTH // 2), hole
        )
    share = weights[0, :, 30, 45]
    torch.testing.assert_close(share[ALIGNED:MOVED], share[MOVED:])
    torch.testing.assert_close(share[ALIGNED + 1] / share[ALIGNED], torch.tensor(2.0).exp())
    torch.testing.assert_close(share[ALIGNED + 2] / share[ALIGNED], torch.tensor(-2.0).exp())
    torch.testing.assert_close(share[:ALIGNED], share[ALIGNED].expand(5))


@pytest.mark.parametrize("name", ["centre", "aligned", "doubt"])
def test_the_mixture_hears_the_evidence(name: str, lively: Lively, window: Tensor, hole: Tensor) -> None:
    filler, evidence = lively().denoiser.filler, evidence_of(window)
    fused, features = fused_of(evidence, torch.zeros(1, 4, HEIGHT, WIDTH)), torch.rand(1, 8, HEIGHT // 2, WIDTH // 2)
    other = replace(evidence, **{name: torch.rand_like(getattr(evidence, name))})
    with torch.no_grad():
        assert (
            float((filler(evidence, fused, features, hole)[2] - filler(other, fused, features, hole)[2]).abs().max())
            > 1e-3
        )


def test_the_mixture_hears_the_hole_and_the_denoisers_features(lively: Lively, window: Tensor, hole: Tensor) -> None:
    filler, evidence = lively().denoiser.filler, evidence_of(window)
    fused, features = fused_of(evidence, torch.zeros(1, 4, HEIGHT, WIDTH)), torch.rand(1, 8, HEIGHT // 2, WIDTH // 2)
    with torch.no_grad():
        weights = [
            filler(evidence, fused, given, told)[2]
            for given, told in ((features, hole), (features.flip(-1), hole), (features, hole.flip(-1)))
        ]
    assert min(float((weights[0] - other).abs().max()) for other in weights[1:]) > 1e-3
