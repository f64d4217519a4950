"""Call a user's function, async or not, and convert its result to text."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, cast

from pydantic_core import PydanticSerializationError, to_jsonable_python

from holdfast_workflows.contracts.agent.app import BEGIN
from holdfast_workflows.contracts.errors import ResultNotText, ToolError
from holdfast_workflows.contracts.text.unicode import dump_json

from ..threads import run_in_thread

_MOST: Final = 100_000
"""Most values that are read from an iterator, which may be infinite."""


async def run(function: Callable[..., object], given: Mapping[str, Any]) -> object:
    """Call the function, in a thread unless it is async.

    Raises:
        ToolError: It called ``sys.exit`` or raised a BaseException.
    """
    call = functools.partial(_called, function, given, BEGIN.get())
    try:
        result = call() if inspect.iscoroutinefunction(function) else await run_in_thread(call)
        return await _awaited(result) if inspect.isawaitable(result) else result
    except (Exception, asyncio.CancelledError):
        raise
    except SystemExit as error:
        # It would end the worker and all of its sessions; so would the others.
        raise ToolError(f"the tool called sys.exit({error.code!r})") from error
    except BaseException as error:
        raise ToolError(f"the tool raised {type(error).__name__}") from error


def _called(function: Callable[..., object], given: Mapping[str, Any], begin: Callable[[], None]) -> object:
    begin()
    return function(**given)


def as_text(result: object) -> str:
    """Convert a result for the model: str unchanged, None to "", else JSON.

    Raises:
        ResultNotText: It cannot be written as JSON.
    """
    try:
        return _text(result)
    except ResultNotText:
        raise
    except (PydanticSerializationError, UnicodeError, ValueError, RecursionError) as error:
        raise ResultNotText(f"{type(result).__name__}: {error}") from error
    except BaseException as error:
        # Methods of the result are user code too.
        raise ResultNotText(f"{type(result).__name__}: {type(error).__name__}") from error


def _text(result: object) -> str:
    if result is None:
        return ""
    if isinstance(result, str):
        return str(result)
    if isinstance(result, Iterator):
        result = list(islice(cast("Iterator[object]", result), _MOST + 1))
        if len(result) > _MOST:
            raise ResultNotText(f"an iterator of more than {_MOST:,} values")
    return dump_json(to_jsonable_python(result, inf_nan_mode="null"))


async def _awaited(result: Awaitable[object]) -> object:
    task = asyncio.current_task()
    try:
        return await result
    except asyncio.CancelledError as error:
        if task is not None and task.cancelling():
            raise
        # Something that the tool awaited was cancelled; it would be taken for a cancellation of the call.
        raise RuntimeError("something the tool waited for was cancelled") from error
