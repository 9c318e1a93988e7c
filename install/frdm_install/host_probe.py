"""Run by a host's own Python (3.9 and up), outside of the host: pyzmq and FRDM's modules as the host will find them."""

import importlib
import json
import sys
from pathlib import Path


def main() -> None:
    """Prints one JSON object: `python`, `pyzmq` with where it lies, and `fault`, empty if all is well."""
    asked = json.loads(sys.argv[1])
    told = {"python": "{}.{}.{}".format(*sys.version_info[:3]), "pyzmq": "", "fault": ""}
    # Beside this file lie modules of the names of hosts: they are not what is meant.
    del sys.path[0]
    sys.path.append(asked["packages"])
    try:
        importlib.import_module(asked["host"] + ".vendor").choose()
        zmq = importlib.import_module("zmq")
        told["pyzmq"] = f"pyzmq {zmq.__version__} in {Path(str(zmq.__file__)).parent}"
        for name in ("frdm_bridge", asked["host"]):
            place = Path(str(importlib.import_module(name).__file__)).parent
            if place.resolve() != Path(asked["packages"], name).resolve():
                told["fault"] = f"{name} is taken from {place}, in place of the one in {asked['packages']}"
    except Exception as error:  # noqa: BLE001 - whatever it is, it would keep FRDM from running in the host
        told["fault"] = f"{type(error).__name__}: {error}"
    print(json.dumps(told))


if __name__ == "__main__":
    main()
