"""The render queue of a project: settings, presets, jobs.

Settings come on top of whatever is there, and what is there cannot be read: a preset loaded once stays below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Optional

from tests.host_resolve.standin.remote import Remote, call
from tests.host_resolve.standin.rendering import Job

if TYPE_CHECKING:
    from tests.host_resolve.standin.timelines import Timeline

FORMATS: Dict[str, str] = {"EXR": "exr", "QuickTime": "mov", "TIFF": "tif", "DPX": "dpx", "Wave": "wav"}
"""Name -> id. Measured: the id alone is what the other calls take; the name is refused without a word."""
CODECS: Dict[str, Dict[str, str]] = {
    "EXR": {"RGB float": "RGBFloat", "RGB half": "RGBHalf", "RGB half (ZIP)": "RGBHalfZIP"},
    "QuickTime": {"Apple ProRes 422 HQ": "ProRes422HQ", "H.264": "H264"},
    "TIFF": {"RGB 16 bits": "RGB16"},
    "DPX": {"RGB 10 bits": "RGB10"},
    "Wave": {},
}
"""Description -> id; the id is what counts. Some formats have none, and cannot be chosen."""
SETTINGS: Dict[str, type] = {
    "SelectAllFrames": bool,
    "MarkIn": int,
    "MarkOut": int,
    "TargetDir": str,
    "CustomName": str,
    "UniqueFilenameStyle": int,
    "ExportVideo": bool,
    "ExportAudio": bool,
    "FormatWidth": int,
    "FormatHeight": int,
    "FrameRate": float,
    "PixelAspectRatio": str,
    "ColorSpaceTag": str,
    "GammaTag": str,
    "ExportAlpha": bool,
    "AlphaMode": int,
    "ClipStartFrame": int,
    "TimelineStartTimecode": str,
    "ReplaceExistingFilesInPlace": bool,
    "AudioCodec": str,
    "AudioBitDepth": int,
    "AudioSampleRate": int,
    "EncodingProfile": str,
    "MultiPassEncode": bool,
    "NetworkOptimization": bool,
    "ExportSubtitle": bool,
    "SubtitleFormat": str,
}


def _format(asked: str) -> str:
    """The name of a format's id; empty where it is none."""
    return next((name for name, ext in FORMATS.items() if ext == asked), "")


def _fresh() -> Dict[str, Any]:
    """What a preset holds; below the settings that can be set lies more that cannot."""
    return {
        "format": "QuickTime",
        "codec": "ProRes422HQ",
        "mode": 1,
        "settings": {"SelectAllFrames": True, "ExportVideo": True, "ExportAudio": True, "ClipStartFrame": 1},
        "hidden": {"video": True, "data": "Auto"},
    }


def _copied(state: Dict[str, Any]) -> Dict[str, Any]:
    return {name: dict(one) if isinstance(one, dict) else one for name, one in state.items()}


