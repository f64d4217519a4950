"""Tools: typed functions that a model may call."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Generic, Literal, ParamSpec, TypeVar, cast, overload

from holdfast_workflows.contracts.agent.app import ToolContext
from holdfast_workflows.contracts.agent.declared import known_options
from holdfast_workflows.contracts.agent.spec import TOOL_RETRY, Effect, RetryPolicy, ToolSpec
from holdfast_workflows.contracts.errors import EffectUnknown, InvalidDeclaration
from holdfast_workflows.contracts.names import RESERVED
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.tools.tickets import Ticket, TicketOpened

from .. import declare
from . import arguments as args
from . import calling, effects
from .schema import Signature, read_signature

P = ParamSpec("P")
R = TypeVar("R")

_EFFECTS = ("none", "idempotent", "once")


@public
class Tool(Generic[P, R]):
    """A function that a model may call; made by ``@tool``. Calling it calls the function.

    Attributes:
        spec: The tool as the model and the workflow see it.
        undo: The undo, if it was given as a tool and not by its name.
        aliases: Its earlier names, which older sessions still use.
    """

    def __init__(
        self,
        function: Callable[P, R],
        spec: ToolSpec,
        signature: Signature,
        probe: effects.Probe | None = None,
        undo: Tool[..., Any] | None = None,
        aliases: tuple[str, ...] = (),
    ) -> None:
        self.spec = spec
        self.aliases = aliases
        self.undo = undo
        self._function = function
        self._signature = signature
        self._probe = probe
        functools.update_wrapper(cast("Callable[..., Any]", self), function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"Tool({self.spec.name!r})"

    def validate(self, arguments: str) -> dict[str, Any]:
        """Parse a model's JSON text into the function's arguments.

        Raises:
            ToolArgumentsInvalid: They do not fit the schema; the detail is for the model.
        """
        return args.read(arguments, self._signature)

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> str:
        """Run the function and return its result as text: str as it is, None as "", else JSON.

        Raises:
            TicketOpened: The function returned a ticket.
            ResultNotText: The result cannot be written as JSON.
            ToolError: The function tried to end the process.
        """
        given = dict(arguments)
        if self._signature.context:
            given[self._signature.context] = context
        result = await calling.run(cast("Callable[..., object]", self._function), given)
        if isinstance(result, Ticket):
            raise TicketOpened(result)
        return calling.as_text(result)

    async def probe(self, arguments: Mapping[str, Any], context: ToolContext) -> str | None:
        """Ask the probe for the result of the call with the context's key; None if it did not happen.

        Raises:
            EffectUnknown: The tool has no probe, or the probe cannot tell.
        """
        if self._probe is None:
            raise EffectUnknown(f"tool {self.spec.name!r} has no probe")
        return await self._probe.ask(arguments, context)

    def check_undo(self, undo: Tool[..., Any]) -> None:
        """Check that ``undo`` accepts the arguments of this tool.

        Raises:
            InvalidDeclaration: It does not; the detail names the parameter and the remedy.
        """
        effects.check_undo(self.spec.name, self._signature, undo.spec.name, undo._signature)

    def same_as(self, other: Tool[..., Any]) -> bool:
        """Whether both call the same function."""
        return self._function == other._function

    def hidden(self, of: ToolSpec) -> Tool[P, R]:
        """A copy that is not shown to the model and undoes calls of the tool ``of``, by default on its queue."""
        place = self.spec if self.spec.queue else of
        queue = {"queue": place.queue, "queue_timeout": place.queue_timeout}
        spec = self.spec.model_copy(update={"hidden": True, "inline": False, "undo": "", **queue})
        return Tool(self._function, spec, self._signature, self._probe, aliases=self.aliases)


@overload
def tool(function: Callable[P, R], /) -> Tool[P, R]: ...


@overload
def tool(
    *,
    name: str | None = None,
    effect: Effect = "none",
    inline: bool = False,
    timeout: float | timedelta = 60.0,
    retries: int | RetryPolicy | None = None,
    probe: Callable[..., object] | None = None,
    undo: str | Tool[..., Any] | None = None,
    approval: Literal["ask"] | None = None,
    breaker: bool = True,
    allow_repeats: bool = False,
    aliases: Sequence[str] = (),
    secrets: Sequence[str] = (),
    trusted: bool = False,
    queue: str = "",
    queue_timeout: float | timedelta | None = None,
) -> Callable[[Callable[P, R]], Tool[P, R]]: ...


@public
@known_options("tool")
def tool(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    effect: Effect = "none",
    inline: bool = False,
    timeout: float | timedelta = 60.0,
    retries: int | RetryPolicy | None = None,
    probe: Callable[..., object] | None = None,
    undo: str | Tool[..., Any] | None = None,
    approval: Literal["ask"] | None = None,
    breaker: bool = True,
    allow_repeats: bool = False,
    aliases: Sequence[str] = (),
    secrets: Sequence[str] = (),
    trusted: bool = False,
    queue: str = "",
    queue_timeout: float | timedelta | None = None,
) -> Tool[P, R] | Callable[[Callable[P, R]], Tool[P, R]]:
    """Make a typed function callable by models: ``@tool`` or ``@tool(effect="idempotent", …)``.

    The model sees the function's name, its docstring (Google style) and a JSON schema of its
    parameters. A parameter annotated with ToolContext receives the context of the call and is
    not shown to the model. Functions that are not async run in a thread.

    Args:
        function: The function, if used without options.
        name: The name the model sees; the function's by default.
        effect: What a call does to the world: "none"; "idempotent" if two calls with the same
            ``ToolContext.key`` act once; "once" if a call must not be repeated. If the outcome of a "once"
            call is unknown, the probe or a person decides.
        inline: Run in the model's activity: faster, without its own activity and retries. Only without effect.
        timeout: Time limit of one attempt, in seconds or as a timedelta.
        retries: Number of retries, or a RetryPolicy; one retry by default.
        probe: A function of some of the tool's parameters and, optionally, a ToolContext. It returns the
            result of the call with ``ToolContext.key``, None if that call did not happen, and raises if it
            cannot tell. Only for tools with an effect.
        undo: A tool, or the name of another tool of the agent, that undoes a call when its turn is cancelled
            or fails. It gets those arguments of the call that it accepts, and the result if it has a
            parameter ``result: str``. A tool given here is not shown to the model.
        approval: ``"ask"`` if each call waits until a person approves it.
        breaker: Whether all workers stop calling the tool for a while after failures in a row.
        allow_repeats: Whether equal calls with equal results are intended, as when a tool polls.
        aliases: Earlier names, which older sessions still call; new sessions see ``name`` only.
        secrets: References to the secrets that the function reads with ``ToolContext.secret``: "env:NAME" or
            "file:/path".
        trusted: Whether results are text that only you can write. A result of any other tool stands in a frame in
            the prompt and makes the session untrusted, of which permissions take account.
        queue: The service queue whose workers make the calls, ``holdfast worker module:app --queue NAME``. By default
            the agent's.
        queue_timeout: How long a call waits for a worker of its queue, in seconds or as a timedelta; 300 s by default.

    Raises:
        InvalidDeclaration: An option is invalid; the detail says what to change.
    """

    def declared(function: Callable[P, R]) -> Tool[P, R]:
        chosen = _name(function, name)
        _check_effect(chosen, effect, inline=inline, has_functions=probe is not None or undo is not None)
        known = declare.aliases(aliases, chosen)
        signature = read_signature(function, chosen)
        spec = ToolSpec(
            name=chosen,
            description=signature.description,
            parameters=signature.parameters,
            effect=effect,
            inline=inline,
            timeout=declare.seconds(timeout, f"tool {chosen!r}: timeout"),
            retry=_retry(retries, effect, chosen),
            probe=probe is not None,
            undo=_undo(undo, chosen),
            approval=_approval(approval, chosen, inline=inline),
            breaker=breaker,
            allow_repeats=allow_repeats,
            secrets=declare.secrets(secrets, f"tool {chosen!r}"),
            trusted=trusted,
            **_queue(queue, queue_timeout, chosen, inline=inline),
        )
        asked = None if probe is None else effects.read_probe(probe, chosen, signature)
        made = Tool(function, spec, signature, asked, undo if isinstance(undo, Tool) else None, known)
        if made.undo is not None:
            made.check_undo(made.undo)
        return made

    return declared if function is None else declared(function)


def _name(function: Callable[..., Any], name: str | None) -> str:
    chosen = name if name is not None else getattr(function, "__name__", None)
    if not inspect.isroutine(function) or chosen is None:
        raise InvalidDeclaration(
            f"@tool got {function!r}, which is not a function; write a function that calls it"
        )
    declare.name(chosen, "tool")
    if chosen in RESERVED:
        raise InvalidDeclaration(f"tool {chosen!r} has a reserved name; choose another with name=…")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise InvalidDeclaration(f"tool {chosen!r} yields; return a list or a text instead")
    return chosen


def _check_effect(name: str, effect: Effect, *, inline: bool, has_functions: bool) -> None:
    if effect not in _EFFECTS:
        raise InvalidDeclaration(f"tool {name!r} has effect={effect!r}; use one of {', '.join(_EFFECTS)}")
    if inline and effect != "none":
        raise InvalidDeclaration(
            f"tool {name!r} is inline with effect={effect!r}; only tools without effects may be inline, "
            "so remove one of the two"
        )
    if has_functions and effect == "none":
        raise InvalidDeclaration(
            f'tool {name!r} has a probe or an undo but no effect; set effect="once" or effect="idempotent"'
        )


def _approval(approval: object, name: str, *, inline: bool) -> Literal["", "ask"]:
    if approval is None:
        return ""
    if approval != "ask":
        raise InvalidDeclaration(f'tool {name!r} has approval={approval!r}; use "ask", or leave it out')
    if inline:
        raise InvalidDeclaration(
            f'tool {name!r} is inline with approval="ask"; a call that waits for a person needs an activity of its '
            "own, so remove one of the two"
        )
    return "ask"


def _queue(queue: str, timeout: float | timedelta | None, name: str, *, inline: bool) -> dict[str, Any]:
    if inline and queue:
        raise InvalidDeclaration(
            f"tool {name!r} is inline with queue={queue!r}; an inline tool runs where the model is called, so remove "
            "one of the two, or give the agent the queue"
        )
    return declare.queue(queue, timeout, f"tool {name!r}")


def _undo(undo: object, name: str) -> str:
    if undo is None:
        return ""
    given = cast("Tool[..., Any]", undo).spec.name if isinstance(undo, Tool) else undo
    if not isinstance(given, str):
        raise InvalidDeclaration(f"tool {name!r} has undo={undo!r}; give a tool, or the name of one")
    declare.name(given, f"the undo of tool {name!r}:")
    if given == name:
        raise InvalidDeclaration(f"tool {name!r} is its own undo; use another tool")
    return given


def _retry(retries: int | RetryPolicy | None, effect: Effect, name: str) -> RetryPolicy:
    if retries is None:
        return TOOL_RETRY.model_copy(update={"attempts": 1}) if effect == "once" else TOOL_RETRY
    if isinstance(retries, RetryPolicy):
        policy = declare.retry(retries, f"tool {name!r}: retries")
    else:
        again = declare.whole(retries, f"tool {name!r}: retries", 0, 999)
        policy = TOOL_RETRY.model_copy(update={"attempts": again + 1})
    if effect == "once" and policy.attempts > 1:
        raise InvalidDeclaration(
            f'tool {name!r} has effect="once" and retries; remove retries, or use ToolContext.key so that a '
            'repeated call has no further effect and set effect="idempotent"'
        )
    return policy
