"""Lists of sessions: the query for the server's index, and its rows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, get_args

from pydantic import Field
from temporalio.client import WorkflowExecution, WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey

from .. import names
from ..base import Contract
from ..errors import BadInput, EncryptionError
from ..session.session import Status

ENDED: Final[Mapping[WorkflowExecutionStatus, Status]] = {
    WorkflowExecutionStatus.COMPLETED: "closed",
    WorkflowExecutionStatus.FAILED: "failed",
    WorkflowExecutionStatus.TIMED_OUT: "failed",
    WorkflowExecutionStatus.CANCELED: "cancelled",
    WorkflowExecutionStatus.TERMINATED: "cancelled",
}

_STATUS: Final[Mapping[str, Status]] = {each: each for each in get_args(Status)}


class ListSessions(Contract):
    """List sessions through a worker, which limits them to the principal's. None and empty are no filter."""

    agent: str | None = None
    tenant: str = ""
    user: str | None = None
    status: Status | None = None
    limit: int = Field(default=100, ge=1, le=500)
    after: str = ""
    """``next`` of the page before."""
    root: str = ""
    """Only sessions of the tree with this first session."""
    fleets: bool = False
    """Whether to list fleets instead."""


class ListedSession(Contract):
    """A session in a list. ``queue`` is its task queue, ``message`` the beginning of its first message, ``parent`` the
    session that started it.
    """

    id: str
    agent: str
    tenant: str
    user: str
    status: Status
    turns: int
    cost: float
    started: datetime
    ended: datetime | None
    queue: str
    message: str
    parent: str = ""


class SessionPage(Contract):
    """Sessions, newest first; ``next`` is empty at the end."""

    sessions: tuple[ListedSession, ...]
    next: str = ""


def query(
    agent: str | None = None,
    tenant: str | None = None,
    user: str | None = None,
    status: Status | None = None,
    root: str = "",
    *,
    fleets: bool = False,
) -> str:
    """Return the visibility query for sessions, for ``fleets``, or for all workflows of a tree, each by its newest run.

    Without the doctor's, whose deletion the server's index shows minutes later.
    """
    kind = names.FLEET_WORKFLOW if fleets else names.WORKFLOW
    which = f"RootWorkflowId = {quoted(root)}" if root else f"WorkflowType = '{kind}'"
    parts = [which, "ExecutionStatus != 'ContinuedAsNew'"]
    if not root:
        parts.append(f"WorkflowId NOT STARTS_WITH '{names.DOCTOR}'")
    wanted = {
        names.ATTRIBUTE_AGENT: agent,
        names.ATTRIBUTE_TENANT: tenant,
        names.ATTRIBUTE_STATUS: status,
        names.ATTRIBUTE_USER: user,
    }
    parts += [f"{name} = {quoted(value)}" for name, value in wanted.items() if value is not None]
    return " AND ".join(parts)


def quoted(value: str) -> str:
    """Return a value as a visibility query contains it."""
    if "'" in value and '"' in value:
        raise BadInput(f"{value!r} has both kinds of quotation marks")
    return f'"{value}"' if "'" in value else f"'{value}'"


async def listed(found: WorkflowExecution) -> ListedSession:
    """Return a row of the server's index as a session."""
    attributes = found.typed_search_attributes
    status = found.status or WorkflowExecutionStatus.RUNNING
    value = attributes.get(SearchAttributeKey.for_keyword(names.ATTRIBUTE_STATUS))
    return ListedSession(
        id=found.id,
        agent=attributes.get(SearchAttributeKey.for_keyword(names.ATTRIBUTE_AGENT)) or "",
        tenant=attributes.get(SearchAttributeKey.for_keyword(names.ATTRIBUTE_TENANT)) or "",
        status=ENDED.get(status) or _STATUS.get(value or "", "running"),
        turns=attributes.get(SearchAttributeKey.for_int(names.ATTRIBUTE_TURNS)) or 0,
        cost=attributes.get(SearchAttributeKey.for_float(names.ATTRIBUTE_COST)) or 0.0,
        started=found.start_time,
        ended=found.close_time,
        user=attributes.get(SearchAttributeKey.for_keyword(names.ATTRIBUTE_USER)) or "",
        queue=found.task_queue,
        message=await _message(found),
        parent=found.parent_id or "",
    )


async def _message(found: WorkflowExecution) -> str:
    try:
        return await found.memo_value(names.MEMO_MESSAGE, "", type_hint=str)
    except EncryptionError:
        return ""  # the list has the other sessions, and the rest of this one is not encrypted
