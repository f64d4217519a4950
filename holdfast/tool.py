"""Tools: typed functions that a model may call."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload

from pydantic_core import PydanticSerializationError, to_jsonable_python

from holdfast_workflows.contracts.app import ToolContext
from holdfast_workflows.contracts.errors import EffectUnknown, InvalidDeclaration, ToolError
from holdfast_workflows.contracts.names import RESERVED
from holdfast_workflows.contracts.spec import TOOL_RETRY, Effect, RetrySpec, ToolSpec
from holdfast_workflows.contracts.text import dump_json

from . import arguments as args
from . import declare
from .schema import Signature, read_signature
from .threads import run_in_thread

P = ParamSpec("P")
R = TypeVar("R")

_EFFECTS = ("none", "idempotent", "once")


class Tool(Generic[P, R]):
    """A function that a model may call; made by ``@tool``. Calling it calls the function.

    Attributes:
        spec: The tool as the model and the workflow see it.
    """

    def __init__(self, function: Callable[P, R], spec: ToolSpec, signature: Signature) -> None:
        self.spec = spec
        self._function = function
        self._signature = signature
        functools.update_wrapper(cast("Callable[..., Any]", self), function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"Tool({self.spec.name!r})"

    def validate(self, arguments: str) -> dict[str, Any]:
        """The function's arguments from a model's JSON text.

        Raises:
            ToolArgumentsInvalid: They do not fit; the detail is written for the model.
        """
        return args.read(arguments, self._signature)

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> str:
        """Run the function and return its result as text: str as it is, None as "", else JSON.

        Raises:
            ToolError: The result cannot be written as JSON, or the function tried to end the process.
        """
        given = dict(arguments)
        if self._signature.context:
            given[self._signature.context] = context
        try:
            result = await self._run(given)
        except SystemExit as error:
            # Left alone it would end the worker and every session on it.
            raise ToolError(f"the tool called sys.exit({error.code!r})") from error
        return _as_text(result)

    async def probe(self, arguments: Mapping[str, Any], context: ToolContext) -> str | None:
        """Whether the call with the context's key has happened: its result, or None.

        Raises:
            EffectUnknown: The tool has no probe.
        """
        raise EffectUnknown(f"tool {self.spec.name!r} has no probe")

    async def _run(self, given: dict[str, Any]) -> object:
        call = functools.partial(cast("Callable[..., object]", self._function), **given)
        result = call() if inspect.iscoroutinefunction(self._function) else await run_in_thread(call)
        if not inspect.isawaitable(result):
            return result
        return await _awaited(result)


async def _awaited(result: Awaitable[object]) -> object:
    task = asyncio.current_task()
    try:
        return await result
    except asyncio.CancelledError as error:
        if task is not None and task.cancelling():
            raise
        # Something the tool awaited was cancelled, not the call; as it stands it would look like the call's.
        raise RuntimeError("something the tool waited for was cancelled") from error


def _as_text(result: object) -> str:
    if result is None:
        return ""
    if isinstance(result, str):
        return str(result)
    try:
        return dump_json(to_jsonable_python(result, inf_nan_mode="null"))
    except (PydanticSerializationError, UnicodeError, ValueError, RecursionError) as error:
        kind = type(result).__name__
        raise ToolError(f"the tool returned a {kind} that cannot be written as JSON: {error}") from error


@overload
def tool(function: Callable[P, R], /) -> Tool[P, R]: ...


@overload
def tool(
    *,
    name: str | None = None,
    effect: Effect = "none",
    inline: bool = False,
    timeout: float | timedelta = 60.0,
    retries: int | RetrySpec | None = None,
) -> Callable[[Callable[P, R]], Tool[P, R]]: ...


def tool(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    effect: Effect = "none",
    inline: bool = False,
    timeout: float | timedelta = 60.0,
    retries: int | RetrySpec | None = None,
) -> Tool[P, R] | Callable[[Callable[P, R]], Tool[P, R]]:
    """Make a typed function callable by models: ``@tool`` or ``@tool(effect="idempotent", …)``.

    The model sees the function's name, its docstring (Google style) and a JSON schema of its
    parameters. A parameter annotated with ToolContext receives the context of the call and is
    not shown to the model. Functions that are not async run in a thread.

    Args:
        function: The function, if used without options.
        name: The name the model sees; the function's by default.
        effect: What a call does to the world. "none": nothing. "idempotent": doing it twice with the
            same ``ToolContext.key`` is doing it once. "once": it must never be repeated, so a call
            whose outcome is unknown is not tried again.
        inline: Run within the model's activity, for quick tools without effects: faster, with no
            activity and no retries of its own.
        timeout: The longest one attempt may take, in seconds or as a timedelta.
        retries: How often a failed attempt is repeated, or a whole policy; once by default.

    Raises:
        InvalidDeclaration: It cannot work as declared; the detail says what to change.
    """

    def declared(function: Callable[P, R]) -> Tool[P, R]:
        return _declare(function, name, effect, inline, timeout, retries)

    return declared if function is None else declared(function)


def _declare(
    function: Callable[P, R],
    name: str | None,
    effect: Effect,
    inline: bool,
    timeout: float | timedelta,
    retries: int | RetrySpec | None,
) -> Tool[P, R]:
    chosen = name if name is not None else getattr(function, "__name__", None)
    if not inspect.isroutine(function) or chosen is None:
        raise InvalidDeclaration(
            f"@tool is for functions, and {function!r} is none; write a function that calls it"
        )
    declare.name(chosen, "tool")
    if chosen in RESERVED:
        raise InvalidDeclaration(f"tool {chosen!r} has a name Holdfast uses itself; give name=… another")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise InvalidDeclaration(f"tool {chosen!r} yields; return a list or a text instead")
    if effect not in _EFFECTS:
        raise InvalidDeclaration(f"tool {chosen!r} has effect={effect!r}; use one of {', '.join(_EFFECTS)}")
    if inline and effect != "none":
        raise InvalidDeclaration(
            f"tool {chosen!r} is inline with effect={effect!r}; only tools without effects may be inline, "
            "so leave out one of the two"
        )
    signature = read_signature(function, chosen)
    spec = ToolSpec(
        name=chosen,
        description=signature.description,
        parameters=signature.parameters,
        effect=effect,
        inline=inline,
        timeout=declare.seconds(timeout, f"tool {chosen!r}: timeout"),
        retry=_retry(retries, effect, chosen),
    )
    return Tool(function, spec, signature)


def _retry(retries: int | RetrySpec | None, effect: Effect, name: str) -> RetrySpec:
    if retries is None:
        return TOOL_RETRY.model_copy(update={"attempts": 1}) if effect == "once" else TOOL_RETRY
    if isinstance(retries, RetrySpec):
        policy = declare.retry(retries, f"tool {name!r}: retries")
    else:
        again = declare.whole(retries, f"tool {name!r}: retries", 0, 999)
        policy = TOOL_RETRY.model_copy(update={"attempts": again + 1})
    if effect == "once" and policy.attempts > 1:
        raise InvalidDeclaration(
            f'tool {name!r} has effect="once" and retries; leave out retries, or use ToolContext.key so that a '
            'repeated call does nothing new and say effect="idempotent"'
        )
    return policy
