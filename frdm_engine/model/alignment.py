"""Alignment of neighbouring frames on the device: coarse-to-fine block matching, no learned part.

The paper (HaineiFRDM, arXiv 2512.24946, Frame Fusion) observes that noisy optical flow breaks fast limbs.
The motion found here is therefore only *offered* as evidence, with its matching cost beside it; Frame
Fusion learns when to distrust it. It runs at half size, on any torch device, and is deterministic.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from frdm_engine.model.box import box_mean
from frdm_engine.model.planes import for_opencv, grown, whole

LEVELS = 5
"""Pyramid levels, the finest at half size: the reach is about 2 * (3 + 2 + 4 + 8 + 16 * 4) = 160 px."""
COARSE_RADIUS = 4
FINE_RADIUS = 1
BLOCK = 7
DAMPING = 2e-4
"""Added to squared gradients in the sub-pixel step, so that grain does not pass for texture."""
STEP_PENALTY = 0.001
"""Added to the cost of a block for each pixel of its step, so that flat places do not wander."""
AROUND = 4
"""Half-size pixels: from how far off a pixel may take the motion of others."""
UNMATCHED = 0.06
"""Cost, model encoding, from which a place counts as unmatched; wholly at twice that."""
OUTLIER = 0.1
"""Difference, model encoding, from which a pixel counts for little in the sub-pixel step: a speck has no motion."""
STILL_MARGIN = 0.002
"""Standing still is believed over any motion that does not match better by this much, model encoding."""
COST_CEILING = 0.15
"""Matching costs saturate here (model encoding), so that a speck cannot outvote the block it lies in."""


def luma(frames: Tensor) -> Tensor:
    """Brightness (..., 1, H, W) of frames (..., 3, H, W) in model encoding (Rec. 601 weights)."""
    red, green, blue = frames.split(1, dim=-3)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def median3(x: Tensor) -> Tensor:
    """3x3 median of (B, C, H, W) by a fixed sorting network; edges repeat."""
    p = F.pad(x, (1, 1, 1, 1), mode="replicate")
    rows = [p[..., i : i + x.shape[-2], :] for i in range(3)]
    low, mid, high = _sort3(*rows)
    width = x.shape[-1]
    lows, mids, highs = ([t[..., i : i + width] for i in range(3)] for t in (low, mid, high))
    largest_low = torch.maximum(torch.maximum(lows[0], lows[1]), lows[2])
    smallest_high = torch.minimum(torch.minimum(highs[0], highs[1]), highs[2])
    return _sort3(largest_low, _sort3(*mids)[1], smallest_high)[1]


def _sort3(a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    low, high = torch.minimum(a, b), torch.maximum(a, b)
    mid = torch.minimum(high, c)
    return torch.minimum(low, mid), torch.maximum(low, mid), torch.maximum(high, c)


def warp(image: Tensor, flow: Tensor, *, at: tuple[int, int] = (0, 0)) -> Tensor:
    """Samples ``image`` (B, C, H, W) at ``x + flow``, bilinear, float32; flow (B, 2, h, w) in pixels, x first.

    The flow covers the window of the image whose corner is ``at`` = (x, y); edges of the image repeat.
    """
    height, width = image.shape[-2:]
    xs = torch.arange(flow.shape[-1], device=image.device, dtype=torch.float32) + at[0]
    ys = torch.arange(flow.shape[-2], device=image.device, dtype=torch.float32)[:, None] + at[1]
    if image.shape[1] in EXACT and for_opencv(image, flow) and max(*image.shape, *flow.shape) < LARGEST:
        return _remapped(image, (xs + flow[:, 0]).numpy(), (ys + flow[:, 1]).numpy())
    across, down = 2.0 / max(width - 1, 1), 2.0 / max(height - 1, 1)
    grid = flow.new_empty(flow.shape[0], *flow.shape[-2:], 2)
    torch.add(xs * across - 1, flow[:, 0], alpha=across, out=grid[..., 0])
    torch.add(ys * down - 1, flow[:, 1], alpha=down, out=grid[..., 1])
    return F.grid_sample(image.float(), grid, mode="bilinear", padding_mode="border", align_corners=True)


EXACT = (1, 3)
"""Numbers of channels that OpenCV samples exactly, and faster than torch; others it samples at 32nds of a pixel."""
LARGEST = 2**15 - 1
"""Sides OpenCV's sampler can do."""


