"""Tools that give tasks to other agents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, get_args

from holdfast_workflows.contracts.agent.declared import known_options
from holdfast_workflows.contracts.agent.spec import Effect, ToolSpec
from holdfast_workflows.contracts.errors import InvalidDeclaration
from holdfast_workflows.contracts.limits import MAX_CHILDREN
from holdfast_workflows.contracts.names import OWN_TOOLS, RESERVED
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.teams.children import Join
from holdfast_workflows.contracts.teams.delegation import DelegateSettings
from holdfast_workflows.contracts.text.nearest import no_such
from holdfast_workflows.contracts.tools.sources import ProvidedTool

from .. import declare

if TYPE_CHECKING:
    from ..agent import Agent
    from .team import Team

_TASK: Final = (
    "The whole task, with all that is needed to do it: the agent does not see this conversation. "
    "Say what the reply should contain."
)
_SECONDS: Final = 60.0
"""Time limit of the tool's own part: storing the tasks and reading the replies."""


@public
class TeamTool(ProvidedTool):
    """A tool that gives tasks to other agents of the App."""

    def check(self, known: Mapping[str, object], where: str) -> None:
        """Check that the App has the agents.

        Raises:
            InvalidDeclaration: It lacks one.
        """
        assert isinstance(self.settings, DelegateSettings)
        named = (*self.settings.agents, *self.settings.fallbacks)
        if unknown := [name for name in named if name not in known]:
            raise InvalidDeclaration(
                f"{where}: tool {self.spec.name!r}: {no_such('agent', unknown, known)}; add it to App(agents=[…])"
            )


@public
class Delegate(TeamTool):
    """Another agent as a tool, for ``Agent(tools=[…])``: the model gives it a task, and reads its reply."""

    @known_options("Delegate")
    def __init__(
        self,
        agent: Agent[Any] | Team[Any] | str,
        *,
        name: str = "",
        description: str = "",
        fallbacks: Sequence[Agent[Any] | Team[Any] | str] = (),
        timeout: float | timedelta | None = None,
        max_steps: int | None = None,
        approval: str | None = None,
        trusted: bool = False,
        aliases: Sequence[str] = (),
    ) -> None:
        """Declare the tool. Each call is a session of its own, a child of the one that calls.

        Args:
            agent: The agent or team, or its name in the App.
            name: The name that the model sees; ``delegate_to_<agent>`` by default.
            description: What the agent is for; its own description by default.
            fallbacks: Agents that get the task, in order, if the one before fails or takes too long.
            timeout: Time limit of each agent, in seconds or as a timedelta; none by default.
            max_steps: Most model calls of each agent; its own limit by default.
            approval: ``"ask"`` if each call waits until a person approves it.
            trusted: Whether replies are as trusted as your instructions. Others stand in a frame in the prompt and
                make the session untrusted.
            aliases: Earlier names of the tool.

        Raises:
            InvalidDeclaration: An option is invalid; the detail says what to change.
        """
        to = _name_of(agent, "Delegate")
        where = f"Delegate {to!r}"
        settings = DelegateSettings(agents=(to,), **_attempts(fallbacks, timeout, max_steps, where))
        about = f"Give a task to the agent {to}, which works on it alone and replies."
        spec = ToolSpec(
            name=_tool_name(name or f"delegate_to_{to}", where),
            description=_described(about, description or _description(agent)),
            parameters=_object(task={"type": "string", "minLength": 1, "description": _TASK}),
            **_policy([agent, *fallbacks], approval, trusted, where),
        )
        super().__init__(spec, settings, declare.aliases(aliases, spec.name))


@public
class FanOut(TeamTool):
    """Several tasks at once for one or several agents, as a tool for ``Agent(tools=[…])``."""

    @known_options("FanOut")
    def __init__(
        self,
        agents: Agent[Any] | Team[Any] | str | Sequence[Agent[Any] | Team[Any] | str],
        *,
        name: str = "",
        description: str = "",
        join: Join = "all",
        quorum: int | None = None,
        most: int = 10,
        fallbacks: Sequence[Agent[Any] | Team[Any] | str] = (),
        timeout: float | timedelta | None = None,
        max_steps: int | None = None,
        approval: str | None = None,
        trusted: bool = False,
        aliases: Sequence[str] = (),
    ) -> None:
        """Declare the tool. Each task is a session of its own, a child of the one that calls.

        Args:
            agents: The agent, or several from which the model chooses one for each task.
            name: The name that the model sees; ``fan_out_to_<agent>`` by default, or ``fan_out`` for several agents.
            description: What the agents are for; their own descriptions by default.
            join: ``"all"`` waits for every reply, ``"first"`` for one, ``"quorum"`` for as many as ``quorum`` says.
                The other agents are cancelled.
            quorum: The number of replies for ``join="quorum"``.
            most: Most tasks in one call.
            fallbacks: Agents that get a task, in order, if the one before fails or takes too long.
            timeout: Time limit of each agent, in seconds or as a timedelta; none by default.
            max_steps: Most model calls of each agent; its own limit by default.
            approval: ``"ask"`` if each call waits until a person approves it.
            trusted: Whether replies are as trusted as your instructions. Others stand in a frame in the prompt and
                make the session untrusted.
            aliases: Earlier names of the tool.

        Raises:
            InvalidDeclaration: An option is invalid; the detail says what to change.
        """
        given = list(agents) if isinstance(agents, Sequence) and not isinstance(agents, str) else [agents]
        to = _names(given, "FanOut: agents")
        if not to:
            raise InvalidDeclaration("FanOut has no agents; give FanOut(researcher) or FanOut([a, b])")
        chosen = name or (f"fan_out_to_{to[0]}" if len(to) == 1 else "fan_out")
        where = f"FanOut {chosen!r}"
        settings = DelegateSettings(
            agents=to,
            many=True,
            join=_join(join, quorum, where),
            quorum=declare.whole(quorum or 1, f"{where}: quorum", 1, MAX_CHILDREN),
            most=declare.whole(most, f"{where}: most", 1, MAX_CHILDREN),
            **_attempts(fallbacks, timeout, max_steps, where),
        )
        spec = ToolSpec(
            name=_tool_name(chosen, where),
            description=_described(_about(settings), description or _descriptions(given)),
            parameters=_tasks(to, settings.most),
            **_policy([*given, *fallbacks], approval, trusted, where),
        )
        super().__init__(spec, settings, declare.aliases(aliases, spec.name))


