"""The binding of a task queue, visible to every worker and client of its namespace.

The binding is the memo of a workflow that never runs, since its start is delayed by a hundred years. The
server starts at most one workflow per id, so if two workers bind a queue at the same time, one wins. Reading
needs no worker, no index and no special rights. Requests raise as ``rpc.rpc_errors``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import EncryptionError
from holdfast_workflows.contracts.operations.binding import Binding

from .rpc import TIMEOUT, rpc_errors

_NEVER: Final = timedelta(days=36_500)
_MEMO: Final = "binding"
_QUEUE: Final = "queue"


async def read(client: Client, task_queue: str) -> Binding | None:
    """Read a queue's binding; None if no worker has served the queue. ``client`` has our data converter."""
    handle = client.get_workflow_handle(names.binding_id(task_queue))
    with rpc_errors():
        try:
            found = await handle.describe(rpc_timeout=TIMEOUT)
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return None
            raise
    if found.status != WorkflowExecutionStatus.RUNNING:
        return None
    return await found.memo_value(_MEMO, type_hint=Binding)


async def bind(client: Client, task_queue: str, binding: Binding) -> Binding:
    """Bind a queue unless it is bound, and return its binding."""
    while (found := await read(client, task_queue)) is None:
        try:
            await _start(client, task_queue, binding, WorkflowIDConflictPolicy.FAIL)
        except WorkflowAlreadyStartedError:
            continue  # another worker was first
        return binding
    return found


async def rebind(client: Client, task_queue: str, binding: Binding) -> None:
    """Replace a queue's binding."""
    await _start(client, task_queue, binding, WorkflowIDConflictPolicy.TERMINATE_EXISTING)


async def bound(client: Client) -> dict[str, Binding]:
    """List the bindings of the namespace by queue; a new one may be missing for a second.

    Bindings that this client cannot decrypt belong to apps that it cannot use, and are left out.

    Raises:
        EncryptionError: It can decrypt none of them.
    """
    query = f"WorkflowType = '{names.BINDING_WORKFLOW}' AND ExecutionStatus = 'Running'"
    found: dict[str, Binding] = {}
    unreadable: EncryptionError | None = None
    with rpc_errors():
        async for each in client.list_workflows(query, rpc_timeout=TIMEOUT):
            try:
                queue = await each.memo_value(_QUEUE, type_hint=str)
                found[queue] = await each.memo_value(_MEMO, type_hint=Binding)
            except EncryptionError as error:
                unreadable = error
    if unreadable is not None and not found:
        raise unreadable
    return dict(sorted(found.items()))


async def _start(
    client: Client, task_queue: str, binding: Binding, conflict: WorkflowIDConflictPolicy
) -> None:
    with rpc_errors():
        await client.start_workflow(
            names.BINDING_WORKFLOW,
            id=names.binding_id(task_queue),
            task_queue=task_queue,
            start_delay=_NEVER,
            memo={_MEMO: binding, _QUEUE: task_queue},
            id_conflict_policy=conflict,
            static_summary=f"task queue {task_queue}",
            rpc_timeout=TIMEOUT,
        )
