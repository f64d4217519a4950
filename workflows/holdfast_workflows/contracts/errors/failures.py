"""Errors as Temporal carries them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

from temporalio.exceptions import ApplicationError

from .base import HoldfastError


def tree() -> dict[str, type[HoldfastError]]:
    """Every error class by its code."""
    found: dict[str, type[HoldfastError]] = {}
    waiting: list[type[HoldfastError]] = [HoldfastError]
    while waiting:
        cls = waiting.pop()
        found[cls.code] = cls
        waiting.extend(cls.__subclasses__())
    return found


def to_failure(error: HoldfastError, retry: Mapping[str, Any] | None = None) -> ApplicationError:
    """The Temporal failure that carries an error out of a workflow or activity.

    Args:
        error: What happened.
        retry: What was chosen for the next attempt and why, for Temporal and for those who read the
            history: ``again``, ``delay`` in seconds. Without it the error's class decides. The
            error's own values are stored too, since a person may retry an error that is not retried here.
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
    """The error that a Temporal failure carries, looking through its causes; None if none does."""
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
    error = cls(
        str(details[0]) if details else failure.message,
        retry_after=after,
        retryable=retryable,
    )
    error.id = id
    return error
