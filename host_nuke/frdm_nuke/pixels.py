"""Frames of the plate and the masks, rendered by Nuke into the cache. All of it in the main thread."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Iterator, List

import nuke

from frdm_nuke.cache import in_view
from frdm_nuke.errors import NestedRenderError, PlateError, StoppedError
from frdm_nuke.graph import MASKS

BUSY = "already executing"
"""What Nuke says, with other words around it, where it is asked to render while it renders."""
DATATYPES = {"float": "32 bit float", "half": "16 bit half"}


@contextlib.contextmanager
def unrecorded() -> Iterator[None]:
    """Changes within are ours, not the artist's: they make no steps of undo."""
    was = nuke.Undo.disabled()
    if not was:
        nuke.Undo.disable()
    try:
        yield
    finally:
        if not was:
            nuke.Undo.enable()


@contextlib.contextmanager
def _full_size(wanted: bool) -> Iterator[None]:
    """The project's proxy mode off meanwhile, where full size is wanted. Renders go by it, whatever the node says."""
    proxy = nuke.root()["proxy"]
    if not (wanted and proxy.value()):
        yield
        return
    proxy.setValue(False)
    try:
        yield
    finally:
        proxy.setValue(True)


def inner(group: nuke.Node, name: str) -> nuke.Node:
    """A node inside of ours.

    Raises:
        PlateError: it is not there.
    """
    found = group.node(name) if isinstance(group, nuke.Group) else None
    if found is None:
        raise PlateError(f"{group.name()} lacks its inner node {name}; make a new FRDM node and delete this one.")
    return found


def raw(knob: nuke.Knob) -> str:
    """What a text or file knob holds as it is written, with its tokens."""
    text: str = knob.getText()  # type: ignore[attr-defined]  # they have it, Knob has not
    return text or ""


def render(group: nuke.Node, role: str, frame: int, view: str, *, pixels: str, full: bool) -> None:
    """Renders one frame of the plate or of a mask.

    Raises:
        PlateError: Nuke cannot.
        NestedRenderError: it renders something else.
        StoppedError: the artist has stopped it.
    """
    write = inner(group, f"{role}_write")
    said = ""
    with unrecorded(), _full_size(full):
        write["datatype"].setValue(DATATYPES[pixels])
        if role in MASKS:
            inner(group, f"{role}_copy")["from0"].setValue(group[f"{role}_channel"].value())
        target = Path(in_view(nuke.filename(write) or "", view) % frame)
        write["disable"].setValue(False)
        try:
            nuke.execute(write, frame, frame, 1, [view])
        except RuntimeError as error:
            said = str(error).strip()
            if not said:
                said = type(error).__name__
        finally:
            write["disable"].setValue(True)
    if said or not target.is_file():
        raise _reason(group, role, frame, said, target)


def _reason(group: nuke.Node, role: str, frame: int, said: str, target: Path) -> Exception:
    name = group.fullName()
    if "cancel" in said.lower():
        return StoppedError(f"Rendering the {role} of {name} was stopped at frame {frame}.")
    if BUSY in said:
        return NestedRenderError(
            f"Nuke does not render the {role} of {name} for frame {frame} while it renders something else; restore "
            "first, with Restore range, frdm_nuke.batch.restore_all(), or `nuke -t frdm_nuke/batch.py SCRIPT`."
        )
    what = "plate" if role == "plate" else f"mask {role}"
    why = _one_line(said) if said else f"{target} was not written"
    return PlateError(
        f"Frame {frame} of the {what} of {name} could not be rendered ({why}); mend what is above its input {role}, or "
        "the cache folder, and restore again.",
        frame=frame,
    )


def _one_line(said: str) -> str:
    lines: List[str] = [line.strip(" .") for line in said.splitlines() if line.strip()]
    return "; ".join(lines)[:300]
