"""The parts of ``Client`` that have a handle of their own for operators."""

from __future__ import annotations

from holdfast_client.requests.requests import Requests

from .maintenance import MaintenanceClient
from .monitor import MonitorClient
from .stored.memory import MemoryClient
from .stored.retention import HoldClient, RetentionClient


class OperationMethods:
    """The part of ``Client`` for operators."""

    _requests: Requests

    @property
    def memory(self) -> MemoryClient:
        """The agents' memories: search, add, forget and erase."""
        return MemoryClient(self._requests)

    @property
    def maintenance(self) -> MaintenanceClient:
        """Maintenance: run it, schedule it, and see its last runs."""
        return MaintenanceClient(self._requests)

    @property
    def monitor(self) -> MonitorClient:
        """The monitor: recommendations about the deployment, and the changes that it made."""
        return MonitorClient(self._requests)

    @property
    def retention(self) -> RetentionClient:
        """How long content of sessions is kept."""
        return RetentionClient(self._requests)

    @property
    def holds(self) -> HoldClient:
        """Legal holds."""
        return HoldClient(self._requests)
