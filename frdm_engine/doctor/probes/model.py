"""A model's files: there, whole, of this version; torch is not loaded."""

from __future__ import annotations

import json
import math

from frdm_engine.doctor.probes.telling import asked, tell


def main() -> None:
    """Tells `folder`, `sha256`, `parameters`; or `error`."""
    from safetensors import SafetensorError, safe_open

    from frdm_engine.errors import CheckpointError
    from frdm_engine.model.folder import CONFIG, TENSORS, digest, find

    try:
        name, folder = find(asked()["model"])
        tell(name=name, folder=str(folder))
        json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        tell(sha256=digest(folder))
        with safe_open(folder / TENSORS, framework="np") as header:
            shapes = [header.get_slice(key).get_shape() for key in header.keys()]  # noqa: SIM118
    except (CheckpointError, OSError, ValueError, SafetensorError) as error:
        tell(error=str(error))
        return
    tell(parameters=sum(math.prod(shape) for shape in shapes))


if __name__ == "__main__":
    main()
