"""Handles for operators, of the client without async."""

from __future__ import annotations

from holdfast_client.client import Client
from holdfast_client.handles import Handle, blocking, iterating

from . import maintenance, monitor
from .stored import memory, retention


class OperationHandles(Handle[Client]):
    """The part of the client without async for operators."""

    @property
    def memory(self) -> MemoryClient:
        """The agents' memories: search, add, forget and erase."""
        return MemoryClient(self._target.memory, self._portal)

    @property
    def maintenance(self) -> MaintenanceClient:
        """Maintenance: run it, schedule it, and see its last runs."""
        return MaintenanceClient(self._target.maintenance, self._portal)

    @property
    def monitor(self) -> MonitorClient:
        """The monitor: recommendations about the deployment, and the changes that it made."""
        return MonitorClient(self._target.monitor, self._portal)

    @property
    def retention(self) -> RetentionClient:
        """How long content of sessions is kept."""
        return RetentionClient(self._target.retention, self._portal)

    @property
    def holds(self) -> HoldClient:
        """Legal holds."""
        return HoldClient(self._target.holds, self._portal)


class MemoryClient(Handle[memory.MemoryClient]):
    """The agents' memories; see ``holdfast.MemoryClient``."""

    search = blocking(memory.MemoryClient.search)
    list = iterating(memory.MemoryClient.list)
    add = blocking(memory.MemoryClient.add)
    forget = blocking(memory.MemoryClient.forget)
    stats = blocking(memory.MemoryClient.stats)
    erase = blocking(memory.MemoryClient.erase)
    migrate = blocking(memory.MemoryClient.migrate)


class MaintenanceClient(Handle[maintenance.MaintenanceClient]):
    """Maintenance; see ``holdfast.MaintenanceClient``."""

    run = blocking(maintenance.MaintenanceClient.run)
    runs = blocking(maintenance.MaintenanceClient.runs)
    schedule = blocking(maintenance.MaintenanceClient.schedule)


class MonitorClient(Handle[monitor.MonitorClient]):
    """The monitor; see ``holdfast.MonitorClient``."""

    start = blocking(monitor.MonitorClient.start)
    stop = blocking(monitor.MonitorClient.stop)
    reports = blocking(monitor.MonitorClient.reports)
    revert = blocking(monitor.MonitorClient.revert)


class RetentionClient(Handle[retention.RetentionClient]):
    """How long content is kept; see ``holdfast.RetentionClient``."""

    list = blocking(retention.RetentionClient.list)
    set = blocking(retention.RetentionClient.set)


class HoldClient(Handle[retention.HoldClient]):
    """Legal holds; see ``holdfast.HoldClient``."""

    add = blocking(retention.HoldClient.add)
    list = blocking(retention.HoldClient.list)
    remove = blocking(retention.HoldClient.remove)
