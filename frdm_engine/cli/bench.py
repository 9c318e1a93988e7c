"""`frdm bench`: restorers measured against the truth, against simpler methods, and on real film."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from frdm_engine.cli.console import STOPPED, Bar, Stop, complain, count, note, parse_names
from frdm_engine.cli.options import HOW, WHERE, Device
from frdm_engine.errors import InputError, SettingError

if TYPE_CHECKING:
    from frdm_engine.evaluation.cases import Clip
    from frdm_engine.evaluation.report import Report

TILE = 256
"""Seams are judged on tiles of this size: a frame of 854x480 has but one border otherwise."""

bench = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Measure restorers: against the truth and simpler methods, and on real film.",
)

Data = Annotated[
    Path,
    typer.Option(metavar="DIR", rich_help_panel=WHERE, help="Footage: clean clips in val/video, real film in real."),
]


@bench.command()
def quality(
    data: Data = Path("data"),
    clips: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH|NAME", rich_help_panel=WHERE, help="Clean clips to use instead, or names out of --data."
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", rich_help_panel=WHERE, help="Folder for report and cache.")
    ] = Path("frdm_bench"),
    docs: Annotated[
        Path | None,
        typer.Option(metavar="DIR", rich_help_panel=WHERE, help="Write benchmark.md and its pictures there too."),
    ] = None,
    recipe: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|FILE", rich_help_panel="What is measured", help="Damage; all four presets unless told."
        ),
    ] = None,
    seeds: Annotated[
        str, typer.Option(metavar="LIST", rich_help_panel="What is measured", help="Seeds of the damage.")
    ] = "101,202",
    frames: Annotated[
        int, typer.Option(metavar="N", min=1, rich_help_panel="What is measured", help="Frames of each clip.")
    ] = 12,
    methods: Annotated[
        str | None,
        typer.Option(metavar="LIST", rich_help_panel="What is measured", help="Baselines, and ours; all unless told."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|DIR",
            rich_help_panel="What is measured",
            help="Models; the first is the one the report is about (frdm-s unless told).",
        ),
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=MODEL",
            rich_help_panel="What is measured",
            help="Models to compare it with, such as those with a part switched off.",
        ),
    ] = None,
    steps: Annotated[
        str, typer.Option(metavar="LIST", rich_help_panel="What is measured", help="Sampling steps to compare.")
    ] = "1,2,4,8",
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            rich_help_panel="What is measured",
            help="A first look: two clips, archive-mixed, one seed, four frames, default steps.",
        ),
    ] = False,
    jobs: Annotated[
        int, typer.Option(metavar="N", min=1, rich_help_panel=HOW, help="Cases measured at the same time.")
    ] = 1,
    device: Device = "auto",
) -> None:
    """Damage clean clips, restore them by every method, and hold the results against the truth.

    Results are kept in OUT/cache: a run that was stopped goes on, and a method added later is measured alone.
    """
    from frdm_engine.evaluation.benchmark import Result, machine, run
    from frdm_engine.evaluation.cases import plan_cases
    from frdm_engine.evaluation.methods import MEASURES, choose, code
    from frdm_engine.evaluation.report import Report
    from frdm_engine.version import __version__

    recipes = (
        tuple(recipe) if recipe else ("archive-mixed",) if quick else ("light", "medium", "heavy", "archive-mixed")
    )
    seed_list, step_list = parse_numbers(seeds, option="--seeds"), parse_numbers(steps, option="--steps", least=1)
    chosen_methods = choose(
        models=tuple(model or ("frdm-s",)),
        also=parse_pairs(also or ()),
        names=parse_names(methods),
        steps=() if quick else step_list,
        tile=None if quick else TILE,
        device=device,
    )
    found = chosen_clips(data, clips or ())
    if quick:
        found, seed_list, frames = found[:2], seed_list[:1], min(frames, 4)
    cases = plan_cases(found, recipes=recipes, seeds=seed_list, frames=frames)
    with Stop() as stop, Steps(len(cases) * len(chosen_methods)) as progress:

        def on_result(result: Result) -> None:
            progress.show(f"{result.case.name}  {result.method.name}", kept=result.kept)

        results = run(cases, chosen_methods, cache=out / "cache", jobs=jobs, on_result=on_result, stop=stop)
    if len(results) < len(cases) * len(chosen_methods):
        complain(
            f"Stopped: {len(results)} of {count(len(cases) * len(chosen_methods), 'result')} are kept in "
            f"{out / 'cache'}; the same command goes on from there."
        )
        raise typer.Exit(STOPPED)
    report = Report(
        tuple(results),
        command=shlex.join(["frdm", *sys.argv[1:]]),
        machine=machine(),
        version=__version__,
        code=code(*MEASURES),
        settings={"frames": frames, "seeds": list(seed_list), "recipes": list(recipes), "jobs": jobs, "quick": quick},
    )
    for path in write_report(report, out, docs=docs):
        note(f"wrote {path}")
    for verdict in report.verdicts():
        typer.echo(verdict.describe())


def write_report(report: Report, out: Path, *, docs: Path | None) -> list[Path]:
    """The report's files; returns those a reader wants."""
    from frdm_engine.evaluation.plots import draw
    from frdm_engine.evaluation.report import save, save_json

    pictures = draw(report.tables())
    written = [out / "benchmark.json", out / "benchmark.md"]
    save_json(written[0], report.plain())
    save(written[1], report.markdown(images={key: f"{key}.svg" for key in pictures}))
    for key, svg in pictures.items():
        save(out / f"{key}.svg", svg)
    if docs is not None:
        for key, svg in pictures.items():
            save(docs / "images" / f"benchmark-{key}.svg", svg)
        written.append(docs / "benchmark.md")
        save(written[-1], report.markdown(images={key: f"images/benchmark-{key}.svg" for key in pictures}))
    return written


