"""Camera movement over stills: smooth sub-pixel pan, zoom and rotation, and parallax between near and far."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from frdm_engine.data.frames import Pixels

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class CameraPath:
    """Where the camera is at each of T frames, against the middle of the window."""

    shift: Floats
    """(T, 2) pixels right and down."""
    turn: Floats
    """(T,) radians."""
    zoom: Floats
    """(T,) source pixels per output pixel."""

    def matrices(self, *, height: int, width: int, centre: tuple[float, float]) -> Floats:
        """(T, 2, 3): maps an output pixel to the canvas, whose `centre` (x, y) the path turns about."""
        cos, sin = np.cos(self.turn) * self.zoom, np.sin(self.turn) * self.zoom
        middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
        matrices = np.zeros((len(self.turn), 2, 3), np.float32)
        matrices[:, 0, 0], matrices[:, 0, 1] = cos, -sin
        matrices[:, 1, 0], matrices[:, 1, 1] = sin, cos
        matrices[:, 0, 2] = centre[0] + self.shift[:, 0] - cos * middle_x + sin * middle_y
        matrices[:, 1, 2] = centre[1] + self.shift[:, 1] - sin * middle_x - cos * middle_y
        return matrices


def camera_path(
    rng: np.random.Generator, *, length: int, reach: tuple[float, float], fastest: float = 14.0
) -> CameraPath:
    """A path of `length` frames whose shift stays within `reach` (x, y) pixels of its middle.

    Speed is even over its logarithm from 0.2 to `fastest` pixels a frame, with acceleration and hand shake.
    """
    time = np.arange(length, dtype=np.float64) - (length - 1) / 2
    angle = rng.uniform(0, 2 * np.pi)
    speed = np.exp(rng.uniform(np.log(0.2), np.log(fastest)))
    velocity = speed * np.array([np.cos(angle), 0.6 * np.sin(angle)])
    bend = rng.normal(0, 0.12 * speed, 2)
    shake = rng.uniform(0, 0.7) * np.sin(time[:, None] * rng.uniform(0.6, 2.2, 2) + rng.uniform(0, 2 * np.pi, 2))
    shift = time[:, None] * velocity + 0.5 * time[:, None] ** 2 * bend + shake
    over = np.abs(shift).max(axis=0) / np.maximum(np.array(reach), 1e-3)
    shift = shift / np.maximum(over, 1.0)
    turning = rng.random() < 0.5
    turn = np.radians(rng.normal(0, 2.0)) + time * np.radians(rng.normal(0, 0.4) if turning else 0.0)
    zoom = np.exp(time * (rng.normal(0, 0.008) if rng.random() < 0.6 else 0.0))
    return CameraPath(
        shift=shift.astype(np.float32),
        turn=np.clip(turn, -0.12, 0.12).astype(np.float32),
        zoom=np.clip(zoom, 0.92, 1.15).astype(np.float32),
    )


def smooth_mask(rng: np.random.Generator, *, height: int, width: int, cells: int = 3, steepness: float = 5.0) -> Floats:
    """A smooth random field (H, W) in 0..1 with broad near (1) and far (0) regions."""
    coarse = rng.random((cells + 1, cells + 2), dtype=np.float32)
    field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(1 / (1 + np.exp(-steepness * 2 * (field - np.float32(0.5)))), np.float32)


def animate(canvas: Pixels, path: CameraPath, *, height: int, width: int, near: Floats | None, drift: Floats) -> Pixels:
    """Film a canvas (h, w, 3) along a path: (T, H, W, 3) RGB, uint8.

    Where `near` (h, w), 0..1, is high the picture slides by `drift` (T, 2) pixels against the rest: parallax.
    """
    centre = ((canvas.shape[1] - 1) / 2, (canvas.shape[0] - 1) / 2)
    matrices = path.matrices(height=height, width=width, centre=centre)
    frames = np.empty((len(matrices), height, width, 3), np.uint8)
    if near is None:
        for frame, matrix in zip(frames, matrices, strict=True):
            frame[...] = cv2.warpAffine(
                canvas,
                matrix,
                (width, height),
                flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REFLECT_101,
            )
        return frames
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    for frame, matrix, slide in zip(frames, matrices, drift, strict=True):
        depth = cv2.warpAffine(
            near,
            matrix,
            (width, height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        map_x = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] + depth * slide[0]
        map_y = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] + depth * slide[1]
        frame[...] = cv2.remap(
            canvas,
            map_x,
            map_y,
            interpolation=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REFLECT_101,
        )
    return frames


def smear(frames: Pixels, path: CameraPath, *, shutter: float) -> None:
    """Blur frames (T, H, W, 3) in place along the path, as far as it goes in ``shutter``, a share of a frame's time."""
    if len(frames) < 2:
        return
    for frame, velocity in zip(frames, np.gradient(path.shift, axis=0) * shutter, strict=True):
        length = float(np.hypot(*velocity))
        if length < 1.5:
            continue
        side = 2 * int(np.ceil(length / 2)) + 1
        kernel = np.zeros((8 * side, 8 * side), np.float32)  # drawn large, so that a short line has its true angle
        middle, half = np.array([4 * side, 4 * side], np.float64), 4 * velocity
        ends = [tuple(np.rint(middle + way * half).astype(int).tolist()) for way in (-1, 1)]
        cv2.line(kernel, ends[0], ends[1], 1.0, 8)
        small = cv2.resize(kernel, (side, side), interpolation=cv2.INTER_AREA)
        frame[...] = cv2.filter2D(frame, -1, small / small.sum(), borderType=cv2.BORDER_REFLECT_101)


def drift_for(rng: np.random.Generator, *, path: CameraPath, near: Floats) -> Floats:
    """How far near things slide at each frame, (T, 2) pixels: along the pan, never so far that it folds."""
    slope = max(float(np.abs(np.diff(near, axis=axis)).max(initial=0)) for axis in (0, 1))
    sideways = rng.normal(0, 1.5, 2) * np.linspace(-1, 1, len(path.shift))[:, None]
    slide = path.shift * rng.uniform(0.2, 0.8) + sideways
    most = float(np.abs(slide).max())
    return np.asarray(slide * min(1.0, 0.5 / max(slope * most, 1e-6)), np.float32)
