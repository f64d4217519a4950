"""Errors as values, for views and results."""

from . import errors
from .base import Contract
from .public import public


@public
class Problem(Contract):
    """An error in views: its message, and the detail of this occurrence."""

    code: str
    message: str
    detail: str = ""
    id: str = ""
    """An id that users can quote; the worker's log and the history contain it."""
    retryable: bool = False
    retry_after: float | None = None
    """Seconds after which a retry may help, if known."""


def problem_of(error: errors.HoldfastError) -> Problem:
    """Convert an error to a value."""
    return Problem(
        code=error.code,
        message=str(error),
        detail=error.detail,
        id=error.id,
        retryable=error.retryable,
        retry_after=error.retry_after,
    )


def error_of(problem: Problem) -> errors.HoldfastError:
    """Convert a value back to an error of its class."""
    error = errors.tree().get(problem.code, errors.HoldfastError)(
        problem.detail, retry_after=problem.retry_after, retryable=problem.retryable
    )
    error.id = problem.id
    return error
