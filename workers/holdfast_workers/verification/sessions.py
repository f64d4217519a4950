"""The sessions of task queues with what their histories say, for the checks of the state database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from holdfast_activities.state import State
from holdfast_activities.state.verification.comparing import compare
from holdfast_activities.state.verification.contents import check_contents
from holdfast_activities.state.verification.expected import ExpectedSession
from holdfast_activities.state.verification.findings import Finding
from holdfast_activities.state.verification.repairing import Repaired
from holdfast_temporal.histories.fetching import runs
from holdfast_temporal.rpc import rpc_errors
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import SessionNotFound
from holdfast_workflows.contracts.operations.sessions import quoted

from .history import expected

_AT_ONCE: Final = 8
"""Histories that are read at once."""

Tell = Callable[[str], None]


@dataclass
class Verification:
    """The findings of all sessions, with what could not be found out."""

    sessions: int = 0
    entries: int = 0
    findings: list[Finding] = field(default_factory=list[Finding])
    notes: list[str] = field(default_factory=list[str])


async def verify(
    client: Client, queues: Sequence[str], state: State, ids: Sequence[str] = ()
) -> Verification:
    """Check the rows of the state database, and compare it with the histories of its sessions.

    Without ``ids`` all sessions of the queues. Workers may run.

    Raises:
        SessionNotFound: The server has no such session.
        TemporalUnreachable: The server did not answer.
        StateUnavailable: The database did not answer.
    """
    found = Verification()
    if not ids:
        contents = await check_contents(state)
        found.findings += contents.findings
    incomplete = 0
    async for each in histories(client, queues, ids):
        found.sessions += 1
        found.entries += len(each.entries)
        found.findings += await compare(state, each)
        incomplete += not each.complete
    if incomplete:
        found.notes.append(
            f"{incomplete:,} sessions were compared in part: older runs are gone, or their keys are missing"
        )
    found.findings.sort(key=lambda each: (each.session, each.fault))
    return found


async def repair(
    client: Client, queues: Sequence[str], state: State, ids: Sequence[str], *, previews: bool, by: str
) -> AsyncGenerator[tuple[str, Repaired]]:
    """Repair sessions by their histories, and yield what was done with each; raises as ``verify``."""
    repairs = state.repairs()
    async for each in histories(client, queues, ids):
        done = await repairs.repair(each, previews=previews, by=by)
        if done != Repaired():
            yield each.session, done


async def histories(
    client: Client, queues: Sequence[str], ids: Sequence[str]
) -> AsyncGenerator[ExpectedSession]:
    """What the history of each session says; of a session that was started again its newest start."""
    wanted = list(ids) or [id async for id in _sessions(client, queues)]
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        for found in await asyncio.gather(*(_history(client, id) for id in part)):
            if found is not None:
                yield found
            elif ids:
                raise SessionNotFound(f"the server has no session among {', '.join(part)}")


async def _sessions(client: Client, queues: Sequence[str]) -> AsyncGenerator[str]:
    of_queues = ", ".join(quoted(queue) for queue in queues)
    query = f"WorkflowType = '{names.WORKFLOW}' AND TaskQueue IN ({of_queues})"
    seen = set[str]()
    with rpc_errors():
        async for each in client.list_workflows(query):
            if each.id not in seen:  # one row for each run
                seen.add(each.id)
                yield each.id


async def _history(client: Client, id: str) -> ExpectedSession | None:
    with rpc_errors():
        try:
            run = (await client.get_workflow_handle(id).describe()).run_id
            found = [each async for each in runs(client, id, run)]
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return None
            raise
    # Histories are long; decoding them must not hold up the other requests.
    return await asyncio.to_thread(expected, id, found, client.data_converter.payload_converter)
