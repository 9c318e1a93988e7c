"""The small whole frame: guide of the Global Prompt and ground of the global residual."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def small_size(height: int, width: int, side: int) -> tuple[int, int]:
    """Height and width of the small frame: the long side ``side`` pixels, the short one a multiple of 8 near it."""
    scale = side / max(height, width)
    return max(8, round(height * scale / 8) * 8), max(8, round(width * scale / 8) * 8)


def shrink(frames: Tensor, side: int) -> Tensor:
    """Small frames (B, 3, h, w) of whole frames (B, 3, H, W), by area."""
    return F.interpolate(frames, size=small_size(frames.shape[-2], frames.shape[-1], side), mode="area")


def grow(small: Tensor, height: int, width: int, box: Tensor) -> Tensor:
    """Windows (B, C, height, width) of small frames (B, C, h, w) brought up to size, bilinear.

    ``box`` (B, 4) is each window in its frame, x0, y0, x1, y1 in 0..1 (it may reach past the frame: edges repeat).
    """
    ys = (torch.arange(height, device=small.device) + 0.5) / height
    xs = (torch.arange(width, device=small.device) + 0.5) / width
    y = box[:, 1:2] + ys * (box[:, 3:4] - box[:, 1:2])
    x = box[:, 0:1] + xs * (box[:, 2:3] - box[:, 0:1])
    grid = torch.stack((x[:, None, :].expand(-1, height, -1), y[:, :, None].expand(-1, -1, width)), dim=-1)
    return F.grid_sample(small.float(), 2 * grid - 1, mode="bilinear", padding_mode="border", align_corners=False)
