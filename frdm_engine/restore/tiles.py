"""What the device computes of a frame whose window it holds, tile by tile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from frdm_engine.model.alignment import COST_CEILING, SUPPORT, coarse_motion, fine_motion
from frdm_engine.model.denoiser import FilmRestorer, Worth
from frdm_engine.model.frame_fusion import (
    Box,
    Evidence,
    Motion,
    both_columns,
    gather_evidence,
    move_features,
    part_of,
    quarter_flow,
)
from frdm_engine.model.planes import whole
from frdm_engine.model.small import grow
from frdm_engine.restore.global_residual import Global, sample
from frdm_engine.restore.window import Encoded, columns_of, noise_like
from frdm_engine.tiling import Plan

MARGIN = SUPPORT // 2
"""Half-size pixels around a window: with the halo, which is not delivered, as many as decide a place's motion."""


@dataclass(frozen=True)
class Held:
    """A frame and its window on the device, and what was found in all of it.

    ``window``: 2 * radius + 1 frames in time order; ``motion``: the coarse motion from the middle one to each other;
    ``whole``: what is broad; ``centre`` (1, 3, height, width): the frame with that taken back; ``force`` (1, 1, height,
    width): holes the artist names; ``afar`` (1, 1, height/2, width/2), rounded up: logits of dirt found in the
    frame at half its size; ``worth``: what the filler must run for.
    """

    model: FilmRestorer
    plan: Plan
    window: Sequence[Encoded]
    motion: Sequence[Tensor | None]
    whole: Global
    centre: Tensor
    force: Tensor | None
    afar: Tensor | None
    frame: int
    seed: int
    steps: int
    worth: Worth

    def look(self, box: Box) -> Tensor:
        """Fill and logits (1, 5, h, w) of a part of the padded frame, sides and corners multiples of the plan's."""
        model, plan = self.model, self.plan
        x0, y0, x1, y1 = box
        evidence, features = self._evidence(box)
        scale = torch.tensor((plan.width, plan.height, plan.width, plan.height), device=features.device)
        place = (torch.tensor(box, device=features.device) / scale)[None]
        look = model.look(
            evidence,
            features,
            residual=whole(part_of(self.centre, box)) - evidence.centre,
            seen=grow(self.whole.guide.found, (y1 - y0) // 2, (x1 - x0) // 2, place),
            box=place,
            prompt=self.whole.prompt,
            force=None if self.force is None else part_of(self.force, box).clamp(0, 1),
            afar=None if self.afar is None else self._afar(self.afar, box),
        )
        noise = noise_like(evidence.centre, seed=self.seed, frame=self.frame, x=x0, y=y0, stream=0)
        found = sample(model, look, noise, self.steps, self.worth)
        return torch.cat((found.fill, found.logits), dim=1)

    def _afar(self, logits: Tensor, box: Box) -> Tensor:
        """What was found at half size, in a part of the frame at its own."""
        x0, y0, x1, y1 = box
        height, width = (2 * side for side in logits.shape[-2:])
        scale = torch.tensor((width, height, width, height), device=logits.device)
        return grow(logits, y1 - y0, x1 - x0, (torch.tensor(box, device=logits.device) / scale)[None])

    def _evidence(self, box: Box) -> tuple[Evidence, Tensor]:
        """What the window says of a part of the frame, and its moved features."""
        motion = self._motion(box)
        columns = both_columns([columns_of(e.rows, box) for e in self.window])
        evidence = gather_evidence([e.planes for e in self.window], motion, columns, box)
        corner = (box[0] // 4, box[1] // 4)
        return evidence, move_features([e.features for e in self.window], quarter_flow(motion, box), at=corner)

    def _motion(self, box: Box) -> Motion:
        """The motion in a part of the frame, from the coarse one: what decides it around the part is looked at too."""
        middle = len(self.window) // 2
        own = self.window[middle].levels[0]
        height, width = own.shape[-2:]
        x0, y0, x1, y1 = (side // 2 for side in box)
        around = (max(x0 - MARGIN, 0), max(y0 - MARGIN, 0), min(x1 + MARGIN, width), min(y1 + MARGIN, height))
        others = [e.levels[0] for n, e in enumerate(self.window) if n != middle]
        pairs = [fine_motion(own, other, coarse, around) for other, coarse in zip(others, self.motion, strict=True)]
        return Motion(
            torch.stack([flow for flow, _ in pairs], dim=1),
            torch.cat([cost for _, cost in pairs], dim=1) / COST_CEILING,
            (2 * around[0], 2 * around[1]),
        )


def coarse_motions(window: Sequence[Encoded]) -> list[Callable[[], Tensor | None]]:
    """The works that find the coarse motion from the middle frame of a window to each other one."""
    middle = len(window) // 2
    own = window[middle].levels
    return [partial(coarse_motion, own, other.levels) for n, other in enumerate(window) if n != middle]
