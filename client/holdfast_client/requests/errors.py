"""Translation of the Temporal client's errors to Holdfast's."""

from __future__ import annotations

import re

from temporalio import exceptions as temporal
from temporalio.client import (
    ActivityFailureError,
    RPCTimeoutOrCancelledError,
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.service import RPCError, RPCStatusCode

from holdfast_workflows.contracts.errors import (
    BadInput,
    HoldfastError,
    NoWorker,
    SearchAttributesMissing,
    ServiceError,
    SessionBusy,
    SessionClosed,
    SessionNotFound,
    SettingsInvalid,
    TemporalUnreachable,
    TurnCancelled,
    from_failure,
)

_LATE = frozenset({RPCStatusCode.CANCELLED, RPCStatusCode.DEADLINE_EXCEEDED})

_CROWDED = re.compile(r"concurrent in-flight updates|workflow update was aborted")
"""The server's messages for an update refused because of too many updates or a new run."""


def translate(error: BaseException, session: str = "", *, by_worker: bool = False) -> HoldfastError:
    """Return the typed error for a failed request.

    Args:
        error: What the Temporal client raised.
        session: The session of the request.
        by_worker: Whether a worker had to answer, so that a timeout means that no worker runs.
    """
    found = from_failure(error)
    if found is not None:
        return found
    if isinstance(error, TimeoutError | RPCTimeoutOrCancelledError):
        return _late(by_worker, "no answer in time")
    if isinstance(error, RPCError):
        return _from_rpc(error, session, by_worker)
    if isinstance(error, WorkflowFailureError | WorkflowUpdateFailedError | ActivityFailureError):
        return _from_cause(error.cause, session)
    if isinstance(error, WorkflowQueryFailedError):
        return ServiceError(error.message)
    return HoldfastError(f"{type(error).__name__}: {error}")


def _from_rpc(error: RPCError, session: str, by_worker: bool) -> HoldfastError:
    message = error.message
    if error.status in _LATE:
        return _late(by_worker, message)
    if error.status == RPCStatusCode.NOT_FOUND:
        return _not_found(message, session)
    crowded = _CROWDED.search(message) is not None
    broken = error.status == RPCStatusCode.UNKNOWN and "transport error" in message
    if broken or (error.status == RPCStatusCode.UNAVAILABLE and not crowded):
        return TemporalUnreachable(message)
    if error.status == RPCStatusCode.FAILED_PRECONDITION and by_worker:
        return NoWorker(message)
    if error.status == RPCStatusCode.INVALID_ARGUMENT:
        return SearchAttributesMissing(message) if "search attribute" in message else BadInput(message)
    # An earlier attempt of the SDK may have succeeded before this one was refused.
    busy = f"too many concurrent requests; the message may have been taken, so send it again with the same id: {message}"
    return SessionBusy(busy) if crowded else ServiceError(f"{error.status.name}: {message}")


def _not_found(message: str, session: str) -> HoldfastError:
    if message.startswith("Namespace "):
        return SettingsInvalid(f"HOLDFAST_NAMESPACE, or --namespace: {message}")
    return SessionNotFound(session) if session else ServiceError(message)


def _from_cause(cause: BaseException, session: str) -> HoldfastError:
    """Return the error for a workflow, update or activity that ended without a Holdfast error."""
    if isinstance(cause, temporal.TimeoutError):
        waited = cause.type == temporal.TimeoutType.SCHEDULE_TO_START
        return NoWorker(str(cause)) if waited else ServiceError(str(cause))
    if isinstance(cause, temporal.TerminatedError):
        return SessionClosed(f"{session}: {cause}")
    if isinstance(cause, temporal.CancelledError):
        return TurnCancelled(f"{session} was cancelled")
    return HoldfastError(str(cause))


def _late(by_worker: bool, detail: str) -> ServiceError:
    return NoWorker(detail) if by_worker else TemporalUnreachable(detail)
