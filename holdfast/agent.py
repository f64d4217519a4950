"""Agents: their model, instructions, tools and limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Generic, cast, get_args

from typing_extensions import TypeVar

from holdfast_workflows.contracts.agent.approvals import Approvals
from holdfast_workflows.contracts.agent.budget import Budget
from holdfast_workflows.contracts.agent.builtin_tools import own_tools
from holdfast_workflows.contracts.agent.declared import known_options
from holdfast_workflows.contracts.agent.fallbacks import Fallback
from holdfast_workflows.contracts.agent.mcp import McpServer
from holdfast_workflows.contracts.agent.memory import Memory
from holdfast_workflows.contracts.agent.output import OutputShape, output_spec
from holdfast_workflows.contracts.agent.pii import PersonalData
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
from holdfast_workflows.contracts.permissions import checking
from holdfast_workflows.contracts.permissions.rules import Permissions
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.teams.routing import Routing
from holdfast_workflows.contracts.tools.sources import ProvidedTool

from . import declare, limits
from .instructions import Instructions, read_instructions
from .teams.a2a import A2AAgent
from .teams.board import Board
from .teams.delegate import Delegate, FanOut
from .teams.handoff import Handoff
from .tools.code_tool import CodeTool
from .tools.http_tool import HttpTool
from .tools.mcp_server import MCPServer
from .tools.tool import Tool

OutT = TypeVar("OutT", default=str)

AnyTool = Tool[..., Any] | HttpTool | CodeTool | A2AAgent | Delegate | FanOut | Handoff


@public
class Agent(Generic[OutT]):
    """An agent: ``spec`` is the agent as data, ``tools`` are its tools by name without the built-in ones.
    ``servers`` are its MCP servers, whose tools are known when a session begins.

    Its type has that of its final replies: ``Agent[Triage]`` with ``output_type=Triage``, ``Agent[str]`` without.
    Write ``agent: Agent[dict[str, Any]]`` yourself if ``output_type`` is a JSON schema.
    ``instructions_function`` makes the instructions of each turn; None if they are a text.
    """

    @known_options("Agent")
    def __init__(
        self,
        name: str,
        *,
        model: str | Sequence[str],
        instructions: Instructions = "",
        tools: Sequence[AnyTool | MCPServer | Board] = (),
        output_type: type[OutT] | Mapping[str, Any] | None = None,
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
        approvals: Approvals | None = None,
        permissions: Permissions | None = None,
        links: Sequence[str] = (),
        pii: PersonalData | None = None,
        handover: bool = False,
        routing: Routing | None = None,
        queue: str = "",
        queue_timeout: float | timedelta | None = None,
    ) -> None:
        """Declare an agent.

        Args:
            name: Letters, digits, "_" and "-".
            model: ``"provider:model"``, or several in order of preference.
            instructions: The system prompt, or a function of an InstructionsContext that returns it, sync or async. It
                is called once for each turn.
            tools: Tools made by ``@tool``, HttpTools, CodeTools, MCPServers, Boards, Delegates, FanOuts and Handoffs.
            output_type: The shape every final reply must have: a pydantic model, dataclass, TypedDict or
                JSON schema of an object. None for free text.
            description: The agent's purpose, for people and other agents.
            max_steps: Most model calls per turn.
            max_tokens: The longest reply, in tokens; the provider's default if None.
            temperature: From 0 to 2; the provider's default if None.
            context_window: The context window in tokens; the model's own if None.
            max_inline_steps: Most steps in one activity while the model calls only inline tools.
            max_inline_seconds: Most seconds for these steps together.
            max_repairs: Consecutive steps with invalid calls only, before the turn fails.
            when_busy: For a message during a turn: "queue", "reject" or "interrupt".
            model_timeout: Time limit of one model call, in seconds or as a timedelta.
            model_retry: Retry policy for temporary failures of model calls.
            budget: What one session may use, and what happens when that is spent.
            fallbacks: Tried in this order when no model answers: CachedReply, SimplifiedReply, AskHuman,
                OtherAgent, ErrorReply. The turn fails if none of them succeeds.
            max_wait: How long a turn may wait for breakers and rate limits, in seconds or as a timedelta; by
                default an hour without fallbacks, and 0 with them.
            memory: ``Memory(…)`` adds recall and the tools search_memory, remember and forget.
            working_memory: Adds a plan and notes, with the tools update_plan and write_notes.
            compact_at: The older part of the conversation is summarised when this part of the prompt, from 0.1
                to 1, is full; instructions and tools are not counted.
            approvals: Who answers what its sessions ask people, and by when; ``Approvals()`` by default.
            handover: Adds the tool hand_over, by which the agent gives a session to a person.
            permissions: Rules on its tool calls. Without any, here and in the App, all its tools are allowed.
            links: Hosts that replies may link to, and show images of, after untrusted content was read:
                ``"example.com"``, ``"*.example.com"`` for its subdomains, ``"*"`` for any.
            routing: What it can do, so that requests for these capabilities are routed to it.
            pii: Personal data that models see as tokens, ``PersonalData()`` for e-mail addresses, phone numbers, cards and
                IBANs; tools and users get the values.
            queue: The service queue whose workers make its model calls and those of its tools that name no other:
                ``holdfast worker module:app --queue NAME``. By default all workers of the App do.
            queue_timeout: How long these calls wait for a worker of its queue, in seconds or as a timedelta; 300 s by
                default.

        Raises:
            InvalidDeclaration: An option is invalid; the detail says what to change.
        """
        where = f"agent {declare.name(name, 'agent')!r}"
        text, self.instructions_function = read_instructions(instructions, where)
        self._output_type, (self.tools, self.servers) = output_type, _declared(tools, where)
        own = own_tools(bool(tools), memory, working_memory, handover) + _boards(tools, self.tools, where)
        self.spec = AgentSpec(
            **_purpose(name, text, self.instructions_function is not None, description),
            **_rules(self.tools, own, permissions, where),
            **_turns(when_busy, max_inline_steps, max_inline_seconds, where),
            **_team(working_memory, routing, queue, queue_timeout, where),
            **_safety(approvals, links, pii, where),
            **_sizes(max_steps, max_tokens, temperature, context_window, where),
            **_model_calls(model, output_type, model_timeout, model_retry, max_repairs, where),
            **_limits(budget, fallbacks, max_wait, memory, compact_at, where),
        )
        declare.tools(self.spec.tools, self.spec.models, where)

    @property
    def functions(self) -> Mapping[str, AnyTool]:
        """The tools by name and alias."""
        aliases = {alias: tool for tool in self.tools.values() for alias in tool.aliases}
        return {**aliases, **self.tools}

    @property
    def name(self) -> str:
        """The agent's name."""
        return self.spec.name

    @property
    def output_type(self) -> type[OutT] | Mapping[str, Any] | None:
        """The shape of final replies; None for text."""
        return self._output_type

    def __repr__(self) -> str:
        return f"Agent({self.name!r})"


