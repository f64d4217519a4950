"""Map any exception to a typed error."""

import asyncio
import socket
import ssl
from collections.abc import Collection
from typing import TypeVar, cast

from temporalio import exceptions as temporal
from temporalio.service import RPCError, RPCStatusCode

from holdfast_activities.models.errors import errors as providers
from holdfast_workflows.contracts.errors import (
    HoldfastError,
    StateUnavailable,
    TemporalUnreachable,
    ToolFailed,
    TurnCancelled,
    Unclassified,
    from_failure,
)
from holdfast_workflows.contracts.text.redaction import redact_error
from holdfast_workflows.contracts.text.unicode import clean

E = TypeVar("E", bound=HoldfastError)

_READ = 20_000  # characters of an exception's text that are processed; fewer are kept
_DATABASES = frozenset({"sqlite3", "aiosqlite", "asyncpg", "sqlalchemy"})
_HTTPX = frozenset({"httpx"})
_CONNECTION = (ConnectionError, TimeoutError, socket.gaierror, ssl.SSLError, EOFError)
_ANSWERS_LATER = frozenset(
    {
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.ABORTED,
        RPCStatusCode.CANCELLED,
    }
)


def classify(error: BaseException, otherwise: type[HoldfastError] = Unclassified) -> HoldfastError:
    """The typed error for an exception; its text is safe to store, to log and to show a model.

    ``otherwise`` is the class for unknown exceptions. With ToolFailed or a subclass, errors of libraries
    become that class too, since the failed database or network is the tool's own; whether they may be
    retried is still taken from them.
    """
    known = _ours(error)
    if known is not None:
        return known
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        errors = [classify(part, otherwise) for part in group.exceptions]
        # The first error that a retry does not fix, else the first.
        return next((each for each in errors if not each.retryable), errors[0])
    message = words(error)
    if isinstance(error, temporal.ApplicationError):
        delay = error.next_retry_delay
        after = None if delay is None else delay.total_seconds()
        return otherwise(message, retry_after=after, retryable=not error.non_retryable)
    found = _foreign(error, message)
    if found is None:
        return otherwise(message)
    if issubclass(otherwise, ToolFailed):
        return otherwise(message, retry_after=found.retry_after, retryable=found.retryable)
    return found


def words(error: BaseException) -> str:
    """An exception's class and message, cleaned for storage and without secrets."""
    if _is_of(error, _HTTPX) and _is_malformed(error):
        # A header or URL that cannot be sent: its text may hold the key in any form.
        return f"{type(error).__name__}: the URL or a header is not well formed"
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 # the user's own class may fail here, and its error must still be reported
        message = ""
    text = clean(redact_error(message[:_READ]))
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def without_secrets(error: E) -> E:
    """The same error of our own with secrets redacted in its text, which is a tool's or a server's."""
    error.detail = redact_error(error.detail)
    error.args = tuple(redact_error(arg) if isinstance(arg, str) else arg for arg in error.args)
    return error


def _ours(error: BaseException) -> HoldfastError | None:
    """The HoldfastError that this is or contains; cancellation becomes TurnCancelled."""
    if isinstance(error, asyncio.CancelledError | temporal.CancelledError):
        return TurnCancelled()
    if isinstance(error, HoldfastError | temporal.FailureError):
        found = from_failure(error)
        return None if found is None else without_secrets(found)
    return None


def _foreign(error: BaseException, message: str) -> HoldfastError | None:
    """The typed error of a known library's exception."""
    if _is_of(error, _HTTPX):
        return _from_httpx(error)
    if _is_of(error, _DATABASES):
        return StateUnavailable(message)
    if isinstance(error, RPCError):
        return TemporalUnreachable(message, retryable=error.status in _ANSWERS_LATER)
    if isinstance(error, _CONNECTION):
        return providers.from_exception("connection", error)
    return None


def _is_of(error: BaseException, libraries: Collection[str]) -> bool:
    """Whether a library defines this exception; decided by name, so that no library has to be loaded."""
    return any(cls.__module__.partition(".")[0] in libraries for cls in type(error).__mro__)


def _is_malformed(error: BaseException) -> bool:
    import httpx  # loaded by whatever raised the error

    return isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol | httpx.InvalidURL)


def _from_httpx(error: BaseException) -> HoldfastError | None:
    import httpx  # loaded by whatever raised the error

    if isinstance(error, httpx.HTTPStatusError):
        answer = error.response
        body = answer.content if answer.is_stream_consumed or answer.is_closed else b""
        return providers.from_status(error.request.url.host, answer.status_code, answer.headers, body)
    if isinstance(error, httpx.HTTPError | httpx.InvalidURL | httpx.StreamError):
        return providers.from_exception("HTTP", error)
    return None
