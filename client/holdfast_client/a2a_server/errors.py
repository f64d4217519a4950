"""Errors of Holdfast as errors of A2A."""

from collections.abc import Generator
from contextlib import contextmanager

from a2a.utils.errors import (
    A2AError,
    InternalError,
    InvalidParamsError,
    InvalidRequestError,
    TaskNotFoundError,
)

from holdfast_workflows.contracts.errors import BadInput, HoldfastError, NotPermitted, SessionNotFound
from holdfast_workflows.contracts.problems import problem_of


@contextmanager
def translated() -> Generator[None]:
    """Raise an error of Holdfast as the error of A2A that fits, with its code."""
    try:
        yield
    except SessionNotFound as error:
        raise TaskNotFoundError from error
    except HoldfastError as error:
        raise _translation(error) from error


def _translation(error: HoldfastError) -> A2AError:
    kind: type[A2AError] = InternalError
    if isinstance(error, NotPermitted):
        kind = InvalidRequestError
    elif isinstance(error, BadInput):
        kind = InvalidParamsError
    shown = problem_of(error).model_dump(mode="json", include={"code", "id", "retryable", "retry_after"})
    # Values of the details are strings.
    return kind(str(error), {name: str(value) for name, value in shown.items() if value})