def _by_name(tools: Sequence[object], where: str) -> Mapping[str, AnyTool]:
    found: dict[str, AnyTool] = {}
    for given in tools:
        if not isinstance(given, Tool | ProvidedTool):
            raise InvalidDeclaration(f"{where} has {given!r} among its tools; put @tool above the function")
        tool = cast("AnyTool", given)
        if tool.spec.name in OWN_TOOLS:
            raise InvalidDeclaration(
                f"{where}: tool {tool.spec.name!r} has the name of a built-in tool; choose another with name=…"
            )
        if tool.spec.name in found:
            raise InvalidDeclaration(f"{where} has two tools named {tool.spec.name!r}; rename one of them")
        found[tool.spec.name] = tool
    _check_aliases(found, where)
    return found


def _check_aliases(tools: Mapping[str, AnyTool], where: str) -> None:
    taken = {name: name for name in tools}
    for tool in tools.values():
        for alias in tool.aliases:
            if alias in taken:
                raise InvalidDeclaration(
                    f"{where}: the alias {alias!r} of tool {tool.spec.name!r} is also a name of {taken[alias]!r}; "
                    "leave it out of one of them"
                )
            taken[alias] = tool.spec.name


def _with_undos(tools: Mapping[str, AnyTool], where: str) -> Mapping[str, AnyTool]:
    """The tools, and those that are only undos of others, hidden from the model."""
    found = dict(tools)
    for tool in tools.values():
        if not isinstance(tool, Tool) or not (name := tool.spec.undo):
            continue
        if tool.undo is not None:
            undo = found.setdefault(name, tool.undo.hidden(tool.spec))
            if not isinstance(undo, Tool) or not undo.same_as(tool.undo):
                raise InvalidDeclaration(
                    f"{where}: the undo of {tool.spec.name!r} and another tool are both named {name!r}; "
                    "rename one of them"
                )
        if name not in found:
            raise InvalidDeclaration(
                f"{where}: {tool.spec.name!r} has undo={name!r}, but no tool has that name; "
                "add it to tools=[…], or give the tool itself as undo"
            )
        undo = found[name]
        if not isinstance(undo, Tool):
            raise InvalidDeclaration(
                f"{where}: {tool.spec.name!r} has undo={name!r}, which is not a function; "
                "write a function that undoes the call, with @tool above it"
            )
        if undo.spec.approval:
            raise InvalidDeclaration(
                f'{where}: {name!r} has approval="ask" and undoes {tool.spec.name!r}; an undo runs without a person, '
                "so use a function of its own without approval"
            )
        tool.check_undo(undo)
    return found


def _declared(tools: Sequence[object], where: str) -> tuple[Mapping[str, AnyTool], tuple[McpServer, ...]]:
    """The functions by name, with their undos, and the servers."""
    functions = [each for each in tools if not isinstance(each, MCPServer | Board)]
    return _with_undos(_by_name(functions, where), where), _servers(tools, where)


