"""How we reach and run the Temporal service.

server       the embedded server
connection   clients, with our data converter
converter    values to payloads and back
failures     exceptions to failures and back
attributes   what sessions are listed and filtered by
ui           links into the Temporal UI
leaving      the end of a process that used the SDK
"""

from .attributes import ensure as ensure_search_attributes
from .connection import Connection, connect
from .converter import data_converter
from .server import DevServer, ServerInfo
from .ui import run_link

__all__ = [
    "Connection",
    "DevServer",
    "ServerInfo",
    "connect",
    "data_converter",
    "ensure_search_attributes",
    "run_link",
]