def _remapped(image: Tensor, xs: npt.NDArray[np.float32], ys: npt.NDArray[np.float32]) -> Tensor:
    """``image`` (B, C, H, W) at the places (B, h, w), by OpenCV: two to three times as fast as torch on a CPU.

    Planes are handed on whole: whatever is computed with pixels that lie in between takes ten times as long.
    """
    out = torch.empty(image.shape[0], *xs.shape[1:], image.shape[1])
    for own, target, x, y in zip(image.detach().permute(0, 2, 3, 1), out.numpy(), xs, ys, strict=True):
        pixels = own.contiguous().numpy()  # a plate's picture lies like this
        cv2.remap(pixels, x, y, cv2.INTER_LINEAR, dst=target, borderMode=cv2.BORDER_REPLICATE)
    return whole(out.permute(0, 3, 1, 2))


def _block_mean(x: Tensor) -> Tensor:
    """Mean over BLOCK x BLOCK pixels, edges repeated."""
    return box_mean(x, BLOCK)


def _less_level(x: Tensor) -> Tensor:
    """(B, 1, H, W) less half its local mean over some 24 pixels: flicker hardly looks like motion, yet shades match."""
    coarse = F.avg_pool2d(x, 8, ceil_mode=True, count_include_pad=False)
    coarse = F.avg_pool2d(coarse, 3, stride=1, padding=1, count_include_pad=False)
    return x - 0.5 * grown(coarse, 8)[..., : x.shape[-2], : x.shape[-1]]


def _search(centre: Tensor, moved: Tensor, radius: int, penalty: float) -> tuple[Tensor, Tensor]:
    """Best whole-pixel displacement within ``radius``; ties stay with the first in raster order.

    Both images (B, 1, H, W). Returns displacement (B, 2, H, W) in pixels and its cost (B, 1, H, W).
    """
    height, width = centre.shape[-2:]
    padded = F.pad(moved, (radius,) * 4, mode="replicate")
    reach = range(-radius, radius + 1)

    def cost(dx: int, dy: int) -> Tensor:
        y, x = dy + radius, dx + radius
        difference = (padded[..., y : y + height, x : x + width] - centre).abs_().clamp_(max=COST_CEILING)
        return _block_mean(difference).add_(penalty * (abs(dx) + abs(dy)))

    best, side = cost(0, 0), len(reach)
    at = torch.full_like(best, radius * side + radius)
    for dy in reach:
        for dx in reach:
            if dx or dy:
                value = cost(dx, dy)
                at = torch.where(value < best, float((dy + radius) * side + dx + radius), at)
                best = torch.minimum(value, best)
    rows = (at / side).floor_()
    return torch.cat((at - side * rows, rows), dim=1).sub_(radius), best


def _subpixel(centre: Tensor, moved: Tensor) -> Tensor:
    """Sub-pixel remainder (B, 2, H, W) in -0.5..0.5 by one damped Lucas-Kanade step over the block."""
    gx = 0.5 * (
        F.pad(moved, (0, 1, 0, 0), mode="replicate")[..., 1:] - F.pad(moved, (1, 0, 0, 0), mode="replicate")[..., :-1]
    )
    gy = 0.5 * (
        F.pad(moved, (0, 0, 0, 1), mode="replicate")[..., 1:, :]
        - F.pad(moved, (0, 0, 1, 0), mode="replicate")[..., :-1, :]
    )
    gt = centre - moved
    trust = 1 / (1 + (gt / OUTLIER).square())
    products = torch.cat((gx * gx, gy * gy, gx * gy, gx * gt, gy * gt), dim=1) * trust
    xx, yy, xy, xt, yt = _block_mean(products).split(1, dim=1)
    xx, yy = xx + DAMPING, yy + DAMPING
    determinant = xx * yy - xy * xy
    step = torch.cat(((yy * xt - xy * yt), (xx * yt - xy * xt)), dim=1) / determinant
    return step.clamp(-0.5, 0.5)


