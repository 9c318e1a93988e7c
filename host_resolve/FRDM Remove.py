"""Workspace > Scripts > FRDM Remove: takes the results of FRDM out of the open timeline and the media pool."""

import os
import sys


def frdm_folder():
    """Where FRDM's packages lie: beside this script, or in the folder that the installer wrote here."""
    here = globals().get("__file__")
    beside = os.path.dirname(os.path.abspath(here)) if here else ""
    for folder in (FRDM, os.path.join(beside, "frdm"), beside):
        if folder and os.path.isdir(os.path.join(folder, "frdm_resolve")):
            return folder
    return ""


FRDM = ""  # the installer's place


def frdm_start(what):
    """Runs FRDM, or says in one sentence why not."""
    folder = frdm_folder()
    if sys.version_info < (3, 9):  # noqa: UP036 - it is Resolve that picks the Python
        print("FRDM needs Python 3.9 or later; install it from python.org, where Resolve finds it at its next start.")
        return
    if not folder:
        print("FRDM's packages are not where they were installed; run `frdm install resolve` again.")
        return
    if folder not in sys.path:
        sys.path.insert(0, folder)
    from frdm_resolve import errors, vendor

    try:
        vendor.choose()
    except errors.AdapterError as error:
        print(error)
        return
    from frdm_resolve import cli

    cli.script(globals(), what=what)


frdm_start("remove")
