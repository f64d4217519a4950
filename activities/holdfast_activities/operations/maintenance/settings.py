"""Settings of maintenance."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MaintenanceSettings:
    """What a worker's maintenance works on, besides its databases.

    Attributes:
        audit_export: Where heads of the audit log are exported: a folder or an address; empty for nowhere.
        log_folder: Where this machine's log files are; empty if maintenance does not remove them.
        log_days: Days without a change after which it removes them.
        back_up: Makes a backup and returns its rows; None without a folder for it.
    """

    audit_export: str = ""
    log_folder: str = ""
    log_days: float = 30.0
    back_up: Callable[[], Awaitable[int]] | None = None
