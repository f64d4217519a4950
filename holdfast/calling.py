"""Calling a user's function, async or not, and turning what it returns into text."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic_core import PydanticSerializationError, to_jsonable_python

from holdfast_workflows.contracts.app import BEGIN
from holdfast_workflows.contracts.errors import ResultNotText, ToolError
from holdfast_workflows.contracts.text import dump_json

from .threads import run_in_thread


async def run(function: Callable[..., object], given: Mapping[str, Any]) -> object:
    """What the function returns; one that is not async runs in a thread.

    Raises:
        ToolError: The function tried to end the process, or raised what no tool may.
    """
    call = functools.partial(_called, function, given, BEGIN.get())
    try:
        result = call() if inspect.iscoroutinefunction(function) else await run_in_thread(call)
        return await _awaited(result) if inspect.isawaitable(result) else result
    except (Exception, asyncio.CancelledError):
        raise
    except SystemExit as error:
        # Left alone it would end the worker and every session on it, and so would the others.
        raise ToolError(f"the tool called sys.exit({error.code!r})") from error
    except BaseException as error:
        raise ToolError(f"the tool raised {type(error).__name__}") from error


def _called(function: Callable[..., object], given: Mapping[str, Any], begin: Callable[[], None]) -> object:
    begin()
    return function(**given)


def as_text(result: object) -> str:
    """A result as the model sees it: str as it is, None as "", else JSON.

    Raises:
        ResultNotText: It cannot be written as JSON.
    """
    if result is None:
        return ""
    if isinstance(result, str):
        return str(result)
    try:
        return dump_json(to_jsonable_python(result, inf_nan_mode="null"))
    except (PydanticSerializationError, UnicodeError, ValueError, RecursionError) as error:
        raise ResultNotText(f"{type(result).__name__}: {error}") from error


async def _awaited(result: Awaitable[object]) -> object:
    task = asyncio.current_task()
    try:
        return await result
    except asyncio.CancelledError as error:
        if task is not None and task.cancelling():
            raise
        # Something the tool awaited was cancelled, not the call; as it stands it would look like the call's.
        raise RuntimeError("something the tool waited for was cancelled") from error
