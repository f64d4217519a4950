"""Conversion of errors to Temporal failures and back."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

from temporalio.exceptions import ApplicationError

from .base import HoldfastError


def tree() -> dict[str, type[HoldfastError]]:
    """Return every error class by its code; a user's subclass without its own code counts as its parent."""
    classes: list[type[HoldfastError]] = [HoldfastError]
    for cls in classes:
        classes += cls.__subclasses__()
    return {cls.code: cls for cls in reversed(classes)}


def to_failure(error: HoldfastError, retry: Mapping[str, Any] | None = None) -> ApplicationError:
    """Convert an error to the Temporal failure that carries it out of a workflow or activity.

    ``retry`` is the choice for the next attempt: ``again``, ``delay`` in seconds, and its reasons for readers of
    the history. By default the error decides. The error's own values are kept with the choice, since a person
    may retry what is not retried automatically.
    """
    again, delay = error.retryable, error.retry_after
    details: tuple[Any, ...] = (error.detail,)
    if retry is not None:
        details = (error.detail, {**retry, "retryable": again, "retry_after": delay})
        again, delay = bool(retry["again"]), retry["delay"]
    return ApplicationError(
        str(error),
        *details,
        type=error.code,
        non_retryable=not again,
        next_retry_delay=None if delay is None or not again else timedelta(seconds=delay),
    )


def from_failure(failure: BaseException | None) -> HoldfastError | None:
    """Return the error that a Temporal failure or one of its causes carries, if any."""
    classes = tree()
    while failure is not None:
        if isinstance(failure, HoldfastError):
            return failure
        if isinstance(failure, ApplicationError) and failure.type in classes:
            return _rebuilt(classes[failure.type], failure)
        failure = getattr(failure, "cause", None) or failure.__cause__
    return None


def _rebuilt(cls: type[HoldfastError], failure: ApplicationError) -> HoldfastError:
    delay = failure.next_retry_delay
    after, retryable = None if delay is None else delay.total_seconds(), not failure.non_retryable
    details, id = failure.details, ""
    if len(details) > 1 and isinstance(details[1], Mapping):
        retry = cast("Mapping[str, Any]", details[1])
        after, retryable = retry.get("retry_after", after), bool(retry.get("retryable", retryable))
        id = str(retry.get("id", ""))
    error = cls(str(details[0]) if details else failure.message, retry_after=after, retryable=retryable)
    error.id = id
    return error