def _boards(tools: Sequence[object], functions: Mapping[str, AnyTool], where: str) -> tuple[ToolSpec, ...]:
    """The tools of the agent's boards."""
    specs = [spec for each in tools if isinstance(each, Board) for spec in each.specs]
    named = [*functions, *(spec.name for spec in specs)]
    if twice := [spec.name for spec in specs if named.count(spec.name) > 1]:
        raise InvalidDeclaration(f"{where} has two tools named {twice[0]!r}; rename the tool or the board")
    return tuple(specs)


def _servers(tools: Sequence[object], where: str) -> tuple[McpServer, ...]:
    servers = tuple(each.server for each in tools if isinstance(each, MCPServer))
    for what in ("name", "prefix"):
        named = [getattr(server, what) for server in servers]
        if twice := [each for each in named if named.count(each) > 1]:
            raise InvalidDeclaration(
                f"{where} has two MCP servers with the {what} {twice[0]!r}; change one of them"
            )
    return servers


def _purpose(name: str, text: str, dynamic: bool, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "instructions": text,
        "dynamic_instructions": dynamic,
        "description": description,
    }


def _rules(
    functions: Mapping[str, AnyTool], own: tuple[ToolSpec, ...], permissions: Permissions | None, where: str
) -> dict[str, Any]:
    tools = (*(tool.spec for tool in functions.values()), *own)
    if permissions is not None:
        checking.check(permissions, {tool.name: tool for tool in tools}, where)
    return {"tools": tools, "permissions": permissions}


def _turns(when_busy: WhenBusy, steps: int, seconds: float | timedelta, where: str) -> dict[str, Any]:
    return {
        "when_busy": _when_busy(when_busy, where),
        "max_inline_steps": declare.whole(steps, f"{where}: max_inline_steps", 1, 1_000),
        "max_inline_seconds": declare.seconds(seconds, f"{where}: max_inline_seconds"),
    }


def _team(
    working_memory: bool,
    routing: Routing | None,
    queue: str,
    queue_timeout: float | timedelta | None,
    where: str,
) -> dict[str, Any]:
    checked = limits.routing(routing, where)
    place = declare.queue(queue, queue_timeout, where)
    return {"working_memory": working_memory, "routing": checked, **place}


def _safety(
    approvals: Approvals | None, links: Sequence[str], pii: PersonalData | None, where: str
) -> dict[str, Any]:
    if pii is not None:
        declare.instance(pii, PersonalData, "PersonalData", f"{where}: pii")
    hosts = declare.hosts(links, f"{where}: links")
    return {"approvals": limits.approvals(approvals, where), "links": hosts, "pii": pii}


def _model_calls(
    model: str | Sequence[str],
    output: OutputShape | None,
    timeout: float | timedelta,
    retry: RetryPolicy,
    max_repairs: int,
    where: str,
) -> dict[str, Any]:
    return {
        "models": _models(model, where),
        "output": _output(output),
        "max_repairs": declare.whole(max_repairs, f"{where}: max_repairs", 0, 1_000),
        "model_timeout": declare.seconds(timeout, f"{where}: model_timeout"),
        "model_retry": declare.retry(retry, f"{where}: model_retry"),
    }


def _sizes(
    max_steps: int,
    max_tokens: int | None,
    temperature: float | None,
    context_window: int | None,
    where: str,
) -> dict[str, Any]:
    return {
        "max_steps": declare.whole(max_steps, f"{where}: max_steps", 1, 100_000),
        "max_tokens": declare.optional_whole(max_tokens, f"{where}: max_tokens", 1),
        "temperature": declare.optional_number(temperature, f"{where}: temperature", 0, 2),
        "context_window": declare.optional_whole(context_window, f"{where}: context_window", 1_000),
    }


def _limits(
    budget: Budget | None,
    fallbacks: Sequence[Fallback],
    max_wait: float | timedelta | None,
    memory: Memory | None,
    compact_at: float,
    where: str,
) -> dict[str, Any]:
    return {
        "budget": limits.budget(budget, f"{where}: budget"),
        "fallbacks": limits.fallbacks(fallbacks, where),
        "max_wait": limits.max_wait(max_wait, f"{where}: max_wait"),
        "memory": limits.memory(memory, where),
        "compact_at": declare.number(compact_at, f"{where}: compact_at", 0.1, 1),
    }


def _models(model: str | Sequence[str], where: str) -> tuple[str, ...]:
    names = (model,) if isinstance(model, str) else tuple(model)
    if not names:
        raise InvalidDeclaration(f'{where} has no model; give model="openai:…" or a list')
    for name in names:
        declare.model(name, where)
    if len(set(names)) < len(names):
        raise InvalidDeclaration(
            f"{where} names the same model twice; name each once, in order of preference"
        )
    return names


def _when_busy(value: WhenBusy, where: str) -> WhenBusy:
    if value not in get_args(WhenBusy):
        raise InvalidDeclaration(
            f"{where}: when_busy={value!r} must be one of {', '.join(get_args(WhenBusy))}"
        )
    return value


def _output(shape: OutputShape | None) -> OutputSpec | None:
    if shape is None:
        return None
    output = output_spec(shape)
    declare.json_schema(output.json_schema, "the output schema")
    return output