def _match(a: Tensor, b: Tensor) -> Tensor:
    """Matching cost (B, 1, H, W) of two images, 0..COST_CEILING."""
    return _block_mean((a - b).abs_().clamp_(max=COST_CEILING))


def _box(x: Tensor, radius: int) -> Tensor:
    """Mean over a square of side 2 * radius + 1, edges repeated."""
    return box_mean(x, 2 * radius + 1)


def _smooth(flow: Tensor, image: Tensor, cost: Tensor, radius: int) -> Tensor:
    """Mean of the flow around, each pixel counting by its texture and by how well it matched.

    Flat places and places without a match thus take the motion of those beside them that know.
    """
    dx = F.pad(image[..., 1:] - image[..., :-1], (0, 1, 0, 0))
    dy = F.pad(image[..., 1:, :] - image[..., :-1, :], (0, 0, 0, 1))
    weight = (_box(dx.square_().add_(dy.square_()), radius) + 1e-5) / (cost.square() + 1e-4)
    return _weighted(flow, weight, 2 * radius + 1)


def _weighted(flow: Tensor, weight: Tensor, *sides: int) -> Tensor:
    """Weighted mean of the flow (B, 2, H, W) over squares of the sides given, one after the other."""
    both = torch.cat((flow * weight, weight), dim=1)
    for side in sides:
        both = box_mean(both, side)
    return both[:, :2] / both[:, 2:]


def _choose(a: Tensor, b: Tensor, flow: Tensor, at: tuple[int, int]) -> Tensor:
    """Each pixel takes the motion, among its own and those ``AROUND`` pixels off, that explains it best.

    What a block has smoothed over the border of a moving thing snaps back to either side of it.
    """
    height, width = a.shape[-2:]
    padded = F.pad(flow, (AROUND,) * 4, mode="replicate")
    total, weights = torch.zeros_like(flow), torch.zeros_like(a)
    for dy in (-AROUND, 0, AROUND):
        for dx in (-AROUND, 0, AROUND):
            y, x = dy + AROUND, dx + AROUND
            candidate = padded[..., y : y + height, x : x + width]
            error = _box((a - warp(b, candidate, at=at)).abs_().clamp_(max=COST_CEILING), 1)
            weight = (1 + 100 * error).reciprocal_().square_().square_().square_()
            total.addcmul_(weight, candidate)
            weights.add_(weight)
    return total / weights


def _bridge(a: Tensor, b: Tensor, flow: Tensor, at: tuple[int, int]) -> Tensor:
    """Where nothing matches, under a speck for one, the motion of what matches around it."""
    error = _box((a - warp(b, flow, at=at)).abs_().clamp_(max=2 * COST_CEILING), 1)
    around = _weighted(flow, (error + 0.01).square_().reciprocal_(), 11, 11)
    return flow + (around - flow) * ((error - UNMATCHED) / UNMATCHED).clamp_(0, 1)


Pyramid = tuple[Tensor, ...]
"""What is matched of a frame: (B, 1, h, w) from half size down, each level half as large as the one before."""


def pyramid(frame: Tensor) -> Pyramid:
    """The pyramid of a frame (B, 3, H, W) in model encoding, H and W even."""
    return pyramid_of(F.avg_pool2d(luma(frame.float()), 2))


def pyramid_of(half: Tensor) -> Pyramid:
    """The pyramid over a luma of half size (B, 1, H/2, W/2)."""
    levels = [_less_level(half)]
    while len(levels) < LEVELS and min(levels[-1].shape[-2:]) >= 24:
        levels.append(F.avg_pool2d(levels[-1], 2, ceil_mode=True))
    return tuple(levels)


