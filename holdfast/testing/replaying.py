"""Replaying histories: does the current code take the recorded decisions?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from temporalio.client import WorkflowHistory
from temporalio.common import HeaderCodecBehavior
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from holdfast_temporal import Connection
from holdfast_workflows.checking import CheckedInputs
from holdfast_workflows.maintenance import MaintenanceWorkflow
from holdfast_workflows.session import AgentWorkflow
from holdfast_workflows.teams.fleet import FleetWorkflow


async def replay(*histories: WorkflowHistory, workflows: Sequence[type] = ()) -> None:
    """Replay histories with the current code of Holdfast's workflows and ``workflows``.

    Encrypted histories need HOLDFAST_KEYS and HOLDFAST_NAMESPACE as their workers had them.

    Raises:
        temporalio.workflow.NondeterminismError: The code takes other decisions.
    """
    replayer = Replayer(
        workflows=[AgentWorkflow, MaintenanceWorkflow, FleetWorkflow, *workflows],
        data_converter=Connection.from_environment().converter(),
        header_codec_behavior=HeaderCodecBehavior.CODEC,
        interceptors=[CheckedInputs()],
        unsandboxed_workflow_runner=UnsandboxedWorkflowRunner(),
    )
    for history in histories:
        await replayer.replay_workflow(history)


def load_history(path: Path) -> WorkflowHistory:
    """A history from the JSON that Temporal's command line, UI and SDKs write."""
    found = WorkflowHistory.from_json(path.stem, path.read_text())
    # Ids of child workflows follow from the workflow's own.
    id = found.events[0].workflow_execution_started_event_attributes.workflow_id
    return replace(found, workflow_id=id) if id else found
