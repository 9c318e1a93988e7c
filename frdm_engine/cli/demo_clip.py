"""The demo's clip: a photograph filmed by a moving camera, something fast in front, and then damage on top."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import OpenImageIO as oiio

from frdm_engine.damage import Damager, Recipe
from frdm_engine.damage.dirt import DirtSettings
from frdm_engine.damage.fading import FadingSettings
from frdm_engine.damage.flicker import FlickerSettings
from frdm_engine.damage.gate import GateSettings
from frdm_engine.damage.grain import GrainSettings
from frdm_engine.damage.mould import MouldSettings
from frdm_engine.damage.scan import ScanSettings
from frdm_engine.damage.scratches import ScratchSettings
from frdm_engine.damage.splices import SpliceSettings
from frdm_engine.damage.stains import StainSettings
from frdm_engine.damage.tears import TearSettings
from frdm_engine.damage.weave import WeaveSettings
from frdm_engine.data.motion import CameraPath, animate
from frdm_engine.data.objects import paste_objects
from frdm_engine.plates.curves import model_to_linear
from frdm_engine.plates.exr import Part, write_parts

Pixels = npt.NDArray[np.float32]

WIDTH, HEIGHT = 640, 400
FIRST = 1001
SEED = 4
OBJECT_SEED = 2
"""A limb that swings through the picture."""
ENLARGED = 1.3
"""How much larger than its file the photograph is filmed: room for the camera to travel."""
RECIPE = Recipe(
    size_scale=(1.3, 1.3),
    dirt=DirtSettings(
        density=55, shot_spread=0, frame_spread=0.2, burst=0, hair=0.12, lint=0.04, faint=0.25, opacity=(0.8, 1.0)
    ),
    scratches=ScratchSettings(
        presence=1, running=(0, 0), standing=1.6, rain_presence=0, scuff=0, width=(1.2, 2.2), opacity=(0.5, 0.9),
        white=(0.9, 0.9), colour=0, partial=0, broken=0, drift=0,
    ),
    stains=StainSettings(presence=0),
    mould=MouldSettings(presence=0),
    splices=SpliceSettings(chance=0),
    tears=TearSettings(chance=0),
    gate=GateSettings(presence=0),
    flicker=FlickerSettings(presence=0),
    grain=GrainSettings(presence=1, strength=(0.022, 0.022)),
    weave=WeaveSettings(presence=0),
    fading=FadingSettings(presence=0),
    scan=ScanSettings(presence=0),
)  # fmt: skip
"""Visible and local: dirt, hairs and scratches that stand still. All else of a frame is sound, and must stay so."""


@dataclass(frozen=True)
class Clip:
    """`clean` with its grain, and `damaged`: a list of (H, W, 3) scene-linear half floats each."""

    clean: list[npt.NDArray[np.float16]]
    damaged: list[npt.NDArray[np.float16]]


def make_clip(length: int) -> Clip:
    """The clip's frames: the same ones in every run."""
    filmed = _film(length)
    damager = Damager(RECIPE, seed=SEED, height=HEIGHT, width=WIDTH)
    clean, damaged = [], []
    for index, picture in enumerate(filmed):
        truth = damager.grain(FIRST + index, picture.astype(np.float32) / np.float32(255))
        spoiled, _ = damager.frame(FIRST + index, truth)
        clean.append(model_to_linear(truth).astype(np.float16))
        damaged.append(model_to_linear(spoiled).astype(np.float16))
    return Clip(clean, damaged)


def write_plate_of(path: Path, picture: npt.NDArray[np.float16], *, frame: int) -> None:
    """One frame as a scanner would deliver it: half EXR with timecode, rate and the scan's name.

    Raises:
        OutputError: it cannot be written.
    """
    height, width = picture.shape[:2]
    spec = oiio.ImageSpec(width, height, 3, oiio.HALF)
    spec.attribute("compression", "zip")
    spec.attribute("framesPerSecond", oiio.TypeDesc("rational"), (24, 1))
    # Binary-coded: 01:00:00 and the frame of the second.
    index = (frame - FIRST) % 24
    spec.attribute("smpte:TimeCode", oiio.TypeDesc("timecode"), (0x01000000 + index // 10 * 16 + index % 10, 0))
    spec.attribute("reelName", "FRDM-DEMO")
    planes = tuple(np.ascontiguousarray(picture[..., channel]) for channel in range(3))
    write_parts(path, (Part(spec, planes),))


def _film(length: int) -> npt.NDArray[np.uint8]:
    """Frames (T, H, W, 3), sRGB codes: a pan with a slight turn, and an object that crosses it."""
    stored = (resources.files("frdm_engine.cli") / "demo_photo.jpg").read_bytes()
    photo = np.asarray(cv2.imdecode(np.frombuffer(stored, np.uint8), cv2.IMREAD_COLOR_RGB), np.uint8)
    canvas = cv2.resize(photo, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
    time = np.arange(length, dtype=np.float32) - (length - 1) / 2
    path = CameraPath(
        shift=np.stack([5.0 * time, 1.5 * time], axis=1).astype(np.float32),
        turn=(0.002 * time).astype(np.float32),
        zoom=(1.0 - 0.004 * time).astype(np.float32),
    )
    still = np.zeros((length, 2), np.float32)
    frames = animate(np.asarray(canvas, np.uint8), path, height=HEIGHT, width=WIDTH, near=None, drift=still)
    skin = np.asarray(cv2.resize(photo, (WIDTH, HEIGHT)), np.uint8)
    paste_objects(np.random.default_rng(OBJECT_SEED), frames, texture=skin, most=1)
    return frames
