"""`frdm` and its commands. What is slow to import, torch above all, waits until a command needs it."""

from __future__ import annotations

import gc
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from frdm_engine.cli.bench import bench
from frdm_engine.cli.bench_memory import memory
from frdm_engine.cli.bench_speed import speed
from frdm_engine.cli.console import STOPPED, complain
from frdm_engine.cli.damage import damage
from frdm_engine.cli.demo import demo
from frdm_engine.cli.doctor import doctor
from frdm_engine.cli.engine import cancel, jobs, status, stop
from frdm_engine.cli.farm import farm
from frdm_engine.cli.info import info
from frdm_engine.cli.install import install, uninstall
from frdm_engine.cli.install_engine import SERVE_S_OWN, install_engine, uninstall_engine
from frdm_engine.cli.install_farm import install_farm, uninstall_farm
from frdm_engine.cli.models import models
from frdm_engine.cli.pack import pack
from frdm_engine.cli.pairs import pairs
from frdm_engine.cli.plan import plan
from frdm_engine.cli.plot import plot
from frdm_engine.cli.report import report
from frdm_engine.cli.restore import restore
from frdm_engine.cli.scout import scout
from frdm_engine.cli.serve import serve
from frdm_engine.cli.train import train
from frdm_engine.errors import FrdmError
from frdm_engine.version import __version__


class Commands(TyperGroup):
    """Ends a command that reports an error with its one sentence and its exit code; bugs keep their traceback."""

    def invoke(self, ctx: Any) -> Any:
        gc.enable()
        try:
            return super().invoke(ctx)
        except FrdmError as error:
            complain(str(error))
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as error:
            complain("Interrupted.")
            raise typer.Exit(STOPPED) from error


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


app = typer.Typer(
    name="frdm",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _frdm(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """Take dirt, scratches, stains and flicker out of scanned film; every other pixel stays, bit for bit.

    Exit codes: 0 done, 1 a bug, a demo that did not help or a failure that the doctor found, 2 input or settings that
    cannot be used, 3 a frame that could not be restored or a training that went wrong, 4 no such device or no memory
    left on it, 5 an engine that cannot run or does not answer, 130 stopped by Ctrl-C or SIGTERM.
    """


for _command in (
    restore,
    report,
    demo,
    plan,
    info,
    models,
    serve,
    status,
    jobs,
    cancel,
    stop,
    damage,
    pack,
    train,
    scout,
    plot,
):
    app.command()(_command)
app.command()(doctor)
install.command("engine", context_settings=SERVE_S_OWN)(install_engine)
uninstall.command("engine")(uninstall_engine)
install.command("farm")(install_farm)
uninstall.command("farm")(uninstall_farm)
bench.command()(speed)
bench.command()(memory)
app.add_typer(bench, name="bench")
app.add_typer(farm)
app.add_typer(pairs)
app.add_typer(install)
app.add_typer(uninstall)


def main() -> None:
    """The console script `frdm`."""
    app(prog_name="frdm")
