"""The default task queue: that of the namespace's only app."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from temporalio.client import Client

from holdfast_temporal import binding
from holdfast_workflows.contracts.errors import ServiceError, SettingsInvalid


async def find(temporal: Client, polled: Callable[[str], Awaitable[bool]]) -> str | None:
    """Return the queue of the namespace's only app, or of the only app with workers; None without apps."""
    bound = {queue: each for queue, each in (await binding.bound(temporal)).items() if not each.base}
    if len(bound) > 1:
        served = {queue: each for queue, each in bound.items() if await polled(queue)}
        if len(served) == 1:
            return next(iter(served))
        apps = ", ".join(f"{each.title} on {queue}" for queue, each in (served or bound).items())
        raise SettingsInvalid(
            f"HOLDFAST_TASK_QUEUE is not set, and there are several apps: {apps}; set it to one of the queues, "
            "or give task_queue=… (--task-queue)"
        )
    return next(iter(bound), None)


async def owner(temporal: Client, queue: str) -> str:
    """Describe a queue's app and database, for the error that no worker polls it."""
    try:
        bound = await binding.read(temporal, queue)
    except ServiceError:
        return ""
    return f"; it belongs to {bound.summary}" if bound else "; no worker has ever served it"
