"""Exceptions to Temporal failures, whatever text is in them.

The SDK copies an exception's text into a protobuf string, which refuses a lone
surrogate. It then reports that refusal in place of the exception, as a retryable
failure: a ``non_retryable`` error would be tried again. So text is cleaned first. It is
also cut, since a failure over the message limit of gRPC could not be reported at all, and of one
over 4 KiB the server shows nothing while the activity waits for its next attempt.
"""

from __future__ import annotations

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
from holdfast_workflows.contracts.text.unicode import clean, preview

_UNDECODABLE: Final = "Failed decoding arguments"
"""What the SDK says where decoding failed with anything but a failure of its own."""

_MAX_MESSAGE: Final = 8_000  # characters
_MAX_TYPE: Final = 200
_MARK: Final = 3  # bytes of "…"
_MAX_FAILURE: Final = 4_000  # bytes, with its causes


class FailureConverter(DefaultFailureConverter):
    """The SDK's conversion, with messages, types and stack traces cleaned and bounded."""

    def to_failure(
        self, exception: BaseException, payload_converter: AnyPayloadConverter, failure: Failure
    ) -> None:
        """Fill in the failure; the SDK calls this for each cause, too."""
        super().to_failure(_presentable(exception), payload_converter, failure)
        _shorten(failure)


def _shorten(failure: Failure) -> None:
    """Cut stack traces until the failure is small enough, outer ones first: causes tell more, by their ends."""
    level: Failure | None = failure
    while level is not None and (excess := failure.ByteSize() - _MAX_FAILURE) > 0:
        stack = level.stack_trace.encode()
        rest = stack[excess + _MARK :]
        level.stack_trace = "…" + rest.decode(errors="ignore") if rest else ""
        level = level.cause if level.HasField("cause") else None


def _presentable(exception: BaseException) -> BaseException:
    """The exception, or a stand-in for it if its text cannot be sent or says nothing to the sender."""
    if _is_undecodable_input(exception):
        cause = exception if isinstance(exception, ValidationError) else exception.__cause__
        return to_failure(BadInput(preview(str(cause).partition("\n  For further")[0])))
    if isinstance(exception, FailureError):
        if exception.failure is not None:  # came from a server, so it can go to one
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
    stand_in = _stand_in(exception, _fit(message, _MAX_MESSAGE), kind and _fit(kind, _MAX_TYPE))
    stand_in.__cause__ = exception.__cause__
    stand_in.__context__ = exception.__context__
    stand_in.__suppress_context__ = exception.__suppress_context__
    if stack == clean(stack):  # else a file name cannot be sent; the message must do
        stand_in.__traceback__ = exception.__traceback__
    return stand_in


def _is_undecodable_input(exception: BaseException) -> bool:
    """Whether an update or a query came to one of our workflows with payloads that its handler cannot take."""
    if not workflow.in_workflow() or workflow.info().workflow_type not in names.OWN_WORKFLOWS:
        return False
    undecodable = isinstance(exception, RuntimeError) and exception.args == (_UNDECODABLE,)
    return isinstance(exception, ValidationError) or undecodable


def _stand_in(exception: BaseException, message: str, kind: str | None) -> FailureError:
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
