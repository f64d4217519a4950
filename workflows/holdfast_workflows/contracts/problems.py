"""Errors as values: in views, and in results that tell of more than the error."""

from . import errors
from .base import Contract


class Problem(Contract):
    """An error as it appears in views: the whole message, and what was particular this time."""

    code: str
    message: str
    detail: str = ""
    id: str = ""
    """What a user can quote: it is in the worker's log and in the history."""
    retryable: bool = False
    retry_after: float | None = None
    """Seconds after which trying again may help, where somebody said so."""


def problem_of(error: errors.HoldfastError) -> Problem:
    """What is told of an error."""
    return Problem(
        code=error.code,
        message=str(error),
        detail=error.detail,
        id=error.id,
        retryable=error.retryable,
        retry_after=error.retry_after,
    )


def error_of(problem: Problem) -> errors.HoldfastError:
    """The error that was told of, by its own class."""
    error = errors.tree().get(problem.code, errors.HoldfastError)(
        problem.detail, retry_after=problem.retry_after, retryable=problem.retryable
    )
    error.id = problem.id
    return error
