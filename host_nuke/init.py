"""Read by Nuke when it starts, with an interface and without. Whatever goes wrong here is said, and Nuke starts."""

import os
import sys

import nuke

_HERE = os.path.dirname(os.path.abspath(__file__))
try:
    if _HERE not in sys.path:
        sys.path.append(_HERE)
    nuke.pluginAddPath(os.path.join(_HERE, "icons").replace("\\", "/"))
    import frdm_nuke.start

    frdm_nuke.start.start()
except Exception as error:  # noqa: BLE001 - no plug-in is worth a Nuke that does not start
    nuke.tprint(f"FRDM could not be loaded ({type(error).__name__}: {error}); run `frdm install nuke` again.")
