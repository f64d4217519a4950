"""The workflow of a task queue that exchanges credentials by a query, which no history records."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.control.identity import Credential, Grant
from holdfast_workflows.contracts.errors import NoIdentityProvider, NoWorker, ServiceError

from ..query_failures import of_query
from ..rpc import TIMEOUT, rpc_errors

_UNANSWERED: Final = frozenset(
    {RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED, RPCStatusCode.FAILED_PRECONDITION}
)

_ANSWER: Final = timedelta(seconds=5)


async def ensure(client: Client, task_queue: str) -> None:
    """Start the workflow unless it runs."""
    with rpc_errors():
        await client.start_workflow(
            names.IDENTITY_WORKFLOW,
            id=names.identity_id(task_queue),
            task_queue=task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary=f"credentials on {task_queue}",
            rpc_timeout=TIMEOUT,
        )


async def exchange(client: Client, task_queue: str, credential: str) -> Grant:
    """Return the grant for a credential.

    Raises:
        InvalidCredential: It is not valid.
        NoIdentityProvider: The queue's workers do not check credentials.
        ServiceError: The server or the workers did not answer.
    """
    handle = client.get_workflow_handle(names.identity_id(task_queue))
    with rpc_errors():
        try:
            grant: Grant = await handle.query(
                "exchange", Credential(value=credential), result_type=Grant, rpc_timeout=_ANSWER
            )
        except WorkflowQueryFailedError as error:
            raise of_query(error) or ServiceError(error.message) from None
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND and not error.message.startswith("Namespace "):
                raise NoIdentityProvider(f"task queue {task_queue}") from error
            if error.status in _UNANSWERED:
                raise NoWorker(f"no answer on {task_queue}") from error
            raise
        return grant