class Queue(Remote):
    """A project's render queue."""

    _current: Optional[Timeline]

    def __init__(self) -> None:
        super().__init__()
        self._open = True
        self._deliver = _fresh()
        self._preset = "ProRes Master"
        audio = _fresh()
        # Measured: after this one, ExportVideo=True is accepted, shown in the job, and not obeyed.
        audio["hidden"]["video"] = False
        self._presets: Dict[str, Dict[str, Any]] = {"ProRes Master": _fresh(), "Audio Only": audio}
        self._jobs: List[Job] = []
        self._running: List[Job] = []

    def _lost(self) -> bool:
        return not self._alive or not self._open

    @call
    def GetRenderFormats(self) -> Dict[str, str]:
        return dict(FORMATS)

    @call
    def GetRenderCodecs(self, renderFormat: str) -> Dict[str, str]:
        name = _format(renderFormat)
        return dict(CODECS[name]) if name else {}

    @call
    def GetRenderResolutions(self, format: str = "", codec: str = "") -> List[Dict[str, int]]:
        return [{"Width": 64, "Height": 48}, {"Width": 1920, "Height": 1080}]

    @call
    def GetCurrentRenderFormatAndCodec(self) -> Dict[str, str]:
        return {"format": FORMATS[self._deliver["format"]], "codec": self._deliver["codec"]}

    @call
    def SetCurrentRenderFormatAndCodec(self, format: str, codec: str) -> bool:
        name = _format(format)
        if not name or codec not in CODECS[name].values():
            return False
        self._deliver["format"], self._deliver["codec"] = name, codec
        self._preset = "Custom"
        return True

    @call
    def GetCurrentRenderMode(self) -> int:
        return int(self._deliver["mode"])

    @call
    def SetCurrentRenderMode(self, renderMode: int) -> bool:
        if renderMode not in (0, 1):
            return False
        self._deliver["mode"] = renderMode
        return True

    @call
    def GetRenderPresetList(self) -> List[str]:
        return list(self._presets)

    @call
    def LoadRenderPreset(self, presetName: str) -> bool:
        if presetName not in self._presets:
            return False
        self._deliver, self._preset = _copied(self._presets[presetName]), presetName
        return True

    @call
    def SaveAsNewRenderPreset(self, presetName: str) -> bool:
        if not presetName or presetName in self._presets:
            return False
        self._presets[presetName] = _copied(self._deliver)
        return True

    @call
    def DeleteRenderPreset(self, presetName: str) -> bool:
        return self._presets.pop(presetName, None) is not None

    @call
    def SetRenderSettings(self, settings: Dict[str, Any]) -> bool:
        """All or none: a key that is not known, or a value of another kind, refuses the lot. Not documented."""
        for name, value in settings.items():
            kind = SETTINGS.get(name)
            if kind is None or not isinstance(value, (int, float) if kind is float else kind):
                return False
            if kind is int and isinstance(value, bool):
                return False
        self._deliver["settings"].update(settings)
        self._preset = "Custom"
        return True

    @call
    def AddRenderJob(self) -> str:
        """A job of the current timeline, whichever that is now. Empty where there is nothing to render."""
        line = self._current
        settings = dict(self._deliver["settings"])
        if line is None or not settings.get("TargetDir"):
            return ""
        job = Job(self._session.new_id(), line, _copied(self._deliver), self._preset)
        self._jobs.append(job)
        return job.id

    def _job(self, job_id: Any) -> Optional[Job]:
        return next((one for one in self._jobs if one.id == job_id), None)

    @call
    def GetRenderJobList(self) -> List[Dict[str, Any]]:
        return [one.described() for one in self._jobs]

    @call
    def DeleteRenderJob(self, jobId: str) -> bool:
        job = self._job(jobId)
        if job is None or job in self._running:
            return False
        self._jobs.remove(job)
        return True

    @call
    def DeleteAllRenderJobs(self) -> bool:
        self._session.violations.append(f"DeleteAllRenderJobs took {len(self._jobs)} jobs")
        self._jobs = []
        return True

    @call
    def StartRendering(self, jobIds: Any = None, *args: Any, isInteractiveMode: bool = False) -> bool:
        """Without ids, every job of the queue is rendered: the artist's, too."""
        asked = list(jobIds) if isinstance(jobIds, (list, tuple)) else [jobIds, *args]
        if jobIds is None or isinstance(jobIds, bool):
            asked = [one.id for one in self._jobs]
            self._session.violations.append("StartRendering took the whole queue")
        jobs = [job for job in map(self._job, asked) if job is not None]
        if not jobs or self._running:
            return False
        self._running = jobs
        for job in jobs:
            job.start(self._session.options.polls_per_job)
        return True

    @call
    def IsRenderingInProgress(self) -> bool:
        self._pass()
        return bool(self._running)

    @call
    def StopRendering(self) -> None:
        for job in self._running:
            job.cancel()
        self._running = []

    @call
    def GetRenderJobStatus(self, jobId: str) -> Dict[str, Any]:
        job = self._job(jobId)
        if job is None:
            return {}
        told = job.status()
        self._pass()
        return told

    def _pass(self) -> None:
        """Time goes by: the first job that runs is a step further."""
        if self._running:
            self._running[0].step(self._session.options)
            if not self._running[0].busy:
                self._running.pop(0)
