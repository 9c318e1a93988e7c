"""Condition encoder: turns one frame into features once; the window slides over what it has made.

HaineiFRDM (arXiv 2512.24946) conditions the denoiser on the damaged neighbours; encoding each frame apart
is our way to pay for a frame once instead of once per window and step.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from frdm_engine.model.alignment import luma
from frdm_engine.model.layers import conv

COLUMN_BLUR = 15
"""Pixels: wider than a scratch, narrower than what lies beside it."""
COLUMN_ROWS = 72
"""Rows averaged along a column; a vertical scratch survives the mean, texture does not."""


def columns(frames: Tensor) -> Tensor:
    """Column deviations (B, 1, H, W) of frames (B, 3, H, W): luma minus its horizontal blur, averaged along columns.

    Deviations are clamped before the mean so that one bright edge does not pose as a scratch; scaled by 10.
    """
    grey = luma(frames.float())
    height = grey.shape[-2]
    blurred = F.avg_pool2d(grey, (1, COLUMN_BLUR), stride=1, padding=(0, COLUMN_BLUR // 2), count_include_pad=False)
    deviation = (grey - blurred).clamp_(-0.1, 0.1)
    rows = F.avg_pool2d(deviation, (8, 1), stride=(8, 1), ceil_mode=True, count_include_pad=False)
    span = min(COLUMN_ROWS // 8, 2 * rows.shape[-2] - 1) | 1
    rows = F.avg_pool2d(rows, (span, 1), stride=1, padding=(span // 2, 0), count_include_pad=False)
    grown = F.interpolate(rows, scale_factor=(8.0, 1.0), mode="bilinear", align_corners=False)
    return 10 * grown[..., :height, :]


class Encoder(nn.Module):
    """Frame (B, 3, H, W) in model encoding and its column map (B, 1, H, W) -> features (B, C, H/4, W/4)."""

    def __init__(self, channels: int, hidden: int = 48) -> None:
        super().__init__()
        self.first = conv(4 * 16, hidden)
        self.second = conv(hidden, channels)

    def forward(self, frame: Tensor, column_map: Tensor) -> Tensor:
        x = F.pixel_unshuffle(torch.cat((frame - 0.5, column_map), dim=1), 4)
        out: Tensor = self.second(F.relu(self.first(x)))
        return out
