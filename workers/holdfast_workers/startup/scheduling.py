"""The schedules of maintenance and of backups, created by the worker process if they are missing."""

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
    remedy = (
        f"A user who may create schedules can run `holdfast --namespace {client.namespace} --task-queue {task_queue} "
        f"maintain schedule --every {seconds:g}s`; HOLDFAST_MAINTENANCE_EVERY=0 stops this warning."
    )
    id = names.maintenance_id(task_queue)
    return await _ensure(client, task_queue, id, MaintainInput(), seconds, "maintenance", remedy)


async def ensure_backups(client: Client, task_queue: str, seconds: float) -> bool:
    """Schedule backups of the state database, as ``ensure_maintenance`` does maintenance."""
    remedy = "HOLDFAST_BACKUP_EVERY=0 stops this warning; run `holdfast backup` by another scheduler then."
    given = MaintainInput(tasks=("backup",))
    return await _ensure(client, task_queue, names.backup_id(task_queue), given, seconds, "backup", remedy)


async def _ensure(
    client: Client, task_queue: str, id: str, given: MaintainInput, seconds: float, what: str, remedy: str
) -> bool:
    if not seconds:
        return False
    every = timedelta(seconds=seconds)
    try:
        if await ensure_schedule(
            client, Repeated(id, names.MAINTENANCE_WORKFLOW, given, task_queue, every, what)
        ):
            _log.info("%s is scheduled every %s as %s", what, every, id)
    except HoldfastError as error:
        _log.warning("%s could not be scheduled: %s %s", what, error, remedy)
        return False
    return True
