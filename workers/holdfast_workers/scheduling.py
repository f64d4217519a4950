"""The schedule of maintenance: a worker process makes it where it is missing."""

from __future__ import annotations

import logging
from datetime import timedelta

from temporalio.client import Client

from holdfast_temporal import Repeated, ensure_schedule
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import HoldfastError
from holdfast_workflows.contracts.memory import MaintainInput

_log = logging.getLogger(__name__)


async def ensure_maintenance(client: Client, task_queue: str, seconds: float) -> bool:
    """Have maintenance run every so many seconds, unless it is scheduled already; whether it is now.

    A server that does not let us is no reason not to work: it is said, with what to do.

    Args:
        client: A client with Holdfast's data converter.
        task_queue: Whose maintenance it is.
        seconds: How often; 0 for never.
    """
    if not seconds:
        return False
    id, every = names.maintenance_id(task_queue), timedelta(seconds=seconds)
    wanted = Repeated(id, names.MAINTENANCE_WORKFLOW, MaintainInput(), task_queue, every, "maintenance")
    try:
        if await ensure_schedule(client, wanted):
            _log.info("maintenance is scheduled every %s as %s", every, id)
    except HoldfastError as error:
        _log.warning(
            "maintenance could not be scheduled: %s Whoever may make schedules runs "
            "`holdfast --namespace %s --task-queue %s memory schedule --every %gs`; "
            "HOLDFAST_MAINTENANCE_EVERY=0 stops this warning.",
            error,
            client.namespace,
            task_queue,
            seconds,
        )
        return False
    return True
