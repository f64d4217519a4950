"""Calls that ended because their worker was lost, or because no worker took them."""

from collections.abc import Sequence
from typing import Any

from temporalio.exceptions import ActivityError, TimeoutType
from temporalio.exceptions import TimeoutError as ActivityTimeout

from holdfast_workflows.contracts.session.progress import Partial

_LOST_WORKERS = 5


def worker_lost(error: ActivityError) -> bool:
    """Whether the call ended because its worker stopped answering, not by its own failure."""
    cause: Any = error.cause
    return isinstance(cause, ActivityTimeout) and cause.type == TimeoutType.HEARTBEAT


def unserved(error: ActivityError) -> bool:
    """Whether no worker took the call in time, so it was not made."""
    cause: Any = error.cause
    return isinstance(cause, ActivityTimeout) and cause.type == TimeoutType.SCHEDULE_TO_START


def may_lose_more(lost: int) -> bool:
    """Whether to schedule a call again after ``lost`` workers were lost with it.

    A lost worker uses none of the call's attempts, but a call that kills its workers must end. If a worker is
    killed every three seconds, one call does lose four in a row.
    """
    return lost < _LOST_WORKERS


def tried(error: ActivityError) -> int:
    """Return the failed attempts of a model call before its worker was lost, from the last heartbeat."""
    cause: Any = error.cause
    details: Sequence[Any] = cause.last_heartbeat_details
    return Partial.model_validate(details[0]).tried if details else 0
