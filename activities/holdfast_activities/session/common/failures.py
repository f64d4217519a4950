"""How an activity reports errors of the error tree to Temporal."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from holdfast_workflows.contracts.errors import HoldfastError, to_failure

P = ParamSpec("P")
T = TypeVar("T")


def reports_failures(activity: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Make an activity raise an ApplicationError for every HoldfastError, with its code and retry policy."""

    @wraps(activity)
    async def reporting(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await activity(*args, **kwargs)
        except HoldfastError as error:
            raise to_failure(error) from error

    return reporting
