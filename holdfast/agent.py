"""Agents: their model, instructions, tools and limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, cast, get_args

from holdfast_workflows.contracts.agent.budget import Budget
from holdfast_workflows.contracts.agent.builtin_tools import own_tools
from holdfast_workflows.contracts.agent.declared import known_options
from holdfast_workflows.contracts.agent.fallbacks import Fallback
from holdfast_workflows.contracts.agent.memory import Memory
from holdfast_workflows.contracts.agent.output import OutputShape, output_spec
from holdfast_workflows.contracts.agent.spec import (
    MODEL_RETRY,
    AgentSpec,
    OutputSpec,
    RetryPolicy,
    ToolSpec,
    WhenBusy,
)
from holdfast_workflows.contracts.errors import InvalidDeclaration
from holdfast_workflows.contracts.names import OWN_TOOLS
from holdfast_workflows.contracts.text.unicode import clean

from . import declare, limits
from .tool import Tool


class Agent:
    """An agent, declared once and served by every worker that loads its App.

    Attributes:
        spec: The agent as data; pinned in each of its sessions.
        tools: Its tools by name, without those that Holdfast adds.
    """

    @known_options("Agent")
    def __init__(
        self,
        name: str,
        *,
        model: str | Sequence[str],
        instructions: str = "",
        tools: Sequence[Tool[..., Any]] = (),
        output_type: OutputShape | None = None,
        description: str = "",
        max_steps: int = 50,
        max_tokens: int | None = None,
        temperature: float | None = None,
        context_window: int | None = None,
        max_inline_steps: int = 8,
        max_inline_seconds: float | timedelta = 10.0,
        max_repairs: int = 3,
        when_busy: WhenBusy = "queue",
        model_timeout: float | timedelta = 120.0,
        model_retry: RetryPolicy = MODEL_RETRY,
        budget: Budget | None = None,
        fallbacks: Sequence[Fallback] = (),
        max_wait: float | timedelta | None = None,
        memory: Memory | None = None,
        working_memory: bool = False,
        compact_at: float = 0.75,
    ) -> None:
        """Declare an agent.

        Args:
            name: Letters, digits, "_" and "-"; sessions are started by it.
            model: ``"provider:model"``, or several in order of preference.
            instructions: The system prompt.
            tools: What it may call, made by ``@tool``.
            output_type: The shape every final reply must have: a pydantic model, dataclass, TypedDict or
                JSON schema of an object. None for free text.
            description: What the agent is for, for people and for other agents.
            max_steps: Model calls one turn may take.
            max_tokens: The longest reply, in tokens; the provider's default if None.
            temperature: From 0 to 2; the provider's default if None.
            context_window: The context window to keep within, in tokens; the model's own if None.
            max_inline_steps: Steps one activity may take while the model asks only for inline tools.
            max_inline_seconds: How long these steps may take together.
            max_repairs: Steps in a row whose calls were all invalid, before the turn fails.
            when_busy: What happens to a message that arrives during a turn: "queue", "reject" or
                "interrupt".
            model_timeout: The longest one model call may take, in seconds or as a timedelta.
            model_retry: How model calls that failed for a passing reason are repeated.
            budget: What one session may use in its life, and what is done when that is used up.
            fallbacks: What is done when no model answers, in this order: CachedReply,
                SimplifiedReply, AskHuman, ErrorReply. The turn fails if none of them helps.
            max_wait: How long a turn may wait for providers, limits and tools that cannot be asked at the
                moment, in seconds or as a timedelta. By default an hour without fallbacks, and no time
                with them.
            memory: What it remembers beyond its sessions, as ``Memory(…)``; None for nothing. It is then
                given the tools search_memory, remember and forget.
            working_memory: Whether it is given a plan and a scratchpad, by the tools update_plan and
                write_notes.
            compact_at: How full its prompt may be, from 0.1 to 1 of what instructions and tools leave, before
                the older part of the conversation is summed up.

        Raises:
            InvalidDeclaration: It cannot work as declared; the detail says what to change.
        """
        where = f"agent {declare.name(name, 'agent')!r}"
        self.tools = _with_undos(_by_name(tools, where), where)
        self.spec = AgentSpec(
            name=name,
            instructions=clean(instructions),
            models=_models(model, where),
            tools=_specs(self.tools, memory, working_memory),
            output=None if output_type is None else _checked(output_spec(output_type)),
            max_steps=declare.whole(max_steps, f"{where}: max_steps", 1, 100_000),
            max_tokens=None if max_tokens is None else declare.whole(max_tokens, f"{where}: max_tokens", 1),
            temperature=_temperature(temperature, where),
            context_window=_context_window(context_window, where),
            max_inline_steps=declare.whole(max_inline_steps, f"{where}: max_inline_steps", 1, 1_000),
            max_inline_seconds=declare.seconds(max_inline_seconds, f"{where}: max_inline_seconds"),
            max_repairs=declare.whole(max_repairs, f"{where}: max_repairs", 0, 1_000),
            when_busy=_when_busy(when_busy, where),
            model_timeout=declare.seconds(model_timeout, f"{where}: model_timeout"),
            model_retry=declare.retry(model_retry, f"{where}: model_retry"),
            description=description,
            **_when_it_goes_wrong(budget, fallbacks, max_wait, where),
            **_what_it_keeps(memory, working_memory, compact_at, where),
        )
        declare.tools(self.spec.tools, self.spec.models, where)

    @property
    def functions(self) -> Mapping[str, Tool[..., Any]]:
        """Its tools by all names that sessions may call them by."""
        aliases = {alias: tool for tool in self.tools.values() for alias in tool.aliases}
        return {**aliases, **self.tools}

    @property
    def name(self) -> str:
        """The name sessions are started by."""
        return self.spec.name

    def __repr__(self) -> str:
        return f"Agent({self.name!r})"


def _by_name(tools: Sequence[object], where: str) -> Mapping[str, Tool[..., Any]]:
    found: dict[str, Tool[..., Any]] = {}
    for given in tools:
        if not isinstance(given, Tool):
            raise InvalidDeclaration(f"{where} has {given!r} among its tools; put @tool above the function")
        tool = cast("Tool[..., Any]", given)
        if tool.spec.name in OWN_TOOLS:
            raise InvalidDeclaration(
                f"{where}: tool {tool.spec.name!r} has the name of one that Holdfast gives to agents; "
                "give name=… another"
            )
        if tool.spec.name in found:
            raise InvalidDeclaration(f"{where} has two tools named {tool.spec.name!r}; give one another name")
        found[tool.spec.name] = tool
    _check_aliases(found, where)
    return found


def _check_aliases(tools: Mapping[str, Tool[..., Any]], where: str) -> None:
    taken = {name: name for name in tools}
    for tool in tools.values():
        for alias in tool.aliases:
            if alias in taken:
                raise InvalidDeclaration(
                    f"{where}: the alias {alias!r} of tool {tool.spec.name!r} is also a name of {taken[alias]!r}; "
                    "leave it out of one of them"
                )
            taken[alias] = tool.spec.name


def _with_undos(tools: Mapping[str, Tool[..., Any]], where: str) -> Mapping[str, Tool[..., Any]]:
    """The tools, and hidden from the model those that were given only to undo others."""
    found = dict(tools)
    for tool in tools.values():
        name = tool.spec.undo
        if not name:
            continue
        if tool.undo is not None:
            undo = found.setdefault(name, tool.undo.hidden())
            if not undo.same_as(tool.undo):
                raise InvalidDeclaration(
                    f"{where}: the undo of {tool.spec.name!r} and another tool are both named {name!r}; "
                    "give one another name"
                )
        if name not in found:
            raise InvalidDeclaration(
                f"{where}: {tool.spec.name!r} has undo={name!r}, and there is no tool of that name; "
                "add it to tools=[…], or give the tool itself as undo"
            )
        tool.check_undo(found[name])
    return found


def _specs(
    tools: Mapping[str, Tool[..., Any]], memory: Memory | None, working_memory: bool
) -> tuple[ToolSpec, ...]:
    """What the model sees: the agent's tools, and then those that Holdfast gives it."""
    own = own_tools(any_tools=bool(tools), memory=memory, working_memory=working_memory)
    return (*(tool.spec for tool in tools.values()), *own)


