"""A plate: one frame with everything its file holds, and its colours as floats to work on.

Only red, green and blue (or the luma of a grey plate) can be replaced, and of those only the samples
that changed; all else is carried from the input file to the output file untouched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import OpenImageIO as oiio

from frdm_engine.errors import OutputError, PlateError, RestoreError
from frdm_engine.plates.change import Change, NotFiniteError, changed
from frdm_engine.plates.colour import ColourSpace
from frdm_engine.plates.convert import convert, family
from frdm_engine.plates.encoding import encode_planes, finite_planes
from frdm_engine.plates.exr import Part, Plane, read_parts, write_parts
from frdm_engine.plates.samples import to_float
from frdm_engine.plates.views import Channels, choose

Pixels = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Plate:
    """One frame of a sequence. `channels` says which planes are a view's colours.

    A plate without views has the single view ''. Sizes and windows are those of the first view; a
    stereo file may give the others different ones, which `part(view)` knows.
    """

    path: Path
    frame: int | None
    parts: tuple[Part, ...]
    channels: Mapping[str, Channels]

    @property
    def views(self) -> tuple[str, ...]:
        """Names of the views, ('',) when there is but one without a name."""
        return tuple(self.channels)

    @property
    def width(self) -> int:
        """Width of the data window in pixels."""
        return int(self.part().spec.width)

    @property
    def height(self) -> int:
        """Height of the data window in pixels."""
        return int(self.part().spec.height)

    @property
    def window(self) -> tuple[int, int]:
        """(x, y) of the data window's first pixel; either may be negative."""
        return self.part().window

    @property
    def display(self) -> tuple[int, int, int, int]:
        """(x, y, width, height) of the display window."""
        return self.part().display

    @property
    def metadata(self) -> dict[str, Any]:
        """Metadata of the first view's part by OpenImageIO's names, always with `oiio:BitsPerSample`."""
        part = self.part()
        return {**part.attributes, "oiio:BitsPerSample": part.bits}

    @property
    def dtype(self) -> np.dtype[Any]:
        """The pixel type the colours are stored in."""
        return self._colours(self.views[0])[0].dtype

    def part(self, view: str | None = None) -> Part:
        """The part that holds a view's colours (the first view's unless told).

        Raises:
            PlateError: there is no such view.
        """
        return self.parts[self._channels(view).part]

    def size(self, view: str | None = None) -> tuple[int, int]:
        """(height, width) of a view's data window.

        Raises:
            PlateError: there is no such view.
        """
        height, width = self._colours(view)[0].shape
        return height, width

    def encoded(self, space: ColourSpace, view: str | None = None) -> Pixels:
        """Colours of a view in model encoding, (H, W, 3) float32: what `space.encode` makes of `rgb()`.

        Raises:
            PlateError: there is no such view.
        """
        return encode_planes(self._colours(view), bits=self.part(view).bits, space=space)

    def usable(self, view: str | None = None) -> npt.NDArray[np.bool_] | None:
        """Which pixels of a view have neither NaN nor Inf, (H, W); None where that is all of them.

        Raises:
            PlateError: there is no such view.
        """
        return finite_planes(self._colours(view))

    def rgb(self, view: str | None = None) -> Pixels:
        """Colours of a view: (H, W, 3) float32 over the data window, encoded as stored.

        Integers are scaled to 0..1; floats come as they are, NaN and Inf included. Grey comes three times.

        Raises:
            PlateError: there is no such view.
        """
        bits = self.part(view).bits
        planes = [to_float(plane, bits=bits) for plane in self._colours(view)]
        return np.stack(planes if len(planes) == 3 else planes * 3, axis=-1)

    def picked(self, where: npt.NDArray[np.bool_], view: str | None = None) -> Callable[[slice], Pixels]:
        """`rgb()` of the pixels ``where`` (H, W) is True alone: takes rows and gives (n, 3), as `Change.colours` does.

        Raises:
            PlateError: there is no such view.
        """
        planes, bits = self._colours(view), self.part(view).bits

        def pick(rows: slice) -> Pixels:
            found = [to_float(plane[rows][where[rows]], bits=bits) for plane in planes]
            return np.stack(found if len(found) == 3 else found * 3, axis=-1)

        return pick

    def with_rgb(
        self, rgb: Mapping[str, npt.NDArray[np.floating[Any]] | Change], *, parts: tuple[Part, ...]
    ) -> tuple[Part, ...]:
        """`parts` (this plate's own, or converted ones) with the colours that differ from `rgb()` replaced.

        Each array is (H, W, 3), encoded as `rgb()` gives it; a `Change` gives some pixels only.

        Raises:
            PlateError: there is no such view, or its size is another.
            RestoreError: a changed sample is NaN or Inf.
        """
        made = list(parts)
        for view, given in rgb.items():
            shape = (*given.where.shape, 3) if isinstance(given, Change) else given.shape
            if shape != (*self.size(view), 3):
                raise PlateError(
                    f"{self.path} takes pixels of shape {(*self.size(view), 3)}, not {shape}; crop them alike."
                )
            change = given if isinstance(given, Change) else Change.whole(given)
            at = self._channels(view)
            try:
                made[at.part] = changed(made[at.part], change, at=at.planes, was=self.picked(change.where, view))
            except NotFiniteError as error:
                raise RestoreError(
                    "the result holds NaN or Inf where the plate did not",
                    frame=self.frame,
                    remedy="restore it on the CPU or in float32",
                ) from error
        return tuple(made)

    def _channels(self, view: str | None) -> Channels:
        wanted = self.views[0] if view is None else view
        if wanted not in self.channels:
            raise PlateError(f"{self.path} has no view {wanted!r}; choose one of {', '.join(map(repr, self.views))}.")
        return self.channels[wanted]

    def _colours(self, view: str | None) -> tuple[Plane, ...]:
        where = self._channels(view)
        return tuple(self.parts[where.part].planes[index] for index in where.planes)


