"""Lists of sessions."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from temporalio.client import WorkflowExecution, WorkflowExecutionAsyncIterator, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import TemporalError

from holdfast_client.requests import registering
from holdfast_client.requests.errors import translate
from holdfast_client.requests.requests import Requests
from holdfast_temporal import binding
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.operations.binding import Binding
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.session.session import Status

ENDED: dict[WorkflowExecutionStatus, Status] = {
    WorkflowExecutionStatus.COMPLETED: "closed",
    WorkflowExecutionStatus.FAILED: "failed",
    WorkflowExecutionStatus.TIMED_OUT: "failed",
    WorkflowExecutionStatus.CANCELED: "cancelled",
    WorkflowExecutionStatus.TERMINATED: "cancelled",
}

_STATUS: dict[str, Status] = {each: each for each in get_args(Status)}


@public
@dataclass(frozen=True)
class SessionInfo:
    """A session in a list.

    Attributes:
        id: The session's id.
        agent: Its agent.
        tenant: Its tenant; empty if none.
        status: Its current status.
        turns: Turns that have ended.
        cost: US dollars, up to the last ended turn.
        started: When its newest run began.
        ended: When it ended; None while it is open.
        user: Its user; empty if none.
        app: The app that its task queue belongs to; empty if unknown.
        message: The beginning of the message it was started with; empty without one.
    """

    id: str
    agent: str
    tenant: str
    status: Status
    turns: int
    cost: float
    started: datetime
    ended: datetime | None
    user: str = ""
    app: str = ""
    message: str = ""


async def sessions(requests: Requests, query: str, limit: int | None) -> AsyncGenerator[SessionInfo]:
    """Yield the sessions of a visibility query, newest first."""
    apps: dict[str, Binding] | None = None
    async for each in _found(requests, query, limit):
        if apps is None:
            apps = await binding.bound(requests.temporal)
        app = apps.get(each.task_queue)
        yield await _info(each, (app.app or app.module) if app else "")


async def ids(requests: Requests, *, tenant: str, user: str | None) -> AsyncGenerator[str]:
    """Yield the ids of a tenant's or a user's sessions on this queue, once for each run."""
    owner = f"{names.ATTRIBUTE_TENANT} = {_quoted(tenant)}" if tenant else f"{names.ATTRIBUTE_TENANT} IS NULL"
    # Workers of another queue may have another database, which an erasure here does not reach.
    parts = [f"WorkflowType = '{names.WORKFLOW}'", f"TaskQueue = {_quoted(await requests.queue())}", owner]
    if user is not None:
        parts.append(f"{names.ATTRIBUTE_USER} = {_quoted(user)}")
    async for each in _found(requests, " AND ".join(parts)):
        yield each.id


async def _found(
    requests: Requests, query: str, limit: int | None = None
) -> AsyncGenerator[WorkflowExecution]:
    async def first() -> tuple[WorkflowExecutionAsyncIterator, WorkflowExecution | None]:
        found = requests.temporal.list_workflows(query, limit=limit)
        return found, await _next(found)

    found, each = await registering.with_attributes(requests.temporal, first, requests.timeout)
    while each is not None:
        yield each
        each = await _next(found)


async def _next(found: WorkflowExecutionAsyncIterator) -> WorkflowExecution | None:
    try:
        return await anext(found, None)
    except TemporalError as error:
        raise translate(error) from error


def query(agent: str | None, tenant: str | None, user: str | None, status: Status | None) -> str:
    """Return the visibility query for sessions, each by its newest run."""
    parts = [f"WorkflowType = '{names.WORKFLOW}'", "ExecutionStatus != 'ContinuedAsNew'"]
    wanted = {
        names.ATTRIBUTE_AGENT: agent,
        names.ATTRIBUTE_TENANT: tenant,
        names.ATTRIBUTE_STATUS: status,
        names.ATTRIBUTE_USER: user,
    }
    parts += [f"{name} = {_quoted(value)}" for name, value in wanted.items() if value is not None]
    return " AND ".join(parts)


def _quoted(value: str) -> str:
    if "'" in value and '"' in value:
        raise BadInput(f"{value!r} has both kinds of quotation marks")
    return f'"{value}"' if "'" in value else f"'{value}'"


async def _info(found: WorkflowExecution, app: str) -> SessionInfo:
    attributes = found.typed_search_attributes
    status = found.status or WorkflowExecutionStatus.RUNNING
    value = attributes.get(SearchAttributeKey.for_keyword(names.ATTRIBUTE_STATUS))
    return SessionInfo(
        id=found.id,
        agent=attributes.get(SearchAttributeKey.for_keyword(names.ATTRIBUTE_AGENT)) or "",
        tenant=attributes.get(SearchAttributeKey.for_keyword(names.ATTRIBUTE_TENANT)) or "",
        status=ENDED.get(status, _STATUS.get(value or "", "running")),
        turns=attributes.get(SearchAttributeKey.for_int(names.ATTRIBUTE_TURNS)) or 0,
        cost=attributes.get(SearchAttributeKey.for_float(names.ATTRIBUTE_COST)) or 0.0,
        started=found.start_time,
        ended=found.close_time,
        user=attributes.get(SearchAttributeKey.for_keyword(names.ATTRIBUTE_USER)) or "",
        app=app,
        message=await found.memo_value(names.MEMO_MESSAGE, "", type_hint=str),
    )
