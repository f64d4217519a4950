"""The task that closes idle sessions and removes what is past its time.

The server of Temporal decides whether a session is open: a row of an ended session may belong to a run that an
operator has reset, or to a fleet.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from temporalio import activity
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from holdfast_activities.resilience.classify import classify
from holdfast_activities.state.database import State
from holdfast_activities.state.retention.removing import Due
from holdfast_activities.state.retention.rules import Rules
from holdfast_workflows.contracts.errors import HoldfastError, from_failure
from holdfast_workflows.contracts.operations.sessions import ENDED
from holdfast_workflows.contracts.session.session import SessionView, Status

_AT_ONCE = 8
_PAGE = 2_000

_ANSWER = 15.0
"""Seconds for a session's answer; its app may have no workers now."""


@dataclass(frozen=True, slots=True)
class Found:
    """A session in Temporal: its status if it has ended, None while it is open, ``closed`` if it is unknown."""

    ended: Status | None
    run: str = ""


@dataclass(frozen=True, slots=True)
class Sweep:
    """The task, for one worker."""

    state: State

    async def retain(self, now: float) -> int:
        """Remove and close what is past its time; return the number of sessions and of days' accounts.

        A session that cannot be removed does not keep the others.

        Raises:
            HoldfastError: That of the first such session.
        """
        rules, each = await self.state.retention_rules.load(), Each()
        async for page in _pages(lambda after: self.state.retention.idle(rules, now, after, _PAGE)):
            await each.run(page, lambda due: self._close(due, now))
        async for page in _pages(lambda after: self.state.retention.due(rules, now, after, _PAGE)):
            await each.run(page, lambda due: self._remove(due, rules, now))
        await self._finish(now)
        count = each.count + await self.state.retention.remove_days(rules, now)
        if each.failed:
            session, error = each.failed[0]
            raise type(error)(
                f"session {session}, and {len(each.failed) - 1} more: {error.detail}"
            ) from error
        return count

    async def _close(self, due: Due, now: float) -> bool:
        """Close a session that is still idle; one that Temporal does not know was closed by its loss."""
        found = await find(activity.client(), due.session)
        if found.ended is not None:
            return await self.state.retention.settle(due.session, found.ended, now, due.at)
        try:
            handle: Any = activity.client().get_workflow_handle(
                due.session
            )  # its overloads are partly untyped
            # The last turn proves that nothing has arrived since.
            async with asyncio.timeout(_ANSWER):
                await handle.execute_update("close", due.turns, result_type=SessionView)
        except WorkflowUpdateFailedError as error:
            activity.logger.info(
                "session %s is not closed: %s", due.session, from_failure(error) or error.cause
            )
            return False
        except TimeoutError:
            activity.logger.warning("session %s is not closed: no worker of its queue answers", due.session)
            return False
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
            return False  # it has just ended
        activity.logger.info("session %s is closed after it was idle for too long", due.session)
        return True

    async def _remove(self, due: Due, rules: Rules, now: float) -> bool:
        found = await find(activity.client(), due.session)
        return found.ended is not None and bool(await self.state.retention.remove(due.session, rules, now))

    async def _finish(self, now: float) -> None:
        """Remove from histories and files what was removed from the database, also by a run that was killed."""
        client, unfinished = activity.client(), await self.state.retention.unfinished()
        gone = [session for session, erased in unfinished if erased]

        async def delete(session: str) -> None:
            found = await find(client, session)
            if found.ended is not None and found.run:
                await _delete_histories(client, session, found.run)

        for start in range(0, len(gone), _AT_ONCE):
            await asyncio.gather(*map(delete, gone[start : start + _AT_ONCE]))
        if unfinished:
            await self.state.erasing.scrub()
            await self.state.retention.finish([session for session, _ in unfinished], now)


async def find(client: Client, session: str) -> Found:
    """Look a session up in Temporal."""
    try:
        found = await client.get_workflow_handle(session).describe()
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        return Found("closed")
    if found.status == WorkflowExecutionStatus.RUNNING or found.status is None:
        return Found(None, found.run_id)
    return Found(ENDED.get(found.status, "closed"), found.run_id)


async def _delete_histories(client: Client, session: str, run: str) -> None:
    """Delete the histories of a session's runs, which contain previews, the oldest first.

    What fails is left to the retention of Temporal.
    """
    runs: list[str] = []
    try:
        while run:
            runs.insert(0, run)
            run = await _continued_from(client, session, run)
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:  # the server no longer keeps older runs
            activity.logger.warning("older histories of session %s are not deleted: %s", session, error)
    for each in runs:
        request = DeleteWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=session, run_id=each),
        )
        try:
            await client.workflow_service.delete_workflow_execution(request)
        except RPCError as error:
            activity.logger.warning("a history of session %s is not deleted: %s", session, error)


async def _continued_from(client: Client, session: str, run: str) -> str:
    """Return the run that a run continued from; empty for the first."""
    async for event in client.get_workflow_handle(session, run_id=run).fetch_history_events(page_size=1):
        return event.workflow_execution_started_event_attributes.continued_execution_run_id
    return ""


async def _pages(
    load: Callable[[Due | None], Awaitable[list[Due]]],
) -> AsyncGenerator[list[Due]]:
    page = await load(None)
    while page:
        yield page
        page = await load(page[-1]) if len(page) == _PAGE else []


@dataclass(slots=True)
class Each:
    """Work on sessions, a few at once: how often it changed something, and what failed."""

    count: int = 0
    failed: list[tuple[str, HoldfastError]] = field(default_factory=list[tuple[str, HoldfastError]])

    async def run(self, page: list[Due], do: Callable[[Due], Awaitable[bool]]) -> None:
        """Do it for each.

        Raises:
            HoldfastError: It failed for all of a page, so a service is away.
        """
        free = asyncio.Semaphore(_AT_ONCE)

        async def one(due: Due) -> bool:
            async with free:
                return await do(due)

        found = await asyncio.gather(*(one(each) for each in page), return_exceptions=True)
        errors = [
            (due.session, classify(error))
            for due, error in zip(page, found, strict=True)
            if isinstance(error, Exception)
        ]
        for session, error in errors:
            activity.logger.warning("retention of session %s failed: %s", session, error)
        if len(errors) == len(page) > 1:
            raise errors[0][1]
        self.count += sum(each is True for each in found)
        self.failed += errors
