"""Tools that the client carries out: on the user's machine, in a browser, in a process without a worker."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from datetime import timedelta
from typing import Literal, ParamSpec, TypeVar, overload

from holdfast_workflows.contracts.agent.spec import Effect
from holdfast_workflows.contracts.control.inbox import DEFAULT_DEADLINE
from holdfast_workflows.contracts.errors import ToolError
from holdfast_workflows.contracts.limits import INLINE_TEXT
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.text.unicode import size
from holdfast_workflows.contracts.tools.tickets import Ticket, TicketOpened

from . import calling
from .tool import Tool, tool

P = ParamSpec("P")
R = TypeVar("R")


@overload
def client_tool(function: Callable[P, R], /) -> Tool[P, R]: ...


@overload
def client_tool(
    *,
    name: str | None = None,
    effect: Effect = "none",
    deadline: float | timedelta = DEFAULT_DEADLINE,
    approval: Literal["ask"] | None = None,
    trusted: bool = False,
) -> Callable[[Callable[P, R]], Tool[P, R]]: ...


@public
def client_tool(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    effect: Effect = "none",
    deadline: float | timedelta = DEFAULT_DEADLINE,
    approval: Literal["ask"] | None = None,
    trusted: bool = False,
) -> Tool[P, R] | Callable[[Callable[P, R]], Tool[P, R]]:
    """Declare a tool that the client carries out: ``@client_tool`` or ``@client_tool(deadline=60)``.

    The function gives the name, the docstring and the parameters; its body is never run. Each call waits as a ticket
    in ``session.tickets()``, with its arguments, until ``session.settle`` gives its result.

    Args:
        function: The function, if used without options.
        name: The name the model sees; the function's by default.
        effect: What a call does to the world, as for ``@tool``. With "once", a person decides about a call without
            a result before the deadline.
        deadline: Seconds, or a timedelta, that a call waits for its result.
        approval: ``"ask"`` if each call waits until a person approves it.
        trusted: Whether results are text that only you can write.

    Raises:
        InvalidDeclaration: An option is invalid; the detail says what to change.
    """
    ticket = Ticket(deadline=_seconds(deadline))

    def declared(function: Callable[P, R]) -> Tool[P, R]:
        @functools.wraps(function)
        def open_ticket(*args: P.args, **kwargs: P.kwargs) -> R:
            given = calling.as_text(inspect.signature(function).bind(*args, **kwargs).arguments)
            if size(given) > INLINE_TEXT:
                raise ToolError(f"the arguments have more than {INLINE_TEXT:,} bytes; give the client less")
            raise TicketOpened(ticket, client=True, arguments=given)

        target = open_ticket if inspect.isroutine(function) else function
        return tool(name=name, effect=effect, approval=approval, trusted=trusted)(target)

    return declared if function is None else declared(function)


def _seconds(value: float | timedelta) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else value
