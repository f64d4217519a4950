"""Instructions: a text, or a function that makes the text of each turn."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from holdfast_workflows.contracts.agent.app import InstructionsContext, InstructionsFunction
from holdfast_workflows.contracts.errors import InvalidDeclaration
from holdfast_workflows.contracts.text.unicode import clean

from .tools import calling

Instructions = str | Callable[[InstructionsContext[Any]], str | Awaitable[str]]


def read_instructions(given: Any, where: str) -> tuple[str, InstructionsFunction | None]:
    """The text, or the function to call for each turn.

    Raises:
        InvalidDeclaration: It is neither; the detail says what to change.
    """
    if isinstance(given, str):
        return clean(given), None
    if not callable(given) or isinstance(given, type):
        raise InvalidDeclaration(
            f"{where}: instructions={given!r} is a {type(given).__name__}; give a text, "
            "or a function that takes an InstructionsContext and returns the text"
        )
    if inspect.isgeneratorfunction(given) or inspect.isasyncgenfunction(given):
        raise InvalidDeclaration(f"{where}: the instructions function yields; return the text instead")
    try:
        inspect.signature(given).bind(None)
    except TypeError as error:
        raise InvalidDeclaration(
            f"{where}: the instructions function is called with one argument, an InstructionsContext, "
            f"but {error}; change its parameters"
        ) from None
    return "", functools.partial(_call, given)


async def _call(function: Callable[..., object], context: InstructionsContext[Any]) -> object:
    return await calling.run(functools.partial(function, context), {})
