"""What is left to do on the host once a frame was looked at: mattes, grain, the repaired picture.

It needs no device, so it is done while the device looks at the next frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from frdm_engine.model.denoiser import CLASSES, LOCAL
from frdm_engine.restore.grain import lay_missing, measure
from frdm_engine.restore.lines import Laid
from frdm_engine.restore.matte import mattes, opacity
from frdm_engine.restore.scouting import Found
from frdm_engine.restore.settings import Settings
from frdm_engine.restore.window import Picture


@dataclass(frozen=True)
class Masks:
    """What the artist and the plate say, (H, W) each: see ``Restorer.restore``."""

    protect: Picture | None
    force: Picture | None
    usable: npt.NDArray[np.bool_] | None


@dataclass(frozen=True)
class Restored:
    """A restored frame, model encoding. picture (H, W, 3); mattes (4, H, W) opacity per class; alpha (H, W) of all.

    ``picture`` equals the input where ``alpha`` is 0. ``sampled`` is the share of the tiles' pixels that was looked at.
    """

    picture: Picture
    mattes: Picture
    alpha: Picture
    sampled: float


class Looked:
    """A frame that was looked at, to be finished once.

    base (H, W, 3): the frame with what is broad taken back, ``shared`` where it is the input itself and must stay;
    classes (4, H, W): mattes of what is broad, the others still zeros; found: dirt, scratches and what belongs there.
    """

    def __init__(
        self,
        frame: int,
        *,
        base: Picture,
        shared: bool,
        classes: Picture,
        found: Found,
        sampled: float,
        settings: Settings,
        masks: Masks,
    ) -> None:
        self.frame, self.settings, self.masks, self.sampled = frame, settings, masks, sampled
        self._base, self._shared, self._classes, self._found = base, shared, classes, found

    @property
    def bytes(self) -> int:
        """What its restored frame takes of the host's memory."""
        return self._base.nbytes + self._classes.nbytes + self._classes[0].nbytes

    def finish(self) -> Restored:
        """The restored frame; what it was made from is let go."""
        base, classes, settings = self._base, self._classes, self.settings
        fill = self._found.fill.transpose(1, 2, 0)
        local = mattes(
            CLASSES[:LOCAL],
            self._found.logits,
            fix=settings.fix,
            strength=settings.strength,
            laid=Laid(base, fill),
            **vars(self.masks),
            out=classes[:LOCAL],
        )
        out = base.copy() if self._shared else base
        del self._found, self._base, self._classes, base  # its logits are not needed any more, and large
        self._composite(out, fill, opacity(local))
        return Restored(out, classes, opacity(classes), self.sampled)

    def _composite(self, out: Picture, fill: Picture, local: Picture) -> None:
        """Lays repairs into the base under their matte (H, W); where that is 0 it stays. Grain is laid on fill."""
        touched = local > 0
        if not touched.any():
            return
        grain, settings = measure(out, ~touched), self.settings
        if grain is not None:
            lay_missing(fill, local, grain, amount=settings.grain, seed=settings.seed, frame=self.frame)
        share = local[touched][:, None]
        out[touched] += share * (fill[touched] - out[touched])
