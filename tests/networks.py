"""A tiny network of random weights that finds damage in some places."""

from __future__ import annotations

import torch

from frdm_engine.model.denoiser import FilmRestorer


def tiny_network(
    *, bias: float = -10.0, stains: float | None = None, local: bool = False, **limits: int
) -> FilmRestorer:
    """`bias` on the logits says how much of a frame it thinks is dirty or scratched.

    `stains` is that of stains, told by the small whole frame; a `local` one does not look at it.
    """
    switches = dict.fromkeys(("global_prompt", "frequency", "global_residual"), not local)
    limits = {"small_side": 32, "halo": 16} | limits
    made = FilmRestorer(width=8, features=8, prompt_dim=16, limits=limits, **switches)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in made.parameters():
            spread = 0.7 / max(parameter[0].numel(), 1) ** 0.5 if parameter.ndim > 1 else 0.1
            parameter.copy_(spread * torch.randn(parameter.shape, generator=generator))
        said = made.denoiser.leave
        said.weight *= 40
        said.get_parameter("bias").fill_(bias)
        made.denoiser.filler.leave.weight *= 0.3
        if made.low_resolution is not None and made.hints is not None:
            broad, hints = made.low_resolution.leave, made.hints.leave
            broad.weight[:6] *= 0.3
            broad.weight[6:] *= 240
            hints.weight *= 240
            for leave in (broad.get_parameter("bias")[6:], hints.get_parameter("bias")):
                leave.fill_(bias - 20 if stains is None else stains)
    made.eval()
    return made
