"""The loss of one batch: the small whole frames first, then the patches under their residual and prompt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from frdm_engine.data.patches import Batch, Views
from frdm_engine.diffusion.sampling import bridge_state
from frdm_engine.diffusion.schedule import NOISE
from frdm_engine.model.denoiser import LOCAL, NOWHERE, FilmRestorer, Look, Prediction
from frdm_engine.model.frame_fusion import move_features
from frdm_engine.model.global_prompt import Prompt
from frdm_engine.model.guide import Guide, guide_of
from frdm_engine.model.low_resolution import Broad
from frdm_engine.model.small import grow
from frdm_engine.training.loss import broad_figures, broad_loss, figures, restoration_loss

SHOWN = 0.6
"""Share of the patches whose fill is made for the true hole, grown by up to two pixels, instead of what is found."""


def look_of(model: FilmRestorer, seen: Views, *, box: Tensor, prompt: Prompt, residual: Tensor, found: Tensor) -> Look:
    """Encodes the window and fuses it: what all steps of sampling share."""
    frames, maps = seen.window.flatten(0, 1), seen.columns.flatten(0, 1)
    features = model.encode(frames, maps).unflatten(0, seen.window.shape[:2])
    moved = move_features(features, seen.flow)
    return model.look(seen.evidence, moved, residual=residual, seen=found, box=box, prompt=prompt)


def predict(model: FilmRestorer, look: Look, clean: Tensor, matte: Tensor, *, later: bool) -> Prediction:
    """A prediction to learn from: the first look, or a later step from the model's own estimate."""
    damaged = look.evidence.centre
    count = damaged.shape[0]
    far_end = damaged + NOISE * torch.randn_like(damaged)
    first = torch.ones(count, device=damaged.device)
    hole = shown_hole(matte)
    if not later:
        return model.denoise(far_end, first, look, hole=hole)
    with torch.no_grad():
        previous = model.denoise(far_end, first, look)
    sigma = 0.1 + 0.8 * torch.rand(count, device=damaged.device)
    own = (torch.rand(count, device=damaged.device) < 0.7).view(-1, 1, 1, 1)
    start = torch.where(own, previous.clean, clean)
    return model.denoise(bridge_state(start, far_end, sigma.view(-1, 1, 1, 1)), sigma, look, previous, hole=hole)


def shown_hole(matte: Tensor) -> Tensor:
    """True holes (B, 1, H, W) of a truth matte (B, 4, H, W), grown by 0 to 2 pixels; -1 where what is found counts."""
    true = matte[:, :LOCAL].amax(dim=1, keepdim=True)
    grown = []
    for one in true.split(1):
        side = 1 + 2 * int(torch.randint(3, ()))
        shown = float(torch.rand(())) < SHOWN
        grown.append(F.max_pool2d(one, side, stride=1, padding=side // 2) if shown else torch.full_like(one, -1.0))
    return torch.cat(grown)


@dataclass(frozen=True)
class Walk:
    """A batch on its way through the network: what is broad in the small frames, their guide, and the patches' look,
    told what dirt is seen from afar.

    base (N, 3, H, W): the patches' truth but for what of flicker and stains the guide has left.
    """

    broad: Broad
    guide: Guide
    look: Look
    base: Tensor


def walk(model: FilmRestorer, batch: Batch, noise: Callable[[Tensor], Tensor] = torch.randn_like) -> Walk:
    """The small whole frames, the frames from afar, then the patches under their residual and prompt.

    ``noise`` draws what the look from afar begins with, normal and of the shape it is given.
    """
    own, centre = batch.owner, batch.small.evidence.centre
    broad, guide = _wide(model, batch)
    prompt = model.prompt(centre, guide.base(centre))
    look, here = _looked(model, batch.patches, guide, prompt, batch.box, own)
    if batch.far is not None:
        look = replace(look, afar=_afar(model, batch.far, batch, guide, prompt, noise))
    return Walk(broad, guide, look, here.base(batch.patches.broad))


def _looked(
    model: FilmRestorer, seen: Views, guide: Guide, prompt: Prompt, box: Tensor, own: Tensor
) -> tuple[Look, Guide]:
    """The look of views that lie in ``box`` (N, 4) of the small frames ``own`` (N,), and their part of the guide."""
    damaged = seen.evidence.centre
    here = guide.grown(damaged.shape[-2], damaged.shape[-1], box, own)
    mine = Prompt(prompt.key[own], prompt.value[own], prompt.map[own])
    found = F.avg_pool2d(here.found, 2)
    return look_of(model, seen, box=box, prompt=mine, residual=here.base(damaged) - damaged, found=found), here


def _afar(
    model: FilmRestorer,
    far: Views,
    batch: Batch,
    guide: Guide,
    prompt: Prompt,
    noise: Callable[[Tensor], Tensor],
) -> Tensor:
    """Logits (N, 1, H, W) of dirt in the patches, as the frames at half their size tell it."""
    count, device = len(far.clean), far.clean.device
    box = torch.tensor([[0.0, 0.0, 1.0, 1.0]], device=device).expand(count, -1)
    look, _ = _looked(model, far, guide, prompt, box, torch.arange(count, device=device))
    damaged = look.evidence.centre
    state, first = damaged + NOISE * noise(damaged), torch.ones(count, device=device)
    logits = model.denoise(state, first, look, worth=NOWHERE).logits[:, :1]
    height, width = batch.patches.clean.shape[-2:]
    return grow(logits[batch.owner], height, width, batch.box)


def _wide(model: FilmRestorer, batch: Batch) -> tuple[Broad, Guide]:
    broad = model.broad(batch.small.evidence, batch.pattern)
    return broad, guide_of(broad, batch.small.evidence)


def step_loss(model: FilmRestorer, batch: Batch, *, later: bool) -> tuple[Tensor, dict[str, float]]:
    """Loss of one batch: of its small whole frames, and of its patches under their residual and prompt.

    Without patches it is that of the small frames alone.
    """
    small, patches = batch.small, batch.patches
    centre = small.evidence.centre
    made = walk(model, batch) if len(batch.owner) else None
    broad, guide = _wide(model, batch) if made is None else (made.broad, made.guide)
    lit = guide.lit(centre)
    small_loss = broad_loss(broad, lit=lit, clean=small.clean, matte=small.matte)
    told = {"small": float(small_loss.detach())}
    if made is None:
        return small_loss, told | broad_figures(broad, lit=lit, damaged=centre, clean=small.clean, matte=small.matte)
    prediction = predict(model, made.look, made.base, patches.matte, later=later)
    loss, parts = restoration_loss(prediction, clean=made.base, matte=patches.matte)
    parts |= figures(prediction, damaged=patches.evidence.centre, clean=patches.clean, matte=patches.matte)
    return loss + 0.3 * small_loss, parts | told
