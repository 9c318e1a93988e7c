"""The loss of one batch: the small whole frames first, then the patches under their residual and prompt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from frdm_engine.data.patches import Batch, Views
from frdm_engine.diffusion.sampling import bridge_state
from frdm_engine.diffusion.schedule import NOISE
from frdm_engine.model.denoiser import FilmRestorer, Look, Prediction
from frdm_engine.model.frame_fusion import move_features
from frdm_engine.model.global_prompt import Prompt
from frdm_engine.model.guide import Guide, guide_of
from frdm_engine.model.small import grow
from frdm_engine.training.loss import SMALL, WINDOW, figures, restoration_loss


def look_of(
    model: FilmRestorer,
    seen: Views,
    *,
    box: Tensor,
    prompt: Prompt,
    residual: Tensor | None = None,
    found: Tensor | None = None,
) -> Look:
    """Encodes the window and fuses it: what all steps of sampling share."""
    frames, maps = seen.window.flatten(0, 1), seen.columns.flatten(0, 1)
    features = model.encode(frames, maps).unflatten(0, seen.window.shape[:2])
    moved = move_features(features, seen.flow)
    return model.look(seen.evidence, moved, residual=residual, seen=found, box=box, prompt=prompt)


def predict(model: FilmRestorer, look: Look, clean: Tensor, *, later: bool) -> Prediction:
    """A prediction to learn from: the first look, or a later step from the model's own estimate."""
    damaged = look.evidence.centre
    count = damaged.shape[0]
    far_end = damaged + NOISE * torch.randn_like(damaged)
    first = torch.ones(count, device=damaged.device)
    if not later:
        return model.denoise(far_end, first, look)
    with torch.no_grad():
        previous = model.denoise(far_end, first, look)
    sigma = 0.1 + 0.8 * torch.rand(count, device=damaged.device)
    own = (torch.rand(count, device=damaged.device) < 0.7).view(-1, 1, 1, 1)
    start = torch.where(own, previous.clean, clean)
    return model.denoise(bridge_state(start, far_end, sigma.view(-1, 1, 1, 1)), sigma, look, previous)


@dataclass(frozen=True)
class Walk:
    """A batch on its way through the network: the small frames' prediction and guide, and the patches' look.

    level (N, 3, H, W) and flicker (N, 1, H, W) are the guide's at the patches.
    """

    guess: Prediction
    guide: Guide
    look: Look
    level: Tensor
    flicker: Tensor


def walk(model: FilmRestorer, batch: Batch, first: Callable[[Look], Prediction]) -> Walk:
    """The small whole frames, predicted by ``first``, then the patches under their residual and prompt."""
    small, own = batch.small, batch.owner
    whole = torch.tensor([[0.0, 0.0, 1.0, 1.0]], device=batch.box.device).expand(small.window.shape[0], -1)
    centre = small.evidence.centre
    guess = first(look_of(model, small, box=whole, prompt=model.prompt(centre, centre)))
    guide = guide_of(guess, small.evidence)
    prompt = model.prompt(centre, centre + guide.correction)
    mine = Prompt(prompt.key[own], prompt.value[own], prompt.map[own])
    height, width = batch.patches.clean.shape[-2:]
    residual, level, flicker = (
        grow(plane[own], height, width, batch.box) for plane in (guide.correction, guide.level, guide.flicker)
    )
    found = grow(guide.found[own], height // 2, width // 2, batch.box)
    look = look_of(model, batch.patches, box=batch.box, prompt=mine, residual=residual, found=found)
    return Walk(guess, guide, look, level, flicker)


def step_loss(model: FilmRestorer, batch: Batch, *, later: bool) -> tuple[Tensor, dict[str, float]]:
    """Loss of one batch: of its small whole frames, and of its patches under their residual and prompt."""
    small, patches = batch.small, batch.patches
    made = walk(model, batch, lambda look: predict(model, look, small.clean, later=later))
    small_loss, _ = restoration_loss(
        made.guess,
        damaged=small.evidence.centre,
        clean=small.clean,
        matte=small.matte,
        even=made.guide.flicker * made.guide.level,
        weights=SMALL,
    )
    prediction = predict(model, made.look, patches.clean, later=later)
    truth = {
        "damaged": patches.evidence.centre,
        "clean": patches.clean,
        "matte": patches.matte,
        "even": made.flicker * made.level,
    }
    loss, parts = restoration_loss(prediction, weights=WINDOW, **truth)
    parts |= figures(prediction, **truth)
    return loss + 0.3 * small_loss, parts | {"small": float(small_loss.detach())}
