"""Replaying histories: does the current code take the recorded decisions?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from temporalio.client import WorkflowHistory

from holdfast_temporal import Connection
from holdfast_temporal.histories.files import read_histories
from holdfast_workers.debugging.replaying import replayer


async def replay(*histories: WorkflowHistory, workflows: Sequence[type] = ()) -> None:
    """Replay histories with the current code of Holdfast's workflows and ``workflows``.

    Encrypted histories need HOLDFAST_KEYS and HOLDFAST_NAMESPACE as their workers had them.

    Raises:
        temporalio.workflow.NondeterminismError: The code takes other decisions.
    """
    made = replayer(Connection.from_environment().converter(), workflows)
    for history in histories:
        await made.replay_workflow(history)


def load_history(path: Path) -> WorkflowHistory:
    """A history from the JSON that Temporal's command line, UI and SDKs write."""
    return read_histories(path)[0]