def _when_it_goes_wrong(
    budget: Budget | None,
    fallbacks: Sequence[Fallback],
    max_wait: float | timedelta | None,
    where: str,
) -> dict[str, Any]:
    return {
        "budget": None if budget is None else limits.budget(budget, f"{where}: budget"),
        "fallbacks": limits.fallbacks(fallbacks, where),
        "max_wait": limits.max_wait(max_wait, f"{where}: max_wait"),
    }


def _what_it_keeps(
    memory: Memory | None, working_memory: bool, compact_at: float, where: str
) -> dict[str, Any]:
    return {
        "memory": limits.memory(memory, where),
        "working_memory": working_memory,
        "compact_at": declare.number(compact_at, f"{where}: compact_at", 0.1, 1),
    }


def _context_window(value: int | None, where: str) -> int | None:
    return None if value is None else declare.whole(value, f"{where}: context_window", 1_000)


def _temperature(value: float | None, where: str) -> float | None:
    return None if value is None else declare.number(value, f"{where}: temperature", 0, 2)


def _models(model: str | Sequence[str], where: str) -> tuple[str, ...]:
    names = (model,) if isinstance(model, str) else tuple(model)
    if not names:
        raise InvalidDeclaration(f'{where} has no model; give model="openai:…" or a list')
    for name in names:
        declare.model(name, where)
    if len(set(names)) < len(names):
        raise InvalidDeclaration(
            f"{where} names the same model twice; each stands once, in order of preference"
        )
    return names


def _when_busy(value: WhenBusy, where: str) -> WhenBusy:
    if value not in get_args(WhenBusy):
        raise InvalidDeclaration(
            f"{where}: when_busy={value!r} must be one of {', '.join(get_args(WhenBusy))}"
        )
    return value


def _checked(output: OutputSpec) -> OutputSpec:
    declare.json_schema(output.json_schema, "the output schema")
    return output
