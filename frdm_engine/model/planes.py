"""How numbers lie on a CPU: planes whole, for the sums of many neighbours, or side by side, for convolutions.

Moved from one to the other by OpenCV, several times as fast as torch, which goes through them one at a time.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from frdm_engine.model.convolve import compute_dtype

_BITS = {torch.float32: torch.int32, torch.bfloat16: torch.int16}
"""What OpenCV takes numbers for that it only moves."""
_PAIRS = {torch.float32: np.float64, torch.bfloat16: np.int32}
"""The same for two of them at once."""


def for_opencv(*tensors: Tensor) -> bool:
    """Whether OpenCV can do the work: float32 on a CPU, and no gradient asked for."""
    return all(x.dtype == torch.float32 and _plain(x) for x in tensors)


def _plain(x: Tensor) -> bool:
    return x.device.type == "cpu" and not (torch.is_grad_enabled() and x.requires_grad)


def _side_by_side(x: Tensor) -> bool:
    """Whether OpenCV can take apart what lies channels last."""
    return x.stride(1) == 1 and x.dtype in _BITS and _plain(x)


def _numbers(x: Tensor) -> npt.NDArray[np.generic]:
    made: npt.NDArray[np.generic] = x.detach().view(_BITS[x.dtype]).numpy()
    return made


def whole(x: Tensor) -> Tensor:
    """(B, C, H, W), however it lies, as planes that lie whole."""
    if x.is_contiguous() or not _side_by_side(x):
        return x.contiguous()
    out = torch.empty(x.shape, dtype=x.dtype)
    for own, targets in zip(_numbers(x.permute(0, 2, 3, 1)), _numbers(out), strict=True):
        cv2.split(own, list(targets))
    return out


def beside(parts: Sequence[Tensor]) -> Tensor:
    """Planes (B, c, H, W) side by side, channels last and in the type convolutions compute in: one pass over each."""
    dtype = compute_dtype(parts[0])
    if torch.is_grad_enabled():
        return torch.cat([part.to(dtype) for part in parts], dim=1).contiguous(memory_format=torch.channels_last)
    batch, _, height, width = parts[0].shape
    shape = (batch, sum(part.shape[1] for part in parts), height, width)
    out = torch.empty(shape, dtype=dtype, device=parts[0].device, memory_format=torch.channels_last)
    if out.device.type == "cpu" and dtype in _BITS and all(part.stride(3) == 1 for part in parts):
        planes = [_numbers(part.to(dtype)) for part in parts]
        for index, target in enumerate(_numbers(out.permute(0, 2, 3, 1))):
            cv2.merge([plane for part in planes for plane in part[index]], target)
        return out
    at = 0
    for part in parts:
        out[:, at : at + part.shape[1]].copy_(part)
        at += part.shape[1]
    return out


def grown(x: Tensor, times: int) -> Tensor:
    """(B, C, H, W) that many times as large, bilinear, pixels' centres kept."""
    if not for_opencv(x):
        return F.interpolate(x, scale_factor=float(times), mode="bilinear", align_corners=False)
    batch, count, height, width = x.shape
    out = torch.empty(batch, count, times * height, times * width)
    for own, target in zip(whole(x).flatten(0, 1).detach().numpy(), out.flatten(0, 1).numpy(), strict=True):
        cv2.resize(own, (times * width, times * height), dst=target, interpolation=cv2.INTER_LINEAR)
    return out


def shuffled(x: Tensor) -> Tensor:
    """(B, 4C, H, W) as planes (B, C, 2H, 2W): each four channels are 2x2 pixels."""
    batch, count, height, width = x.shape
    if not _side_by_side(x) or x.stride(3) != count:
        return F.pixel_shuffle(x, 2).contiguous()
    out = torch.empty(batch, count // 4, 2 * height, 2 * width, dtype=x.dtype)
    pair = _PAIRS[x.dtype]  # two channels are two pixels of a row
    for own, planes in zip(_numbers(x.permute(0, 2, 3, 1)).view(pair), _numbers(out).view(pair), strict=True):
        cv2.split(own, [plane[row::2] for plane in planes for row in (0, 1)])
    return out


def shrunk(x: Tensor, times: int) -> Tensor:
    """Means (B, C, H, W) of squares of that many pixels of (B, C, times * H, times * W)."""
    if not for_opencv(x):
        return F.avg_pool2d(x, times)
    batch, count, height, width = x.shape
    size = (width // times, height // times)
    out = torch.empty(batch, count, *size[::-1])
    for own, target in zip(whole(x).flatten(0, 1).detach().numpy(), out.flatten(0, 1).numpy(), strict=True):
        cv2.resize(own, size, dst=target, interpolation=cv2.INTER_AREA)
    return out


def raised(x: Tensor, deep: Tensor) -> Tensor:
    """``x`` (B, C, 2H, 2W), each pixel of ``deep`` (B, C, H, W) added to four of it, in place without gradients."""
    if torch.is_grad_enabled() or x.dtype != deep.dtype:
        return x + F.interpolate(deep, scale_factor=2.0, mode="nearest")
    x.unflatten(3, (-1, 2)).unflatten(2, (-1, 2)).add_(deep[:, :, :, None, :, None])
    return x
