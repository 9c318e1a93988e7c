"""What decides a frame's pixels, as a hash: the sidecar vouches for a frame only while it is still the same (C5)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frdm_engine.restore.job import Checked, Job, mask_path
from frdm_engine.restore.ledger import digest, fingerprint
from frdm_engine.restore.patience import Patience
from frdm_engine.restore.reader import Reader
from frdm_engine.restore.restorer import Restorer
from frdm_engine.version import __version__

Masks = dict[str, list[Any] | None]
"""What the masks of a frame are known by, by their names."""


@dataclass(frozen=True)
class Vouching:
    """The keys of one job's frames."""

    job: Job
    restorer: Restorer
    checked: Checked
    reader: Reader
    patience: Patience

    def masks(self, frame: int) -> Masks:
        """What the files of a frame's masks are known by now."""
        masks = {"protect": self.job.protect, "force": self.job.force}
        return {name: None if mask is None else self._known(mask_path(mask, frame)) for name, mask in masks.items()}

    def key(self, frame: int, *, read: bool, masks: Masks) -> str:
        """Hash of everything that decides the frame's pixels; plates that were ``read`` count as they were then."""
        job, restorer = self.job, self.restorer
        reach = restorer.reach + (1 if job.cuts is None else 0)
        near = {n: self.reader.mark(n) if read else None for n in self.reader.near(frame, reach)}
        return digest(
            {
                "frame": frame,
                "inputs": [mark or self._known(job.source.path(n)) for n, mark in near.items()],
                "masks": masks,
                "cuts": job.cuts,
                "layer": job.layer,
                "colourspace": self.checked.space.name,
                **self.checked.ocio,
                "settings": restorer.settings.record() | {"steps": restorer.steps},
                "model": restorer.loaded.sha256,
                "precision": str(restorer.precision),
                "code": __version__,
            }
        )

    def _known(self, path: Path) -> list[Any]:
        return self.patience.read(path, lambda: fingerprint(path))
