"""The OCIO config that plates would be read with."""

from __future__ import annotations

import os

from frdm_engine.doctor.probes.telling import tell


def main() -> None:
    """Tells `config`, and `spaces` and `linear` of it; or `error`."""
    import OpenImageIO as oiio

    from frdm_engine.errors import ColourError
    from frdm_engine.plates.colour import BUILT_IN_CONFIG, resolve

    config = os.environ.get("OCIO") or BUILT_IN_CONFIG
    tell(config=config, oiio=oiio.VERSION_STRING)
    opened = oiio.ColorConfig(config)
    said = opened.geterror()
    spaces = list(opened.getColorSpaceNames())
    if said or not spaces:
        tell(error=said or "it is empty")
        return
    tell(spaces=len(spaces))
    try:
        # The working space is what every other one is converted to.
        linear = str(opened.getColorSpaceNameByRole("scene_linear") or "")
        resolve(linear or "scene_linear", metadata={}, path_suffix=".exr", dtype="float16")
        tell(linear=linear)
    except ColourError as error:
        tell(unfit=str(error))


if __name__ == "__main__":
    main()
