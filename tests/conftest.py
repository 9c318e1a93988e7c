"""What every test shares: fixed seeds and threads, and no GPU tests without a GPU."""

from __future__ import annotations

import random

import hypothesis
import numpy as np
import pytest
import torch

# Sums depend on how they are split among threads: fix the number, so that a test's result is every machine's.
torch.set_num_threads(1)

hypothesis.settings.register_profile("frdm", deadline=None, derandomize=True, max_examples=50)
hypothesis.settings.load_profile("frdm")


@pytest.fixture(autouse=True)
def _seeded() -> None:
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - libraries under test may draw from it
    torch.manual_seed(0)
    torch.set_num_threads(1)  # a command that ran in an earlier test took all cores there are


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is marked `gpu` where there is none."""
    if not torch.cuda.is_available():
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))
