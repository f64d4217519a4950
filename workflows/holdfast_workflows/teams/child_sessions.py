"""Start a session as a child workflow, and read how it ended."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

from temporalio import workflow
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import ApplicationError, CancelledError, ChildWorkflowError

from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.permissions.rules import Level
from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.session.session import StartInput, TaskResult
from holdfast_workflows.contracts.teams.children import ChildOutcome
from holdfast_workflows.contracts.teams.views import TeamView
from holdfast_workflows.contracts.text.unicode import plain_markdown, preview

ChildHandle = workflow.ChildWorkflowHandle[Any, TaskResult]


async def start(given: StartInput, id: str, *, outlives: bool = False) -> ChildHandle:
    """Start a child session, whose start names its parent.

    One that ``outlives`` its parent goes on when that continues as new, and takes an id that no session has had.

    Raises:
        WorkflowAlreadyStartedError: A session of this id is running; or has ended, for one that outlives its parent.
    """
    # A parent that is terminated leaves nothing behind that still works. The server does the same to the children
    # of one that continues as new.
    close, reuse = workflow.ParentClosePolicy.REQUEST_CANCEL, WorkflowIDReusePolicy.ALLOW_DUPLICATE
    if outlives:
        close, reuse = workflow.ParentClosePolicy.ABANDON, WorkflowIDReusePolicy.REJECT_DUPLICATE
    agent, text = plain_markdown(given.agent), given.message.text if given.message else ""
    return await workflow.start_child_workflow(
        names.WORKFLOW,
        given,
        id=id,
        result_type=TaskResult,
        # A cancel is complete when the child's calls are settled or undone.
        cancellation_type=workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
        parent_close_policy=close,
        id_reuse_policy=reuse,
        task_timeout=timedelta(seconds=given.heartbeat_timeout),
        search_attributes=_attributes(given),
        memo={names.MEMO_MESSAGE: text} if text else None,
        static_summary=f"{agent}: {plain_markdown(text)}" if text else agent,
        static_details=f"**{agent}**, for {plain_markdown(given.parent.session)}" if given.parent else None,
    )


def outcome(handle: ChildHandle, agent: str) -> ChildOutcome:
    """Return how a child has ended."""
    error = handle.exception()
    if error is None:
        last = handle.result().last
        return ChildOutcome(id=handle.id, agent=agent, status="done", reply_seq=last.reply_seq if last else 0)
    cause = error.cause if isinstance(error, ChildWorkflowError) else error
    if isinstance(cause, CancelledError):
        return ChildOutcome(id=handle.id, agent=agent, status="cancelled", error="cancelled")
    code = cause.type if isinstance(cause, ApplicationError) else None
    text = cause.message if isinstance(cause, ApplicationError) else str(cause)
    return ChildOutcome(
        id=handle.id,
        agent=agent,
        status="failed",
        error_code=code or errors.Unclassified.code,
        error=preview(text),
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