def _step(a: Tensor, b: Tensor, flow: Tensor | None, *, at: tuple[int, int] = (0, 0), choose: bool) -> Tensor:
    """The motion (B, 2, h, w) of one level from that of the level above, brought to its size; None above the coarsest.

    ``a`` (B, 1, h, w) is a window of its frame whose corner is ``at``, ``b`` the whole neighbour.
    """
    if flow is None:
        x, y = at
        moved = b[..., y : y + a.shape[-2], x : x + a.shape[-1]]
        flow = a.new_zeros(a.shape[0], 2, *a.shape[-2:])
        step, cost = _search(a, moved, COARSE_RADIUS, STEP_PENALTY)
    else:
        step, cost = _search(a, warp(b, flow, at=at), FINE_RADIUS, STEP_PENALTY)
    flow = _smooth(median3(flow + step), a, cost, 2)
    flow = flow + _subpixel(a, warp(b, flow, at=at))
    flow = _smooth(flow, a, _match(a, warp(b, flow, at=at)), 3)
    return _choose(a, b, flow, at) if choose else flow


def coarse_motion(a: Pyramid, b: Pyramid) -> Tensor | None:
    """Motion (B, 2, h, w) from one frame to the other at the second level, in its pixels; None if there is but one."""
    flow: Tensor | None = None
    for level in range(len(a) - 1, 0, -1):
        if flow is not None:
            flow = upsample_flow(flow)[..., : a[level].shape[-2], : a[level].shape[-1]]
        flow = _step(a[level], b[level], flow, choose=level == 1)
    return flow


SUPPORT = 32
"""Half-size pixels: how far around it a place's motion is decided, given the coarse motion."""


def fine_motion(
    a: Tensor, b: Tensor, coarse: Tensor | None, box: tuple[int, int, int, int] | None = None
) -> tuple[Tensor, Tensor]:
    """Motion and matching cost of a window of a frame at the first level of their pyramids, (B, 1, h, w) each.

    ``box`` (x0, y0, x1, y1) in half-size pixels, even corners. Further than ``SUPPORT`` from edges that are not the
    frame's the answer is that for the whole frame.
    """
    x0, y0, x1, y1 = box or (0, 0, a.shape[-1], a.shape[-2])
    part, at = (..., slice(y0, y1), slice(x0, x1)), (x0, y0)
    flow = None if coarse is None else upsample_flow_window(coarse, x0, y0, x1, y1)
    here = a[part]
    flow = _step(here, b, flow, at=at, choose=True)
    stays = _match(here, b[part]) <= 1.02 * _match(here, warp(b, flow, at=at)) + STILL_MARGIN
    flow = _bridge(here, b, flow.masked_fill(stays, 0.0), at)
    return flow, _match(here, warp(b, flow, at=at))


def align(centre: Tensor, neighbour: Tensor) -> tuple[Tensor, Tensor]:
    """Motion from ``centre`` to ``neighbour``, both (B, 3, H, W) float32 in model encoding, H and W even.

    Returns flow (B, 2, H/2, W/2), in half-size pixels, such that ``warp(half(neighbour), flow)`` matches
    half(centre), and the matching cost (B, 1, H/2, W/2) in 0..COST_CEILING, the doubt in that match.
    """
    a, b = pyramid(centre), pyramid(neighbour)
    return fine_motion(a[0], b[0], coarse_motion(a, b))


def upsample_flow(flow: Tensor) -> Tensor:
    """Half-size flow (B, 2, h, w) as full-size flow (B, 2, 2h, 2w) in full-size pixels."""
    return 2 * grown(flow, 2)


def upsample_flow_window(flow: Tensor, x0: int, y0: int, x1: int, y1: int) -> Tensor:
    """The window (even corners, full-size pixels) of ``upsample_flow(flow)``, without making the rest."""
    left, top = x0 // 2, y0 // 2
    before_x, before_y = min(left, 2), min(top, 2)
    part = flow[..., top - before_y : y1 // 2 + 2, left - before_x : x1 // 2 + 2]
    large = upsample_flow(part)
    return large[..., 2 * before_y : 2 * before_y + y1 - y0, 2 * before_x : 2 * before_x + x1 - x0]
