"""The restorer's network: Encoder, Frame Fusion, Global Prompt, frequency module and the denoiser, assembled.

After HaineiFRDM (arXiv 2512.24946). Base network, patch size, losses and sampler are not stated there and are ours.
The low-resolution pass mends what is broad; the denoiser then predicts where dirt and scratches are, and the Filler,
told of the hole this makes, what belongs there: real film wherever some can be trusted. How sure the network is of the
damage is said by the matte alone, once.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from frdm_engine.model.encoder import Encoder
from frdm_engine.model.filler import FAINTEST, Filler, hole_of
from frdm_engine.model.frame_fusion import Box, Evidence, FrameFusion, Fused, blind
from frdm_engine.model.frequency import GlobalLocalFrequency
from frdm_engine.model.global_prompt import GlobalPrompt, Prompt, PromptEncoder
from frdm_engine.model.layers import Enter, Residual, conv, fourier, pointwise
from frdm_engine.model.low_resolution import Broad, Hints, LowResolution, broad_of
from frdm_engine.model.planes import raised, shuffled
from frdm_engine.model.rectangles import Rectangle, rectangles
from frdm_engine.model.scout import Scout

CLASSES = ("dirt", "scratch", "stain", "flicker")
LOCAL = 2
"""The first so many of ``CLASSES`` hide the picture and are the denoiser's; the others are broad and filter it."""
SIGMA_BANDS = 8
FORMAT = 4
"""Version of what a checkpoint means; raised when tensors or their use change."""
AFAR_LESS = 1.5
"""By how much logits of dirt count for less where it is seen from afar; see ``seen_from_afar``."""


@dataclass(frozen=True)
class Limits:
    """What a caller must respect, kept beside the weights."""

    radius: int = 2
    """Neighbours on each side of the centre frame."""
    multiple: int = 32
    """Window sizes and corners are multiples of this many pixels."""
    halo: int = 32
    """Pixels at a window's edge that must not be delivered."""
    small_side: int = 192
    """Long side of the small whole frame, pixels; its short side is a multiple of 8."""
    default_steps: int = 1


@dataclass(frozen=True)
class Prediction:
    """clean, fill, mixed (B, 3, H, W) in model encoding; logits (B, 2, H, W) of dirt and scratches.

    fill is what belongs where damage is, mixed the same without the network's own paint, and clean the frame with the
    fill laid in as far as damage is believed. weights (B, C, H, W), summing to 1, of what the fill is mixed from; see
    ``Filler``. hole (B, 1, H, W), 0..1: what the fill was made for.
    """

    clean: Tensor
    fill: Tensor
    mixed: Tensor
    logits: Tensor
    weights: Tensor
    hole: Tensor


@dataclass(frozen=True)
class Worth:
    """What is worth filling: places that hold damage over ``high``, as far as damage over ``low`` hangs together with
    it, probabilities in 0..1."""

    low: float = FAINTEST
    high: float = FAINTEST


EVERY_HOLE = Worth()
"""All that the filler takes for a hole."""
NOWHERE = Worth(2.0, 2.0)
"""Nothing is filled: for a look from afar, which only tells where dirt is."""


@dataclass(frozen=True)
class Look:
    """Everything the denoiser is given besides its state, for one window.

    evidence, fused: of this window, the global residual laid over its centre; residual (B, 3, H, W): that residual,
    model encoding; seen (B, 4, H/2, W/2): probabilities of damage found in the small whole frame; box (B, 4): the
    window in the frame, x0, y0, x1, y1 in 0..1; prompt: of the whole small frame; force (B, 1, H, W): holes the artist
    names; afar (B, 1, H, W): logits of dirt that a look at the frame at half its size came to.
    """

    evidence: Evidence
    fused: Fused
    residual: Tensor
    seen: Tensor
    box: Tensor
    prompt: Prompt
    force: Tensor | None = None
    afar: Tensor | None = None


