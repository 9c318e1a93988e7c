"""Models on disk: found by name or folder, checked before use, known by a hash."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from frdm_engine.errors import CheckpointError
from frdm_engine.model.denoiser import FORMAT, FilmRestorer
from frdm_engine.model.folder import CONFIG, TENSORS, digest, find


@dataclass(frozen=True)
class Loaded:
    """A model ready for use, its name and the SHA-256 of its tensors and configuration."""

    name: str
    model: FilmRestorer
    sha256: str


def _config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{folder / CONFIG} cannot be read as JSON ({error}); restore it from a copy.") from error
    if not isinstance(config, dict) or config.get("_class_name") != FilmRestorer.__name__:
        raise CheckpointError(
            f"{folder / CONFIG} is not of a {FilmRestorer.__name__}; name a model made by `frdm train`."
        )
    if config.get("format") != FORMAT:
        raise CheckpointError(
            f"{folder} has checkpoint format {config.get('format')}, this version reads {FORMAT}; "
            "use the FRDM version it was made with, or train it again."
        )
    return config


def load(model: str | Path) -> Loaded:
    """Loads a model, strictly: every tensor present, of the right shape and finite.

    Raises:
        CheckpointError: no such model, another version, or wrong tensors; says which.
    """
    name, folder = find(model)
    config = {key: value for key, value in _config(folder).items() if not key.startswith("_")}
    try:
        built = FilmRestorer(**config)
    except (TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{folder / CONFIG} does not describe a model of this version ({error}).") from error
    path = folder / TENSORS
    try:
        with safe_open(path, framework="pt") as header:
            shapes = {key: tuple(header.get_slice(key).get_shape()) for key in header.keys()}  # noqa: SIM118
        tensors = load_file(path) if shapes else {}
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be read as safetensors ({error}); restore it from a copy.") from error
    wanted = {key: tuple(value.shape) for key, value in built.state_dict().items()}
    for key, shape in wanted.items():
        if shapes.get(key) != shape:
            raise CheckpointError(
                f"{path} holds {key} as {shapes.get(key, 'nothing')} and the model needs {shape}; "
                "its tensors belong to another configuration."
            )
    extra = sorted(set(shapes) - set(wanted))
    if extra:
        raise CheckpointError(f"{path} holds {extra[0]}, which the model does not have; it belongs to another version.")
    bad = next((key for key, value in tensors.items() if not value.isfinite().all()), None)
    if bad:
        raise CheckpointError(f"{path} holds values that are not finite in {bad}; training went wrong there.")
    built.load_state_dict({key: value.to(built.state_dict()[key].dtype) for key, value in tensors.items()})
    return Loaded(name, built.eval(), digest(folder))
