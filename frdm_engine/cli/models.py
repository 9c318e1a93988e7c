"""`frdm models`: which models come with the package, and what they are."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer


def models(
    model: Annotated[
        str | None, typer.Argument(metavar="[NAME|DIR]", help="One model or model folder instead of all.")
    ] = None,
) -> None:
    """List the embedded models: size, parameters, hash, defaults and where they lie."""
    from frdm_engine.model.folder import embedded, find

    found = embedded() if model is None else dict([find(model)])
    if not found:
        typer.echo("No model is embedded in this installation; train one with frdm train.")
    for index, (name, folder) in enumerate(found.items()):
        typer.echo(("\n" if index else "") + "\n".join(describe(name, folder)))


def describe(name: str, folder: Path) -> Iterator[str]:
    """A model for a person, line by line, read from its header alone.

    Raises:
        CheckpointError: the folder holds no model of this version.
    """
    from safetensors import SafetensorError, safe_open

    from frdm_engine.errors import CheckpointError
    from frdm_engine.model.denoiser import FORMAT, Limits
    from frdm_engine.model.folder import CONFIG, TENSORS, digest

    tensors = folder / TENSORS
    sha256 = digest(folder)
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        limits = Limits(**config["limits"])
        with safe_open(tensors, framework="pt") as header:
            parameters = sum(math.prod(header.get_slice(key).get_shape()) for key in header.keys())  # noqa: SIM118
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise CheckpointError(f"{folder} is not a model of this version ({error}); name another.") from error
    yield name
    yield f"  where       {folder}"
    yield f"  parameters  {parameters:,}"
    yield f"  size        {tensors.stat().st_size / 2**20:.1f} MiB"
    yield f"  sha256      {sha256}"
    yield f"  format      {config.get('format')} (this version reads {FORMAT})"
    yield f"  steps       {limits.default_steps} unless --steps is given"
    yield f"  window      {limits.radius} frames on each side"
    for index, line in enumerate(card(folder)):
        yield f"  {'about' if not index else '':10}  {line}"


def card(folder: Path, *, lines: int = 4) -> list[str]:
    """The first lines of a model card's prose, without its front matter and headings."""
    path = folder / "README.md"
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8").splitlines()
    if text and text[0] == "---" and "---" in text[1:]:
        text = text[text.index("---", 1) + 1 :]
    prose = [line.strip() for line in text if line.strip() and not line.startswith(("#", "|", "!", "```"))]
    return prose[:lines]
