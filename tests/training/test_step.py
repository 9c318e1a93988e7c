"""A batch on its way through the network: what is broad first, then patches whose truth differs by dirt alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from frdm_engine.data.patches import Batch
from frdm_engine.model.denoiser import LOCAL, NOWHERE, FilmRestorer, Look, Prediction
from frdm_engine.training.step import SHOWN, predict, shown_hole, step_loss, walk

MODEL: dict[str, Any] = {"width": 8, "features": 8, "prompt_dim": 16, "limits": {"small_side": 48}}


def stain_lover(offset: float) -> FilmRestorer:
    """A network that finds a stain everywhere, and takes it back by adding ``offset``."""
    made = FilmRestorer(**MODEL)
    assert made.low_resolution is not None
    with torch.no_grad():
        leave = made.low_resolution.leave
        leave.weight.zero_()
        leave.get_parameter("bias")[3:6] = offset
        leave.get_parameter("bias")[6] = 20
    return made


# Holes


def test_most_patches_are_shown_the_true_hole_a_little_grown() -> None:
    matte = torch.zeros(400, 4, 24, 24)
    matte[:, 0, 10:13, 10:13], matte[:, 1, :, 20], matte[:, 2:] = 1, 0.5, 1
    hole = shown_hole(matte)
    shown = hole.amin(dim=(1, 2, 3)) >= 0
    assert (hole[~shown] == -1).all()
    assert abs(float(shown.float().mean()) - SHOWN) < 0.08
    areas = sorted({round(float(one[..., :15].sum())) for one in hole[shown]})
    assert areas == [9, 25, 49]
    assert (hole[shown][:, 0, :, 20] == 0.5).all()  # as far as it is one
    assert not hole[shown][..., :8].any()  # what is broad is no hole


def test_a_prediction_is_made_for_the_hole_that_is_shown(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    model = FilmRestorer(**MODEL).train()
    made, matte = walk(model, batch), batch.patches.matte
    for share, expected in ((1.1, "true"), (0.0, "found")):
        monkeypatch.setattr("frdm_engine.training.step.SHOWN", share)
        for later in (False, True):
            hole = predict(model, made.look, made.base, matte, later=later).hole
            true = matte[:, :LOCAL].amax(dim=1, keepdim=True)
            assert bool((hole >= true).all() and (hole.amin(dim=(1, 2, 3)) == 0).all()) == (expected == "true")


# The walk


def test_patches_are_looked_at_with_what_is_broad_taken_back(batch: Batch) -> None:
    with torch.no_grad():
        made, bare = (walk(stain_lover(offset), batch) for offset in (0.125, 0.0))
    for given, name in ((made, "stained"), (bare, "bare")):
        assert torch.equal(given.look.evidence.centre, batch.patches.evidence.centre + given.look.residual), name
    torch.testing.assert_close(made.look.residual - bare.look.residual, torch.full_like(made.base, 0.125))
    torch.testing.assert_close(made.base - bare.base, torch.full_like(made.base, 0.125))
    assert torch.equal(made.look.evidence.aligned, batch.patches.evidence.aligned)
    assert float((made.look.prompt.map - bare.look.prompt.map).abs().max()) > 1e-4


def test_the_truth_of_a_patch_differs_from_what_is_looked_at_by_dirt_and_scratches_alone(batch: Batch) -> None:
    for model in (FilmRestorer(**MODEL), stain_lover(0.25)):
        made, patches = walk(model, batch), batch.patches
        alike = (patches.broad == patches.evidence.centre).all(dim=1, keepdim=True)
        assert 0.3 < float(alike.float().mean()) < 1
        difference = (made.base - made.look.evidence.centre).abs().amax(dim=1, keepdim=True)
        assert float(difference[alike].max()) < 1e-5
        assert float(difference[~alike].max()) > 0.02


def dirty_corner(box: tuple[float, float, float, float]) -> Callable[..., Prediction]:
    """A look from afar that is sure of dirt in ``box`` of each frame alone, in place of the network's."""

    def denoise(state: Tensor, sigma: Tensor, look: Look, **given: Any) -> Prediction:
        assert given == {"worth": NOWHERE}
        height, width = state.shape[-2:]
        logits = torch.full((len(state), LOCAL, height, width), -30.0)
        x0, y0, x1, y1 = (round(side * size) for side, size in zip(box, (width, height) * 2, strict=True))
        logits[:, 0, y0:y1, x0:x1] = 30
        return Prediction(state, state, state, logits, state, state)

    return denoise


