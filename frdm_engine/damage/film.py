"""Film density: what dirt on a print, dirt on a negative and scraped emulsion do to a display-like code value.

The model, per colour channel, for code values p of 0..1 as a display would show them:

    transmission  t = FLOOR + (1 - FLOOR) * p ** 2         density  D = -log10 t

The square stands for the 2.0 to 2.4 of displays: a square root is many times as quick as a power. FLOOR, the light
that scatters in lens and scanner, bounds black at D 2.4, less than the 3.5 to 4 of a projected print (ISO 5-3
status A): what a scan holds of it. 1.0 is clear film. So much for light; a shape's edge is mixed in code values,
where its softness is stated.

The colour layers of a print, from the emulsion's surface down, are magenta, cyan, yellow; of a negative yellow,
magenta, cyan (Kodak, data sheets of 2383 and 5219). A scratch into a print therefore turns green, then yellow, then
clear; one into a negative prints yellow, then red, then black.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
#: From code values (h, w, 3) to those a defect would make of them.
Law = Callable[[Array], Array]

FLOOR = 0.004
BLACK = float(-np.log10(FLOOR))
_SPILL = np.float32(FLOOR / (1 - FLOOR))

#: Channels, red green blue, in the order in which a scratch from the emulsion side takes their layers.
PRINT_LAYERS, NEGATIVE_LAYERS = (1, 0, 2), (2, 1, 0)


def density(code: npt.ArrayLike) -> Array:
    """Density D, 0..2.4, of code values; those under 0 count as black, those over 1 as less than clear film."""
    code = np.maximum(np.asarray(code, np.float32), 0)
    return np.asarray(-np.log10(np.float32(FLOOR) + np.float32(1 - FLOOR) * code * code), np.float32)


def code(density: npt.ArrayLike) -> Array:
    """The code value of a density D; the inverse of `density` for 0 and above."""
    light = (10.0 ** -np.asarray(density, np.float64) - FLOOR) / (1 - FLOOR)
    return np.sqrt(np.maximum(light, 0)).astype(np.float32)


def takes_light(added: float | Array) -> Law:
    """Something dark on a print: adds density `added`, in D, one for all channels or (3,)."""
    passed = np.float32(10) ** -np.asarray(added, np.float32)
    spill = _SPILL * (1 - passed)

    def law(plate: Array) -> Array:
        return np.asarray(np.sqrt(np.maximum(plate * np.maximum(plate, 0) * passed - spill, 0)), np.float32)

    return law


def gives_light(removed: float | Array) -> Law:
    """Something dark on a negative: takes density `removed`, in D, from the print, down to clear film."""
    gain = np.float32(10) ** np.asarray(removed, np.float32)
    spill = _SPILL * (gain - 1)

    def law(plate: Array) -> Array:
        light = plate * np.maximum(plate, 0) * gain + spill
        return np.asarray(np.maximum(np.minimum(np.sqrt(light), 1), plate), np.float32)

    return law


def loses_dye(share: float | Array) -> Law:
    """Scraped emulsion: `share` 0..1 of each layer's dye is gone, one for all channels or (3,)."""
    kept = 1 - np.asarray(share, np.float32)

    def law(plate: Array) -> Array:
        light = np.float32(FLOOR) + np.float32(1 - FLOOR) * np.square(np.maximum(plate, 0))
        light = (np.power(light, kept) - np.float32(FLOOR)) * np.float32(1 / (1 - FLOOR))
        return np.asarray(np.maximum(np.sqrt(np.maximum(light, 0)), plate), np.float32)

    return law


def depth(deep: float, layers: tuple[int, int, int]) -> Array:
    """What share of the three layers (3,), by channel, is gone where a scratch is `deep`, 0..1."""
    shares = np.zeros(3, np.float32)
    shares[list(layers)] = np.clip(3 * deep - np.arange(3), 0, 1)
    return shares


def bleached(plate: Array) -> Array:
    """How much a code value gains for each small share of its dye that is lost, fitted: -p ln p with the floor."""
    tone = np.clip(plate, 0, 1)
    return np.asarray(np.sqrt(tone + np.float32(0.01)) * (1 - tone), np.float32)