@bench.command()
def real(
    data: Data = Path("data"),
    clips: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", rich_help_panel=WHERE, help="Film to look at instead of all in DIR/real."),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", rich_help_panel=WHERE, help="Folder for sheets and figures.")
    ] = Path("frdm_bench_real"),
    frames: Annotated[int, typer.Option(metavar="N", min=1, help="Frames in the middle of each clip.")] = 24,
    model: Annotated[
        str, typer.Option(metavar="NAME|DIR", rich_help_panel=HOW, help="An embedded model or a model folder.")
    ] = "frdm-s",
    device: Device = "auto",
) -> None:
    """Restore real film, which has no truth: contact sheets to look at, and what can be counted without one."""
    from frdm_engine.evaluation.benchmark import machine
    from frdm_engine.evaluation.real import RealReport, find_film, look
    from frdm_engine.evaluation.report import save, save_json
    from frdm_engine.evaluation.sheets import write_sheet
    from frdm_engine.restore.restorer import Restorer
    from frdm_engine.version import __version__

    paths = [Path(one) for one in clips] if clips else [data / "real"]
    if not clips and not paths[0].is_dir():
        raise InputError(f"{paths[0]} is not there; give --data a folder that holds real, or --clips.")
    films = find_film(paths)
    restorer = Restorer.from_pretrained(model, device=device)
    looks = []
    with Stop() as stop, Steps(len(films)) as progress:
        for film in films:
            if stop():
                break
            seen, crops = look(film, restorer, frames=frames)
            write_sheet(out / f"{film.name}.png", crops)
            looks.append(seen)
            progress.show(film.name, kept=False)
    if len(looks) < len(films):
        complain(f"Stopped: {len(looks)} of {count(len(films), 'clip')} are looked at; no report was written.")
        raise typer.Exit(STOPPED)
    report = RealReport(
        tuple(looks),
        command=shlex.join(["frdm", *sys.argv[1:]]),
        machine=machine(),
        version=__version__,
        model=(restorer.loaded.name, restorer.loaded.sha256),
    )
    save_json(out / "real.json", report.plain())
    save(out / "real.md", report.markdown())
    note(f"wrote {out / 'real.json'}")
    note(f"wrote {out / 'real.md'}")
    typer.echo(report.describe())


def chosen_clips(data: Path, wanted: list[str] | tuple[str, ...]) -> list[Clip]:
    """Clips by path, or by name out of the validation footage; all of it where none is wanted."""
    from frdm_engine.evaluation.cases import find_clips

    paths = [Path(one) for one in wanted if Path(one).exists()]
    names = [one for one in wanted if not Path(one).exists()]
    footage = data / "val" / "video"
    if paths and names:
        raise SettingError(f"--clips {names[0]} is not there; give paths, or names out of {footage}, not both.")
    if paths:
        return find_clips(paths)
    if not footage.is_dir():
        raise InputError(f"{footage} is not there; give --data a folder with val/video, or --clips a folder of frames.")
    return find_clips([footage], names=names)


def parse_numbers(text: str, *, option: str, least: int = 0) -> tuple[int, ...]:
    """The whole numbers of a list such as `1,2,4`.

    Raises:
        SettingError: the text is no such list.
    """
    words = parse_names(text)
    if not words or not all(word.isascii() and word.isdigit() and int(word) >= least for word in words):
        raise SettingError(f"{option} {text!r} is no list of whole numbers from {least}; write 1,2,4.")
    return tuple(dict.fromkeys(int(word) for word in words))


def parse_pairs(texts: list[str] | tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Name and model of `NAME=MODEL`.

    Raises:
        SettingError: a text has no name or no model.
    """
    pairs = []
    for text in texts:
        name, equals, model = text.partition("=")
        if not (name and equals and model):
            raise SettingError(f"--also {text!r} names no model; write NAME=MODEL.")
        pairs.append((name, model))
    return tuple(pairs)


class Steps(Bar):
    """Things done or found done already: a bar on a terminal, else a plain line for each."""

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self._total, self._done = total, 0

    def show(self, what: str, *, kept: bool) -> None:
        """Tell of one more."""
        self._done += 1
        self.advance(f"{self._done}/{self._total}  {what}{'  kept' if kept else ''}", work=what)