def _about(settings: DelegateSettings) -> str:
    waits = {
        "all": "Returns all replies.",
        "first": "Returns the first reply and cancels the other tasks.",
        "quorum": f"Returns the first {settings.quorum} replies and cancels the other tasks.",
    }
    whom = ", ".join(settings.agents)
    return (
        f"Give up to {settings.most} tasks at once to {whom}. Each task is worked on alone, at the same time. "
        f"{waits[settings.join]}"
    )


def _name_of(agent: object, what: str) -> str:
    found = agent if isinstance(agent, str) else getattr(getattr(agent, "spec", None), "name", None)
    if not isinstance(found, str):
        raise InvalidDeclaration(f"{what} got {agent!r}; give an Agent, or the name of one")
    return declare.name(found, f"{what}: agent")


def _names(agents: Sequence[object], what: str) -> tuple[str, ...]:
    if isinstance(agents, str):
        raise InvalidDeclaration(f"{what} is the text {agents!r}; give a list")
    found = tuple(_name_of(each, what) for each in agents)
    if len(set(found)) < len(found):
        raise InvalidDeclaration(f"{what} names the same agent twice; name each once")
    return found


def _tool_name(name: str, where: str) -> str:
    declare.name(name, f"{where}: the tool")
    if name in RESERVED or name in OWN_TOOLS:
        raise InvalidDeclaration(
            f"{where}: the tool has the reserved name {name!r}; choose another with name=…"
        )
    return name


def _join(join: object, quorum: int | None, where: str) -> Join:
    if join not in get_args(Join):
        raise InvalidDeclaration(f"{where} has join={join!r}; use one of {', '.join(get_args(Join))}")
    if (join == "quorum") != (quorum is not None):
        raise InvalidDeclaration(
            f'{where} has join={join!r} and quorum={quorum!r}; give join="quorum" with quorum=2 or more, or neither'
        )
    return join  # type: ignore[return-value]  # checked above


def _attempts(
    fallbacks: Sequence[object], timeout: float | timedelta | None, max_steps: int | None, where: str
) -> dict[str, Any]:
    """The settings of each agent that gets a task."""
    return {
        "fallbacks": _names(fallbacks, f"{where}: fallbacks"),
        "timeout": None if timeout is None else declare.seconds(timeout, f"{where}: timeout"),
        "max_steps": declare.optional_whole(max_steps, f"{where}: max_steps", 1, 100_000),
    }


def _policy(agents: Sequence[object], approval: str | None, trusted: bool, where: str) -> dict[str, Any]:
    """The part of the spec that does not depend on the kind of tool."""
    if approval not in {None, "ask"}:
        raise InvalidDeclaration(f'{where} has approval={approval!r}; use "ask", or leave it out')
    return {
        "effect": _effect(agents),
        "timeout": _SECONDS,
        "approval": approval or "",
        "breaker": False,  # a child's failures are those of its own model and tools, which have breakers
        "trusted": trusted,
    }


def _effect(agents: Sequence[object]) -> Effect:
    """Without effect if no agent has a tool with one; else a repeated call must find the same children."""
    for agent in agents:
        spec = getattr(agent, "spec", None)
        if spec is None or any(tool.effect != "none" for tool in spec.tools):
            return "idempotent"
    return "none"


def _description(agent: object) -> str:
    spec = getattr(agent, "spec", None)
    return spec.description if spec else ""


def _descriptions(agents: Sequence[object]) -> str:
    found = {_name_of(each, "FanOut"): _description(each) for each in agents}
    return "\n".join(f"{name}: {text}" for name, text in found.items() if text)


def _described(about: str, description: str) -> str:
    return f"{description.strip()}\n\n{about}" if description.strip() else about


def _tasks(agents: Sequence[str], most: int) -> dict[str, Any]:
    text = {"type": "string", "minLength": 1, "description": _TASK}
    one = text if len(agents) == 1 else _object(agent={"type": "string", "enum": list(agents)}, task=text)
    return _object(tasks={"type": "array", "items": one, "minItems": 1, "maxItems": most})


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
