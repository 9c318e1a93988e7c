"""Folders of models: found by name, known by a hash; light, so that no torch is loaded for it."""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path

from frdm_engine.errors import CheckpointError

CONFIG = "config.json"
TENSORS = "diffusion_pytorch_model.safetensors"


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


def digest(folder: Path) -> str:
    """SHA-256 of a model's configuration and tensors."""
    sha = hashlib.sha256()
    for name in (CONFIG, TENSORS):
        try:
            sha.update((folder / name).read_bytes())
        except OSError as error:
            raise CheckpointError(f"{folder / name} cannot be read: {error.strerror}.") from error
    return sha.hexdigest()
