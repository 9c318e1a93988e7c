"""`frdm status`, `jobs`, `cancel` and `stop`: a running engine, spoken to as any host speaks to it."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from frdm_engine.cli.console import count
from frdm_engine.errors import AccessError, FrdmError, InputError, OutputError, ServerError, UnknownJobError

if TYPE_CHECKING:
    from frdm_bridge import Client
    from frdm_bridge.jobs import Health, JobSummary

Connection: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Connection file of the engine; $FRDM_CONNECTION or this user's own engine unless told."
    ),
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
SHORT = 8
"""Digits of a job's name that are shown; any unambiguous beginning is understood."""
STOP_S = 0.1
OPEN = ("queued", "running")


def status(
    connection: Connection = None,
    as_json: Json = False,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Print all figures in the Prometheus text format.")
    ] = False,
) -> None:
    """Show how the engine is: devices, memory, queue, throughput, uptime."""
    with talking(connection) as client:
        if metrics:
            typer.echo(client.metrics(), nl=False)
            return
        health = client.status()
    typer.echo(json.dumps(asdict(health), indent=2) if as_json else "\n".join(describe(health)))


def jobs(
    connection: Connection = None,
    everything: Annotated[bool, typer.Option("--all", help="Also jobs that have ended.")] = False,
    as_json: Json = False,
) -> None:
    """List the engine's jobs, newest first: those that wait or run, and with --all those that ended."""
    with talking(connection) as client:
        found = list(listed(client, ended=everything))
    if as_json:
        typer.echo(json.dumps([asdict(job) for job in found], indent=2))
        return
    if not found:
        typer.echo("no jobs" if everything else "no jobs wait or run; frdm jobs --all lists those that ended")
    for job in found:
        typer.echo(describe_job(job))


def cancel(
    names: Annotated[list[str], typer.Argument(metavar="JOB...", help="Jobs as frdm jobs shows them.")],
    connection: Connection = None,
) -> None:
    """End jobs: one that waits at once, one that runs within a tile. Frames that are written stay."""
    with talking(connection) as client:
        known = list(listed(client, ended=True))
        for name in [find(name, known) for name in names]:
            client.cancel(name)
            state = client.jobs(job=name).jobs[0].state
            typer.echo(f"{name[:SHORT]} {'ends within a tile' if state in OPEN else f'is {state}'}")


def stop(
    connection: Connection = None,
    wait: Annotated[bool, typer.Option(help="Return when the engine has ended.")] = True,
) -> None:
    """End the engine after the frame in hand; its jobs go on when it is started again."""
    with talking(connection) as client:
        pid = client.status().pid
        client.stop()
    while wait and _alive(pid):
        time.sleep(STOP_S)
    typer.echo(f"engine {pid} has ended" if wait else f"engine {pid} is ending")


@contextlib.contextmanager
def talking(connection: Path | None, *, client: str | None = None) -> Iterator[Client]:
    """A client of the engine; `client` is the name of an earlier one to come back as.

    Raises:
        FrdmError: of the kind that fits what the bridge or the engine said.
    """
    from frdm_bridge import Client, errors

    kinds: dict[type[errors.BridgeError], type[FrdmError]] = {
        errors.AccessError: AccessError,
        errors.InputError: InputError,
        errors.OutputError: OutputError,
        errors.UnknownJobError: UnknownJobError,
    }
    try:
        with Client.connect(connection, program="frdm", client=client) as made:
            yield made
    except errors.BridgeError as error:
        raise kinds.get(type(error), ServerError)(str(error)) from error


def listed(client: Client, *, ended: bool) -> Iterator[JobSummary]:
    """The engine's jobs, page by page."""
    states = OPEN + (("done", "failed", "cancelled") if ended else ())
    seen = 0
    while True:
        page = client.jobs(states=states, skip=seen)
        yield from page.jobs
        seen += len(page.jobs)
        if not page.jobs or seen >= page.total:
            return


def find(name: str, known: list[JobSummary]) -> str:
    """The job whose name begins so.

    Raises:
        UnknownJobError: there is none, or more than one.
    """
    found = [job.job for job in known if job.job.startswith(name)]
    if len(found) != 1:
        remedy = "`frdm jobs --all` lists them" if not found else "give more of its digits"
        raise UnknownJobError(
            f"{'No job begins' if not found else f'{len(found)} jobs begin'} with {name!r}; {remedy}."
        )
    return found[0]


def describe(health: Health) -> Iterator[str]:
    """The engine for a person, line by line."""
    yield f"engine     {health.pid}, version {health.version}, up {_span(health.uptime)}"
    for device in health.devices:
        memory = f", {_size(device.memory_used)} of {_size(device.memory_total)}" if device.memory_total else ""
        work = f", job {device.job[:SHORT]}" if device.job else ""
        work += f" frame {device.frame}" if device.frame is not None else ""
        restarts = f", started again {count(device.restarts, 'time')}" if device.restarts else ""
        yield f"{device.name:10} {device.state}{work}{memory}{restarts}"
    yield f"queue      {health.running} running, {health.queued} waiting"
    yield f"ended      {health.done} done, {health.failed} failed, {health.cancelled} cancelled"
    yield f"frames     {health.frames:,} since the start, {health.frames_per_minute:.1f} a minute"
    yield f"memory     {_size(health.memory)} of the host, engine and workers together"
    yield f"clients    {health.clients}"
    yield f"spool      {_size(health.spool_used)} of {_size(health.spool_limit)}"


def describe_job(job: JobSummary) -> str:
    """A job for a person, in one line."""
    at = datetime.fromtimestamp(job.submitted).strftime("%Y-%m-%d %H:%M:%S")
    quick = " interactive" if job.priority == "interactive" else ""
    label = f"  {job.label}" if job.label else ""
    error = f"\n{'':10}{job.error}" if job.error else ""
    stands = f"{job.job[:SHORT]}  {job.state:9} {job.done}/{job.total}{quick}"
    return f"{stands}  {at}  {job.source} -> {job.output}{label}{error}"


def _span(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return (f"{days} d " if days else "") + f"{hours}:{minutes:02}:{rest:02}"


def _size(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    # A child that nobody has waited for yet is no engine any more.
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z" if stat.exists() else True
    except OSError:
        return False
