"""The loss of one batch: the small whole frames first, then the patches under their residual and prompt."""

from __future__ import annotations

import torch
from torch import Tensor

from frdm_engine.data.patches import Batch, Views
from frdm_engine.diffusion.sampling import bridge_state
from frdm_engine.diffusion.schedule import NOISE
from frdm_engine.model.denoiser import FilmRestorer, Look, Prediction
from frdm_engine.model.frame_fusion import move_features
from frdm_engine.model.global_prompt import Prompt
from frdm_engine.model.guide import guide_of
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


def step_loss(model: FilmRestorer, batch: Batch, *, later: bool) -> tuple[Tensor, dict[str, float]]:
    """Loss of one batch: the small whole frames first, then the patches under their residual and prompt."""
    small = batch.small
    whole = torch.tensor([[0.0, 0.0, 1.0, 1.0]], device=batch.box.device).expand(small.window.shape[0], -1)
    centre = small.evidence.centre
    look = look_of(model, small, box=whole, prompt=model.prompt(centre, centre))
    guess = predict(model, look, small.clean, later=later)
    guide = guide_of(guess, small.evidence)
    small_loss, _ = restoration_loss(
        guess, damaged=centre, clean=small.clean, matte=small.matte, even=guide.flicker * guide.level, weights=SMALL
    )

    prompt = model.prompt(centre, centre + guide.correction)
    own = batch.owner
    mine = Prompt(prompt.key[own], prompt.value[own], prompt.map[own])
    height, width = batch.patches.clean.shape[-2:]
    residual = grow(guide.correction[own], height, width, batch.box)
    found = grow(guide.found[own], height // 2, width // 2, batch.box)
    look = look_of(model, batch.patches, box=batch.box, prompt=mine, residual=residual, found=found)
    prediction = predict(model, look, batch.patches.clean, later=later)
    truth = {
        "damaged": batch.patches.evidence.centre,
        "clean": batch.patches.clean,
        "matte": batch.patches.matte,
        "even": grow((guide.flicker * guide.level)[own], height, width, batch.box),
    }
    loss, parts = restoration_loss(prediction, weights=WINDOW, **truth)
    parts |= figures(prediction, **truth)
    return loss + 0.3 * small_loss, parts | {"small": float(small_loss.detach())}
