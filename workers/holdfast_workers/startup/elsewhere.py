"""The agents that other workers of a task queue serve: during a deploy, not every worker has a new agent."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Final

from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from holdfast_temporal import binding
from holdfast_workflows.contracts.errors import ServiceError

_POLL: Final = 65.0
"""Seconds: a worker asks the server for work at least this often."""


async def served(client: Client, task_queue: str, polled: str) -> Collection[str]:
    """The agents that workers of an App serve or have served; empty if no other worker polls the queue ``polled``.

    Also empty if the server does not answer.
    """
    try:
        if not await _has_others(client, polled):
            return ()
        bound = await binding.read(client, task_queue)
    except (RPCError, ServiceError):
        return ()
    return bound.agents if bound else ()


async def _has_others(client: Client, task_queue: str) -> bool:
    request = DescribeTaskQueueRequest(namespace=client.namespace, task_queue=TaskQueue(name=task_queue))
    found = await client.workflow_service.describe_task_queue(request)
    own, since = client.service_client.config.identity, time.time() - _POLL
    return any(
        poller.identity != own and poller.last_access_time.ToSeconds() > since for poller in found.pollers
    )
