"""What only a CUDA device can show: the budget holds, and results repeat."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch

from frdm_engine import Restorer, Settings

pytestmark = pytest.mark.gpu


def _window(height: int, width: int) -> dict[int, npt.NDArray[np.float32]]:
    rng = np.random.default_rng(3)
    base = rng.random((height // 8, width // 8, 3), dtype=np.float32).repeat(8, axis=0).repeat(8, axis=1)
    frames = {number: np.ascontiguousarray(np.roll(base, 2 * number, axis=1)) for number in range(5)}
    frames[2][40:46, 60:66] = 1.0
    return frames


@pytest.mark.parametrize(("height", "width", "budget"), [(1080, 1920, 4), (3112, 4096, 8), (4320, 8192, 24)])
def test_peak_memory_stays_under_the_budget(height: int, width: int, budget: int) -> None:
    restorer = Restorer.from_pretrained(device="cuda", settings=Settings(vram=budget * 2**30))
    torch.cuda.reset_peak_memory_stats()
    restorer.restore(_window(height, width), 2)
    assert torch.cuda.max_memory_allocated() <= budget * 2**30


def test_the_same_frame_twice_is_the_same() -> None:
    window = _window(480, 640)
    first, second = (Restorer.from_pretrained(device="cuda").restore(window, 2).picture for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_the_processor_agrees_within_rounding() -> None:
    window = _window(256, 320)
    there = Restorer.from_pretrained(device="cuda").restore(window, 2)
    here = Restorer.from_pretrained(device="cpu").restore(window, 2)
    assert float(np.abs(there.picture - here.picture).mean()) < 2e-3
