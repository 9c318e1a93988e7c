"""What the engine cannot read is rendered by Resolve: exactly the clip's source range, ungraded, as half EXR.

It happens on a timeline of its own with the clip's rate, size and timecode, so that no track of the artist's is
touched; that timeline, the job and the state of the Deliver page are taken back in any case.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Optional, Tuple, cast

from frdm_resolve import marks, placement, timecode
from frdm_resolve.clips import Media
from frdm_resolve.errors import AdapterError, RenderError, StoppedError
from frdm_resolve.session import Open

if TYPE_CHECKING:
    from fusionscript import MediaPoolClipInfo, RenderSettings, Timeline, TimelineItem

BASES = ("ProRes Master", "H.264 Master", "H.265 Master", "YouTube - 1080p")
"""Presets that come with Resolve and render pictures: what a preset leaves behind cannot be read, only replaced."""
EVERY = 0.2
"""Seconds between two looks at a job."""
Tell = Callable[[str, int, int, Optional[float]], None]


def source(
    opened: Open,
    media: Media,
    first: int,
    end: int,
    folder: Path,
    *,
    tell: Tell,
    cancelled: Callable[[], bool],
) -> Tuple[str, int]:
    """Renders the frames first to end (not counted) of a clip; pattern and number of the first file.

    Raises:
        RenderError: Resolve did not, whatever it answered.
        StoppedError: it was cancelled.
    """
    name, number, count = "source.", first + 1, end - first
    pattern = str(folder / f"{name}%08d.exr")
    if _whole(pattern, number, count):
        return pattern, number
    opened.check()
    if opened.project.IsRenderingInProgress():
        raise RenderError("Resolve is rendering; wait until its render queue is done, then run FRDM Restore again.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RenderError(f"{folder} cannot be made ({error.strerror}); choose another folder for results.") from error
    with _deliver_page(opened), _line_of(opened, media, first, end) as line:
        settings = {
            "SelectAllFrames": False,
            "MarkIn": int(line.GetStartFrame()),
            "MarkOut": int(line.GetStartFrame()) + count - 1,
            "TargetDir": str(folder),
            "CustomName": name,
            "ExportVideo": True,
            "ExportAudio": False,
            "FormatWidth": media.size[0],
            "FormatHeight": media.size[1],
            "ClipStartFrame": number,
        }
        try:
            _set(opened, settings, media)
            _run(opened, line, media, count, tell, cancelled)
        except AdapterError:
            _clear(pattern, number, count)  # the last file may be cut short, and must not pass for whole later
            raise
    lacking = [frame for frame in range(number, number + count) if not _filled(pattern, frame)]
    if lacking:
        raise RenderError(
            f"Resolve said that the render of {media.name} is complete, and {len(lacking)} of {count} frames are not "
            f"in {folder}; see to room on that disk and the Deliver page's messages, then run this again."
        )
    return pattern, number


def _clear(pattern: str, number: int, count: int) -> None:
    for frame in range(number, number + count):
        path = Path(pattern % frame)
        if path.is_file():
            path.unlink()


def _filled(pattern: str, frame: int) -> bool:
    path = Path(pattern % frame)
    return path.is_file() and path.stat().st_size > 0


def _whole(pattern: str, number: int, count: int) -> bool:
    """An earlier render is used again only where it came to its end: its frames are all there."""
    return all(_filled(pattern, frame) for frame in range(number, number + count))


def _set(opened: Open, settings: Dict[str, Any], media: Media) -> None:
    project = opened.project
    if not project.SetCurrentRenderMode(1):  # a single clip
        raise RenderError("Resolve does not change to rendering a single clip; look at the Deliver page.")
    chosen = _half_exr(opened)
    if chosen is None or not project.SetCurrentRenderFormatAndCodec(*chosen):
        raise RenderError("This Resolve renders no EXR of half floats; look for it among the formats of Deliver.")
    if not project.SetRenderSettings(cast("RenderSettings", settings)):
        raise RenderError(f"Resolve does not take the settings to render {media.name}; look at the Deliver page.")


def _half_exr(opened: Open) -> Optional[Tuple[str, str]]:
    """Format and codec by their ids."""
    for name, suffix in (opened.project.GetRenderFormats() or {}).items():
        if suffix.lower() == "exr":
            for given in (name, suffix):
                codecs = opened.project.GetRenderCodecs(given) or {}
                halves = sorted(one for one in codecs.values() if "half" in one.lower())
                if halves:
                    return suffix, halves[0]
    return None


def _run(opened: Open, line: Timeline, media: Media, count: int, tell: Tell, cancelled: Callable[[], bool]) -> None:
    project = opened.project
    if project.GetCurrentTimeline().GetUniqueId() != line.GetUniqueId():
        project.SetCurrentTimeline(line)
    job = project.AddRenderJob()
    if not job:
        raise RenderError(f"Resolve adds no render job for {media.name}; look at the Deliver page.")
    began = time.monotonic()
    try:
        _of_ours(opened, job, line)
        if not project.StartRendering([job], False):
            raise RenderError(f"Resolve does not start to render {media.name}; look at the Deliver page.")
        while True:
            status: Dict[str, Any] = dict(project.GetRenderJobStatus(job) or {})
            state = str(status.get("JobStatus") or "")
            if state == "Complete":
                return
            if state in ("Failed", "Cancelled", ""):
                why = status.get("Error") or state or "Resolve no longer answers"
                raise RenderError(f"Resolve did not render {media.name}: {why}; mend that, then run this again.")
            share = float(status.get("CompletionPercentage") or 0) / 100
            left = (time.monotonic() - began) * (1 - share) / share if share else None
            tell(f"rendering {media.name}", round(share * count), count, left)
            if cancelled():
                project.StopRendering()
                raise StoppedError("Cancelled while Resolve rendered; the project is as it was.")
            time.sleep(EVERY)
    finally:
        project.DeleteRenderJob(job)


def _of_ours(opened: Open, job: str, line: Timeline) -> None:
    """Raises RenderError where the job is of another timeline, which the artist opened just then."""
    name = line.GetName()
    for told in opened.project.GetRenderJobList() or []:
        one: Dict[str, Any] = dict(told)
        if one.get("JobId") == job and one.get("TimelineName") not in (None, name):
            raise RenderError("Another timeline was opened just as the render was to begin; run FRDM Restore again.")


@contextlib.contextmanager
def _deliver_page(opened: Open) -> Iterator[None]:
    """The Deliver page's state, saved as a preset and put back; a known preset below what is set here."""
    project = opened.project
    saved = f"FRDM {uuid.uuid4().hex[:8]}"
    mode = project.GetCurrentRenderMode()
    if not project.SaveAsNewRenderPreset(saved):
        raise RenderError("Resolve does not save the settings of its Deliver page, so they are not touched.")
    try:
        known = [one if isinstance(one, str) else "" for one in project.GetRenderPresetList() or []]
        base = next((one for one in BASES if one in known), None)
        if base is not None:
            project.LoadRenderPreset(base)
        yield
    finally:
        if project.LoadRenderPreset(saved):
            project.SetCurrentRenderMode(mode)
            project.DeleteRenderPreset(saved)


