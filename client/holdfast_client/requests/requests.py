"""Every request to Temporal: bounded in time, cancellable, and failing with Holdfast's errors."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, NoReturn, TypeVar, cast
from uuid import uuid4

from temporalio import common
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import (
    DeleteWorkflowExecutionRequest,
)
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateStage,
)
from temporalio.exceptions import TemporalError, WorkflowAlreadyStartedError

from holdfast_client import shares
from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.agent.memory import MaintainInput, MaintenanceReport
from holdfast_workflows.contracts.session.session import (
    Accepted,
    Message,
    SessionView,
    StartInput,
    TaskResult,
    TurnView,
)
from holdfast_workflows.contracts.text.unicode import plain_markdown, preview

from . import registering
from .bounded import bounded, query_with_retry
from .connection import Connection
from .errors import translate

T = TypeVar("T")

_RETRY: Final = common.RetryPolicy(
    initial_interval=timedelta(seconds=0.1), maximum_interval=timedelta(seconds=2), maximum_attempts=4
)

_TITLE: Final = 120
"""Characters of the first message that lists of sessions show."""

_NO_EVENTS: Final = 1 << 62

_FIRST: Final = common.Priority(priority_key=1)
"""A caller waits for the answer, so it goes before queued work."""


class Requests(Connection):
    """The requests of clients, one method each."""

    async def start(
        self, id: str, start: StartInput, *, priority: int | None = None, weight: float | None = None
    ) -> Accepted | None:
        """Start a session or find it running. Return None without a message, or if the session has ended.

        The message is sent with the start, which makes it durable, and again as an update, which
        returns its answer. The session takes each message id once.
        """
        await self.expect_worker()
        share = shares.of(start.tenant, priority, weight)
        options = start_options(id, start, share, await self.queue())
        return await registering.with_attributes(
            self.temporal, lambda: self._start(id, start, options), self.timeout
        )

    async def _start(self, id: str, start: StartInput, options: dict[str, Any]) -> Accepted | None:
        if start.message is None:
            with suppress(WorkflowAlreadyStartedError):
                await self.call(self.temporal.start_workflow(names.WORKFLOW, start, **options))
            return None
        operation: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            names.WORKFLOW, start, **options
        )
        try:
            return await self.call(
                _start_and_send(self.temporal, operation, start.message), id, by_worker=True
            )
        except WorkflowAlreadyStartedError:
            return None
        except errors.NoWorker as error:
            raise errors.NoWorker(f"session {id} has the message and waits for one") from error

    async def update(self, session: str, name: str, arg: Any, result: type[T], seconds: float = 0.0) -> T:
        """Send an update and wait for its answer, which may take ``seconds`` longer than ``timeout``.

        Raises:
            SessionClosed: The session has ended; if it failed, the cause is its error.
        """
        await self.expect_worker(session)
        args = () if arg is None else (arg,)
        handle: Any = self.handle(session)  # its overloads for updates are partly untyped
        # Two requests if the answer takes time, so that a missing worker is detected earlier.
        stage = WorkflowUpdateStage.ACCEPTED if seconds else WorkflowUpdateStage.COMPLETED
        call = handle.start_update(name, args=args, wait_for_stage=stage, result_type=result)
        try:
            sent = await self.call(call, session, by_worker=True)
            answer: T = await self.call(
                sent.result(), session, by_worker=True, seconds=self.timeout + seconds
            )
        except errors.SessionNotFound as error:
            if isinstance(error.__cause__, WorkflowUpdateFailedError):
                raise  # by a worker, which does not let this client see the session
            return await self._gone(session)
        return answer

    async def query(self, session: str, name: str, arg: Any, result: type[T]) -> T:
        """Query a running or ended session."""
        await self.expect_worker(session)
        handle: Any = self.handle(session)  # its overloads for queries are partly untyped
        args = () if arg is None else (arg,)

        def send() -> Coroutine[Any, Any, T]:
            found: Coroutine[Any, Any, T] = handle.query(name, args=args, result_type=result)
            return found

        return await self.call(query_with_retry(send), session, by_worker=True)

    async def turn(self, session: str, turn: int) -> TurnView | None:
        """Return a turn's view; None if the session does not have it."""
        # The parameter takes one class, and the result is a union.
        return await self.query(session, "turn", turn, cast("type[TurnView | None]", TurnView))

    async def expect_visible(self, session: str) -> None:
        """Raise SessionNotFound unless the client's principal may see a session.

        The server answers some requests without asking a worker. This asks first, if there is a credential.
        """
        if self.grants is not None:
            await self.query(session, "view", _NO_EVENTS, SessionView)

    async def signal(self, session: str, name: str, arg: Any) -> None:
        """Send a signal."""
        try:
            await self.call(self.handle(session).signal(name, arg), session)
        except errors.SessionNotFound:
            await self._gone(session)

    async def result(self, session: str, seconds: float) -> TaskResult:
        """Return the result of a session; TimeoutError if it is still running after so many seconds."""
        try:
            return await bounded(self.handle(session).result(), seconds)
        except TemporalError as error:
            raise translate(error, session) from error

    async def runs(self, session: str, *, tenant: str) -> bool | None:
        """Whether a tenant's session is running; None if the server does not know it."""
        try:
            found = await self.describe(session)
        except errors.SessionNotFound:
            return None
        key = common.SearchAttributeKey.for_keyword(names.ATTRIBUTE_TENANT)
        if (found.typed_search_attributes.get(key) or "") != tenant:
            raise errors.BadInput(f"session {session} is not of tenant {tenant!r}")
        return found.status == WorkflowExecutionStatus.RUNNING

    async def terminate(self, session: str, reason: str) -> None:
        """Terminate a session."""
        with suppress(errors.SessionNotFound):  # it has just ended
            await self.call(self.handle(session).terminate(reason=reason), session)

    async def delete(self, session: str) -> int:
        """Delete the histories of a session's runs; return their number.

        Oldest first: after an interruption, the newest run still leads to the others.
        """
        runs: list[str] = []
        try:
            run = (await self.describe(session)).run_id
            while run:
                runs.insert(0, run)
                run = await self.call(_continued_from(self.temporal, session, run), session)
        except errors.SessionNotFound:
            pass  # the server no longer keeps older runs
        for run in runs:
            request = DeleteWorkflowExecutionRequest(
                namespace=self.temporal.namespace,
                workflow_execution=WorkflowExecution(workflow_id=session, run_id=run),
            )
            with suppress(errors.SessionNotFound):
                await self.call(self.temporal.workflow_service.delete_workflow_execution(request), session)
        return len(runs)

    async def maintain(self, request: MaintainInput) -> MaintenanceReport:
        """Run maintenance and wait for it; join a manual run that is in progress."""
        queue = await self.queue()
        await self.expect_worker()
        handle: WorkflowHandle[Any, MaintenanceReport] = await self.call(
            self.temporal.start_workflow(
                names.MAINTENANCE_WORKFLOW,
                request,
                id=f"{names.maintenance_id(queue)}-by-hand",
                task_queue=queue,
                id_conflict_policy=common.WorkflowIDConflictPolicy.USE_EXISTING,
                result_type=MaintenanceReport,
                static_summary="maintenance",
            )
        )
        while True:
            try:
                return await bounded(handle.result(), self.timeout)
            except TimeoutError:
                if not await self.polled(queue):
                    raise errors.NoWorker(f"maintenance waits on {queue}") from None
            except TemporalError as error:
                raise translate(error) from error

    async def activity(
        self, name: str, arg: Any, result: type[T], *, session: str = "", seconds: float = 30.0
    ) -> T:
        """Run one activity outside a workflow, on the workers of ``session`` if given."""
        args = () if arg is None else (arg,)
        queue = ""
        if session:
            with suppress(errors.SessionNotFound):
                queue = (await self.describe(session)).task_queue
        queue = queue or await self.queue()
        await self.expect_worker(queue=queue)
        call = self.temporal.execute_activity(
            name,
            args=args,
            id=f"{name}-{uuid4()}",
            task_queue=queue,
            result_type=result,
            schedule_to_start_timeout=timedelta(seconds=self.timeout),
            start_to_close_timeout=timedelta(seconds=seconds),
            schedule_to_close_timeout=timedelta(seconds=self.timeout + seconds),
            retry_policy=_RETRY,
            priority=_FIRST,
        )
        done: T = await self.call(call, by_worker=True, seconds=self.timeout + seconds + 5)
        return done

    async def _gone(self, session: str) -> NoReturn:
        """Raise the reason why a session takes no updates: it does not exist or has ended."""
        await self.expect_visible(session)
        status = (await self.describe(session)).status
        if status == WorkflowExecutionStatus.RUNNING:
            raise errors.ServiceError("the session was between two runs; try again")
        if status == WorkflowExecutionStatus.FAILED:
            try:
                await self.result(session, self.timeout)
            except errors.HoldfastError as error:
                raise errors.SessionClosed(f"{session} failed: {error}") from error
        raise errors.SessionClosed(session)


