"""Models on disk: found by name or folder, checked before use, known by a hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from frdm_engine.errors import CheckpointError
from frdm_engine.model.denoiser import FORMAT, FilmRestorer

CONFIG = "config.json"
TENSORS = "diffusion_pytorch_model.safetensors"


@dataclass(frozen=True)
class Loaded:
    """A model ready for use, its name and the SHA-256 of its tensors and configuration."""

    name: str
    model: FilmRestorer
    sha256: str


def embedded() -> dict[str, Path]:
    """The models shipped with this package, by name."""
    root = Path(str(resources.files("frdm_engine") / "weights"))
    return {path.parent.name: path.parent for path in sorted(root.glob(f"*/{CONFIG}"))}


def find(model: str | Path) -> tuple[str, Path]:
    """Name and folder of an embedded model or of a model folder.

    Raises:
        CheckpointError: there is no such model.
    """
    shipped = embedded()
    if str(model) in shipped:
        return str(model), shipped[str(model)]
    folder = Path(model)
    if (folder / CONFIG).is_file():
        return folder.resolve().name, folder
    names = ", ".join(shipped) or "none"
    raise CheckpointError(
        f"{str(model)!r} is neither an embedded model ({names}) nor a folder with {CONFIG} and {TENSORS}; "
        "run `frdm models` to see what there is."
    )


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


def digest(folder: Path) -> str:
    """SHA-256 of a model's configuration and tensors."""
    sha = hashlib.sha256()
    for name in (CONFIG, TENSORS):
        try:
            sha.update((folder / name).read_bytes())
        except OSError as error:
            raise CheckpointError(f"{folder / name} cannot be read: {error.strerror}.") from error
    return sha.hexdigest()


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
