"""Agents at run time: the pinned spec with its models and tools, built once per spec."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from holdfast_activities.models.base import Model
from holdfast_activities.state.database import State
from holdfast_activities.tools.provided import binding
from holdfast_workflows.contracts.agent.app import Registry, ToolBinding, ToolContext
from holdfast_workflows.contracts.agent.fallbacks import Fallback
from holdfast_workflows.contracts.agent.spec import AgentSpec, ToolSpec
from holdfast_workflows.contracts.errors import StateBehind, ToolArgumentsInvalid
from holdfast_workflows.contracts.names import TRUSTED_TOOLS
from holdfast_workflows.contracts.text.unicode import dump_json, preview

from .builtin_tools import BuiltinTools
from .output import Output

if TYPE_CHECKING:
    from holdfast_activities.tools.mcp.servers import McpServers

_MAX_AGENTS = 500
_SHOWN_SCHEMA = 1_500
"""Characters of a tool's changed parameters in an error message for the model."""

Served = Callable[[], Awaitable[Collection[str]]]
"""Returns the agents that workers of the task queue serve, or have served."""


class ModelSource(Protocol):
    """Model clients by name."""

    def get(self, name: str) -> Model: ...


class _WithDeps:
    """A tool that gets the worker's dependencies in its context."""

    def __init__(self, tool: ToolBinding, deps: object) -> None:
        self.spec = tool.spec
        self.validate = tool.validate
        self._tool = tool
        self._deps = deps

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> str:
        return await self._tool.call(arguments, replace(context, deps=self._deps))

    async def probe(self, arguments: Mapping[str, Any], context: ToolContext) -> str | None:
        return await self._tool.probe(arguments, replace(context, deps=self._deps))


class _Changed:
    """A tool whose parameters have changed since the session's spec was pinned."""

    def __init__(self, name: str, tool: ToolBinding) -> None:
        self.spec = tool.spec
        self.call = tool.call
        self.probe = tool.probe
        self._name = name
        self._validate = tool.validate

    def validate(self, arguments: str) -> dict[str, Any]:
        """Validate; an error includes the current parameters, which the model was not shown."""
        try:
            return self._validate(arguments)
        except ToolArgumentsInvalid as error:
            now = preview(dump_json(self.spec.parameters), _SHOWN_SCHEMA)
            raise ToolArgumentsInvalid(
                f"{error.detail}. The parameters of {self._name!r} have changed, and are now: {now}"
            ) from error


class LiveAgent:
    """An agent's pinned spec with its models and tools."""

    def __init__(
        self,
        spec: AgentSpec,
        tools: Mapping[str, ToolBinding],
        source: ModelSource,
        elsewhere: Callable[[], Awaitable[bool]],
    ) -> None:
        self.spec = spec
        self.elsewhere = elsewhere
        """Whether only other workers have the agent, as during a deploy that adds it."""
        self.tools: dict[str, ToolSpec] = {tool.name: tool for tool in spec.tools}
        self._bindings = {name: self._as_pinned(name, tool) for name, tool in tools.items()}
        self._source = source
        self.trusted = TRUSTED_TOOLS | {tool.name for tool in spec.tools if tool.trusted}
        self._wire_tools: dict[str, bytes] = {}
        self._output = Output(spec.output.json_schema) if spec.output else None

    @property
    def reads_untrusted(self) -> bool:
        """Whether the agent has a tool whose results are framed."""
        return any(name not in self.trusted for name, tool in self.tools.items() if not tool.hidden)

    def binding(self, name: str) -> ToolBinding | None:
        """The function behind a tool, if this worker's code still has it."""
        return self._bindings.get(name)

    def no_tool(self, name: str) -> str:
        """The message for the model about a tool that cannot be called, with the tools that can."""
        there = [spec.name for spec in self.tools.values() if not spec.hidden and spec.name in self._bindings]
        known = f"there are: {', '.join(there) or 'none'}"
        spec = self.tools.get(name)
        if spec is None or spec.hidden or name in self._bindings:
            return f"tool {name!r} is unknown; {known}"
        return f"tool {name!r} is no longer offered, so do not call it again; {known}"

    def _as_pinned(self, name: str, tool: ToolBinding) -> ToolBinding:
        shown = self.tools.get(name)
        return tool if shown is None or shown.parameters == tool.spec.parameters else _Changed(name, tool)

    def model(self, name: str) -> Model:
        """One of the agent's models; a HoldfastError if its provider is unknown or its key is missing."""
        return self._source.get(name)

    def fallback(self, place: int | None) -> Fallback | None:
        """The fallback at an index of the agent's list; None without an index."""
        return None if place is None else self.spec.fallbacks[place]

    def wire_tools(self, model: Model) -> bytes:
        """The tools in the model's wire format."""
        made = self._wire_tools.get(model.name)
        if made is None:
            shown = [tool for tool in self.spec.tools if not tool.hidden]
            made = self._wire_tools[model.name] = model.tools(shown) if shown else b""
        return made

    def final_text(self, text: str) -> str:
        """A final reply as it is stored: only its JSON, if the agent has an output schema."""
        return text if self._output is None else self._output.read(text)[0]

    def output_problem(self, text: str) -> str:
        """Why a final reply does not fit the output schema, as a message for the model; empty if it fits."""
        return "" if self._output is None else self._output.read(text)[1]


class LiveAgents:
    """Agents by the digest of their spec."""

    def __init__(
        self,
        registry: Registry,
        state: State,
        source: ModelSource,
        own: BuiltinTools,
        served: Served | None = None,
        servers: "McpServers | None" = None,
    ) -> None:
        self._registry = registry
        self._servers = servers
        self._served = served
        self._state = state
        self._source = source
        self._own = own
        self._live: dict[str, LiveAgent] = {}

    async def get(self, digest: str) -> LiveAgent:
        """The agent of that spec; StateBehind if it is not in the state database."""
        live = self._live.get(digest)
        if live is None:
            body = await self._state.load_spec(digest)
            if body is None:
                raise StateBehind(f"agent spec {digest} is not in it")
            live = self.keep(digest, AgentSpec.model_validate_json(body))
        return live

    def keep(self, digest: str, spec: AgentSpec) -> LiveAgent:
        """Cache a spec, unless it is cached with what was made of it."""
        if (known := self._live.get(digest)) is not None:
            return known
        if len(self._live) >= _MAX_AGENTS:
            del self._live[next(iter(self._live))]
        own = self._registry.tools.get(spec.name, {})
        served = self._servers.of(spec) if self._servers else {}
        with_deps = {
            name: _WithDeps(binding(tool, self._state), self._registry.deps)
            for name, tool in (*own.items(), *served.items())
        }
        tools: dict[str, ToolBinding] = {**with_deps, **self._own.of(spec)}
        live = LiveAgent(spec, tools, self._source, lambda: self.elsewhere(spec.name))
        self._live[digest] = live
        return live

    async def elsewhere(self, agent: str) -> bool:
        """Whether this worker lacks an agent that other workers of the task queue have."""
        if agent in self._registry.agents or self._served is None:
            return False
        return agent in await self._served()
