"""Reading frames: folders of JPEG or PNG files in natural order, and video files."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from frdm_engine.errors import InputError

Pixels = npt.NDArray[np.uint8]

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".mkv", ".avi"})


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key under which `f2` comes before `f10`."""
    parts = re.split(r"([0-9]+)", name)
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part.lower()) for part in parts if part)


def list_frames(folder: Path) -> list[Path]:
    """The image files of a folder, in natural order.

    Raises:
        InputError: the folder holds no image.
    """
    found = [entry for entry in folder.iterdir() if entry.suffix.lower() in IMAGE_SUFFIXES]
    if not found:
        raise InputError(f"{folder} holds no JPEG or PNG frame: name a folder of frames or a video file")
    return sorted(found, key=lambda entry: natural_key(entry.name))


def read_image(path: Path) -> Pixels:
    """One image file as (H, W, 3) RGB, uint8.

    Raises:
        InputError: the file cannot be decoded.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise InputError(f"{path} cannot be read as an image: replace or remove the file")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def iterate_frames(path: Path) -> Iterator[Pixels]:
    """Every frame of a folder of images, a single image or a video, as (H, W, 3) RGB, uint8.

    Raises:
        InputError: the path is missing, empty or cannot be decoded.
    """
    if path.is_dir():
        for entry in list_frames(path):
            yield read_image(entry)
    elif not path.is_file():
        raise InputError(f"{path} does not exist: name a folder of frames or a video file")
    elif path.suffix.lower() in VIDEO_SUFFIXES:
        yield from _iterate_video(path)
    else:
        yield read_image(path)


def read_frames(path: Path, *, limit: int | None = None) -> list[Pixels]:
    """The first `limit` frames of a folder or a video, as (H, W, 3) RGB, uint8, in one size.

    Raises:
        InputError: the path is missing, empty, cannot be decoded, or its frames differ in size.
    """
    frames: list[Pixels] = []
    for frame in iterate_frames(path):
        if limit is not None and len(frames) >= limit:
            break
        if frames and frame.shape != frames[0].shape:
            sizes = f"{_size(frames[0].shape)} and {_size(frame.shape)}"
            raise InputError(f"{path} mixes frames of {sizes}: keep one size a folder")
        frames.append(frame)
    return frames


def count_frames(path: Path) -> int:
    """The number of frames a folder holds or a video declares; a video may hold fewer."""
    if path.is_dir():
        return len(list_frames(path))
    if path.suffix.lower() not in VIDEO_SUFFIXES:
        return 1
    capture = cv2.VideoCapture(str(path))
    try:
        return max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
    finally:
        capture.release()


def _iterate_video(path: Path) -> Iterator[Pixels]:
    capture = cv2.VideoCapture(str(path))
    try:
        decoded = 0
        while True:
            ok, frame = capture.read()
            if not ok:
                break
            decoded += 1
            yield np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8)
        if not decoded:
            raise InputError(f"{path} cannot be decoded as a video: convert it to PNG frames")
    finally:
        capture.release()


def _size(shape: Sequence[int]) -> str:
    return f"{shape[1]}x{shape[0]}"