def test_patches_are_told_what_is_seen_from_afar_where_they_lie(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    model = FilmRestorer(**MODEL).eval()
    monkeypatch.setattr(model, "denoise", dirty_corner((0.0, 0.0, 0.5, 0.5)))
    seen = walk(model, batch).look.afar
    assert seen is not None
    assert seen.shape == batch.patches.clean[:, :1].shape
    for told, box in zip(seen[:, 0], batch.box, strict=True):
        size = told.shape[-1]
        x, y = (box[k] + (torch.arange(size) + 0.5) / size * (box[k + 2] - box[k]) for k in (0, 1))
        inside = (y[:, None] < 0.5) & (x[None] < 0.5)
        sure = told.abs() > 29  # but for what is mixed at its edge
        assert float(sure.float().mean()) > 0.9
        assert torch.equal((told > 0)[sure], inside[sure])


def test_the_look_from_afar_learns_from_what_the_patches_miss(batch: Batch) -> None:
    """Dirt counts as found by whichever look: only through the patches' odds does the look from afar learn."""
    model = FilmRestorer(**MODEL).train()
    with torch.no_grad():
        for name, value in model.named_parameters():
            if name.startswith("denoiser.leave."):
                value.normal_(std=0.1)
    made = walk(model, batch)
    assert made.look.afar is not None
    made.look.afar.retain_grad()
    predict(model, made.look, made.base, batch.patches.matte, later=False).logits[:, :1].sum().backward()
    assert made.look.afar.grad is not None
    assert 0 < float(made.look.afar.grad.abs().max()) < 1
    with_it, without = (walk_finds(model, given) for given in (batch, replace(batch, far=None)))
    assert (with_it >= without - 1e-5).all()
    assert float((with_it - without).max()) > 0.1


def walk_finds(model: FilmRestorer, batch: Batch) -> Tensor:
    """Logits of dirt in the patches, without noise."""
    with torch.no_grad():
        look = walk(model, batch, torch.zeros_like).look
        out: Tensor = model.denoise(look.evidence.centre, torch.ones(len(batch.box)), look).logits[:, :1]
    return out


def test_small_frames_without_patches_are_walked_too(batch: Batch) -> None:
    """Patches know their own frame whatever comes after it, and what is broad in the others is learned."""
    twice = replace(batch, small=doubled(batch), pattern=torch.cat((batch.pattern, batch.pattern.flip(-1))))
    model = stain_lover(0.125)
    one, other = walk(model, batch), walk(model, twice)
    assert other.broad.stain.shape[0] == 2
    torch.testing.assert_close(one.look.residual, other.look.residual)
    torch.testing.assert_close(one.base, other.base)
    parts = [step_loss(model, given, later=False)[1]["small"] for given in (batch, twice)]
    assert parts[0] != pytest.approx(parts[1], rel=1e-3)


def doubled(batch: Batch) -> Any:
    """The small frames and, after them, the same turned over and darkened: others."""
    small = batch.small

    def both(x: Tensor) -> Tensor:
        return torch.cat((x, x.flip(-1) * 0.5))

    evidence = replace(small.evidence, **{name: both(value) for name, value in vars(small.evidence).items()})
    planes = {name: both(value) for name, value in vars(small).items() if isinstance(value, Tensor)}
    return replace(small, evidence=evidence, **planes)


def test_the_low_resolution_pass_learns_from_the_small_frames_alone(batch: Batch) -> None:
    """Its guide carries no gradient: patches do not teach it to hide what they fail at."""
    model = FilmRestorer(**MODEL).train()
    assert model.low_resolution is not None
    weight = model.low_resolution.leave.weight
    made = walk(model, batch)
    patches = predict(model, made.look, made.base, batch.patches.matte, later=False)
    learned = []
    for told in (total(patches), step_loss(model, batch, later=False)[0]):
        told.backward()
        learned.append(weight.grad is not None and bool(weight.grad.any()))
    assert learned == [False, True]


def total(prediction: Prediction) -> Tensor:
    return prediction.clean.sum() + prediction.fill.sum() + prediction.logits.sum()


@pytest.mark.parametrize("make", [FilmRestorer, lambda **given: FilmRestorer(**given, global_residual=False)])
def test_a_batch_has_a_loss_with_and_without_the_low_resolution_network(
    make: Callable[..., FilmRestorer], batch: Batch
) -> None:
    loss, parts = step_loss(make(**MODEL), batch, later=False)
    assert torch.isfinite(loss)
    assert parts["small"] > 0
