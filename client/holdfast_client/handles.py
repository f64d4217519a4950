"""Handles of the client without async: each method runs the async one in the client's background thread."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from .portal import Portal

A_co = TypeVar("A_co", covariant=True)
P = ParamSpec("P")
T = TypeVar("T")


class Handle(Generic[A_co]):
    """An async object, and the portal that runs its methods."""

    def __init__(self, target: A_co, portal: Portal) -> None:
        self._target = target
        self._portal = portal

    def __repr__(self) -> str:
        return repr(self._target)


def blocking(
    method: Callable[Concatenate[A_co, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Handle[A_co], P], T]:
    """Make a method that waits for the async one's result."""

    @wraps(method)
    def call(self: Handle[A_co], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._portal.call(method(self._target, *args, **kwargs))

    return call


def iterating(
    method: Callable[Concatenate[A_co, P], AsyncGenerator[T, None]],
) -> Callable[Concatenate[Handle[A_co], P], Iterator[T]]:
    """Make a method that iterates over the async one's values."""

    @wraps(method)
    def call(self: Handle[A_co], /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return self._portal.iterate(lambda: method(self._target, *args, **kwargs))

    return call
