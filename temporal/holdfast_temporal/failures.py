"""Exceptions to Temporal failures, with any text.

The SDK copies an exception's text to a protobuf string, which cannot hold a lone surrogate. The SDK would then
report that error instead of the exception, as a retryable failure, and retry a ``non_retryable`` error. So
text is cleaned first. It is also cut: a failure over gRPC's message limit cannot be reported, and the server
shows no failure over 4 KiB while the activity waits for its next attempt.
"""

from __future__ import annotations

import json
import traceback
from typing import Final

from pydantic import ValidationError
from temporalio import workflow
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DefaultFailureConverter
from temporalio.converter import PayloadConverter as AnyPayloadConverter
from temporalio.exceptions import ApplicationError, CancelledError, FailureError

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import BadInput, to_failure
from holdfast_workflows.contracts.text.redaction import redact, redact_error, redact_value
from holdfast_workflows.contracts.text.unicode import clean, preview

_UNDECODABLE: Final = "Failed decoding arguments"
"""The SDK's message for input that cannot be decoded."""

_MAX_MESSAGE: Final = 8_000  # characters
_MAX_TYPE: Final = 200
_MARK: Final = 3  # bytes of "…"
_MAX_FAILURE: Final = 4_000  # bytes, with its causes


class FailureConverter(DefaultFailureConverter):
    """The SDK's conversion, with messages, types and stack traces cleaned, bounded and without secrets."""

    def to_failure(
        self, exception: BaseException, payload_converter: AnyPayloadConverter, failure: Failure
    ) -> None:
        """Fill in the failure; the SDK calls this for each cause."""
        super().to_failure(_presentable(exception), payload_converter, failure)
        if not (isinstance(exception, FailureError) and exception.failure is not None):
            _redact(failure)
        _shorten(failure)


def _redact(failure: Failure) -> None:
    """Replace secrets in the message, the stack trace and the details."""
    failure.message = redact_error(failure.message)
    failure.stack_trace = redact(failure.stack_trace)
    for payload in failure.application_failure_info.details.payloads:
        if payload.metadata.get("encoding") != b"json/plain":
            continue
        text = payload.data.decode(errors="replace")
        if redact(text) != text:
            payload.data = json.dumps(redact_value(json.loads(text))).encode()


def _shorten(failure: Failure) -> None:
    """Cut stack traces until the failure is small enough: outer ones first, and each from its start."""
    level: Failure | None = failure
    while level is not None and (excess := failure.ByteSize() - _MAX_FAILURE) > 0:
        stack = level.stack_trace.encode()
        rest = stack[excess + _MARK :]
        level.stack_trace = "…" + rest.decode(errors="ignore") if rest else ""
        level = level.cause if level.HasField("cause") else None


def _presentable(exception: BaseException) -> BaseException:
    """The exception, or a replacement if its text cannot be sent or does not help the caller."""
    if _is_undecodable_input(exception):
        cause = exception if isinstance(exception, ValidationError) else exception.__cause__
        return to_failure(BadInput(preview(str(cause).partition("\n  For further")[0])))
    if isinstance(exception, FailureError):
        if exception.failure is not None:  # received from a server, so it can be sent to one
            return exception
        message, kind = exception.message, getattr(exception, "type", None)
    else:
        message, kind = str(exception), type(exception).__name__
    kind = kind if isinstance(kind, str) else None
    stack = "".join(traceback.format_tb(exception.__traceback__))
    if (
        message == _fit(message, _MAX_MESSAGE)
        and (kind is None or kind == _fit(kind, _MAX_TYPE))
        and stack == clean(stack)
    ):
        return exception
    replacement = _replacement(exception, _fit(message, _MAX_MESSAGE), kind and _fit(kind, _MAX_TYPE))
    replacement.__cause__ = exception.__cause__
    replacement.__context__ = exception.__context__
    replacement.__suppress_context__ = exception.__suppress_context__
    if stack == clean(stack):  # otherwise a file name cannot be sent
        replacement.__traceback__ = exception.__traceback__
    return replacement


def _is_undecodable_input(exception: BaseException) -> bool:
    """Whether one of our workflows received an update or a query that its handler cannot decode."""
    if not workflow.in_workflow() or workflow.info().workflow_type not in names.OWN_WORKFLOWS:
        return False
    undecodable = isinstance(exception, RuntimeError) and exception.args == (_UNDECODABLE,)
    return isinstance(exception, ValidationError) or undecodable


def _replacement(exception: BaseException, message: str, kind: str | None) -> FailureError:
    if isinstance(exception, CancelledError):
        return CancelledError(message, *exception.details)
    if isinstance(exception, ApplicationError):
        return ApplicationError(
            message,
            *exception.details,
            type=kind,
            non_retryable=exception.non_retryable,
            next_retry_delay=exception.next_retry_delay,
            category=exception.category,
        )
    return ApplicationError(message, type=kind)


def _fit(text: str, limit: int) -> str:
    text = clean(text)
    return text if len(text) <= limit else text[: limit - 1] + "…"
