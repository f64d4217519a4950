"""Fleets: one agent over many items.

workflow   the run method, continue-as-new and end
handlers   what clients control a fleet by
items      preparing items, their sessions, and those of earlier runs
state      the status of each item, and the report
"""

from .workflow import FleetWorkflow

__all__ = ["FleetWorkflow"]
