"""Connecting to the Temporal service, and running the embedded one.

server       the embedded server
connection   clients, with our data converter
converter    values to payloads and back
encryption   keys, and the codec of payloads
failures     exceptions to failures and back
attributes   search attributes, by which sessions are listed and filtered
schedules    periodic workflow starts
sdk_logs     what the SDK prints itself
rpc          timeout and errors of requests
binding      which app and state database a task queue belongs to
ui           links into the Temporal UI
leaving      exiting a process that used the SDK
"""

from .attributes import ensure as ensure_search_attributes
from .connection import Connection, connect
from .converter import data_converter
from .schedules import Repeated
from .schedules import ensure as ensure_schedule
from .schedules import remove as remove_schedule
from .server import DevServer, ServerInfo
from .ui import run_link

__all__ = [
    "Connection",
    "DevServer",
    "Repeated",
    "ServerInfo",
    "connect",
    "data_converter",
    "ensure_schedule",
    "ensure_search_attributes",
    "remove_schedule",
    "run_link",
]
