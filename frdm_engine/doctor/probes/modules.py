"""Where each module lies, and whether it can be imported: all but torch, which has a probe of its own."""

from __future__ import annotations

import importlib
import importlib.util

from frdm_engine.doctor.probes.telling import asked, tell


def main() -> None:
    """Tells `origin` of each module of `find`, then imports each of `load`: `loaded` or `broken` with the reason."""
    what = asked()
    origin: dict[str, str | None] = {}
    for name in what["find"]:
        spec = importlib.util.find_spec(name)
        places = list(spec.submodule_search_locations or ()) if spec else []
        origin[name] = None if spec is None else spec.origin or (places[0] if places else None)
    tell(origin=origin)
    loaded: list[str] = []
    broken: dict[str, str] = {}
    for name in what["load"]:
        tell(trying=name)
        try:
            importlib.import_module(name)
            loaded.append(name)
        except Exception as error:  # noqa: BLE001 - a foreign build may fail in any way: that is what is looked for
            broken[name] = f"{type(error).__name__}: {error}".splitlines()[0]
        tell(loaded=loaded, broken=broken)


if __name__ == "__main__":
    main()
