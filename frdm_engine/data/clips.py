"""Clean training windows: a few frames of real or animated footage, cropped, shrunk and regraded at random.

Whatever a window shows is truth, the pasted objects too: thin, bright and fast things that a restorer must
leave alone.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from frdm_engine.data.boiling import boil
from frdm_engine.data.footage import Footage, load_footage, read_manifest
from frdm_engine.data.frames import Pixels, read_frames
from frdm_engine.data.grading import grade
from frdm_engine.data.motion import animate, camera_path, drift_for, smear, smooth_mask
from frdm_engine.data.objects import paste_objects
from frdm_engine.data.shades import shade
from frdm_engine.data.variety import laid_over, varied
from frdm_engine.errors import InputError

__all__ = ["ClipLibrary", "Sampling", "read_frames"]

Window = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Sampling:
    """How often each kind of window is drawn."""

    stills: float = 0.35
    frozen: float = 0.6
    """Share of the stills that are single frames of videos: what is free as stills is wallpaper, mostly of skies."""
    objects_on_video: float = 0.35
    objects_on_still: float = 0.75
    parallax: float = 0.5
    shaded: float = 0.5
    """Share of the stills with soft dark and light regions that move with them."""
    boiling: float = 0.15
    """Windows with a region of water, leaves or smoke."""
    pan_on_video: float = 0.35
    blurred: float = 0.7
    """Share of the animated stills whose fast movement is blurred, as by an open shutter."""
    strides: tuple[float, ...] = (0.42, 0.24, 0.14, 0.09, 0.06, 0.05)
    """Probability of taking every frame, every second, every third and so on: what is free moves too calmly."""
    sideways: float = 0.1
    """Probability of a vertical flip or a quarter turn."""
    untouched: float = 0.3
    """Probability of keeping the stored size."""
    most_shrink: float = 2.0
    most_enlarge: float = 1.1
    share_of_whole: tuple[float, float] = (0.5, 1.0)
    """Of a whole frame made small: the share of the source's shorter side that it shows."""
    laid_over: float = 0.25
    """Of whole frames made small: the share that shows two films, one over the other in some region."""
    varied: float = 0.5
    """Of the same: the share that is turned, stretched or recoloured."""
    flattest: float = 2.5
    """Windows whose 8-bit standard deviation is lower are drawn again, up to `retries` times."""
    retries: int = 4


