"""Global-local frequency module: patch features meet the whole frame's in the frequency domain.

HaineiFRDM (arXiv 2512.24946, global-local frequency module) keeps textures consistent from patch to patch. Every
patch is compared, frequency by frequency, with the one spectrum of the whole small frame, and its own amplitudes
are gated by what a small network makes of both; phases stay. The transform is windowed (8x8 Hann, half overlap),
so a frequency means the same in a tile of any size and no block edge can show.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from frdm_engine.model.layers import pointwise

WINDOW = 8
HOP = 4


def _hann(device: torch.device) -> Tensor:
    ramp = torch.hann_window(WINDOW, periodic=True, device=device).sqrt()
    return ramp[:, None] * ramp[None]


def _spectra(x: Tensor) -> Tensor:
    """Windowed spectra (B, C, n, m, 8, 5), complex, of (B, C, h, w) with h and w multiples of 4."""
    x = F.pad(x.float(), (HOP,) * 4, mode="replicate")
    patches = x.unfold(2, WINDOW, HOP).unfold(3, WINDOW, HOP)
    return torch.fft.rfft2(patches * _hann(x.device), norm="ortho")


def _overlap_add(spectra: Tensor, height: int, width: int) -> Tensor:
    """Inverse of ``_spectra``: squared root-Hann windows at half overlap sum to one."""
    patches = torch.fft.irfft2(spectra, s=(WINDOW, WINDOW), norm="ortho") * _hann(spectra.device)
    batch, channels, n, m = patches.shape[:4]
    stacked = patches.permute(0, 1, 4, 5, 2, 3).reshape(batch, channels * WINDOW * WINDOW, n * m)
    whole = F.fold(stacked, (height + 2 * HOP, width + 2 * HOP), WINDOW, stride=HOP)
    return whole[..., HOP : HOP + height, HOP : HOP + width]


def _log_amplitude(spectra: Tensor) -> Tensor:
    return torch.log(spectra.real.square() + spectra.imag.square() + 1e-4)


class GlobalLocalFrequency(nn.Module):
    """Patch features (B, C, h, w) and the prompt's feature map (B, D, h', w') -> gated patch features (B, C, h, w)."""

    def __init__(self, channels: int, dim: int, width: int = 32) -> None:
        super().__init__()
        self.narrow = pointwise(channels, width)
        self.narrow_global = pointwise(dim, width)
        self.first = pointwise(2 * width, 2 * width)
        self.bias = nn.Parameter(torch.zeros(2 * width, WINDOW, WINDOW // 2 + 1))
        self.gate = pointwise(2 * width, width, zero=True)
        self.out = pointwise(width, channels)
        nn.init.normal_(self.out.weight, std=0.02)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, global_map: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        tail = (0, -width % HOP, 0, -height % HOP)
        local = F.pad(self.narrow(F.relu(x)).float(), tail, mode="replicate")
        whole = self.narrow_global(F.relu(global_map)).float()
        whole = F.pad(whole, (0, -whole.shape[-1] % HOP, 0, -whole.shape[-2] % HOP), mode="replicate")
        spectra = _spectra(local)
        batch, channels, n, m, rows, bins = spectra.shape
        mine = _log_amplitude(spectra).permute(0, 2, 3, 1, 4, 5).reshape(batch, n * m, channels, rows, bins)
        everyones = _log_amplitude(_spectra(whole)).mean(dim=(2, 3))[:, None].expand(-1, n * m, -1, -1, -1)
        both = torch.cat((mine, everyones), dim=2).flatten(0, 1)
        gate = self.gate(F.relu(self.first(both) + self.bias)).float().tanh()
        gate = gate.reshape(batch, n, m, channels, rows, bins).permute(0, 3, 1, 2, 4, 5)
        changed = _overlap_add(spectra * gate, *local.shape[-2:])[..., :height, :width]
        answer: Tensor = self.out(changed.to(x.dtype))
        return x + answer
