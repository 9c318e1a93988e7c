"""What a node tells of its picture, as it is now."""

from __future__ import annotations

from typing import Any, List, Optional

from tests.host_nuke.standin import formats, mainthread, state
from tests.host_nuke.standin.ranges import FrameRange, Info


class Pictures:
    """The part of a node that has to do with pictures."""

    def _image(self: Any, frame: Optional[float] = None) -> Any:
        from tests.host_nuke.standin import evaluate

        self._alive()
        return evaluate.looked_at(self, frame)

    def format(self: Any) -> formats.Format:
        """Format of its image; the project's where it has none."""
        found: formats.Format = self._image().format
        return found

    def width(self: Any) -> int:
        """Of the format."""
        return self.format().width()

    def height(self: Any) -> int:
        """Of the format."""
        return self.format().height()

    def pixelAspect(self: Any) -> float:
        """Of the format."""
        return self.format().pixelAspect()

    def bbox(self: Any) -> Info:
        """Where it has pixels."""
        return Info(self._image().box)

    def channels(self: Any) -> List[str]:
        """Names of all channels."""
        return sorted(self._image().channels)

    def metadata(self: Any, key: Optional[str] = None, time: Optional[float] = None, view: str = "") -> Any:
        """All metadata, or the value of a key, or None."""
        found = self._image(time).metadata
        return dict(found) if key is None else found.get(key)

    def sample(self: Any, channel: str, x: float, y: float, /, *_: Any) -> float:
        """A pixel."""
        image = self._image()
        return float(image.over(channel, (int(x), int(y), int(x) + 1, int(y) + 1))[0, 0])

    def frameRange(self: Any) -> Any:
        """First and last frame it has."""
        from tests.host_nuke.standin import evaluate

        return FrameRange(*evaluate.frame_range(self))

    def firstFrame(self: Any) -> int:
        """Of frameRange()."""
        return int(self.frameRange().first())

    def lastFrame(self: Any) -> int:
        """Of frameRange()."""
        return int(self.frameRange().last())

    def opHashes(self: Any) -> List[int]:
        """A number that changes with all that decides its image now."""
        from tests.host_nuke.standin import evaluate

        return [evaluate.hashed(self)]

    def error(self: Any) -> bool:
        """Whether it, or any node above it, is in error at this frame."""
        return self.treeHasError()

    def hasError(self: Any) -> bool:
        """Whether it is in error itself; a group is where a node within is."""
        from tests.host_nuke.standin import evaluate

        at_fault = evaluate.fault(self)
        while at_fault is not None and at_fault is not self:
            at_fault = at_fault._group
        return at_fault is self

    def treeHasError(self: Any) -> bool:
        """Whether anything that its image needs is in error."""
        from tests.host_nuke.standin import evaluate

        return evaluate.fault(self) is not None

    def proxy(self: Any) -> bool:
        """Whether its image is a proxy now."""
        return bool(state.now().root["proxy"].value())

    def forceValidate(self: Any) -> None:
        """Looks at everything anew."""
        mainthread.check("Node.forceValidate")
