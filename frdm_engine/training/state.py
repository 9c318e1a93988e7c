"""The files of a run, written so that a kill or a power cut at any moment leaves this state or the one before.

`state.json` names the tensors that belong to it; both are on the disk, not only in its cache, before they get their
names. No pickle anywhere.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from frdm_engine.errors import CheckpointError, OutputError
from frdm_engine.model.denoiser import FilmRestorer

STATE = "state.json"
Facts = dict[str, Any]


def facts_of(folder: Path) -> Facts:
    """What `state.json` says of a run: step, minutes, and the name of the file of tensors."""
    out: Facts = json.loads((folder / STATE).read_text(encoding="utf-8"))
    return out


def read_state(folder: Path) -> tuple[Facts, dict[str, Tensor]]:
    """What `write_state` wrote.

    Raises:
        CheckpointError: a file is missing or damaged.
    """
    try:
        facts = facts_of(folder)
        tensors = load_file(folder / facts["tensors"])
        facts |= {"step": int(facts["step"]), "minutes": float(facts["minutes"])}
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise CheckpointError(
            f"{folder} cannot be gone on with ({error}); name another run folder, or restore it from a copy."
        ) from error
    return facts, tensors


def write_state(folder: Path, facts: Facts, tensors: dict[str, Tensor]) -> None:
    """Replaces a run's state; `facts` hold its step.

    Raises:
        OutputError: it cannot be written; the state before it is kept.
    """
    name = f"state-{facts['step']}.safetensors"
    try:
        save_file(tensors, folder / f"{name}.part")
        _settle(folder / f"{name}.part", folder / name)
        draft = folder / f"{STATE}.part"
        draft.write_text(json.dumps(facts | {"tensors": name}), encoding="utf-8")
        _settle(draft, folder / STATE)
        _sync(folder)
        for old in folder.glob("state-*.safetensors*"):
            if old.name != name:
                old.unlink()
    except (OSError, SafetensorError) as error:
        raise _unwritable(folder, error) from error


def write_model(folder: Path, model: FilmRestorer) -> None:
    """Writes or replaces a model folder; whoever reads it meanwhile finds whole files.

    Hints are written in half precision: they are a fourth of the weights, and say how likely something is.

    Raises:
        OutputError: it cannot be written; the one before it is kept.
    """
    draft = folder.with_name(f"{folder.name}.part")
    try:
        shutil.rmtree(draft, ignore_errors=True)  # left by a kill
        _compact(model).save_pretrained(draft)
        # A folder in use cannot be replaced in one move, its files can; the configuration of a run never changes.
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(draft.iterdir()):
            _settle(path, folder / path.name)
        _sync(folder)
        draft.rmdir()
    except (OSError, SafetensorError) as error:
        raise _unwritable(folder, error) from error


def _compact(model: FilmRestorer) -> FilmRestorer:
    if model.hints is None:
        return model
    made = copy.deepcopy(model)
    made.hints.half()  # type: ignore[union-attr]
    return made


def _settle(draft: Path, path: Path) -> None:
    _sync(draft)
    os.replace(draft, path)


def _sync(path: Path) -> None:
    """Waits until a file, or a folder's list of names, is on the disk."""
    if path.is_dir() and os.name == "nt":  # Windows opens no folders
        return
    # Windows flushes only what it may write to.
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unwritable(folder: Path, error: Exception) -> OutputError:
    return OutputError(f"{folder} cannot be written ({error}); make room there. What was saved before is kept.")
