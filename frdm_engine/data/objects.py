"""Things that pass in front of the camera: limbs, poles, wires, wheels, fences, sparks, rain, lettering.

They are part of the clean truth. Each is drawn anew in every frame, averaged over the open shutter, so that
occlusion and motion blur come out as a camera would record them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from frdm_engine.data.frames import Pixels
from frdm_engine.data.shapes import SHAPES, Shape

Floats = npt.NDArray[np.float64]


class Pose(NamedTuple):
    """An object's middle in pixels and its angle in radians."""

    x: float
    y: float
    angle: float


class Region(NamedTuple):
    """A rectangle of the picture."""

    left: int
    top: int
    height: int
    width: int


Cover = Callable[[Pose, Region], Pixels]


@dataclass(frozen=True)
class Flight:
    """Where an object's middle is at time `t`, in frames from the middle of the window."""

    middle: Floats
    velocity: Floats
    bend: Floats
    angle: float
    spin: float

    def at(self, t: float) -> Pose:
        """The pose at time `t`."""
        x, y = self.middle + t * self.velocity + 0.5 * t * t * self.bend
        return Pose(float(x), float(y), self.angle + self.spin * t)


def paste_objects(rng: np.random.Generator, frames: Pixels, *, texture: Pixels, most: int = 3) -> None:
    """Draw one to `most` moving objects into (T, H, W, 3) uint8 RGB, in place; some wear `texture`."""
    height, width = frames.shape[1:3]
    names = list(SHAPES)
    odds = np.array([SHAPES[name].odds for name in names])
    for _ in range(1 + int(rng.integers(most))):
        kind = SHAPES[names[int(rng.choice(len(names), p=odds / odds.sum()))]]
        shape = kind.make(rng, height, width)
        flight = _fly(rng, shape, height=height, width=width)
        cover = _cover(rng, shape, texture)
        _film(frames, shape, flight, cover, shutter=rng.uniform(0.15, 0.6), focus=rng.uniform(0.0, 0.9))


def _fly(rng: np.random.Generator, shape: Shape, *, height: int, width: int) -> Flight:
    slow, fast = shape.speed
    speed = np.exp(rng.uniform(np.log(slow), np.log(fast))) if slow < fast else slow
    heading = rng.uniform(0, 2 * np.pi) if shape.heading is None else shape.heading + np.pi * rng.integers(2)
    velocity = speed * np.array([np.cos(heading), np.sin(heading)])
    middle = np.array([rng.uniform(0.1, 0.9) * width, rng.uniform(0.1, 0.9) * height])
    return Flight(
        middle=middle,
        velocity=velocity,
        bend=rng.normal(0, 0.06 * speed, 2) if shape.heading is None else np.zeros(2),
        angle=rng.uniform(0, 2 * np.pi) if shape.free else rng.normal(0, 0.05),
        spin=rng.normal(0, shape.spin) if shape.spin else 0.0,
    )


def _cover(rng: np.random.Generator, shape: Shape, texture: Pixels) -> Cover:
    """What fills an object's outline: its own colour, or a repainted texture that moves with it."""
    if shape.colour is not None:
        plain = np.round(np.asarray(shape.colour)).astype(np.uint8)
        return lambda _, region: np.full((region.height, region.width, 3), plain, np.uint8)
    contrast = rng.uniform(0.05, 0.4) if rng.random() < 0.4 else rng.uniform(0.6, 1.4)
    paint = rng.uniform(20, 235) + rng.normal(0, 15, 3)
    curve = paint + (np.arange(256)[:, None] - 128) * contrast
    skin = cv2.LUT(texture, np.clip(curve, 0, 255).astype(np.uint8).reshape(1, 256, 3))

    def textured(pose: Pose, region: Region) -> Pixels:
        cos, sin = np.cos(pose.angle), np.sin(pose.angle)
        matrix = np.array([[cos, sin, skin.shape[1] / 2], [-sin, cos, skin.shape[0] / 2]])
        matrix[:, 2] += matrix[:, :2] @ (region.left - pose.x, region.top - pose.y)
        size = region.width, region.height
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        filled = cv2.warpAffine(skin, matrix, size, flags=flags, borderMode=cv2.BORDER_REFLECT_101)
        return np.asarray(filled, np.uint8)

    return textured


def _film(frames: Pixels, shape: Shape, flight: Flight, cover: Cover, *, shutter: float, focus: float) -> None:
    """Record one object; `shutter` is the open part of a frame's time, `focus` the outline's blur."""
    length, height, width, _ = frames.shape
    smear = shutter * (float(np.hypot(*flight.velocity)) + abs(flight.spin) * shape.radius + shape.swing)
    looks = int(np.clip(np.ceil(smear / max(shape.thickness * 0.35, 1.5)), 1, 16))
    for index, frame in enumerate(frames):
        time = index - (length - 1) / 2
        middle = flight.at(time)
        region = _around(middle, shape.radius + smear + 3, height=height, width=width)
        if region is None:
            continue
        light = np.zeros((region.height, region.width), np.float32)
        for look in range(looks):
            moment = time + shutter * ((look + 0.5) / looks - 0.5)
            pose = flight.at(moment)
            mask = np.zeros(light.shape, np.uint8)
            shape.draw(mask, pose.x - region.left, pose.y - region.top, pose.angle, moment)
            cv2.accumulate(mask, light)
        if focus > 0.3:
            cv2.GaussianBlur(light, (0, 0), focus, dst=light)
        light *= np.float32(shape.opacity / (255 * looks))
        behind = frame[region.top : region.top + region.height, region.left : region.left + region.width]
        skin = cover(middle, region)
        behind[...] = cv2.blendLinear(skin, np.ascontiguousarray(behind), light, 1 - light)


def _around(pose: Pose, margin: float, *, height: int, width: int) -> Region | None:
    left, right = max(0, int(pose.x - margin)), min(width, int(pose.x + margin) + 1)
    top, bottom = max(0, int(pose.y - margin)), min(height, int(pose.y + margin) + 1)
    if left >= right or top >= bottom:
        return None
    return Region(left, top, bottom - top, right - left)
