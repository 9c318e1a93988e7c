"""The command line, `frdm`: see `app`."""

from frdm_engine.cli.app import main as main
