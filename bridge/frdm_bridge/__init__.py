"""The bridge to FRDM's engine: messages, transport and client, for Python 3.9 and up with pyzmq."""

from frdm_bridge.version import PROTOCOL as PROTOCOL
from frdm_bridge.version import __version__ as __version__
