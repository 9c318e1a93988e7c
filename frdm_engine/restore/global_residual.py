"""The low-resolution pass: the whole frame restored small, its correction shared by all tiles.

HaineiFRDM (arXiv 2512.24946): the low-resolution result serves as a global residual against blocky seams. Flicker
and stains, which are broad, are thus mended once for the whole frame, and what neighbouring tiles share at low
frequencies cannot disagree between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from frdm_engine.diffusion.sampling import sample_euler
from frdm_engine.diffusion.schedule import NOISE, sigmas
from frdm_engine.model.denoiser import FilmRestorer, Look, Prediction
from frdm_engine.model.encoder import columns
from frdm_engine.model.frame_fusion import gather_evidence, move_features, quarter_flow, window_motion
from frdm_engine.model.global_prompt import Prompt
from frdm_engine.model.guide import Guide, guide_of
from frdm_engine.restore.window import noise_like


@dataclass(frozen=True)
class Global:
    """The guide of the small whole frame, and the prompt made of it."""

    guide: Guide
    prompt: Prompt


def sample(model: FilmRestorer, look: Look, noise: Tensor, steps: int) -> Prediction:
    """Runs the sampler over one look; each step is told the estimate of the step before. Returns the last step's."""
    latest: Prediction | None = None

    def denoise(state: Tensor, sigma: float) -> Tensor:
        nonlocal latest
        level = torch.full((state.shape[0],), sigma, device=state.device)
        latest = model.denoise(state, level, look, latest)
        return latest.clean

    sample_euler(denoise, look.evidence.centre + NOISE * noise, sigmas(steps))
    assert latest is not None  # noqa: S101 - there is at least one step
    return latest


def low_resolution(model: FilmRestorer, small: list[Tensor], *, seed: int, frame: int, steps: int) -> Global:
    """Restores the small whole frame from its window ``small``, 2 * radius + 1 of (1, 3, h, w), in time order."""
    window = torch.stack(small, dim=1)
    maps = columns(window[0])[None]
    motion = window_motion(window)
    features = model.encode(window[0], maps[0])[None]
    centre = window[:, window.shape[1] // 2]
    evidence = gather_evidence(window, motion, maps)
    look = model.look(
        evidence,
        move_features(features, quarter_flow(motion)),
        residual=None,
        box=torch.tensor([[0.0, 0.0, 1.0, 1.0]], device=centre.device),
        prompt=model.prompt(centre, centre),
    )
    found = sample(model, look, noise_like(centre, seed=seed, frame=frame, x=0, y=0, stream=1), steps)
    guide = guide_of(found, evidence)
    return Global(guide, model.prompt(centre, centre + guide.correction))
