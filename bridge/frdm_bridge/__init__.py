"""The bridge to FRDM's engine: messages, transport and client, for Python 3.9 and up with pyzmq."""

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
from frdm_bridge.version import PROTOCOL as PROTOCOL
from frdm_bridge.version import __version__ as __version__

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