def start_options(id: str, start: StartInput, share: common.Priority, queue: str) -> dict[str, Any]:
    """Return the options with which a session's workflow is started."""
    attributes = [
        common.SearchAttributePair(common.SearchAttributeKey.for_keyword(names.ATTRIBUTE_STATUS), "running"),
    ]
    # The session itself sets its agent if it was routed.
    for name, value in (
        (names.ATTRIBUTE_AGENT, start.agent),
        (names.ATTRIBUTE_TENANT, start.tenant),
        (names.ATTRIBUTE_USER, start.user),
    ):
        if value:
            attributes.append(common.SearchAttributePair(common.SearchAttributeKey.for_keyword(name), value))
    agent = plain_markdown(start.agent or "routed")
    text = preview(start.message.text) if start.message else ""
    request = plain_markdown(text)
    return {
        "id": id,
        "task_queue": queue,
        # Detect a worker lost in a workflow task as soon as one lost in an activity.
        "task_timeout": timedelta(seconds=start.heartbeat_timeout),
        "id_conflict_policy": common.WorkflowIDConflictPolicy.USE_EXISTING,
        "id_reuse_policy": common.WorkflowIDReusePolicy.REJECT_DUPLICATE,
        "search_attributes": common.TypedSearchAttributes(attributes),
        "priority": share,
        "memo": {names.MEMO_MESSAGE: text[:_TITLE]} if text else None,
        "static_summary": f"{agent}: {request}" if request else agent,
        "static_details": " · ".join(
            filter(None, (f"**{agent}**", start.mode, plain_markdown(start.tenant)))
        ),
    }


async def _continued_from(temporal: Client, session: str, run: str) -> str:
    """Return the run that a run continued from; empty for the first."""
    history = temporal.get_workflow_handle(session, run_id=run).fetch_history_events(page_size=1)
    async for event in history:
        return event.workflow_execution_started_event_attributes.continued_execution_run_id
    return ""


async def _start_and_send(
    temporal: Any,  # its overloads for updates are partly untyped
    operation: WithStartWorkflowOperation[Any, Any],
    message: Message,
) -> Accepted:
    try:
        accepted: Accepted = await temporal.execute_update_with_start_workflow(
            "send", message, start_workflow_operation=operation, id=message.id, result_type=Accepted
        )
    except (TemporalError, asyncio.CancelledError):
        # Await the operation's own future: asyncio logs its error if it is never retrieved.
        with suppress(TemporalError, asyncio.CancelledError):
            await operation.workflow_handle()
        raise
    return accepted
