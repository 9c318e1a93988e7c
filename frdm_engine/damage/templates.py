"""Defect shapes cut from real film: a folder of 8-bit alpha PNGs, one sub-folder a kind."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from frdm_engine.errors import InputError

#: Longest side kept in memory, in pixels; defects are drawn at that size or smaller, nearly always.
KEPT = 192


class Templates:
    """Shapes by kind (`hair`, `lint`, `spots`, ...), read when first asked for, then kept shrunk.

    Raises:
        InputError: the folder holds no sub-folder with PNG files.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self._files = {kind.name: sorted(kind.glob("*.png")) for kind in sorted(self.folder.glob("*")) if kind.is_dir()}
        self._files = {kind: files for kind, files in self._files.items() if files}
        self._kept: dict[tuple[str, int], npt.NDArray[np.uint8]] = {}
        if not self._files:
            raise InputError(f"{self.folder} holds no sub-folders of PNG shapes.")

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds this folder offers."""
        return tuple(self._files)

    def shape(self, kinds: tuple[str, ...], rng: np.random.Generator, length: float) -> npt.NDArray[np.float32]:
        """A random shape of one of `kinds`, its longest side `length` pixels, turned and mirrored at random.

        Returns alpha (h, w), float32, 0..1, reaching 1; `kinds` must name at least one kind on offer.

        Raises:
            InputError: the file cannot be read as an image.
        """
        offered = [kind for kind in kinds if kind in self._files]
        kind = offered[int(rng.integers(len(offered)))]
        source = self._read(kind, int(rng.integers(len(self._files[kind]))))
        if rng.random() < 0.5:
            source = source[:, ::-1]
        height, width = source.shape
        scale = max(length, 1.0) / max(height, width)
        # Shrinking and turning are two steps: only area averaging keeps a thin hair whole.
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(source, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        angle = float(rng.uniform(0, 360))
        side = int(np.ceil(np.hypot(*size))) + 2
        turn = cv2.getRotationMatrix2D(((size[0] - 1) / 2, (size[1] - 1) / 2), angle, 1.0)
        turn[:, 2] += (side - size[0]) / 2, (side - size[1]) / 2
        turned = cv2.warpAffine(small, turn, (side, side), flags=cv2.INTER_LINEAR).astype(np.float32)
        peak = float(turned.max())
        return turned / np.float32(peak) if peak else turned

    def _read(self, kind: str, index: int) -> npt.NDArray[np.uint8]:
        kept = self._kept.get((kind, index))
        if kept is None:
            path = self._files[kind][index]
            image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
            if image is None:
                raise InputError(f"{path} is not an image that can be read.")
            scale = min(1.0, KEPT / max(image.shape))
            shrunk = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            kept = self._kept[kind, index] = shrunk.astype(np.uint8)
        return kept
