"""A process that restores one frame and tells, as JSON, how long libraries, model and frame took."""

from __future__ import annotations

import json
import sys
import time


def main() -> None:
    """`python -m frdm_engine.evaluation.speed.cold PLATE MODEL DEVICE`."""
    began = time.perf_counter()
    from frdm_engine.plates import read_plate, resolve
    from frdm_engine.restore.restorer import Restorer

    imported = time.perf_counter()
    path, model, device = sys.argv[1:4]
    restorer = Restorer.from_pretrained(model, device=device)
    loaded = time.perf_counter()
    plate = read_plate(path, frame=1)
    space = resolve("auto", metadata=plate.metadata, path_suffix=plate.path.suffix, dtype=plate.dtype)
    restorer.restore({1: space.encode(plate.rgb())}, 1)
    done = time.perf_counter()
    print(json.dumps({"libraries": imported - began, "model": loaded - imported, "first frame": done - loaded}))


if __name__ == "__main__":
    main()
