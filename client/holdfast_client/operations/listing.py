"""Lists of sessions."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from temporalio.client import WorkflowExecution, WorkflowExecutionAsyncIterator
from temporalio.exceptions import TemporalError

from holdfast_client.requests import registering
from holdfast_client.requests.errors import translate
from holdfast_client.requests.requests import Requests
from holdfast_temporal import binding
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import EncryptionError
from holdfast_workflows.contracts.operations.binding import Binding
from holdfast_workflows.contracts.operations.sessions import (
    ListedSession,
    ListSessions,
    SessionPage,
    listed,
    quoted,
)
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.session.session import Status

_PAGE: Final = 100


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
        parent: The session, team or fleet that started it; empty if a client did.
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
    parent: str = ""


async def sessions(requests: Requests, query: str, limit: int | None) -> AsyncGenerator[SessionInfo]:
    """Yield the sessions of a visibility query, newest first."""
    apps: dict[str, Binding] | None = None
    async for each in _found(requests, query, limit):
        if apps is None:
            apps = await _apps(requests)
        yield _info(await listed(each), apps)


async def permitted(
    requests: Requests, request: ListSessions, limit: int | None
) -> AsyncGenerator[SessionInfo]:
    """Yield the sessions that the principal may see, which a worker lists."""
    apps, left, after = await _apps(requests), limit, ""
    while left is None or left > 0:
        ask = request.model_copy(update={"after": after, "limit": min(left or _PAGE, _PAGE)})
        page = await requests.activity(names.LIST_SESSIONS, ask, SessionPage)
        for each in page.sessions[:left]:
            yield _info(each, apps)
        left, after = None if left is None else left - len(page.sessions), page.next
        if not after:
            return


async def one(requests: Requests, session: str) -> SessionInfo:
    """Return a session that the list may not have yet."""
    found = await listed(await requests.describe(session))
    return _info(found, await _apps(requests))


async def _apps(requests: Requests) -> dict[str, Binding]:
    """The apps by queue; none if all that the list has are of other keys."""
    with suppress(EncryptionError):
        return await binding.bound(requests.temporal)
    return {}


async def ids(requests: Requests, *, tenant: str, user: str | None) -> AsyncGenerator[str]:
    """Yield the ids of a tenant's or a user's sessions on this queue, once for each run."""
    owner = f"{names.ATTRIBUTE_TENANT} = {quoted(tenant)}" if tenant else f"{names.ATTRIBUTE_TENANT} IS NULL"
    # Workers of another queue may have another database, which an erasure here does not reach.
    parts = [f"WorkflowType = '{names.WORKFLOW}'", f"TaskQueue = {quoted(await requests.queue())}", owner]
    if user is not None:
        parts.append(f"{names.ATTRIBUTE_USER} = {quoted(user)}")
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


def _info(found: ListedSession, apps: Mapping[str, Binding]) -> SessionInfo:
    app = apps.get(found.queue)
    fields = dict(found)
    del fields["queue"]
    return SessionInfo(**fields, app=(app.app or app.module) if app else "")
