"""A schedule of Temporal as users see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from temporalio.client import (
    Client,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleDescription,
    ScheduleOverlapPolicy,
)
from temporalio.common import SearchAttributeKey, TypedSearchAttributes

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.control.access import Owner
from holdfast_workflows.contracts.operations.schedules import Overlap, ScheduleRun, ScheduleView
from holdfast_workflows.contracts.session.scheduled import Scheduled
from holdfast_workflows.contracts.session.session import StartInput

from .making import OVERLAPS


def owner_of(attributes: TypedSearchAttributes) -> Owner:
    """The tenant and the user that a schedule is of."""
    keys = map(SearchAttributeKey.for_keyword, (names.ATTRIBUTE_TENANT, names.ATTRIBUTE_USER))
    tenant, user = (attributes.get(key) or "" for key in keys)
    return tenant, user


async def start_of(temporal: Client, found: ScheduleDescription) -> StartInput | None:
    """The start of a schedule's sessions; None if it starts something else."""
    action = found.schedule.action
    if not isinstance(action, ScheduleActionStartWorkflow) or action.workflow != names.WORKFLOW:
        return None
    payloads = cast("Sequence[Any]", action.args)  # as they are stored
    start: StartInput
    [start] = await temporal.data_converter.decode(payloads, [StartInput])
    return start


def view(found: ScheduleDescription, start: StartInput) -> ScheduleView:
    """The view of a schedule."""
    schedule, info = found.schedule, found.info
    scheduled = start.scheduled or Scheduled(schedule=found.id)
    overlaps: dict[ScheduleOverlapPolicy, Overlap] = {policy: name for name, policy in OVERLAPS.items()}
    jitter = schedule.spec.jitter
    return ScheduleView(
        id=found.id,
        agent=start.agent,
        message=start.message.text if start.message else "",
        when=scheduled.when,
        time_zone=scheduled.time_zone,
        overlap=overlaps.get(schedule.policy.overlap, "skip"),
        jitter=jitter.total_seconds() if jitter else 0.0,
        tenant=start.tenant,
        user=start.user,
        paused=schedule.state.paused,
        note=schedule.state.note or "",
        next=tuple(each.timestamp() for each in info.next_action_times),
        recent=tuple(
            ScheduleRun(
                session=each.action.workflow_id,
                scheduled_at=each.scheduled_at.timestamp(),
                started_at=each.started_at.timestamp(),
            )
            for each in info.recent_actions
            if isinstance(each.action, ScheduleActionExecutionStartWorkflow)
        ),
        running=tuple(
            each.workflow_id
            for each in info.running_actions
            if isinstance(each, ScheduleActionExecutionStartWorkflow)
        ),
        started=info.num_actions,
        skipped=info.num_actions_skipped_overlap,
        missed=info.num_actions_missed_catchup_window,
    )
