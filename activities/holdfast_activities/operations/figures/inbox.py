"""What waits for people: how many items, and how old."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final, get_args

from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.control.inbox import InboxItem, ItemKind
from holdfast_workflows.contracts.operations.figures import Figure
from holdfast_workflows.contracts.operations.sessions import quoted
from holdfast_workflows.contracts.session.session import SessionView

_MOST: Final = 200
"""Sessions whose items are read; each is a query that a worker answers."""

_AT_ONCE: Final = 8
_NO_EVENTS: Final = 1 << 62


async def read(client: Client, queues: Sequence[str]) -> list[Figure]:
    """Count the items of sessions that wait for a person, of at most ``_MOST`` sessions."""
    wanted = (
        f"WorkflowType = '{names.WORKFLOW}' AND ExecutionStatus = 'Running' AND "
        f"{names.ATTRIBUTE_WAITING} IS NOT NULL AND TaskQueue IN ({', '.join(map(quoted, queues))})"
    )
    free = asyncio.Semaphore(_AT_ONCE)

    async def items(session: str) -> Sequence[InboxItem]:
        async with free:
            handle = client.get_workflow_handle(session)
            try:
                view: SessionView = await handle.query("view", _NO_EVENTS, result_type=SessionView)
            except (RPCError, WorkflowQueryFailedError):
                return ()  # it has ended since, or has no worker
            return view.inbox

    ids = [each.id async for each in client.list_workflows(wanted, limit=_MOST)]
    found = [item for part in await asyncio.gather(*map(items, ids)) for item in part]
    return [figure for kind in get_args(ItemKind) for figure in _of_kind(kind, found)]


def _of_kind(kind: ItemKind, items: Sequence[InboxItem]) -> list[Figure]:
    now, own = time.time(), [item for item in items if item.kind == kind]
    values = {
        "holdfast_inbox_items": len(own),
        "holdfast_inbox_oldest_seconds": max((now - item.since for item in own), default=0.0),
    }
    return [Figure(name=name, value=value, labels={"kind": kind}) for name, value in values.items()]
