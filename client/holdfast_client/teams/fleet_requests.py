"""The request that starts a fleet."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Final

from temporalio import common
from temporalio.exceptions import WorkflowAlreadyStartedError

from holdfast_client import shares
from holdfast_client.requests import registering
from holdfast_client.requests.requests import Requests
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.teams.fleets import FleetStart
from holdfast_workflows.contracts.text.unicode import plain_markdown

_PRIORITY: Final = 4
"""After conversations, in which a person waits."""


async def start(
    requests: Requests,
    id: str,
    given: FleetStart,
    *,
    priority: int | None = None,
    weight: float | None = None,
    again: bool = False,
) -> None:
    """Start a fleet, or find it; with ``again`` one that has ended goes on."""
    await requests.expect_worker()
    values = {
        names.ATTRIBUTE_AGENT: given.agent,
        names.ATTRIBUTE_TENANT: given.tenant,
        names.ATTRIBUTE_USER: given.user,
    }
    attributes = [
        common.SearchAttributePair(common.SearchAttributeKey.for_keyword(name), value)
        for name, value in values.items()
        if value
    ]
    count = sum(chunk.count for chunk in given.chunks)
    reuse = common.WorkflowIDReusePolicy
    queue = await requests.queue()

    async def send() -> None:
        with suppress(WorkflowAlreadyStartedError):
            await requests.call(
                requests.temporal.start_workflow(
                    names.FLEET_WORKFLOW,
                    given,
                    id=id,
                    task_queue=queue,
                    task_timeout=timedelta(seconds=given.heartbeat_timeout),
                    id_conflict_policy=common.WorkflowIDConflictPolicy.USE_EXISTING,
                    id_reuse_policy=reuse.ALLOW_DUPLICATE if again else reuse.REJECT_DUPLICATE,
                    search_attributes=common.TypedSearchAttributes(attributes),
                    # Fleets without a tenant share the workers among each other.
                    priority=shares.of(
                        given.tenant or id, _PRIORITY if priority is None else priority, weight
                    ),
                    static_summary=f"{plain_markdown(given.agent)}: {count:,} items",
                )
            )

    await registering.with_attributes(requests.temporal, send, requests.timeout)
