"""Plates to measure on: a filmed photograph with real motion and grain, and as much damage as is asked for."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import OpenImageIO as oiio

from frdm_engine.damage import Damager, Recipe
from frdm_engine.damage.dirt import DirtSettings
from frdm_engine.damage.grain import GrainSettings
from frdm_engine.data.motion import CameraPath, animate
from frdm_engine.data.objects import paste_objects
from frdm_engine.errors import OutputError
from frdm_engine.plates import Sequence
from frdm_engine.plates.curves import model_to_linear

LEVELS = ("clean", "light", "medium", "heavy")
COMPRESSIONS = ("zip", "piz", "none", "dwaa")
FIRST = 1001
SEED = 4
OBJECT_SEED = 2
"""A limb that swings through the picture."""
GRAIN = GrainSettings(presence=1, strength=(0.022, 0.022))
ENLARGED = 1.3
"""How much larger than the frame the photograph lies before the camera: room to travel."""
REFERENCE_WIDTH = 640
"""The camera's speed is that of the demo, in widths of the frame."""

Half = npt.NDArray[np.float16]


@dataclass(frozen=True)
class Film:
    """Frames (H, W, 3) of one shot, scene-linear half floats."""

    pictures: tuple[Half, ...]

    def write(self, folder: Path, *, compression: str = "zip", length: int | None = None) -> Sequence:
        """The film as EXR plates; more frames than there are go there and back again, as links to the same files.

        Raises:
            OutputError: a plate cannot be written.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            made = [folder / f"plate.{FIRST + index}.exr" for index in range(len(self.pictures))]
            for path, picture in zip(made, self.pictures, strict=True):
                _write(path, picture, compression=compression)
            for index in range(len(made), length or len(made)):
                os.link(made[there_and_back(index, len(made))], folder / f"plate.{FIRST + index}.exr")
        except OSError as error:
            raise OutputError(f"{folder} cannot be written ({error.strerror}); choose another folder.") from error
        return Sequence.find(folder / "plate.####.exr")


def there_and_back(index: int, count: int) -> int:
    """Which of ``count`` frames comes at ``index`` when they are run forwards and backwards in turn."""
    if count == 1:
        return 0
    at = index % (2 * count - 2)
    return min(at, 2 * count - 2 - at)


def recipe_of(level: str) -> Recipe:
    """The preset of that name, without what strikes single frames only: all frames cost alike."""
    preset = Recipe.load("medium" if level == "clean" else level)
    quiet = replace(
        preset,
        splices=replace(preset.splices, chance=0),
        tears=replace(preset.tears, chance=0),
        gate=replace(preset.gate, presence=0),
        scan=replace(preset.scan, presence=0),
        weave=replace(preset.weave, presence=0),
        fading=replace(preset.fading, presence=0),
        grain=GRAIN,
    )
    if level != "heavy":
        return quiet
    return replace(quiet, dirt=DirtSettings(density=300, shot_spread=0, frame_spread=0.1, opacity=(0.8, 1.0)))


def make_film(photo: npt.NDArray[np.uint8], *, width: int, height: int, frames: int, level: str) -> Film:
    """A photograph (h, w, 3), sRGB codes, filmed and damaged: the same film in every run."""
    filmed = _filmed(photo, width=width, height=height, frames=frames)
    damager = Damager(recipe_of(level), seed=SEED, height=height, width=width)
    pictures = []
    for index, picture in enumerate(filmed):
        plain = picture.astype(np.float32) / np.float32(255)
        made = damager.process(FIRST + index, plain, damage=level != "clean")
        pictures.append(model_to_linear(made.plate).astype(np.float16))
    return Film(tuple(pictures))


def _filmed(photo: npt.NDArray[np.uint8], *, width: int, height: int, frames: int) -> npt.NDArray[np.uint8]:
    """Frames (T, H, W, 3) of a pan with a slight turn over the photograph, and an object that crosses it."""
    speed = width / REFERENCE_WIDTH
    time = np.arange(frames, dtype=np.float32) - (frames - 1) / 2
    time = np.clip(time, -8, 8)  # farther than that there is no picture
    path = CameraPath(
        shift=np.stack([5.0 * speed * time, 1.5 * speed * time], axis=1).astype(np.float32),
        turn=(0.002 * time).astype(np.float32),
        zoom=(1.0 - 0.004 * time).astype(np.float32),
    )
    made = animate(
        _canvas(photo, width=width, height=height),
        path,
        height=height,
        width=width,
        near=None,
        drift=np.zeros((frames, 2), np.float32),
    )
    skin = np.asarray(cv2.resize(photo, (width, height)), np.uint8)
    paste_objects(np.random.default_rng(OBJECT_SEED), made, texture=skin, most=1)
    return made


def _canvas(photo: npt.NDArray[np.uint8], *, width: int, height: int) -> npt.NDArray[np.uint8]:
    """The photograph, no more than doubled, mirrored side by side until it fills what the camera sees."""
    wide, high = int(width * ENLARGED), int(height * ENLARGED)
    factor = min(max(wide / photo.shape[1], high / photo.shape[0]), 2.0)
    large = cv2.resize(photo, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    rows, columns = (_mirrored(size, have) for size, have in ((high, large.shape[0]), (wide, large.shape[1])))
    return np.ascontiguousarray(large[rows][:, columns], np.uint8)


def _mirrored(size: int, have: int) -> npt.NDArray[np.int64]:
    at = np.arange(size) % (2 * have)
    return np.minimum(at, 2 * have - 1 - at)


def _write(path: Path, picture: Half, *, compression: str) -> None:
    height, width = picture.shape[:2]
    spec = oiio.ImageSpec(width, height, 3, oiio.HALF)
    spec.attribute("compression", compression)
    spec.attribute("framesPerSecond", oiio.TypeDesc("rational"), (24, 1))
    out = oiio.ImageOutput.create(str(path))
    if out is None or not (
        out.open(str(path), spec) and out.write_image(np.ascontiguousarray(picture)) and out.close()
    ):
        raise OutputError(f"{path} cannot be written ({oiio.geterror() if out is None else out.geterror()}).")
