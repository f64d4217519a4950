"""Open sessions by agent and status, from the server's index."""

import asyncio
from collections.abc import Sequence
from typing import Final

from temporalio.client import Client

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.operations.figures import Figure
from holdfast_workflows.contracts.operations.sessions import quoted

_STATUSES: Final = ("running", "waiting", "needs_person", "paused", "idle")
_AT_ONCE: Final = 8


async def read(client: Client, queues: Sequence[str], agents: Sequence[str]) -> list[Figure]:
    """Count sessions. The server cannot group by these attributes, so each count is a request.

    Only statuses that some session has are counted for each agent.
    """
    free = asyncio.Semaphore(_AT_ONCE)

    async def count(status: str, agent: str | None = None) -> int:
        wanted = {names.ATTRIBUTE_STATUS: status, names.ATTRIBUTE_AGENT: agent}
        conditions = [f"{name} = {quoted(value)}" for name, value in wanted.items() if value is not None]
        async with free:
            return (await client.count_workflows(" AND ".join((_open(queues), *conditions)))).count

    async def figure(agent: str, status: str, total: int) -> Figure:
        number = await count(status, agent) if total else 0
        labels = {"agent": agent, "status": status}
        return Figure(name="holdfast_sessions", value=number, labels=labels)

    totals = await asyncio.gather(*(count(status) for status in _STATUSES))
    each = [
        figure(agent, status, total)
        for status, total in zip(_STATUSES, totals, strict=True)
        for agent in agents
    ]
    return list(await asyncio.gather(*each))


def _open(queues: Sequence[str]) -> str:
    return (
        f"WorkflowType = '{names.WORKFLOW}' AND ExecutionStatus = 'Running' "
        f"AND TaskQueue IN ({', '.join(map(quoted, queues))})"
    )
