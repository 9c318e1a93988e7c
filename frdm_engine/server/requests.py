"""A request as it came over the wire, as the job and the settings `frdm restore` would make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from frdm_engine.errors import SettingError
from frdm_engine.plates.sequence import Sequence, parse_frames
from frdm_engine.restore.settings import Settings
from frdm_engine.restore.stream import Job


def settings_of(request: Mapping[str, Any], *, vram: int) -> Settings:
    """The settings of a request; device memory is the engine's budget ``vram`` (bytes), or less if so asked.

    Raises:
        SettingError: one is out of its range, or unknown.
    """
    given = {name: value for name, value in dict(request.get("settings") or {}).items() if value is not None}
    unknown = sorted(set(given) - set(Settings.__dataclass_fields__))
    if unknown:
        known = ", ".join(Settings.__dataclass_fields__)
        raise SettingError(f"There is no setting {unknown[0]!r}; choose from {known}.")
    if "fix" in given:
        given["fix"] = tuple(given["fix"])
    settings = Settings(**given)
    return replace(settings, vram=min(settings.vram if "vram" in given else vram, vram))


def job_of(request: Mapping[str, Any], *, resume: bool) -> Job:
    """The job of a request as the journal keeps it, its frames as text.

    ``resume`` keeps what the sidecar vouches for, whatever the request says.

    Raises:
        FrdmError: its frames are not there, or its outputs would fall on its inputs.
    """
    frames = parse_frames(request["frames"])
    source = Sequence.find(request["source"])

    def written(name: str) -> Sequence | None:
        return Sequence.output(request[name], frames=frames, like=source) if request.get(name) else None

    def mask(name: str) -> Sequence | None:
        return Sequence.find(request[name]) if request.get(name) else None

    cuts = request.get("cuts")
    return Job(
        source=source,
        output=Sequence.output(request["output"], frames=frames, like=source),
        frames=frames,
        colourspace=request.get("colourspace") or "auto",
        layer=request.get("layer") or None,
        matte=written("matte"),
        difference=written("difference"),
        protect=mask("protect"),
        force=mask("force"),
        cuts=None if cuts is None else tuple(int(frame) for frame in cuts),
        overwrite=bool(request.get("overwrite")),
        resume=resume or bool(request.get("resume")),
    )


def stale_files(job: Job, *, pids: frozenset[int]) -> list[Path]:
    """Temporary files that processes of these ids left behind beside the job's outputs.

    A file is meant only if it bears such an id and the name of one of the job's own frames: what other programs are
    writing in the same folder stays.
    """
    if not pids:
        return []
    found = []
    for output in (job.output, job.matte, job.difference):
        if output is None or not output.folder.is_dir():
            continue
        stems = {Path(output.path(frame).name).stem for frame in job.frames}
        for entry in output.folder.iterdir():
            # As plates.exr names them: `.stem.pid-random.tmp.suffix`.
            stem, _, rest = entry.name.removeprefix(".").partition(".tmp")
            stem, _, made_by = stem.rpartition(".")
            pid = made_by.partition("-")[0]
            if entry.name.startswith(".") and rest and stem in stems and pid.isdecimal() and int(pid) in pids:
                found.append(entry)
    return found
