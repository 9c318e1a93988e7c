"""Read by Nuke after init.py, where there is an interface: the menus."""

import nuke

try:
    import frdm_nuke.start

    frdm_nuke.start.add_menus()
except Exception as error:  # noqa: BLE001 - no plug-in is worth a Nuke that does not start
    nuke.tprint(f"FRDM's menus could not be added ({type(error).__name__}: {error}); run `frdm install nuke` again.")
