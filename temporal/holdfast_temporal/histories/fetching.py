"""The runs of a workflow: each continue-as-new and each reset begins a new one."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from .clearing import clear


@dataclass(frozen=True)
class Run:
    """One run of a workflow, with its events without their encryption.

    Attributes:
        workflow: The workflow's id.
        id: The run's id.
        events: Its events, in order.
        complete: Whether everything could be decrypted.
    """

    workflow: str
    id: str
    events: tuple[HistoryEvent, ...]
    complete: bool = True


async def runs(client: Client, workflow: str, run: str) -> AsyncGenerator[Run]:
    """Yield the run of that id and those that it continues, newest first.

    It ends at the first run that the server no longer keeps.
    """
    first = True
    while run:
        try:
            found = (await client.get_workflow_handle(workflow, run_id=run).fetch_history()).events
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND and not first:
                return
            raise
        first, complete = False, True
        for event in found:
            complete = await clear(event, client.data_converter) and complete
        yield Run(workflow, run, tuple(found), complete)
        run = found[0].workflow_execution_started_event_attributes.continued_execution_run_id
