"""Maintenance of memories and the state database, run by a schedule or manually."""

from .workflow import MaintenanceWorkflow

__all__ = ["MaintenanceWorkflow"]
