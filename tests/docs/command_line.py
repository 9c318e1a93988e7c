"""`frdm`'s commands and options as its own parser knows them; nothing is run."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

from typer.core import TyperGroup
from typer.main import get_command

from frdm_engine.cli.app import app
from frdm_resolve import cli as resolve


def commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command by its name, `("install", "nuke")`."""

    def below(name: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
        if isinstance(command, TyperGroup):
            for one, child in command.commands.items():
                yield from below((*name, one), child)
        else:
            yield name, command

    yield from below((), get_command(app))


def options() -> set[str]:
    """Every option of every command, those of `frdm-resolve` too."""
    takers = [get_command(app), *(command for _, command in commands())]
    ours = {flag for taker in takers for one in taker.params for flag in (*one.opts, *one.secondary_opts)}
    asked = re.findall(r"--[a-z][\w-]*", resolve_help("restore"))
    return ours | {"--help"} | set(asked)


def resolve_help(command: str) -> str:
    """What `frdm-resolve COMMAND --help` says."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        resolve.main([command, "--help"])
    return said.getvalue()


def find(arguments: Sequence[str]) -> tuple[Any, list[str]]:
    """The command that is called, and what is left for it.

    Raises:
        LookupError: there is no such command.
    """
    command: Any = get_command(app)
    left = list(arguments)
    while isinstance(command, TyperGroup) and left and not left[0].startswith("-"):
        if left[0] not in command.commands:
            raise LookupError(f"frdm has no command {left[0]!r}")
        command = command.commands[left.pop(0)]
    return command, left


def parse(arguments: Sequence[str], *, whole: bool = True) -> None:
    """Parses a call of `frdm` as it would; one that is not `whole` may lack what must be given.

    Raises:
        LookupError: a command, option or value it does not take.
    """
    command, left = find(arguments)
    if "--help" in left or "--version" in left:
        return
    context = command.context_class(command, info_name="frdm", **command.context_settings)
    try:
        command.parse_args(context, left)
    except Exception as error:
        # These are told last, when all that is there was taken.
        if not whole and type(error).__name__ in ("MissingParameter", "NoArgsIsHelpError", "BadOptionUsage"):
            return
        raise LookupError(f"frdm {' '.join(arguments)}: {error}") from error


def takes(arguments: Sequence[str]) -> bool:
    """Whether `frdm` takes these as they are, with nothing left to be given."""
    try:
        parse(arguments)
    except LookupError:
        return False
    return True
