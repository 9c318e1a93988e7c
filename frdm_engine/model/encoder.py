"""Condition encoder: turns one frame into features once; the window slides over what it has made.

HaineiFRDM (arXiv 2512.24946) conditions the denoiser on the damaged neighbours; encoding each frame apart
is our way to pay for a frame once instead of once per window and step.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from frdm_engine.model.alignment import luma
from frdm_engine.model.convolve import convolve
from frdm_engine.model.layers import conv

COLUMN_BLUR = 15
"""Pixels: wider than a scratch, narrower than what lies beside it."""
COLUMN_ROWS = 72
"""Rows averaged along a column; a vertical scratch survives the mean, texture does not."""


STEP = 8
"""Rows of the frame to a row of the map as it is kept."""


def column_deviations(frames: Tensor) -> Tensor:
    """Luma of frames (B, 3, H, W) minus its horizontal blur, means of ``STEP`` rows: (B, 1, H / STEP rounded up, W).

    Deviations are clamped before the mean so that one bright edge does not pose as a scratch. Strips of a frame, of
    whole multiples of ``STEP`` rows, may be taken one by one.
    """
    grey = luma(frames.float())
    blurred = F.avg_pool2d(grey, (1, COLUMN_BLUR), stride=1, padding=(0, COLUMN_BLUR // 2), count_include_pad=False)
    deviation = grey.sub_(blurred).clamp_(-0.1, 0.1)
    return F.avg_pool2d(deviation, (STEP, 1), stride=(STEP, 1), ceil_mode=True, count_include_pad=False)


def column_rows(deviations: Tensor) -> Tensor:
    """The column map as it is kept, (B, 1, H / STEP, W): deviations averaged along columns, scaled by 10."""
    span = min(COLUMN_ROWS // STEP, 2 * deviations.shape[-2] - 1) | 1
    return 10 * F.avg_pool2d(deviations, (span, 1), stride=1, padding=(span // 2, 0), count_include_pad=False)


def grow_columns(rows: Tensor, top: int, bottom: int) -> Tensor:
    """Rows ``top`` to ``bottom`` of the column map (B, 1, bottom - top, W), ``top`` a multiple of ``STEP``."""
    first = max(top // STEP - 1, 0)
    part = rows[..., first : -(-bottom // STEP) + 1, :]
    grown = F.interpolate(part, scale_factor=(float(STEP), 1.0), mode="bilinear", align_corners=False)
    return grown[..., top - first * STEP : bottom - first * STEP, :]


def columns(frames: Tensor) -> Tensor:
    """Column maps (B, 1, H, W) of frames (B, 3, H, W): luma minus its horizontal blur, averaged along columns."""
    return grow_columns(column_rows(column_deviations(frames)), 0, frames.shape[-2])


class Encoder(nn.Module):
    """Frame (B, 3, H, W) in model encoding and its column map (B, 1, H, W) -> features (B, C, H/4, W/4)."""

    def __init__(self, channels: int, hidden: int = 48) -> None:
        super().__init__()
        self.first = conv(4 * 16, hidden)
        self.second = conv(hidden, channels)

    def forward(self, frame: Tensor, column_map: Tensor) -> Tensor:
        x = F.pixel_unshuffle(torch.cat((frame - 0.5, column_map), dim=1), 4)
        return convolve(self.second, convolve(self.first, x, positive=True))
