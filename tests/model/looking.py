"""What the denoiser is given for a window, and what it answers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from frdm_engine.model.denoiser import CLASSES, FilmRestorer, Look, Prediction
from frdm_engine.model.encoder import columns
from frdm_engine.model.frame_fusion import (
    Evidence,
    both_columns,
    gather_evidence,
    move_features,
    quarter_flow,
    window_motion,
)


def evidence_of(window: Tensor) -> Evidence:
    """Evidence of a window (B, T, 3, H, W)."""
    maps = columns(window.flatten(0, 1)).unflatten(0, window.shape[:2])
    return gather_evidence(window, window_motion(window), both_columns(maps))


def look_at(
    model: FilmRestorer,
    window: Tensor,
    *,
    box: tuple[float, float, float, float] = (0, 0, 1, 1),
    residual: Tensor | None = None,
    seen: Tensor | None = None,
    whole: Tensor | None = None,
    force: Tensor | None = None,
) -> Look:
    """What the denoiser is given for a window (B, T, 3, H, W); no residual is one of 0, and nothing seen is 0 too."""
    count, height, width = window.shape[0], *window.shape[-2:]
    maps = columns(window.flatten(0, 1)).unflatten(0, window.shape[:2])
    motion = window_motion(window)
    features = model.encode(window.flatten(0, 1), maps.flatten(0, 1)).unflatten(0, window.shape[:2])
    centre = window[:, window.shape[1] // 2]
    small = centre if whole is None else whole
    with torch.no_grad():
        return model.look(
            gather_evidence(window, motion, both_columns(maps)),
            move_features(features, quarter_flow(motion)),
            residual=torch.zeros_like(centre) if residual is None else residual,
            seen=torch.zeros(count, len(CLASSES), height // 2, width // 2) if seen is None else seen,
            box=torch.tensor(box, dtype=torch.float32).expand(count, 4),
            prompt=model.prompt(small, small),
            force=force,
        )


def answer(
    model: FilmRestorer,
    window: Tensor,
    *,
    previous: Prediction | None = None,
    sigma: float = 1.0,
    hole: Tensor | None = None,
    **given: Any,
) -> Prediction:
    """The network's prediction for the centre of a window (B, T, 3, H, W), without noise."""
    look = look_at(model, window, **given)
    level = torch.full((window.shape[0],), sigma)
    with torch.no_grad():
        return model.denoise(look.evidence.centre, level, look, previous, hole=hole)


def apart(one: Prediction, other: Prediction) -> float:
    """Largest difference of two predictions."""
    return max(float((getattr(one, name) - getattr(other, name)).abs().max()) for name in ("clean", "fill", "logits"))
