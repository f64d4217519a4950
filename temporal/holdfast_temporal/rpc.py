"""Requests to the Temporal server: their timeout, and their errors as ours."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from temporalio.service import RPCError, RPCStatusCode

from holdfast_workflows.contracts.errors import ServiceError, SettingsInvalid, TemporalUnreachable

TIMEOUT: Final = timedelta(seconds=10)

_UNREACHABLE: Final = frozenset(
    {
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.CANCELLED,
        RPCStatusCode.DEADLINE_EXCEEDED,
    }
)


@contextmanager
def rpc_errors() -> Generator[None]:
    """Raise TemporalUnreachable if the server did not answer; ServiceError or SettingsInvalid if it refused."""
    try:
        yield
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND and error.message.startswith("Namespace "):
            raise SettingsInvalid(f"HOLDFAST_NAMESPACE, or --namespace: {error.message}") from error
        kind = TemporalUnreachable if error.status in _UNREACHABLE else ServiceError
        raise kind(error.message) from error
