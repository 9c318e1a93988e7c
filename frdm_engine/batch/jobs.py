"""From a shot as it is named to the job that the restorer takes, and what earlier runs left beside its output."""

from __future__ import annotations

import os
from pathlib import Path

from frdm_engine.batch.shots import Shot
from frdm_engine.batch.sizes import parse_names, parse_size
from frdm_engine.plates import Sequence, parse_frames
from frdm_engine.plates.choosing import choose, find_mask
from frdm_engine.restore.job import Job
from frdm_engine.restore.settings import Settings


def job_of(shot: Shot) -> Job:
    """The job of a shot; nothing is created.

    Raises:
        FrdmError: no such frames, a mask without a frame, or a name that cannot be used.
    """
    source, chosen = choose(shot.plate, shot.frames, handles=shot.handles)

    def written(spec: str | None) -> Sequence | None:
        return None if spec is None else Sequence.output(spec, frames=chosen, like=source)

    cuts = shot.cuts
    return Job(
        source=source,
        output=Sequence.output(shot.output, frames=chosen, like=source),
        frames=chosen,
        colourspace=shot.colorspace,
        layer=shot.layer,
        matte=written(shot.matte),
        difference=written(shot.difference),
        protect=find_mask(shot.protect, option="--protect", frames=chosen),
        force=find_mask(shot.force, option="--force", frames=chosen),
        cuts=None if cuts is None else () if cuts.strip().lower() == "none" else parse_frames(cuts),
        overwrite=shot.overwrite,
        resume=shot.resume,
    )


def settings_of(shot: Shot) -> Settings:
    """The settings of a shot.

    Raises:
        SettingError: one is out of its range.
    """
    return Settings(
        fix=parse_names(shot.fix),
        strength=shot.strength,
        steps=shot.steps,
        seed=shot.seed,
        grain=shot.grain,
        tile=shot.tile,
        vram=parse_size(shot.vram, option="--vram"),
    )


def sweep(job: Job) -> int:
    """Removes half-written files of the job's own frames whose writer is gone; returns how many there were."""
    removed = 0
    for output in (job.output, job.matte, job.difference):
        if output is None or not output.folder.is_dir():
            continue
        stems = {Path(name).stem for name in output.names}
        for entry in os.scandir(output.folder):
            # As plates.exr names them: `.stem.pid-random.tmp.suffix`.
            stem, mark, _ = entry.name.removeprefix(".").partition(".tmp")
            stem, _, made_by = stem.rpartition(".")
            pid = made_by.partition("-")[0]
            probe = stem == "" and entry.name.startswith(".frdm.")  # patience's trial of the disk
            ours = entry.name.startswith(".") and mark and (stem in stems or stem == "frdm" or probe)
            if ours and pid.isdecimal() and not _alive(int(pid)):
                Path(entry.path).unlink(missing_ok=True)
                removed += 1
    return removed


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
