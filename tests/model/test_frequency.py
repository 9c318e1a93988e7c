"""Windowed spectra lose nothing, and the module moves textures towards the whole frame's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from frdm_engine.model.frequency import GlobalLocalFrequency, _log_amplitude, _overlap_add, _spectra

Wake = Callable[[nn.Module], None]


@pytest.mark.parametrize("size", [(4, 4), (8, 12), (20, 4), (32, 44)])
def test_windowed_spectra_reconstruct_perfectly(size: tuple[int, int]) -> None:
    x = torch.randn(2, 3, *size)
    spectra = _spectra(x)
    assert spectra.shape == (2, 3, size[0] // 4 + 1, size[1] // 4 + 1, 8, 5)
    torch.testing.assert_close(_overlap_add(spectra, *size), x, rtol=0, atol=1e-5)


def test_spectra_keep_the_energy() -> None:
    x = torch.zeros(1, 1, 32, 32)
    x[..., 12:20, 12:20] = torch.randn(8, 8)
    spectra = _spectra(x)
    both_halves = torch.tensor([1.0, 2, 2, 2, 1])  # rfft leaves out the mirrored bins
    energy = (spectra.abs().square() * both_halves).sum()
    torch.testing.assert_close(energy, x.square().sum(), rtol=1e-4, atol=1e-4)


def test_frequency_module_starts_as_the_identity() -> None:
    x = torch.randn(2, 12, 10, 14)
    assert torch.equal(GlobalLocalFrequency(12, 6)(x, torch.randn(2, 6, 9, 11)), x)


def test_frequency_module_hears_the_whole_frame(wake: Wake) -> None:
    module = GlobalLocalFrequency(12, 6)
    wake(module)
    x, whole = torch.randn(1, 12, 16, 16), torch.randn(1, 6, 12, 12)
    assert not torch.allclose(module(x, whole), x)
    assert not torch.allclose(module(x, whole), module(x, 3 * whole), atol=1e-3)


def test_frequency_module_means_the_same_in_a_tile_of_any_size(wake: Wake) -> None:
    module = GlobalLocalFrequency(12, 6)
    wake(module)
    x, whole = torch.randn(1, 12, 24, 32), torch.randn(1, 6, 12, 12)
    of_all, of_tile = module(x, whole), module(x[..., 4:20, 8:28], whole)
    torch.testing.assert_close(of_tile[..., 4:-4, 4:-4], of_all[..., 8:16, 12:24], rtol=1e-4, atol=1e-4)


def test_two_patches_of_one_texture_agree_more_with_the_frequency_module() -> None:
    """Set by hand to move amplitudes towards the whole frame's, as training is free to do."""
    channels = 4
    module = GlobalLocalFrequency(channels, channels, width=channels)
    eye = torch.eye(channels)
    towards = torch.cat((torch.cat((-eye, eye), dim=1), torch.cat((eye, -eye), dim=1)))
    with torch.no_grad():
        for layer, weight in (
            (module.narrow, eye),
            (module.narrow_global, eye),
            (module.first, towards),
            (module.gate, 0.25 * torch.cat((eye, -eye), dim=1)),
            (module.out, eye),
        ):
            layer.weight.copy_(weight[..., None, None])
            assert layer.bias is not None
            layer.bias.zero_()
        for layer in (module.narrow, module.narrow_global):
            assert layer.bias is not None
            layer.bias.fill_(-8)  # textures stand on 8, so that nothing of them is negative
    generator = torch.Generator().manual_seed(7)

    def texture(size: int, contrast: float) -> torch.Tensor:
        return 8 + contrast * torch.randn(1, channels, size, size, generator=generator)

    def spectrum(x: torch.Tensor) -> torch.Tensor:
        return _log_amplitude(_spectra(x - 8)).mean(dim=(2, 3))

    whole, faint, strong = texture(64, 1.0), texture(32, 0.6), texture(32, 1.6)
    apart = (spectrum(faint) - spectrum(strong)).abs().mean()
    with torch.no_grad():
        together = (spectrum(module(faint, whole)) - spectrum(module(strong, whole))).abs().mean()
    assert together < 0.6 * apart