@contextlib.contextmanager
def _line_of(opened: Open, media: Media, first: int, end: int) -> Iterator[Timeline]:
    """A timeline that holds just the frames of a clip, current while it is there."""
    project, pool = opened.project, opened.pool
    shown, folder = project.GetCurrentTimeline(), pool.GetCurrentFolder()
    line = pool.CreateEmptyTimeline(f"FRDM render {uuid.uuid4().hex[:8]}")
    if not line:
        raise RenderError("Resolve makes no timeline to render from; run FRDM Restore again.")
    try:
        _fill(opened, line, media, first, end)
        yield line
    finally:
        now = project.GetCurrentTimeline()
        if now and now.GetUniqueId() != line.GetUniqueId():
            shown = now  # the artist's choice meanwhile
        if shown:
            project.SetCurrentTimeline(shown)
        pool.DeleteTimelines([line])
        pool.SetCurrentFolder(folder)


def _fill(opened: Open, line: Timeline, media: Media, first: int, end: int) -> None:
    science, out = opened.project.GetSetting("colorScienceMode"), opened.project.GetSetting("colorAcesODT")
    if science.startswith("aces") and out != "No Output Transform":
        raise RenderError(
            f"The project renders through the ACES output transform {out}, which would be burnt into {media.name}; set "
            "it to No Output Transform while FRDM restores, or export the clip as EXR by hand."
        )
    line.SetSetting("useCustomSettings", "1")
    line.SetSetting("timelineFrameRate", timecode.shown(media.rate))
    for name, size in zip(("timelineResolutionWidth", "timelineResolutionHeight"), media.size):
        line.SetSetting(name, str(size))
    if timecode.rate(line.GetSetting("timelineFrameRate")) != media.rate:
        raise RenderError(
            f"Resolve makes no timeline of {timecode.shown(media.rate)} frames a second, as {media.name} has."
        )
    if media.space:
        # What comes out is what went in: the clip's own colour space.
        line.SetSetting("colorSpaceOutput", media.space)
        if line.GetSetting("colorSpaceOutput") != media.space:
            raise RenderError(
                f"Resolve does not render {media.name} in its own colour space {media.space}; export it as EXR by hand."
            )
    line.SetStartTimecode(media.code(first))
    for origin in dict.fromkeys((media.number, 0)):
        info: MediaPoolClipInfo = {
            "mediaPoolItem": media.clip,
            "startFrame": first + origin,
            "endFrame": end + origin,
            "mediaType": 1,
            "trackIndex": 1,
            "recordFrame": int(line.GetStartFrame()),
        }
        _lay(opened, line, info)
        laid = [item for _, item in marks.items(line)]
        if (
            len(laid) == 1
            and int(laid[0].GetDuration(False)) == end - first
            and int(laid[0].GetLeftOffset(False)) == first
        ):
            return
        if laid:
            line.DeleteClips(laid, False)
    raise RenderError(
        f"Resolve does not lay frames {first} to {end - 1} of {media.name} on a timeline; export it by hand."
    )


