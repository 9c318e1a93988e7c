"""What is kept of a shot's frames while its window slides, and to the next job of the same footage."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from torch import Tensor

from frdm_engine.restore.plans import Plans
from frdm_engine.restore.window import Encoded


@dataclass
class Kept:
    """What the restorer has made of frames, by view and number.

    encoded: frames on the device at all their sizes, under the plans they were encoded by; small: small frames, with
    the shape (H, W, 3) of the pictures they were made of; repeats: whether two frames show one photograph.
    """

    encoded: dict[str, tuple[Plans, dict[int, tuple[Encoded, ...]]]] = field(default_factory=dict)
    small: dict[str, tuple[tuple[int, ...], dict[int, Tensor]]] = field(default_factory=dict)
    repeats: dict[tuple[str, int, int], bool] = field(default_factory=dict)

    def of(self, numbers: Collection[int]) -> Kept:
        """What of it was made of these frames alone."""
        return Kept(
            {v: (plans, {n: e for n, e in made.items() if n in numbers}) for v, (plans, made) in self.encoded.items()},
            {v: (size, {n: s for n, s in made.items() if n in numbers}) for v, (size, made) in self.small.items()},
            {pair: known for pair, known in self.repeats.items() if set(pair[1:]) <= set(numbers)},
        )
