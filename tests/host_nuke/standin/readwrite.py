"""Read and Write: which file belongs to a frame, what happens where it lacks, and what is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, Tuple

from tests.host_nuke.standin import colour, expressions, exr, filters, tcl
from tests.host_nuke.standin.filters import Ask
from tests.host_nuke.standin.images import Image, Moment, OpError, black
from tests.host_nuke.standin.names import file_at

_DISK: Dict[Tuple[str, int, int], Image] = {}
"""Files that were read, by path, time and size."""


def read(node: Any, moment: Moment, ask: Ask) -> Image:
    """The image of a Read."""
    first, last = int(node["first"].value()), int(node["last"].value())
    size = node["format"].value()._scaled_by(moment.scale)
    frame = _mapped(node, moment.frame)
    if frame < first or frame > last:
        # Outside of the range: what `before` and `after` say. This is no missing frame.
        end = str(node["before" if frame < first else "after"].value())
        if end == "black":
            return black(size)
        frame = _wrapped(frame, first, last, end)
    shrunk, pattern = False, str(node["file"]._evaluated())
    if moment.scale != 1.0 and node["proxy"]._evaluated():
        pattern, shrunk = str(node["proxy"]._evaluated()), True
    if not pattern:
        raise OpError(node, "no file name")
    try:
        image = colour.read(node, _file(file_at(pattern, frame, moment.view)))
    except exr.ExrError as error:
        return _lacking(node, moment, ask, str(error), pattern, frame)
    if shrunk:
        return image
    return exr.shrunk(image, moment.scale)


def _mapped(node: Any, frame: float) -> int:
    mode, text = str(node["frame_mode"].value()), str(node["frame"].getText()).strip()
    if not text:
        return int(frame)
    try:
        if mode == "start at":
            return int(frame) - int(text) + int(node["first"].value())
        if mode == "offset":
            return int(frame) + int(text)

        def look(name: str) -> float:
            return float(node._number_named(name, frame))

        return int(expressions.evaluate(text, look, lambda inner: tcl.run(inner, node)))
    except ValueError as error:
        raise OpError(node, f"frame: {error}") from error


def _wrapped(frame: int, first: int, last: int, end: str) -> int:
    length = last - first + 1
    if end == "loop":
        return first + (frame - first) % length
    if end == "bounce" and length > 1:
        place = (frame - first) % (2 * length - 2)
        return first + (place if place < length else 2 * length - 2 - place)
    return min(max(frame, first), last)


def _file(path: str) -> Image:
    try:
        found = Path(path).stat()
    except OSError as error:
        raise exr.ExrError(f"Read error: {error.strerror}: {path}") from error
    key = (path, found.st_mtime_ns, found.st_size)
    if key not in _DISK:
        if len(_DISK) > 200:
            _DISK.clear()
        _DISK[key] = exr.read(path)
    return _DISK[key]


def _lacking(node: Any, moment: Moment, ask: Ask, why: str, pattern: str, frame: int) -> Image:
    choice = str(node["on_error"].value())
    size = node["format"].value()._scaled_by(moment.scale)
    if choice == "black":
        return black(size)
    if choice == "checkerboard":
        return filters.board(size, moment)
    if choice == "nearest frame":
        first, last = int(node["first"].value()), int(node["last"].value())
        for near in sorted(range(first, last + 1), key=lambda one: (abs(one - frame), one)):
            path = file_at(pattern, near, moment.view)
            if Path(path).is_file():
                return exr.shrunk(colour.read(node, _file(path)), moment.scale)
    raise OpError(node, why)


def write(node: Any, moment: Moment, ask: Ask) -> str:
    """Writes one frame; the file's name.

    Raises:
        OpError: the image cannot be made, or not be written.
    """
    image = ask(node.input(0), moment)
    if node.input(0) is None:
        raise OpError(node, "no input")
    # In proxy mode the proxy's name is used; where there is none, the small image goes over the full one's name.
    in_proxy = moment.scale != 1.0 and node["proxy"]._evaluated()
    pattern = str(node["proxy" if in_proxy else "file"]._evaluated())
    if not pattern:
        raise OpError(node, "no output filename specified")
    if not pattern.endswith(".exr") and node["file_type"].value() != "exr":
        raise OpError(node, f"unknown file type: {pattern}")
    path = file_at(pattern, int(moment.frame), moment.view)
    names = [name for name in node["channels"]._picked(sorted(image.channels, key=_order)) if name]
    if not names:
        raise OpError(node, "no channels to write")
    folder = Path(path).parent
    if not folder.is_dir():
        if not node["create_directories"].value():
            raise OpError(node, f"{path}: No such file or directory")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OpError(node, f"{path}: {error.strerror}") from error
    try:
        # Nuke writes to a temporary name beside it and renames.
        exr.write(
            path + ".tmp.exr",
            colour.written(node, image),
            names,
            datatype=str(node["datatype"].value()),
            compression=str(node["compression"].value()),
            metadata=node["metadata"].value() != "no metadata",
        )
        Path(path + ".tmp.exr").replace(path)
    except (exr.ExrError, OSError) as error:
        raise OpError(node, str(error)) from error
    return path


def _order(name: str) -> Tuple[int, str]:
    known = ("rgba.red", "rgba.green", "rgba.blue", "rgba.alpha")
    return (known.index(name) if name in known else 9, name)


MAKERS: Dict[str, Callable[[Any, Moment, Ask], Image]] = {"Read": read}