def _lay(opened: Open, line: Timeline, info: MediaPoolClipInfo) -> None:
    """Appends to the current timeline. Where the artist has opened another meanwhile, it is taken off there."""
    for _ in range(2):
        opened.project.SetCurrentTimeline(line)
        before = {one.GetUniqueId() for _, one in _elsewhere(opened, line)}
        opened.pool.AppendToTimeline([info])  # type: ignore[arg-type]  # its overload is misspelt in the stubs
        strays: Dict[str, Tuple[Timeline, List[TimelineItem]]] = {}
        for other, item in _elsewhere(opened, line):
            if item.GetUniqueId() not in before and _shows(item, info):
                strays.setdefault(other.GetUniqueId(), (other, []))[1].append(item)
        for other, items in strays.values():
            placement.delete(opened, other, items)
        current = opened.project.GetCurrentTimeline()
        if current and current.GetUniqueId() == line.GetUniqueId():
            return


def _elsewhere(opened: Open, line: Timeline) -> Iterator[Tuple[Timeline, TimelineItem]]:
    """Every item of the other timelines."""
    for index in range(1, opened.project.GetTimelineCount() + 1):
        other = opened.project.GetTimelineByIndex(index)
        if other and other.GetUniqueId() != line.GetUniqueId():
            for _, item in marks.items(other):
                yield other, item


def _shows(item: TimelineItem, info: MediaPoolClipInfo) -> bool:
    clip = item.GetMediaPoolItem()
    return bool(clip) and clip.GetUniqueId() == info["mediaPoolItem"].GetUniqueId()
