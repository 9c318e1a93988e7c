"""How much of the damage a matte finds, and how much of what it finds is damage.

Both sides are given one pixel of tolerance: where the edge of a soft speck lies is a matter of taste.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from frdm_engine.damage import CLASSES
from frdm_engine.errors import InputError
from frdm_engine.evaluation.picture import Array, Mask, Sums, dilate

DAMAGED = 0.05
"""Opacity over which the truth's matte counts as damage."""


@dataclass(frozen=True)
class MatteCounts(Sums):
    """Pixels found and how many of them rightly, pixels damaged and how many of them found."""

    found: int = 0
    right: int = 0
    damaged: int = 0
    recalled: int = 0

    @property
    def precision(self) -> float | None:
        """The share of what was found that is damage; None where nothing was found."""
        return self.right / self.found if self.found else None

    @property
    def recall(self) -> float | None:
        """The share of the damage that was found; None where there is none."""
        return self.recalled / self.damaged if self.damaged else None


def matte_counts(found: Array | Mask, truth: Array, *, over: float = 0.0, damaged: float = DAMAGED) -> MatteCounts:
    """Count one matte (H, W) against the truth's (H, W), both 0..1.

    A pixel is found where `found` exceeds `over`, and damaged where `truth` exceeds `damaged`.

    Raises:
        InputError: the two differ in size.
    """
    if found.shape != truth.shape:
        raise InputError(f"Mattes to be compared must be of one size, not {found.shape} and {truth.shape}.")
    here, there = np.asarray(found > over), np.asarray(truth > damaged)
    return MatteCounts(
        found=int(here.sum()),
        right=int((here & dilate(there)).sum()),
        damaged=int(there.sum()),
        recalled=int((there & dilate(here)).sum()),
    )


def class_counts(found: Array, truth: Array, *, over: float = 0.0, damaged: float = DAMAGED) -> dict[str, MatteCounts]:
    """Count mattes (H, W, 4) against the truth's, class by class, under the names of `CLASSES`.

    Raises:
        InputError: the two differ in size or have not one channel a class.
    """
    if found.shape[-1] != len(CLASSES):
        raise InputError(f"Mattes by class have {len(CLASSES)} channels ({', '.join(CLASSES)}), not {found.shape[-1]}.")
    return {
        name: matte_counts(found[..., kind], truth[..., kind], over=over, damaged=damaged)
        for kind, name in enumerate(CLASSES)
    }
