"""The one error of this package: a sentence that names the file or option and says what to do."""

from __future__ import annotations


class InstallError(Exception):
    """Something cannot be installed or uninstalled; what was there is as it was."""
