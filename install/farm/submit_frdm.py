"""Sends shots to the farm with the FRDM that installed this, and the template that lies beside it.

    python submit_frdm.py reel.toml BUNDLES --with "deadline bundle submit"

The options are those of `frdm farm submit`; $FRDM names another command than the one below.
"""

import os
import pathlib
import shlex
import subprocess
import sys

FRDM = []
TEMPLATE = pathlib.Path(__file__).with_name("frdm_restore.yaml")


def main(arguments):
    """Runs `frdm farm submit` and returns its exit code."""
    frdm = shlex.split(os.environ.get("FRDM", "")) or FRDM or ["frdm"]
    own = [] if "--template" in arguments or "--help" in arguments else ["--template", str(TEMPLATE)]
    try:
        return subprocess.call([*frdm, "farm", "submit", *arguments, *own])
    except OSError as error:
        sys.stderr.write(
            f"submit_frdm: {frdm[0]} cannot be run ({error.strerror}); run `frdm install farm` again, or name the "
            "command in $FRDM.\n"
        )
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
