"""The scheduled workflow that watches a deployment and recommends what to do."""

from .workflow import MonitorWorkflow

__all__ = ["MonitorWorkflow"]
