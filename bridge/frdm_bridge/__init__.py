"""The bridge to FRDM's engine: messages, transport and client, for Python 3.9 and up with pyzmq.

What is named here is loaded when it is first used: a host that starts up does not wait for sockets it may never need.
"""

from typing import TYPE_CHECKING

from frdm_bridge.version import PROTOCOL as PROTOCOL
from frdm_bridge.version import __version__ as __version__

if TYPE_CHECKING:
    from frdm_bridge.client import Client as Client
    from frdm_bridge.discovery import Connection as Connection
    from frdm_bridge.discovery import connection_file as connection_file
    from frdm_bridge.discovery import read_connection as read_connection
    from frdm_bridge.errors import BridgeError as BridgeError
    from frdm_bridge.jobs import JobSpec as JobSpec
    from frdm_bridge.jobs import PathRule as PathRule
    from frdm_bridge.jobs import Settings as Settings
    from frdm_bridge.live import restore_pixels as restore_pixels
    from frdm_bridge.restoring import restore as restore
else:
    _HOMES = {
        "BridgeError": "errors",
        "Client": "client",
        "Connection": "discovery",
        "JobSpec": "jobs",
        "PathRule": "jobs",
        "Settings": "jobs",
        "connection_file": "discovery",
        "read_connection": "discovery",
        "restore": "restoring",
        "restore_pixels": "live",
    }

    def __getattr__(name):
        from importlib import import_module

        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value


__all__ = [
    "PROTOCOL",
    "BridgeError",
    "Client",
    "Connection",
    "JobSpec",
    "PathRule",
    "Settings",
    "__version__",
    "connection_file",
    "read_connection",
    "restore",
    "restore_pixels",
]