class Denoiser(nn.Module):
    """U-Net over half, quarter and eighth size; see ``FilmRestorer.denoise`` for its arguments."""

    def __init__(self, *, width: int, neighbours: int, dim: int, prompt: bool, frequency: bool) -> None:
        super().__init__()
        w1, w2, w3 = width, 5 * width // 2, 5 * width
        time = 64
        self.time = nn.Sequential(nn.Linear(2 * SIGMA_BANDS, time), nn.ReLU(), nn.Linear(time, time))
        self.enter = Enter(3 * 3, len(CLASSES) + w1, w1)
        self.down1 = Residual(w1, time)
        self.to2 = conv(w1, w2, stride=2)
        self.join2 = pointwise(2 * width, w2)
        self.down2 = nn.ModuleList([Residual(w2, time), Residual(w2, time)])
        self.to3 = conv(w2, w3, stride=2)
        self.middle = nn.ModuleList([Residual(w3, time), Residual(w3, time), Residual(w3, time)])
        self.prompt = GlobalPrompt(w3, dim) if prompt else None
        self.frequency = GlobalLocalFrequency(w3, dim) if frequency else None
        self.from3 = pointwise(w3, w2)
        self.up2 = nn.ModuleList([Residual(w2, time), Residual(w2, time)])
        self.from2 = pointwise(w2, w1)
        self.up1 = nn.ModuleList([Residual(w1, time), Residual(w1, time)])
        self.leave = conv(w1, 4 * LOCAL, zero=True)
        nn.init.constant_(self.leave.bias, -3.0)  # type: ignore[arg-type]  # at first: change nothing
        self.filler = Filler(neighbours=neighbours, features=w1)

    def forward(
        self,
        state: Tensor,
        sigma: Tensor,
        look: Look,
        previous: Prediction | None,
        hole: Tensor | None,
        worth: Worth,
    ) -> Prediction:
        centre, residual = look.evidence.centre, look.residual
        if previous is None:
            guess, seen = residual, look.seen
        else:
            found = F.avg_pool2d(previous.logits.float().sigmoid(), 2)
            guess, seen = previous.clean - centre, torch.cat((found, look.seen[:, LOCAL:]), dim=1)
        condition = self.time(fourier(sigma[:, None], SIGMA_BANDS))

        x1 = self.enter((state - centre, residual, guess), (seen, look.fused.half))
        x1 = self.down1(x1, condition)
        x2 = self.to2(F.relu(x1)) + self.join2(look.fused.quarter)
        for block in self.down2:
            x2 = block(x2, condition)
        x3 = self.to3(F.relu(x2))
        x3 = self.middle[0](x3, condition)
        if self.prompt is not None:
            x3 = self.prompt(x3, look.box, look.prompt)
        x3 = self.middle[1](x3, condition)
        if self.frequency is not None:
            x3 = self.frequency(x3, look.prompt.map)
        x3 = self.middle[2](x3, condition)
        x2 = raised(x2, self.from3(F.relu(x3)))
        for block in self.up2:
            x2 = block(x2, condition)
        x1 = raised(x1, self.from2(F.relu(x2)))
        for block in self.up1:
            x1 = block(x1, condition)
        x1 = F.relu(x1)
        logits = seen_from_afar(shuffled(self.leave(x1)).float(), look.afar)
        damage = damage_of(logits)
        found = hole_of(damage.detach())
        if look.force is not None:
            found = torch.maximum(found, look.force)
        filled = found if hole is None else torch.where(hole < 0, found, hole)
        if worth == NOWHERE:
            fill, mixed, weights = self._filled(look, x1, filled, [])
        elif self.training or torch.is_grad_enabled() or filled.shape[0] > 1:
            fill, mixed, weights = self.filler(look.evidence, look.fused, x1, filled)
        else:
            where = damage
            for named in (look.force, hole):  # what is named is worth it, found or not
                where = where if named is None else torch.maximum(where, named)
            fill, mixed, weights = self._filled(look, x1, filled, fill_boxes(where, worth))
        return Prediction(centre + damage * (fill - centre), fill, mixed, logits, weights, filled)

    def _filled(self, look: Look, features: Tensor, hole: Tensor, boxes: list[Box]) -> tuple[Tensor, Tensor, Tensor]:
        """The filler's answer in some boxes of a window, the frame elsewhere: cost follows damage."""
        centre = look.evidence.centre
        height, width = centre.shape[-2:]
        if boxes == [(0, 0, width, height)]:
            out: tuple[Tensor, Tensor, Tensor] = self.filler(look.evidence, look.fused, features, hole)
            return out
        idle = self.filler.idle(centre)
        if not boxes:
            return centre, centre, idle
        fill, mixed, weights = centre.clone(), centre.clone(), idle.clone()
        for box in boxes:
            x0, y0, x1, y1 = box
            half, full = (..., slice(y0 // 2, y1 // 2), slice(x0 // 2, x1 // 2)), (..., slice(y0, y1), slice(x0, x1))
            made = self.filler(look.evidence.crop(*box), look.fused.crop(*box), features[half], hole[full])
            for whole, part in zip((fill, mixed, weights), made, strict=True):
                whole[full] = part
        return fill, mixed, weights


FILL_CELL, FILL_MARGIN = 32, 32
"""Pixels: holes are filled in rectangles of such squares, with so much around them to go by."""


def fill_boxes(damage: Tensor, worth: Worth) -> list[Box]:
    """Where the filler must run for probabilities of damage (1, 1, H, W), sides multiples of 4: boxes, or all of it.

    What meets the window's edge counts as sure: it may be so beyond it, in a neighbouring tile.
    """
    height, width = damage.shape[-2:]
    most = F.max_pool2d(damage, FILL_CELL, ceil_mode=True)[0, 0].cpu().numpy()
    _, labels = cv2.connectedComponents((most > worth.low).astype(np.uint8), connectivity=8)
    sure = most > worth.high
    sure[[0, -1]] = sure[:, [0, -1]] = True
    filled = np.unique(labels[sure])
    cells = np.isin(labels, filled[filled > 0])

    def box(part: Rectangle) -> Box:
        x0, y0 = (max(FILL_CELL * side - FILL_MARGIN, 0) for side in (part.x0, part.y0))
        return x0, y0, min(FILL_CELL * part.x1 + FILL_MARGIN, width), min(FILL_CELL * part.y1 + FILL_MARGIN, height)

    def cost(part: Rectangle) -> float:
        x0, y0, x1, y1 = box(part)
        return (x1 - x0) * (y1 - y0) + 2000.0

    made = rectangles(cells, cost, most=0.9 * height * width)
    return [(0, 0, width, height)] if made is None else [box(part) for part in made]


def seen_from_afar(logits: Tensor, afar: Tensor | None) -> Tensor:
    """Logits (B, 2, H, W) of damage, dirt as seen either here or from afar, where blotches have the size of specks.

    Their odds are added up, those from afar (B, 1, H, W) with less weight: what is small is told worse from there, and
    of scratches nothing is taken, as edges look like lines from there.
    """
    if afar is None:
        return logits
    return torch.cat((torch.logaddexp(logits[:, :1], afar - AFAR_LESS), logits[:, 1:]), dim=1)


def damage_of(logits: Tensor) -> Tensor:
    """Probability (B, 1, H, W) of damage that hides the picture, from logits (B, 2, H, W) of dirt and scratches."""
    return 1 - (1 - logits[:, :LOCAL].sigmoid()).prod(dim=1, keepdim=True)


class FilmRestorer(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """The whole network as a ``diffusers`` model: ``from_pretrained``, ``save_pretrained``, safetensors."""

    config_name = "config.json"

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        *,
        width: int = 32,
        features: int = 32,
        prompt_dim: int = 64,
        frame_fusion: bool = True,
        global_prompt: bool = True,
        frequency: bool = True,
        global_residual: bool = True,
        scouted: bool = False,
        normed: bool = False,
        limits: dict[str, int] | None = None,
        classes: tuple[str, ...] = CLASSES,
        format: int = FORMAT,
    ) -> None:
        super().__init__()
        self.limits = Limits(**(limits or {}))
        self.register_to_config(limits=asdict(self.limits))
        neighbours = 2 * self.limits.radius
        self.encoder = Encoder(features)
        self.fusion = FrameFusion(neighbours=neighbours, features=features, channels=width)
        self.low_resolution = LowResolution(neighbours=neighbours, normed=normed) if global_residual else None
        self.prompt_encoder = PromptEncoder(prompt_dim)
        self.denoiser = Denoiser(
            width=width, neighbours=neighbours, dim=prompt_dim, prompt=global_prompt, frequency=frequency
        )
        self.hints = Hints(neighbours=neighbours) if global_residual else None
        self.scout = Scout(neighbours=neighbours) if scouted else None  # learned after the rest: `frdm scout`

    def encode(self, frame: Tensor, column_map: Tensor) -> Tensor:
        """Features (B, C, H/4, W/4) of frames (B, 3, H, W) in model encoding with their column maps (B, 1, H, W)."""
        out: Tensor = self.encoder(frame, column_map)
        return out

    def prompt(self, small: Tensor, restored: Tensor) -> Prompt:
        """Prompt of the small whole frame (B, 3, h, w), h and w multiples of 8, as found and as restored."""
        out: Prompt = self.prompt_encoder(small, restored)
        return out

    def broad(self, evidence: Evidence, pattern: Tensor) -> Broad:
        """What is broad in a small whole frame, from evidence and ``fixed_pattern``; with the module off nothing is."""
        if self.low_resolution is None or self.hints is None:
            zeros = torch.zeros_like(evidence.centre)
            nothing = torch.full_like(zeros[:, :1], -30.0)
            return Broad(zeros + 1, zeros, nothing, nothing.expand(-1, len(CLASSES), -1, -1))
        if not self.config.frame_fusion:
            evidence, pattern = blind(evidence), torch.zeros_like(pattern)
        return broad_of(self.low_resolution, self.hints, evidence, pattern)

    def look(
        self,
        evidence: Evidence,
        features: Tensor,
        *,
        residual: Tensor,
        box: Tensor,
        prompt: Prompt,
        seen: Tensor,
        force: Tensor | None = None,
        afar: Tensor | None = None,
    ) -> Look:
        """Fuses evidence and moved features (B, K + 1, C, H/4, W/4) once for all sampling steps.

        ``residual`` (B, 3, H, W) is laid over the evidence's centre before anything looks at it.
        """
        evidence = replace(evidence, centre=evidence.centre + residual)
        if not self.config.frame_fusion:
            evidence, features = blind(evidence), features[:, :1].expand_as(features)
        return Look(evidence, self.fusion(evidence, features), residual, seen, box, prompt, force, afar)

    def denoise(
        self,
        state: Tensor,
        sigma: Tensor,
        look: Look,
        previous: Prediction | None = None,
        *,
        hole: Tensor | None = None,
        worth: Worth = EVERY_HOLE,
    ) -> Prediction:
        """Clean frame and defect logits from a bridge ``state`` (B, 3, H, W) at noise level ``sigma`` (B,) in 0..1.

        ``previous`` is the estimate of the step before (self-conditioning, Chen et al. 2022, arXiv 2208.04202). The
        fill is made for ``hole`` (B, 1, H, W), 0..1; where that is negative, or None, for what this very call finds.
        Of a single window that is not trained on, only what is ``worth`` it is filled, and the rest left as it is; with
        ``NOWHERE`` nothing is, of any window.
        """
        out: Prediction = self.denoiser(state, sigma, look, previous, hole, worth)
        return out
