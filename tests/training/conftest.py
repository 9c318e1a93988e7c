"""One small batch of real training examples, and a stream that repeats it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from frdm_engine.damage import PRESETS
from frdm_engine.data.clips import ClipLibrary
from frdm_engine.data.patches import Batch, PatchStream

RADIUS, SMALL = 2, 48


def write_footage(root: Path) -> Path:
    """A texture that moves, as a PNG folder, and its manifest."""
    noise = np.random.default_rng(0).random((420, 500, 3)).astype(np.float32)
    picture = np.clip(128 + 700 * (cv2.GaussianBlur(noise, (0, 0), 3) - 0.5), 0, 255).astype(np.uint8)
    folder = root / "train/video/texture"
    folder.mkdir(parents=True)
    for step in range(6):
        cv2.imwrite(str(folder / f"f{step}.png"), np.roll(picture, 3 * step, axis=1))
    (root / "MANIFEST.tsv").write_text("path\tclass\tlicence\ntrain/video/texture\tfree\tnone\n", encoding="utf-8")
    return root


def stream_of(root: Path, kind: type[PatchStream] = PatchStream) -> PatchStream:
    return kind(
        root=root,
        classes=("free",),
        cache=None,
        recipes=(PRESETS["heavy"],),
        seed=0,
        radius=RADIUS,
        small_side=SMALL,
        size=64,
        frames=1,
        patches=3,
    )


class Repeated(PatchStream):
    """Yields one batch for ever."""

    made: Batch

    def __iter__(self) -> Iterator[Batch]:
        while True:
            yield self.made


@pytest.fixture(scope="session")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a tiny data set."""
    return write_footage(tmp_path_factory.mktemp("footage"))


@pytest.fixture(scope="session")
def batch(footage: Path) -> Batch:
    """One damaged frame and three patches of it."""
    return stream_of(footage).batch(ClipLibrary.open(footage), None, np.random.default_rng(11))


@pytest.fixture(scope="session")
def stream(footage: Path) -> Callable[[], PatchStream]:
    """Makes streams that decode and damage the tiny data set."""
    return lambda: stream_of(footage)


@pytest.fixture(scope="session")
def small_ones(footage: Path) -> PatchStream:
    """A stream that repeats a batch of stained small frames without patches."""
    made = stream_of(footage, Repeated)
    assert isinstance(made, Repeated)
    stained = replace(PRESETS["heavy"].stains, presence=1.0, alive=(3.0, 4.0))
    made.frames, made.patches, made.broad, made.undamaged = 0, 0, 3, 0.0
    made.recipes = (replace(PRESETS["heavy"], stains=stained),)
    made.made = made.batch(ClipLibrary.open(footage), None, np.random.default_rng(7))
    assert bool((made.made.small.matte[:, 2] > 0.5).any())
    return made


@pytest.fixture(scope="session")
def repeated(footage: Path, batch: Batch) -> PatchStream:
    """A stream of the one batch, so that steps cost little."""
    made = stream_of(footage, Repeated)
    assert isinstance(made, Repeated)
    made.made = batch
    return made
