"""Alignment of neighbouring frames on the device: coarse-to-fine block matching, no learned part.

The paper (HaineiFRDM, arXiv 2512.24946, Frame Fusion) observes that noisy optical flow breaks fast limbs.
The motion found here is therefore only *offered* as evidence, with its matching cost beside it; Frame
Fusion learns when to distrust it. It runs at half size, on any torch device, and is deterministic.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from frdm_engine.model.box import box_mean

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
    ys = torch.arange(flow.shape[-2], device=image.device, dtype=torch.float32).view(1, -1, 1) + at[1]
    xs = torch.arange(flow.shape[-1], device=image.device, dtype=torch.float32).view(1, 1, -1) + at[0]
    x = (xs + flow[:, 0]) * (2.0 / max(width - 1, 1)) - 1
    y = (ys + flow[:, 1]) * (2.0 / max(height - 1, 1)) - 1
    grid = torch.stack((x, y), dim=-1)
    return F.grid_sample(image.float(), grid, mode="bilinear", padding_mode="border", align_corners=True)


def _block_mean(x: Tensor) -> Tensor:
    """Mean over BLOCK x BLOCK pixels, edges repeated."""
    return box_mean(x, BLOCK)


def _less_level(x: Tensor) -> Tensor:
    """(B, 1, H, W) less half its local mean over some 24 pixels: flicker hardly looks like motion, yet shades match."""
    coarse = F.avg_pool2d(x, 8, ceil_mode=True, count_include_pad=False)
    coarse = F.avg_pool2d(coarse, 3, stride=1, padding=1, count_include_pad=False)
    grown = F.interpolate(coarse, scale_factor=8.0, mode="bilinear", align_corners=False)
    return x - 0.5 * grown[..., : x.shape[-2], : x.shape[-1]]


def _search(centre: Tensor, moved: Tensor, radius: int, penalty: float) -> tuple[Tensor, Tensor]:
    """Best whole-pixel displacement within ``radius``, then a parabola through the costs beside it.

    Both images (B, 1, H, W). Returns displacement (B, 2, H, W) in pixels and its cost (B, 1, H, W).
    """
    height, width = centre.shape[-2:]
    padded = F.pad(moved, (radius + 1,) * 4, mode="replicate")
    reach = range(-radius, radius + 1)

    def cost(dx: int, dy: int) -> Tensor:
        y, x = dy + radius + 1, dx + radius + 1
        difference = (padded[..., y : y + height, x : x + width] - centre).abs_().clamp_(max=COST_CEILING)
        return _block_mean(difference) + penalty * (abs(dx) + abs(dy))

    costs = {(dx, dy): cost(dx, dy) for dy in reach for dx in reach}
    best = costs[0, 0].clone()
    at = torch.zeros(centre.shape[0], 2, height, width, device=centre.device)
    for (dx, dy), value in costs.items():
        better = value < best
        best = torch.where(better, value, best)
        at = torch.where(better, torch.tensor([dx, dy], dtype=at.dtype, device=at.device).view(1, 2, 1, 1), at)
    return at, best


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
    return _block_mean((a - b).abs().clamp(max=COST_CEILING))


def _box(x: Tensor, radius: int) -> Tensor:
    """Mean over a square of side 2 * radius + 1, edges repeated."""
    return box_mean(x, 2 * radius + 1)


def _smooth(flow: Tensor, image: Tensor, cost: Tensor, radius: int) -> Tensor:
    """Mean of the flow around, each pixel counting by its texture and by how well it matched.

    Flat places and places without a match thus take the motion of those beside them that know.
    """
    dx = F.pad(image[..., 1:] - image[..., :-1], (0, 1, 0, 0))
    dy = F.pad(image[..., 1:, :] - image[..., :-1, :], (0, 0, 0, 1))
    weight = (_box(dx.square() + dy.square(), radius) + 1e-5) / (cost.square() + 1e-4)
    return _box(flow * weight, radius) / _box(weight, radius)


def _choose(a: Tensor, b: Tensor, flow: Tensor) -> Tensor:
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
            error = _box((a - warp(b, candidate)).abs().clamp(max=COST_CEILING), 1)
            weight = ((0.01 + error) / 0.01) ** -8.0
            total, weights = total + weight * candidate, weights + weight
    return total / weights


def _bridge(a: Tensor, b: Tensor, flow: Tensor) -> Tensor:
    """Where nothing matches, under a speck for one, the motion of what matches around it."""
    error = _box((a - warp(b, flow)).abs().clamp(max=2 * COST_CEILING), 1)
    weight = 1 / (error + 0.01).square()
    around = _box(_box(flow * weight, 5), 5) / _box(_box(weight, 5), 5)
    return flow + (around - flow) * ((error - UNMATCHED) / UNMATCHED).clamp(0, 1)


def align(centre: Tensor, neighbour: Tensor) -> tuple[Tensor, Tensor]:
    """Motion from ``centre`` to ``neighbour``, both (B, 3, H, W) float32 in model encoding, H and W even.

    Returns flow (B, 2, H/2, W/2), in half-size pixels, such that ``warp(half(neighbour), flow)`` matches
    half(centre), and the matching cost (B, 1, H/2, W/2) in 0..COST_CEILING, the doubt in that match.
    """
    a, b = (_less_level(F.avg_pool2d(luma(x), 2)) for x in (centre, neighbour))
    pyramid = [(a, b)]
    while len(pyramid) < LEVELS and min(pyramid[-1][0].shape[-2:]) >= 24:
        pyramid.append(tuple(F.avg_pool2d(x, 2, ceil_mode=True) for x in pyramid[-1]))  # type: ignore[arg-type]
    flow = torch.zeros(a.shape[0], 2, *pyramid[-1][0].shape[-2:], device=a.device)
    for level in range(len(pyramid) - 1, -1, -1):
        a, b = pyramid[level]
        coarsest = level == len(pyramid) - 1
        if not coarsest:
            flow = 2 * F.interpolate(flow, scale_factor=2.0, mode="bilinear")[..., : a.shape[-2], : a.shape[-1]]
        moved = b if coarsest else warp(b, flow)
        step, cost = _search(a, moved, COARSE_RADIUS if coarsest else FINE_RADIUS, STEP_PENALTY)
        flow = _smooth(median3(flow + step), a, cost, 2)
        flow = flow + _subpixel(a, warp(b, flow))
        flow = _smooth(flow, a, _match(a, warp(b, flow)), 3)
        if level <= 1:
            flow = _choose(a, b, flow)
    a, b = pyramid[0]
    stays = _match(a, b) <= 1.02 * _match(a, warp(b, flow)) + STILL_MARGIN
    flow = _bridge(a, b, torch.where(stays, torch.zeros_like(flow), flow))
    return flow, _match(a, warp(b, flow))


def upsample_flow(flow: Tensor) -> Tensor:
    """Half-size flow (B, 2, h, w) as full-size flow (B, 2, 2h, 2w) in full-size pixels."""
    return 2 * F.interpolate(flow, scale_factor=2.0, mode="bilinear", align_corners=False)


def upsample_flow_window(flow: Tensor, x0: int, y0: int, x1: int, y1: int) -> Tensor:
    """The window (even corners, full-size pixels) of ``upsample_flow(flow)``, without making the rest."""
    left, top = x0 // 2, y0 // 2
    before_x, before_y = min(left, 2), min(top, 2)
    part = flow[..., top - before_y : y1 // 2 + 2, left - before_x : x1 // 2 + 2]
    grown = upsample_flow(part)
    return grown[..., 2 * before_y : 2 * before_y + y1 - y0, 2 * before_x : 2 * before_x + x1 - x0]
