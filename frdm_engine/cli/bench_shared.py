"""What the benchmarks of speed and of memory share: options, sizes, the photograph, how they tell."""

from __future__ import annotations

import shlex
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from frdm_engine.cli.console import note
from frdm_engine.cli.options import WHERE
from frdm_engine.errors import OutputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from frdm_engine.evaluation.speed.reach import Verdict
    from frdm_engine.restore.restorer import Restorer

WHAT = "What is measured"
ON_CPU = "854x480,1920x1080,2048x1556,4096x3112"
QUICK_SIZES = "320x180,480x270"

Out = Annotated[
    Path, typer.Option(metavar="DIR", rich_help_panel=WHERE, help="Folder for figures, pictures and the page.")
]
JsonFile = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", rich_help_panel=WHERE, help="Write all figures there too.")
]
Docs = Annotated[
    Path | None,
    typer.Option(metavar="DIR", rich_help_panel=WHERE, help="Write speed.md and its pictures there too."),
]
Sizes = Annotated[
    str | None,
    typer.Option(
        metavar="LIST",
        rich_help_panel=WHAT,
        help=f"Frame sizes such as 1920x1080,4096x3112, or all; {ON_CPU} on a CPU unless told, all on a GPU.",
    ),
]
Scratch = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", rich_help_panel=WHERE, help="Where plates are made and deleted; the system's unless told."
    ),
]
Quick = Annotated[
    bool, typer.Option("--quick", rich_help_panel=WHAT, help="A first look at small frames, within a minute.")
]


def chosen_sizes(text: str | None, *, quick: bool, gpu: bool) -> tuple[tuple[int, int], ...]:
    """The sizes that are told, or those that end in reasonable time here.

    Raises:
        SettingError: the text is no list of sizes.
    """
    from frdm_engine.evaluation.speed.cases import parse_sizes

    return parse_sizes(text if text is not None else QUICK_SIZES if quick else "all" if gpu else ON_CPU)


def photograph() -> npt.NDArray[np.uint8]:
    """The demo's photograph (h, w, 3), sRGB codes."""
    from importlib import resources

    import cv2
    import numpy as np

    stored = (resources.files("frdm_engine.cli") / "demo_photo.jpg").read_bytes()
    return np.asarray(cv2.imdecode(np.frombuffer(stored, np.uint8), cv2.IMREAD_COLOR_RGB), np.uint8)


def scratch_folder(stack: ExitStack, folder: Path | None) -> Path:
    """A folder that goes when the stack is left.

    Raises:
        OutputError: it cannot be made.
    """
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="frdm-bench-", dir=folder))).resolve()
    except OSError as error:
        raise OutputError(
            f"{folder or tempfile.gettempdir()} cannot be used ({error.strerror}); give --scratch."
        ) from error


def told_of(restorer: Restorer) -> dict[str, Any]:
    """What a reader must know to do it again."""
    from frdm_engine.evaluation.benchmark import machine
    from frdm_engine.version import __version__

    return {
        "frdm": __version__,
        "command": shlex.join(["frdm", *sys.argv[1:]]),
        "machine": machine(),
        "model": restorer.loaded.name,
        "sha256": restorer.loaded.sha256,
        "precision": str(restorer.precision).removeprefix("torch."),
        "device": str(restorer.device),
    }


def tell(
    part: str, found: dict[str, Any], verdicts: list[Verdict], *, out: Path, json_file: Path | None, docs: Path | None
) -> None:
    """Writes JSON, page and pictures, and says what became of the bars."""
    from frdm_engine.evaluation.speed.page import write

    for path in write(out, part, found, json_file=json_file, docs=docs):
        note(f"wrote {path}")
    for verdict in verdicts:
        typer.echo(verdict.describe())
