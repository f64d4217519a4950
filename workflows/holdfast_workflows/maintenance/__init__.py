"""Maintenance: what keeps memories and the state database small, run by a schedule or by hand."""

from .workflow import MaintenanceWorkflow

__all__ = ["MaintenanceWorkflow"]
