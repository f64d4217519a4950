"""Start a session as a child workflow, and read how it ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from temporalio import workflow
from temporalio.common import (
    RetryPolicy,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import ApplicationError, ChildWorkflowError, FailureError

from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.control.verification import GrantStart, start_digest
from holdfast_workflows.contracts.permissions.rules import Level
from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.session.session import StartInput, TaskResult
from holdfast_workflows.contracts.teams.children import ChildOutcome
from holdfast_workflows.contracts.teams.outcomes import CancelOrphans, FindChild, FoundChild, outcome_of
from holdfast_workflows.contracts.teams.views import TeamView
from holdfast_workflows.contracts.text.unicode import plain_markdown, preview

_SOON, _LATEST = 1.0, 30.0
"""Seconds between looks for the end of a child of another run: at first, and at most."""

ChildHandle = workflow.ChildWorkflowHandle[Any, TaskResult]


async def start(given: StartInput, id: str, *, outlives: bool = False) -> ChildHandle:
    """Start a child session, whose start names its parent.

    One that ``outlives`` its parent goes on when that continues as new.

    Raises:
        WorkflowAlreadyStartedError: There is, or was, a session of this id.
    """
    given = await _granted(given, id)
    # A parent that is terminated leaves nothing behind that still works. The server does the same to the children
    # of one that continues as new.
    close = workflow.ParentClosePolicy.ABANDON if outlives else workflow.ParentClosePolicy.REQUEST_CANCEL
    agent, text = plain_markdown(given.agent), given.message.text if given.message else ""
    return await workflow.start_child_workflow(
        names.WORKFLOW,
        given,
        id=id,
        result_type=TaskResult,
        # A cancel is complete when the child's calls are settled or undone.
        cancellation_type=workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
        parent_close_policy=close,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        task_timeout=timedelta(seconds=given.heartbeat_timeout),
        search_attributes=_attributes(given),
        memo={names.MEMO_MESSAGE: text} if text else None,
        static_summary=f"{agent}: {plain_markdown(text)}" if text else agent,
        static_details=f"**{agent}**, for {plain_markdown(given.parent.session)}" if given.parent else None,
    )


async def _granted(given: StartInput, id: str) -> StartInput:
    """Return the start with a worker's grant, if it is for a principal."""
    parent = given.parent
    if parent is None or parent.principal is None:
        return given
    request = GrantStart(session=id, digest=start_digest(given), principal=parent.principal)
    grant = await workflow.execute_local_activity(
        names.GRANT_START,
        request,
        result_type=str,
        start_to_close_timeout=timedelta(seconds=5),
        retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=1)),
        summary=f"grant for {given.agent}",
    )
    return given.model_copy(update={"parent": parent.model_copy(update={"grant": grant})})


@dataclass(frozen=True)
class Limit:
    """When a child is cancelled: once ``over`` is true, or after so many ``seconds``."""

    over: Callable[[], bool]
    seconds: float | None = None

    def failed(self, outcome: ChildOutcome) -> ChildOutcome:
        """Return the outcome of a child whose time was up."""
        if outcome.status != "cancelled":
            return outcome
        error = errors.ChildTimedOut(f"{outcome.agent} had {self.seconds:g} s")
        return outcome.model_copy(
            update={"status": "failed", "error_code": error.code, "error": preview(str(error))}
        )


async def ended(handle: ChildHandle, agent: str, limit: Limit) -> ChildOutcome:
    """Wait for the end of a child, whose calls are then settled or undone, and return how it ended."""
    in_time = await _wait(lambda: handle.done() or limit.over(), limit.seconds, f"time of {agent}")
    if not handle.done():
        handle.cancel()
        await workflow.wait_condition(handle.done)
    outcome = outcome_of(handle.id, agent, handle.exception() or handle.result())
    return outcome if in_time else limit.failed(outcome)


async def follow(id: str, agent: str, limit: Limit) -> ChildOutcome:
    """Wait like ``ended`` for a child that another run has started, whose end is not reported to this one."""
    began, delay, late, ready = workflow.time(), _SOON, False, limit.over
    while True:
        request = FindChild(session=workflow.info().workflow_id, child=id, agent=agent)
        found: FoundChild = await workflow.execute_activity(
            names.FIND_CHILD,
            request,
            result_type=FoundChild,
            start_to_close_timeout=timedelta(seconds=15),
            summary=f"outcome of {agent}",
        )
        if found.outcome is not None:
            return limit.failed(found.outcome) if late else found.outcome
        late = late or (limit.seconds is not None and workflow.time() - began >= limit.seconds)
        if ready is limit.over and (late or limit.over()):
            ready = _never
            await _cancel(id)
        await _wait(ready, delay, f"{agent} of an earlier run")
        delay = min(2 * delay, _LATEST)


async def cancel_orphans() -> None:
    """Cancel the running children of earlier runs of this session."""
    await workflow.execute_activity(
        names.CANCEL_ORPHANS,
        CancelOrphans(session=workflow.info().workflow_id),
        result_type=int,
        start_to_close_timeout=timedelta(seconds=60),
        summary="children of the run that was reset",
    )


def used(handle: ChildHandle) -> TeamView | None:
    """Return what a child and its own children used; None if it was cancelled, which leaves no result."""
    error = handle.exception()
    if error is None:
        return TeamView.of(handle.result().usage, handle.result().team)
    cause = error.cause if isinstance(error, ChildWorkflowError) else error
    about = cause.details[1] if isinstance(cause, ApplicationError) and len(cause.details) > 1 else None
    if not isinstance(about, Mapping) or "usage" not in about:
        return None
    found = cast("Mapping[str, Any]", about)
    team = found.get("team")
    return TeamView.of(Usage.model_validate(found["usage"]), team and TeamView.model_validate(team))


def _never() -> bool:
    return False


async def _wait(ready: Callable[[], bool], seconds: float | None, summary: str) -> bool:
    """Wait until ``ready`` is true, at most ``seconds``; return whether it became true in time."""
    timeout = None if seconds is None else timedelta(seconds=seconds)
    try:
        await workflow.wait_condition(ready, timeout=timeout, timeout_summary=summary)
    except TimeoutError:
        return False
    return True


async def _cancel(id: str) -> None:
    handle: workflow.ExternalWorkflowHandle[Any] = workflow.get_external_workflow_handle(id)
    try:
        await handle.cancel()
    except FailureError:
        workflow.logger.info("child session %s has just ended", id)


def inherited(levels: tuple[Level, ...]) -> tuple[Level, ...]:
    """Return the rules that apply to the calls of children, too.

    Those of a session apply whole. An agent's allow rules name its own tools, so only what it denies and asks counts.
    """
    found: list[Level] = []
    for level in levels:
        if level.name == "session":
            found.append(level)
        elif level.name == "agent":
            rules = tuple(rule for rule in level.permissions.rules if rule.action != "allow")
            permissions = level.permissions.model_copy(update={"rules": rules, "default": "allow"})
            found += [Level(name="agent", permissions=permissions)] if rules else []
    return tuple(found)


def _attributes(given: StartInput) -> TypedSearchAttributes:
    values = {
        names.ATTRIBUTE_AGENT: given.agent,
        names.ATTRIBUTE_STATUS: "running",
        names.ATTRIBUTE_TENANT: given.tenant,
        names.ATTRIBUTE_USER: given.user,
    }
    return TypedSearchAttributes(
        [
            SearchAttributePair(SearchAttributeKey.for_keyword(name), value)
            for name, value in values.items()
            if value
        ]
    )