def read_plate(path: str | Path, *, frame: int | None = None, layer: str | None = None) -> Plate:
    """One frame with everything its file holds. `layer` chooses among layers of colours, such as `beauty`.

    Raises:
        PlateError: the file cannot be read or kept intact, or holds no colours of that layer.
    """
    path = Path(path)
    parts = read_parts(path)
    return Plate(path=path, frame=frame, parts=parts, channels=choose(parts, layer=layer, path=path))


def write_plate(
    plate: Plate,
    path: str | Path,
    *,
    rgb: Mapping[str, npt.NDArray[np.floating[Any]] | Change],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write the plate with new colours, atomically; what did not change keeps its bits.

    `rgb` gives (H, W, 3) arrays for any of the plate's views, encoded as `plate.rgb(view)` gives them, or a `Change`.
    `metadata` is added to the first part; DPX has no room for it. Lossy compression becomes ZIP, as it
    would change every pixel. Another suffix than the input's converts the container, never the colours.

    Raises:
        PlateError: `rgb` does not fit the plate.
        RestoreError: a changed sample is NaN or Inf.
        OutputError: the output is the input, is lossy, cannot hold the plate or cannot be written.
    """
    write_parts(Path(path), changed_parts(plate, path, rgb=rgb, metadata=metadata))


def changed_parts(
    plate: Plate,
    path: str | Path,
    *,
    rgb: Mapping[str, npt.NDArray[np.floating[Any]] | Change],
    metadata: Mapping[str, str] | None = None,
) -> tuple[Part, ...]:
    """What `write_plate` writes to `path`, for `write_parts`: it needs nothing of `rgb` any more.

    Raises:
        FrdmError: as `write_plate`, but for what writing itself may meet.
    """
    path = Path(path)
    if path.exists() and plate.path.exists() and path.samefile(plate.path):
        raise OutputError(f"{path} is the input itself; choose another output name or folder.")
    parts = plate.with_rgb(rgb, parts=convert(plate.parts, source=plate.path, target=path))
    return (_noted(parts[0], metadata or {}, path=path), *parts[1:])


def _noted(part: Part, metadata: Mapping[str, str], *, path: Path) -> Part:
    if not metadata:
        return part
    spec = oiio.ImageSpec(part.spec)
    if family(path) == "tiff":
        # TIFF has no free attributes; its description is text and takes them after what it says.
        notes = "\n".join(f"{name}: {value}" for name, value in metadata.items())
        spec.attribute("ImageDescription", f"{spec.get_string_attribute('ImageDescription')}\n{notes}".strip())
    else:
        for name, value in metadata.items():
            spec.attribute(name, value)
    return replace(part, spec=spec)
