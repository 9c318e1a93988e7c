"""Convolutions that add and cut off on their way out: one pass over the result instead of three, on a CPU."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ONE_PASS = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
"""Whether oneDNN's fused convolutions are there; ``torch.compile`` takes the same."""
_TYPES = (torch.float32, torch.bfloat16)


def compute_dtype(like: Tensor) -> torch.dtype:
    """The type convolutions compute in where ``like`` lies: autocast's, else its own."""
    device = like.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else like.dtype


def convolve(
    layer: nn.Conv2d, x: Tensor, *, bias: Tensor | None = None, add: Tensor | None = None, positive: bool = False
) -> Tensor:
    """A layer (B, C, H, W) -> (B, D, h, w); then ``add`` of the result's shape is added; then only what is positive
    is kept. ``bias`` (D,) stands in for the layer's own.
    """
    bias = layer.bias if bias is None else bias
    return convolve_by(
        layer.weight, bias, x, stride=layer.stride[0], padding=int(layer.padding[0]), add=add, positive=positive
    )


def convolve_by(
    weight: Tensor,
    bias: Tensor | None,
    x: Tensor,
    *,
    stride: int = 1,
    padding: int = 0,
    add: Tensor | None = None,
    positive: bool = False,
) -> Tensor:
    """As ``convolve``, by weight (D, C, n, n) and bias (D,)."""
    dtype = compute_dtype(x)
    plain = torch.is_grad_enabled() or x.device.type != "cpu" or not ONE_PASS or dtype not in _TYPES
    if not plain and (add is None or add.dtype == dtype):
        at_once = positive and (add is None or dtype == torch.float32)  # in bfloat16 torch may do only one of the two
        made = _in_one_pass(weight, bias, x, dtype, stride, padding, add, "relu" if at_once else None)
        return made.relu_() if positive and not at_once else made
    out = F.conv2d(x, weight, bias, stride=stride, padding=padding)
    if add is not None:
        out = plus(out, add)
    return F.relu(out, inplace=not torch.is_grad_enabled()) if positive else out


def _in_one_pass(
    weight: Tensor,
    bias: Tensor | None,
    x: Tensor,
    dtype: torch.dtype,
    stride: int,
    padding: int,
    add: Tensor | None,
    last: str | None,
) -> Tensor:
    x, weight = x.to(dtype), weight.to(dtype)
    bias = None if bias is None else bias.to(dtype)
    shape = [padding] * 2, [stride] * 2, [1, 1], 1
    fused = torch.ops.mkldnn._convolution_pointwise
    out: Tensor
    if add is None:
        out = fused.default(x, weight, bias, *shape, last or "none", [], "")
    else:
        out = fused.binary(x, add, weight, bias, *shape, "add", 1.0, last, [], None)
    return out


def plus(new: Tensor, old: Tensor) -> Tensor:
    """Their sum, in place of what was just made where no gradient asks for it and no digits would be lost."""
    return new + old if torch.is_grad_enabled() or new.dtype != old.dtype else new.add_(old)
