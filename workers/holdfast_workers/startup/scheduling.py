"""The maintenance schedule, created by the worker process if it is missing."""

from __future__ import annotations

import logging
from datetime import timedelta

from temporalio.client import Client

from holdfast_temporal import Repeated, ensure_schedule
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.memory import MaintainInput
from holdfast_workflows.contracts.errors import HoldfastError

_log = logging.getLogger(__name__)


async def ensure_maintenance(client: Client, task_queue: str, seconds: float) -> bool:
    """Schedule maintenance unless it is scheduled already; return whether it is scheduled now.

    ``seconds`` is the interval; 0 for never. If the server refuses, a warning with the remedy is logged.
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
            "maintenance could not be scheduled: %s A user who may create schedules can run "
            "`holdfast --namespace %s --task-queue %s maintain schedule --every %gs`; "
            "HOLDFAST_MAINTENANCE_EVERY=0 stops this warning.",
            error,
            client.namespace,
            task_queue,
            seconds,
        )
        return False
    return True
