"""Replays: this build decides recent sessions as they were decided."""

from __future__ import annotations

from typing import Final

from temporalio.client import Client, WorkflowExecution

from holdfast_workers.debugging.replaying import replayed
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.text.unicode import preview

from ..examined import Examined
from ..findings import Finding, failed, ok, skipped

_NAMED: Final = 5


async def check(examined: Examined) -> Finding:
    """Replay the newest sessions of the queue, running and ended."""
    wanted = examined.options.replay
    if not wanted:
        return skipped("no session is to be replayed", "use --replay 10")
    client = await examined.client()
    sessions = await _newest(client, examined.settings.task_queue, wanted)
    if not sessions:
        return ok(f"{examined.settings.task_queue} has no sessions yet")
    wrong: list[str] = []
    for each in sessions:
        history = await client.get_workflow_handle(each.id, run_id=each.run_id).fetch_history()
        found = await replayed(history, client.data_converter, examined.registry.workflows)
        if found.problem:
            wrong.append(f"{each.id}: {preview(found.problem)}")
    if wrong:
        listed = "; ".join(wrong[:_NAMED])
        return failed(
            f"{len(wrong)} of {len(sessions)} sessions are decided differently: {listed}",
            "do not deploy this build: running sessions would stop. `holdfast replay` shows where",
        )
    events = sum(each.history_length for each in sessions)
    return ok(f"{len(sessions)} sessions with {events:,} events were replayed by this build")


async def _newest(client: Client, queue: str, count: int) -> list[WorkflowExecution]:
    query = f"WorkflowType = '{names.WORKFLOW}' AND TaskQueue = '{queue}'"
    return [each async for each in client.list_workflows(query, limit=count)]
