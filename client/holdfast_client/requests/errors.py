"""Translation of the Temporal client's errors to Holdfast's."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from temporalio import exceptions as temporal
from temporalio.client import (
    ActivityFailureError,
    RPCTimeoutOrCancelledError,
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.service import RPCError, RPCStatusCode

from holdfast_temporal.query_failures import of_query
from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.text.unicode import preview

_LATE = frozenset({RPCStatusCode.CANCELLED, RPCStatusCode.DEADLINE_EXCEEDED})

_CROWDED = re.compile(r"concurrent in-flight updates|workflow update was aborted")
"""The server's messages for an update refused because of too many updates or a new run."""


@contextmanager
def bad_input() -> Generator[None]:
    """Raise BadInput for values that a contract refuses."""
    try:
        yield
    except ValidationError as error:
        raise errors.BadInput(preview("; ".join(map(_invalid, error.errors())))) from error


def _invalid(found: ErrorDetails) -> str:
    where = ".".join(map(str, found["loc"]))
    return f"{where}={found['input']!r}: {found['msg']}" if where else found["msg"]


def translate(error: BaseException, session: str = "", *, by_worker: bool = False) -> errors.HoldfastError:
    """Return the typed error for a failed request.

    ``by_worker``: a worker had to answer, so a timeout means that none is running.
    """
    found = errors.from_failure(error)
    if found is not None:
        return found
    if isinstance(error, TimeoutError | RPCTimeoutOrCancelledError):
        return _late(by_worker, "no answer in time")
    if isinstance(error, RPCError):
        return _from_rpc(error, session, by_worker)
    if isinstance(error, WorkflowFailureError | WorkflowUpdateFailedError | ActivityFailureError):
        return _from_cause(error.cause, session, ended=isinstance(error, WorkflowFailureError))
    if isinstance(error, WorkflowQueryFailedError):
        return of_query(error) or errors.ServiceError(error.message)
    return errors.HoldfastError(f"{type(error).__name__}: {error}")


def _from_rpc(error: RPCError, session: str, by_worker: bool) -> errors.HoldfastError:
    message = error.message
    if error.status in _LATE:
        return _late(by_worker, message)
    if error.status == RPCStatusCode.NOT_FOUND:
        return _not_found(message, session)
    crowded = _CROWDED.search(message) is not None
    broken = error.status == RPCStatusCode.UNKNOWN and "transport error" in message
    if broken or (error.status == RPCStatusCode.UNAVAILABLE and not crowded):
        return errors.TemporalUnreachable(message)
    if error.status == RPCStatusCode.FAILED_PRECONDITION and by_worker:
        return errors.NoWorker(message)
    if error.status == RPCStatusCode.INVALID_ARGUMENT:
        return (
            errors.SearchAttributesMissing(message)
            if "search attribute" in message
            else errors.BadInput(message)
        )
    # An earlier attempt of the SDK may have succeeded before this one was refused.
    busy = f"too many concurrent requests; the message may have been taken, so send it again with the same id: {message}"
    return errors.SessionBusy(busy) if crowded else errors.ServiceError(f"{error.status.name}: {message}")


def _not_found(message: str, session: str) -> errors.HoldfastError:
    if message.startswith("Namespace "):
        return errors.SettingsInvalid(f"HOLDFAST_NAMESPACE, or --namespace: {message}")
    return errors.SessionNotFound(session) if session else errors.ServiceError(message)


def _from_cause(cause: BaseException, session: str, *, ended: bool) -> errors.HoldfastError:
    """Return the error for a workflow, update or activity that ended without a Holdfast error.

    ``ended``: it is a workflow's.
    """
    if isinstance(cause, temporal.TimeoutError) and not ended:
        if cause.type == temporal.TimeoutType.SCHEDULE_TO_START:
            return errors.NoWorker(str(cause))
        late = "a worker has begun it without an end in time; see its log, and whether the state database answers"
        return errors.ServiceError(f"{late}: {cause}")
    if isinstance(cause, temporal.TerminatedError | temporal.TimeoutError):
        return errors.SessionClosed(f"{session}: {cause}")
    if isinstance(cause, temporal.CancelledError):
        return errors.TurnCancelled(f"{session} was cancelled")
    return errors.HoldfastError(str(cause))


def _late(by_worker: bool, detail: str) -> errors.ServiceError:
    return errors.NoWorker(detail) if by_worker else errors.TemporalUnreachable(detail)
