"""Holdfast's own workflows, as workers serve and replays run them."""

from __future__ import annotations

from holdfast_workflows.identity import IdentityWorkflow
from holdfast_workflows.maintenance import MaintenanceWorkflow
from holdfast_workflows.operations.monitor import MonitorWorkflow
from holdfast_workflows.session import AgentWorkflow
from holdfast_workflows.teams.fleet import FleetWorkflow

OWN_WORKFLOWS: tuple[type, ...] = (
    AgentWorkflow,
    MaintenanceWorkflow,
    MonitorWorkflow,
    IdentityWorkflow,
    FleetWorkflow,
)
