"""From a shot's sidecar to its page and data."""

from __future__ import annotations

from pathlib import Path

from frdm_engine.plates.sequence import Sequence
from frdm_engine.report.data import shot_data
from frdm_engine.report.names import data_path, page_path, put
from frdm_engine.report.page import shot_page
from frdm_engine.report.record import Run
from frdm_engine.report.shot import gather


def write(sidecar: Path, run: Run, *, plate: Sequence | None = None, matte: Sequence | None = None) -> Path:
    """Writes a shot's page and data beside its sidecar, and returns the page's path.

    `run` is the run's record; `plate` and `matte` stand in for those it names. Pictures that cannot be read do not end
    it: the page names them.

    Raises:
        InputError: the sidecar or the record cannot be read, or holds nothing.
        OutputError: page or data cannot be written.
    """
    shot = gather(sidecar, run, plate=plate, matte=matte)
    put(data_path(sidecar), shot_data(shot))
    put(page_path(sidecar), shot_page(shot))
    return page_path(sidecar)
