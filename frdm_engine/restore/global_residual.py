"""The low-resolution pass: what is broad in the whole frame, found and mended small, shared by all tiles.

HaineiFRDM (arXiv 2512.24946): the low-resolution result serves as a global residual against blocky seams. Flicker
and stains are thus taken back once for the whole frame, before any tile looks at it, and what neighbouring tiles share
at low frequencies cannot disagree between them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from frdm_engine.diffusion.sampling import sample_euler
from frdm_engine.diffusion.schedule import NOISE, sigmas
from frdm_engine.model.denoiser import EVERY_HOLE, FilmRestorer, Look, Prediction, Worth
from frdm_engine.model.encoder import columns
from frdm_engine.model.fixed_pattern import fixed_pattern
from frdm_engine.model.frame_fusion import both_columns, gather_evidence, window_motion
from frdm_engine.model.global_prompt import Prompt
from frdm_engine.model.guide import Guide, guide_of
from frdm_engine.model.small import grow
from frdm_engine.restore.matte import Plane, mattes

STRIP = 256
"""Rows of the frame that are mended at a time: gain and offset are never held for all of it."""

GRAY = 3 / 255
"""A small frame whose channels differ by no more, but in one pixel of a thousand, is black and white."""


@dataclass(frozen=True)
class Global:
    """The guide of the small whole frame, and the prompt made of it.

    change (1, 1, h, w), model encoding: by how much taking a stain back alters the channel it alters most.
    """

    guide: Guide
    prompt: Prompt
    change: Tensor


def sample(model: FilmRestorer, look: Look, noise: Tensor, steps: int, worth: Worth = EVERY_HOLE) -> Prediction:
    """Runs the sampler over one look; each step is told the estimate of the step before. Returns the last step's.

    The first step finds the damage: where it finds none, no other is taken.
    """
    latest: Prediction | None = None

    def denoise(state: Tensor, sigma: float) -> Tensor:
        nonlocal latest
        if latest is not None and not bool(latest.hole.any()):
            return latest.clean
        level = torch.full((state.shape[0],), sigma, device=state.device)
        latest = model.denoise(state, level, look, latest, worth=worth)
        return latest.clean

    sample_euler(denoise, look.evidence.centre + NOISE * noise, sigmas(steps))
    assert latest is not None  # noqa: S101 - there is at least one step
    return latest


def low_resolution(model: FilmRestorer, small: Sequence[Tensor], beyond: Sequence[Tensor] = ()) -> Global:
    """What is broad in the small whole frame, from its window: 2 * radius + 1 of (1, 3, h, w), in time order.

    ``beyond``: small frames of the shot near the window, for what stays in its place.
    """
    window = torch.stack(list(small), dim=1)
    centre = window[:, window.shape[1] // 2]
    motion = window_motion(window)
    evidence = gather_evidence(window, motion, both_columns(columns(window[0])[None]))
    guide = _of_its_colours(guide_of(model.broad(evidence, fixed_pattern(window, motion, beyond)), evidence), centre)
    lit = guide.lit(centre)
    change = (guide.gain * lit + guide.offset - lit).abs().amax(dim=1, keepdim=True)
    return Global(guide, model.prompt(centre, guide.base(centre)), change)


def _of_its_colours(guide: Guide, frame: Tensor) -> Guide:
    """The guide for a frame (1, 3, h, w): where that is black and white, taking a stain back must not tint it."""
    spread = frame.amax(dim=1) - frame.amin(dim=1)
    if float(spread.float().flatten().quantile(0.999)) > GRAY:
        return guide
    gain, offset = (plane.mean(dim=1, keepdim=True).expand_as(plane) for plane in (guide.gain, guide.offset))
    return replace(guide, gain=gain, offset=offset)


def broad_mattes(
    guide: Guide,
    change: Tensor,
    height: int,
    width: int,
    *,
    fix: Collection[str],
    strength: float,
    protect: Plane | None,
    usable: npt.NDArray[np.bool_] | None,
    out: Plane | None = None,
) -> Plane:
    """Opacity (2, H, W) of stains and flicker in a frame of that size; the rest as in ``mattes``.

    ``change`` (1, 1, h, w) as in ``Global``.
    """
    whole = torch.tensor([[0.0, 0.0, 1.0, 1.0]], device=guide.stain.device)
    small = torch.cat((guide.stain, guide.flicker, change), dim=1)
    stain, flicker, altered = grow(small, height, width, whole)[0].float().cpu().numpy()
    chance = np.clip(stain, 1e-6, 1 - 1e-6)
    logits = np.log(chance / (1 - chance))[None]
    return mattes(
        ("stain",),
        logits,
        flicker=flicker,
        change=altered,
        fix=fix,
        strength=strength,
        protect=protect,
        usable=usable,
        out=out,
    )


def mend(picture: Plane, guide: Guide, classes: Plane) -> Plane:
    """The picture (H, W, 3), model encoding, with flicker and stains taken back under ``classes`` (2, H, W).

    Where both are 0 it is the picture, bit for bit; where both are 0 everywhere it is the very array.
    """
    if not classes.any():
        return picture
    height, width = picture.shape[:2]
    out = picture.copy()
    for top in range(0, height, STRIP):
        rows = slice(top, min(top + STRIP, height))
        stain, even = classes[:, rows]
        if not (stain.any() or even.any()):
            continue
        box = torch.tensor([[0.0, top / height, 1.0, rows.stop / height]], device=guide.level.device)

        def here(plane: Tensor, rows: slice = rows, box: Tensor = box) -> Plane:
            """A field of the guide in these rows, (h, w, 3)."""
            grown: Plane = grow(plane, rows.stop - rows.start, width, box)[0].permute(1, 2, 0).float().cpu().numpy()
            return grown

        part = out[rows]
        if even.all():
            part += even[..., None] * here(guide.level)
        elif even.any():
            lit = even > 0
            part[lit] += even[lit][:, None] * here(guide.level)[lit]
        where = stain > 0
        if where.any():
            mended = here(guide.gain)[where] * part[where] + here(guide.offset)[where]
            part[where] += stain[where][:, None] * (mended - part[where])
    return out
