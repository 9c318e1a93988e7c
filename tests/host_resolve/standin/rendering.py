"""Rendering a job: real EXR files of what the timeline shows, a part at each look at its status.

The picture of a frame is the topmost item's, times its grade's gain, in the timeline's output colour space.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Tuple

import numpy as np

from tests.host_resolve.standin import exr, timecode
from tests.host_resolve.standin.colour import managed
from tests.host_resolve.standin.media import MediaError, movie
from tests.host_resolve.standin.state import Options

if TYPE_CHECKING:
    from tests.host_resolve.standin.timelines import Timeline


class Job:
    """A job of the queue. Its state is what the Deliver page held when it was added."""

    def __init__(self, job_id: str, line: Timeline, state: Dict[str, Any], preset: str) -> None:
        self.id = job_id
        self.line = line
        self.state = state
        self.preset = preset
        self.said = "Ready"
        self.error = ""
        self.done = 0
        self.busy = False
        self._polls = 0
        self._began = 0.0
        self._written: List[exr.Picture] = []

    def _range(self) -> Tuple[int, int]:
        """First and last frame of the timeline."""
        settings = self.state["settings"]
        first, last = self.line._start, self.line._last() - 1
        if settings.get("SelectAllFrames", True):
            return first, last
        return max(first, int(settings.get("MarkIn", first))), min(last, int(settings.get("MarkOut", last)))

    def _count(self) -> int:
        first, last = self._range()
        return max(0, last - first + 1)

    def described(self) -> Dict[str, Any]:
        """As GetRenderJobList has it: IsExportVideo is what was asked for, not what will be."""
        settings = self.state["settings"]
        first, last = self._range()
        name = settings.get("CustomName", self.line._name)
        return {
            "JobId": self.id,
            "RenderJobName": f"Job {self.id[-2:]}",
            "TimelineName": self.line._name,
            "TargetDir": settings["TargetDir"],
            "OutputFilename": f"{name}{self._suffix()}",
            "IsExportVideo": settings.get("ExportVideo", True),
            "IsExportAudio": settings.get("ExportAudio", True),
            "MarkIn": first,
            "MarkOut": last,
            "FormatWidth": settings.get("FormatWidth", 64),
            "FormatHeight": settings.get("FormatHeight", 48),
            "FrameRate": self.line._rate_name(),
            "PresetName": self.preset,
            "VideoFormat": self.state["format"],
            "VideoCodec": self.state["codec"],
            "RenderMode": "Single clip" if self.state["mode"] == 1 else "Individual clips",
        }

    def _suffix(self) -> str:
        return {"EXR": ".exr", "QuickTime": ".mov"}.get(self.state["format"], ".tif")

    def start(self, polls: int) -> None:
        self.said, self.busy, self.done, self.error = "Rendering", True, 0, ""
        self._polls = max(1, polls)
        self._began = time.monotonic()
        self._written = []

    def cancel(self) -> None:
        self.said, self.busy = "Cancelled", False

    def status(self) -> Dict[str, Any]:
        percent = 100 if self.said == "Complete" else int(100 * self.done / max(1, self._count()))
        told: Dict[str, Any] = {"JobStatus": self.said, "CompletionPercentage": percent}
        passed = int((time.monotonic() - self._began) * 1000) if self._began else 0
        if self.busy:
            told["EstimatedTimeRemainingInMs"] = passed
        elif self.said != "Ready":
            told["TimeTakenToRenderInMs"] = passed
        if self.error:
            told["Error"] = self.error
        return told

    def step(self, options: Options) -> None:
        """Renders the next part of the frames."""
        count = self._count()
        if options.complete_without_frames or not self.state["hidden"]["video"] or count == 0:
            self.said, self.busy = "Complete", False
            return
        if not self.state["settings"].get("ExportVideo", True):
            self.said, self.busy = "Complete", False
            return
        until = count if self._polls <= 1 else min(count, self.done + -(-count // self._polls))
        self._polls -= 1
        while self.done < until:
            if self.done == options.fail_after:
                self._fail("The render failed.")
                return
            try:
                self._frame(self.done, full=self.done == options.disk_full_after)
            except (MediaError, exr.ExrError, OSError) as error:
                self._fail(str(error))
                return
            self.done += 1
        if self.done >= count:
            if options.lose_last_frame and self.state["format"] == "EXR":
                self._file(count - 1).unlink()
            if self.state["format"] != "EXR":
                self._close_movie()
            self.said, self.busy = "Complete", False

    def _fail(self, why: str) -> None:
        self.said, self.busy, self.error = "Failed", False, why

    def _number(self, at: int) -> int:
        """File numbers: of ClipStartFrame where one clip is rendered; it is the preset's where nobody sets it."""
        return int(self.state["settings"].get("ClipStartFrame", 1)) + at

    def _file(self, at: int) -> Path:
        settings = self.state["settings"]
        name = settings.get("CustomName", self.line._name)
        return Path(settings["TargetDir"]) / f"{name}{self._number(at):08d}.exr"

    def _frame(self, at: int, *, full: bool) -> None:
        first, _ = self._range()
        picture = seen(self.line, first + at, self._size())
        if self.state["format"] != "EXR":
            self._written.append(picture)
            return
        path = self._file(at)
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True)
        rate = self.line._rate_name()
        text = timecode.from_frames(first + at, rate)
        depth = "float" if self.state["codec"] == "RGBFloat" else "half"
        exr.write(path, picture, timecode=text, fps=timecode.named(rate), depth=depth)
        if full:
            content = path.read_bytes()
            path.write_bytes(content[: len(content) // 2])
            raise OSError(f"No space left on device: {path}")

    def _close_movie(self) -> None:
        settings = self.state["settings"]
        folder = Path(settings["TargetDir"])
        folder.mkdir(parents=True, exist_ok=True)
        rate = self.line._rate_name()
        start = timecode.from_frames(self._range()[0], rate)
        name = settings.get("CustomName", self.line._name)
        movie(folder / f"{name}{self._suffix()}", self._written, fps=timecode.named(rate), start=start)

    def _size(self) -> Tuple[int, int]:
        settings = self.state["settings"]
        line = {**self.line._project._settings, **self.line._settings}
        width = settings.get("FormatWidth", int(line["timelineResolutionWidth"]))
        height = settings.get("FormatHeight", int(line["timelineResolutionHeight"]))
        return int(width), int(height)


def seen(line: Timeline, frame: int, size: Tuple[int, int]) -> exr.Picture:
    """What the timeline shows at a frame: (height, width, 3). Black where nothing is; clips are fitted.

    Raises:
        MediaError: the clip's file is not there.
    """
    width, height = size
    black = np.zeros((height, width, 3), np.float32)
    item = line._top(frame)
    if item is None:
        return black
    clip = item._clip()
    if clip._media is not None:
        picture = clip._media.picture(item._source(frame))[..., :3] * np.float32(item._gain)
        picture = managed(picture, clip, line)
    elif clip._timeline is not None:
        picture = seen(clip._timeline, clip._timeline._start + item._source(frame), size) * np.float32(item._gain)
    else:
        return black  # A title is not drawn.
    if picture.shape[:2] == (height, width):
        return picture
    scale = min(width / picture.shape[1], height / picture.shape[0])
    inner = (max(1, round(picture.shape[0] * scale)), max(1, round(picture.shape[1] * scale)))
    rows = np.minimum((np.arange(inner[0]) / scale).astype(int), picture.shape[0] - 1)
    columns = np.minimum((np.arange(inner[1]) / scale).astype(int), picture.shape[1] - 1)
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    black[top : top + inner[0], left : left + inner[1]] = picture[np.ix_(rows, columns)]
    return black
