"""The client without async: the names of ``holdfast`` that differ, with the same methods.

from holdfast.sync import connect

with connect() as client:
    print(client.run("support", "Where is order 42?"))
"""

from holdfast_client.sync import (
    BoardClient,
    Client,
    Fleet,
    Fleets,
    HoldClient,
    MaintenanceClient,
    MemoryClient,
    MonitorClient,
    RetentionClient,
    Schedules,
    Session,
    connect,
)

__all__ = [
    "BoardClient", "Client", "Fleet", "Fleets", "HoldClient", "MaintenanceClient", "MemoryClient", "MonitorClient", "RetentionClient",
    "Schedules", "Session", "connect",
]  # fmt: skip
