"""Errors as Temporal carries them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

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
        retry: What was chosen for the next attempt and why, for those who read the history.
    """
    delay = None if error.retry_after is None else timedelta(seconds=error.retry_after)
    return ApplicationError(
        str(error),
        *((error.detail,) if retry is None else (error.detail, dict(retry))),
        type=error.code,
        non_retryable=not error.retryable,
        next_retry_delay=delay,
    )


def from_failure(failure: BaseException | None) -> HoldfastError | None:
    """The error that a Temporal failure carries, looking through its causes; None if none does."""
    classes = tree()
    while failure is not None:
        if isinstance(failure, HoldfastError):
            return failure
        if isinstance(failure, ApplicationError) and failure.type in classes:
            delay = failure.next_retry_delay
            return classes[failure.type](
                str(failure.details[0]) if failure.details else failure.message,
                retry_after=None if delay is None else delay.total_seconds(),
                retryable=not failure.non_retryable,
            )
        failure = getattr(failure, "cause", None) or failure.__cause__
    return None