class ClipLibrary:
    """Sources of clean footage and the random windows cut from them."""

    def __init__(self, sources: list[Footage], *, sampling: Sampling | None = None) -> None:
        self.sources = sources
        self.sampling = sampling or Sampling()

    @classmethod
    def open(
        cls,
        root: Path,
        *,
        classes: tuple[str, ...] = ("free",),
        cache: Path | None = None,
        sampling: Sampling | None = None,
    ) -> "ClipLibrary":
        """Open the training footage that `root/MANIFEST.tsv` lists under one of `classes`.

        The first call with a `cache` folder decodes everything once, later ones map it; make that first call
        before starting workers. Without a cache the shrunken frames are held in memory.

        Raises:
            InputError: no such footage, or some of it is missing or cannot be decoded.
        """
        rows = read_manifest(root, classes=classes)
        sources = [source for row in rows for source in load_footage(root, row, cache=cache)]
        return cls(sources, sampling=sampling)

    @property
    def names(self) -> list[str]:
        """The sources' paths below the root."""
        return [source.name for source in self.sources]

    def summary(self) -> list[dict[str, str | int]]:
        """For the model card: every source with its licence, kind, stored size and number of frames."""
        return [
            {
                "source": source.name,
                "licence": source.licence,
                "kind": source.kind,
                "frames": source.shape[0],
                "height": source.shape[1],
                "width": source.shape[2],
            }
            for source in self.sources
        ]

    def window(self, rng: np.random.Generator, *, length: int, height: int, width: int, whole: bool = False) -> Window:
        """Consecutive clean frames: (T, H, W, 3) float32 RGB, sRGB code values 0..1; same `rng`, same window.

        With `whole` they show most of what the source does, made small, else a piece of it at about its own size.

        Raises:
            InputError: no source is long and large enough.
        """
        for attempt in range(self.sampling.retries + 1):
            frames, still = self._film(rng, length=length, height=height, width=width, whole=whole)
            spread = float(frames[length // 2, ::4, ::4].std())
            if spread >= self.sampling.flattest or attempt == self.sampling.retries:
                break
        if whole and rng.random() < self.sampling.laid_over:
            other, _ = self._film(rng, length=length, height=height, width=width, whole=True)
            frames = laid_over(rng, frames, other)
        if whole and rng.random() < self.sampling.varied:
            frames = varied(rng, frames)
        if rng.random() < (self.sampling.objects_on_still if still else self.sampling.objects_on_video):
            paste_objects(rng, frames, texture=self._texture(rng, height=height, width=width))
        if rng.random() < self.sampling.boiling:
            boil(rng, frames)
        return grade(rng, frames)

    def _film(
        self, rng: np.random.Generator, *, length: int, height: int, width: int, whole: bool
    ) -> tuple[Pixels, bool]:
        """One window before objects and grading, (T, H, W, 3) uint8, and whether it came from a still."""
        sideways = rng.random() < self.sampling.sideways
        turned = sideways and rng.random() < 0.5
        order = ["still", "video"] if rng.random() < self.sampling.stills else ["video", "still"]
        if order[0] == "still" and rng.random() < self.sampling.frozen:
            order = ["frozen", *order]
        for kind, upended in ((order[0], turned), *((kind, False) for kind in order)):
            tall, wide = (width, height) if upended else (height, width)
            fitting = self._fitting(kind, length, tall, wide)
            if fitting:
                break
        else:
            raise InputError(
                f"no footage is large and long enough for windows of {length} frames {width}x{height}: "
                "ask for smaller windows or add footage"
            )
        weights = np.sqrt([source.distinct + source.shape[0] / 20 for source in fitting])
        source = fitting[int(rng.choice(len(fitting), p=weights / weights.sum()))]
        film = self._from_video if kind == "video" else self._from_still
        frames = film(rng, source, length=length, height=tall, width=wide, whole=whole)
        if rng.random() < 0.5:
            frames = frames[::-1]
        if sideways and not upended:
            frames = frames[:, ::-1]
        frames = np.ascontiguousarray(frames)
        # OpenCV mirrors and transposes pixels of three bytes an order of magnitude faster than NumPy.
        if rng.random() < 0.5:
            frames = np.asarray(cv2.flip(frames.reshape(-1, wide, 3), 1), np.uint8).reshape(frames.shape)
        if upended:
            frames = np.stack([np.asarray(cv2.transpose(frame), np.uint8) for frame in frames])
        return frames, kind != "video"

    def lasts(self, length: int) -> bool:
        """Whether any of the footage gives windows of that many frames; a still gives any."""
        return any(
            source.kind == "still" or any(stop - first >= length for first, stop in source.shots)
            for source in self.sources
        )

    def _fitting(self, kind: str, length: int, height: int, width: int) -> list[Footage]:
        least = 1 / self.sampling.most_enlarge
        return [
            source
            for source in self.sources
            if source.kind == ("video" if kind == "frozen" else kind)
            and source.shape[1] >= height * least
            and source.shape[2] >= width * least
            and (kind != "video" or any(stop - first >= length for first, stop in source.shots))
        ]

    def _shrink(self, rng: np.random.Generator, source: Footage, *, height: int, width: int, whole: bool) -> float:
        """Source pixels per output pixel: often 1, so that nothing is resampled, else rather near 1; or `whole`."""
        room = min(source.shape[1] / height, source.shape[2] / width)
        if whole:
            return room * float(rng.uniform(*self.sampling.share_of_whole))
        most = min(self.sampling.most_shrink, room)
        if most > 1 and rng.random() < self.sampling.untouched:
            return 1.0
        return float(np.exp(rng.uniform(0.0, np.log(most)))) if most > 1 else room

    def _from_video(
        self, rng: np.random.Generator, source: Footage, *, length: int, height: int, width: int, whole: bool
    ) -> Pixels:
        shots = [shot for shot in source.shots if shot[1] - shot[0] >= length]
        spans = np.array([stop - first for first, stop in shots], np.float64)
        first, stop = shots[int(rng.choice(len(shots), p=spans / spans.sum()))]
        stride = 1 + int(rng.choice(len(self.sampling.strides), p=self.sampling.strides))
        stride = min(stride, max(1, (stop - first - 1) // max(1, length - 1)))
        start = int(rng.integers(first, stop - (length - 1) * stride))
        shrink = self._shrink(rng, source, height=height, width=width, whole=whole)
        tall, wide = min(source.shape[1], round(height * shrink)), min(source.shape[2], round(width * shrink))
        room = np.array([source.shape[2] - wide, source.shape[1] - tall])
        shift = np.zeros((length, 2), np.float32)
        if rng.random() < self.sampling.pan_on_video:
            shift = camera_path(rng, length=length, reach=(room[0] / 2, room[1] / 2), fastest=10.0).shift
        # The crop begins where the whole pan stays inside the picture.
        first_corner = -shift.min(axis=0)
        begin = rng.uniform(first_corner, np.maximum(room - shift.max(axis=0), first_corner))
        corners = np.clip(np.rint(begin + shift), 0, room).astype(int)
        frames = np.empty((length, height, width, 3), np.uint8)
        pixels = source.pixels
        for index, (left, top) in enumerate(corners):
            crop = pixels[start + index * stride, top : top + tall, left : left + wide]
            frames[index] = resized(crop, width=width, height=height)
        return frames

    def _from_still(
        self, rng: np.random.Generator, source: Footage, *, length: int, height: int, width: int, whole: bool
    ) -> Pixels:
        shrink = self._shrink(rng, source, height=height, width=width, whole=whole)
        # A margin around the window lets the camera travel; what the still cannot give shortens the journey.
        tall = min(source.shape[1], round(height * shrink * 1.5))
        wide = min(source.shape[2], round(width * shrink * 1.5))
        top = int(rng.integers(0, source.shape[1] - tall + 1))
        left = int(rng.integers(0, source.shape[2] - wide + 1))
        number = int(rng.integers(source.shape[0]))
        crop = source.pixels[number, top : top + tall, left : left + wide]
        size = max(width, round(wide / shrink)), max(height, round(tall / shrink))
        canvas = resized(crop, width=size[0], height=size[1])
        if rng.random() < self.sampling.shaded:
            canvas = shade(rng, canvas)
        reach = ((canvas.shape[1] - width) / 2, (canvas.shape[0] - height) / 2)
        path = camera_path(rng, length=length, reach=reach, fastest=30.0)
        near = None
        drift = np.zeros((length, 2), np.float32)
        if rng.random() < self.sampling.parallax:
            near = smooth_mask(rng, height=canvas.shape[0], width=canvas.shape[1])
            drift = drift_for(rng, path=path, near=near)
        frames = animate(canvas, path, height=height, width=width, near=near, drift=drift)
        if rng.random() < self.sampling.blurred:
            smear(frames, path, shutter=rng.uniform(0.2, 0.7))
        return frames

    def _texture(self, rng: np.random.Generator, *, height: int, width: int) -> Pixels:
        """A random piece of a random source, (H, W, 3), to cover objects with."""
        source = self.sources[int(rng.integers(len(self.sources)))]
        tall, wide = min(source.shape[1], height), min(source.shape[2], width)
        top = int(rng.integers(0, source.shape[1] - tall + 1))
        left = int(rng.integers(0, source.shape[2] - wide + 1))
        crop = source.pixels[int(rng.integers(source.shape[0])), top : top + tall, left : left + wide]
        return np.asarray(cv2.resize(crop, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def resized(image: Pixels, *, width: int, height: int) -> Pixels:
    """An (h, w, 3) picture at another size, free of aliasing."""
    shrink = image.shape[0] / height
    if shrink > 2:
        return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    if shrink <= 1:
        method = cv2.INTER_CUBIC if shrink < 1 else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(image, (width, height), interpolation=method), np.uint8)
    # As true as INTER_AREA to a wide Gaussian reference, in a third of its time.
    soft = cv2.GaussianBlur(image, (3, 3), 0.35 + 0.08 * shrink)
    return np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
