"""The low-resolution pass: silent at first, heard in every part of its evidence, and off when switched off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from frdm_engine.model.denoiser import CLASSES, FilmRestorer
from frdm_engine.model.fixed_pattern import CHANNELS
from frdm_engine.model.frame_fusion import Evidence
from frdm_engine.model.low_resolution import Broad
from tests.model.looking import evidence_of

Lively = Callable[..., FilmRestorer]


def broad(model: FilmRestorer, evidence: Evidence, pattern: Tensor | None = None) -> Broad:
    """What is broad in some evidence; no pattern is one of 0."""
    count, _, height, width = evidence.centre.shape
    with torch.no_grad():
        nothing = torch.zeros(count, CHANNELS, height // 2, width // 2)
        return model.broad(evidence, nothing if pattern is None else pattern)


def differ(one: Broad, other: Broad) -> list[float]:
    """Largest difference of gain, offset, the stain and the hints."""
    return [float((getattr(one, name) - getattr(other, name)).abs().max()) for name in vars(one)]


@pytest.mark.parametrize("size", [(8, 8), (24, 40), (72, 96)], ids=str)
@pytest.mark.parametrize("radius", [1, 2])
def test_shapes_of_an_odd_batch(size: tuple[int, int], radius: int, lively: Lively) -> None:
    made = broad(lively(limits={"radius": radius}), evidence_of(torch.rand(3, 2 * radius + 1, 3, *size)))
    assert made.gain.shape == made.offset.shape == (3, 3, *size)
    assert made.stain.shape == (3, 1, *size)
    assert made.hints.shape == (3, len(CLASSES), *size)
    for name, value in vars(made).items():
        assert value.isfinite().all(), name
        assert value.dtype == torch.float32, name


def test_mending_is_gain_and_offset_of_each_channel() -> None:
    gain, offset = (torch.tensor(values).view(1, 3, 1, 1) for values in ([2.0, 1.0, 0.5], [0.0, -0.1, 0.25]))
    frame = torch.full((1, 3, 4, 4), 0.4)
    made = Broad(gain, offset, torch.zeros(1, 1, 4, 4), torch.zeros(1, 4, 4, 4)).mend(frame)
    torch.testing.assert_close(made, torch.tensor([0.8, 0.3, 0.45]).view(1, 3, 1, 1).expand(1, 3, 4, 4))


def test_a_new_network_finds_nothing_broad_and_mends_nothing(window: Tensor) -> None:
    made = broad(FilmRestorer(width=8, features=8, prompt_dim=16), evidence_of(window))
    assert max(float(logits.sigmoid().max()) for logits in (made.stain, made.hints)) < 0.06
    assert torch.equal(made.mend(window[:, 2]), window[:, 2])


def test_each_of_a_batch_stands_alone(lively: Lively) -> None:
    model, windows = lively(), torch.rand(3, 5, 3, 32, 32)
    together, alone = broad(model, evidence_of(windows)), broad(model, evidence_of(windows[1:2]))
    for name, value in vars(alone).items():
        torch.testing.assert_close(getattr(together, name)[1:2], value, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["centre", "aligned", "raw", "columns", "doubt"])
def test_every_part_of_the_evidence_is_heard(name: str, lively: Lively, window: Tensor) -> None:
    model, evidence = lively(), evidence_of(window)
    other = replace(evidence, **{name: torch.rand_like(getattr(evidence, name))})
    assert min(differ(broad(model, evidence), broad(model, other))) > 1e-3


def test_every_channel_of_the_fixed_pattern_is_heard(lively: Lively, window: Tensor) -> None:
    model, evidence = lively(), evidence_of(window)
    height, width = window.shape[-2:]
    for channel in range(CHANNELS):
        pattern = torch.zeros(1, CHANNELS, height // 2, width // 2)
        pattern[:, channel] = 0.3
        *stain, hints = differ(broad(model, evidence), broad(model, evidence, pattern))
        assert min(stain) > 1e-4, channel
        assert hints == 0  # what the denoiser is told does not depend on it


def test_a_stain_is_looked_at_from_afar(lively: Lively, window: Tensor) -> None:
    """A change in one corner is heard some 40 pixels off: a stain is told by what surrounds it."""
    model, evidence = lively(), evidence_of(window)
    other = evidence.centre.clone()
    other[..., :8, :8] = 1 - other[..., :8, :8]
    heard = (broad(model, evidence).stain - broad(model, replace(evidence, centre=other)).stain).abs()
    assert float(heard[..., 40:, 40:48].max()) > 1e-5


def test_without_frame_fusion_neighbours_do_not_matter_at_all(lively: Lively, window: Tensor) -> None:
    other = torch.rand_like(window)
    other[:, 2] = window[:, 2]
    evidence, strange = evidence_of(window), evidence_of(other)
    blindly, seeing = lively(frame_fusion=False), lively()
    pattern = torch.rand(1, CHANNELS, *(side // 2 for side in window.shape[-2:]))
    assert differ(broad(blindly, evidence), broad(blindly, strange, pattern)) == [0, 0, 0, 0]
    assert min(differ(broad(seeing, evidence), broad(seeing, strange))) > 1e-2


def test_switched_off_there_is_no_network_and_nothing_is_broad(lively: Lively, window: Tensor) -> None:
    without, whole = lively(global_residual=False), lively()
    gone = {name for name, _ in whole.named_parameters()} - {name for name, _ in without.named_parameters()}
    assert gone
    assert all(name.startswith(("low_resolution.", "hints.")) for name in gone)
    made = broad(without, evidence_of(window))
    assert made.hints.shape == (1, len(CLASSES), *window.shape[-2:])
    assert max(float(logits.sigmoid().max()) for logits in (made.stain, made.hints)) < 1e-9
    assert torch.equal(made.mend(window[:, 2]), window[:, 2])
    assert not torch.allclose(broad(whole, evidence_of(window)).mend(window[:, 2]), window[:, 2], atol=0.01)
