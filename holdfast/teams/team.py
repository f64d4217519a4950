"""Teams without a model of their own: agents that work in a fixed order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypedDict, Unpack, cast

from typing_extensions import TypeVar

from holdfast_workflows.contracts.agent.budget import Budget
from holdfast_workflows.contracts.agent.declared import known_options
from holdfast_workflows.contracts.agent.spec import AgentSpec
from holdfast_workflows.contracts.errors import InvalidDeclaration
from holdfast_workflows.contracts.limits import MAX_CHILDREN
from holdfast_workflows.contracts.permissions import checking
from holdfast_workflows.contracts.permissions.rules import Permissions
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.teams.children import Join
from holdfast_workflows.contracts.teams.team import TeamMember, TeamSpec

from .. import declare, limits
from ..agent import Agent
from .delegate import Delegate, FanOut, TeamTool

OutT = TypeVar("OutT", default=str)

_TOOL_STEPS = 2
"""Steps beyond those with calls: the reply, and one for an instruction that arrives late."""


@public
class TeamOptions(TypedDict, total=False):
    """Options of every team.

    Attributes:
        description: The team's purpose, for people and other agents.
        budget: What one session of the team may use, with those of its agents.
        permissions: Rules on the team's tools, each of which gives a task to an agent, and on the calls of its agents.
        trusted: Whether replies of the agents are as trusted as your instructions. Others make the sessions of the
            agents after them untrusted for rules.
    """

    description: str
    budget: Budget | None
    permissions: Permissions | None
    trusted: bool


@public
class Team(Generic[OutT]):
    """Agents that work in a fixed order, for ``App(teams=[…])``: a Pipeline, Parallel or Debate.

    A team is started like an agent, and an agent uses it with ``Delegate(team)``. ``spec`` is the team as data.
    """

    spec: AgentSpec
    tools: Mapping[str, TeamTool]
    output_type: type[OutT] | Mapping[str, Any] | None

    def __init__(
        self,
        name: str,
        team: TeamSpec,
        tools: Sequence[TeamTool],
        last: "Stage | None",
        steps: int,
        options: TeamOptions,
    ) -> None:
        """Use a subclass instead."""
        where = f"team {name!r}"
        self.tools = {tool.spec.name: tool for tool in tools}
        output = None if last is None else getattr(last.agent, "spec", None)
        self.output_type = None if last is None else getattr(last.agent, "output_type", None)
        specs = tuple(tool.spec.model_copy(update={"allow_repeats": True}) for tool in self.tools.values())
        if (rules := options.get("permissions")) is not None:
            checking.check(rules, {spec.name: spec for spec in specs}, where)
        self.spec = AgentSpec(
            name=name,
            instructions="",
            models=(),
            tools=specs,
            output=output and output.output,
            description=options.get("description", ""),
            budget=limits.budget(options.get("budget"), f"{where}: budget"),
            permissions=rules,
            max_steps=steps + _TOOL_STEPS,
            team=team,
        )

    @property
    def name(self) -> str:
        """The team's name."""
        return self.spec.name

    @property
    def functions(self) -> Mapping[str, TeamTool]:
        """The tools by name."""
        return self.tools

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


@public
@dataclass(frozen=True)
class Stage:
    """An agent's part in a team.

    Attributes:
        agent: The agent or team, or its name in the App.
        task: A template of its task. ``{request}`` becomes the message to the team, ``{previous}`` the result so far,
            and ``{before}`` the agent that wrote it. By default the task has the request and the result so far.
        fallbacks: Agents that get the task, in order, if the one before fails or takes too long.
        timeout: Time limit of each agent, in seconds or as a timedelta.
    """

    agent: Agent[Any] | Team[Any] | str
    task: str = ""
    fallbacks: Sequence[Agent[Any] | Team[Any] | str] = ()
    timeout: float | timedelta | None = None


@public
class Pipeline(Team[OutT]):
    """Agents one after the other: each gets the request and the result of the one before."""

    @known_options("Pipeline", TeamOptions.__annotations__)
    def __init__(
        self,
        name: str,
        *,
        stages: Sequence[Agent[Any] | Team[Any] | Stage | str],
        **options: Unpack[TeamOptions],
    ) -> None:
        """Declare a pipeline; the reply of its last stage is that of the team.

        Args:
            name: Letters, digits, "_" and "-"; no agent of the App has it.
            stages: Agents, teams, names of them, or Stages.
            options: See ``TeamOptions``.

        Raises:
            InvalidDeclaration: An option is invalid; the detail says what to change.
        """
        found = _stages(stages, f"{_where('Pipeline', name)}: stages", 1)
        tools, members = _delegates(found, options)
        team = TeamSpec(kind="pipeline", members=tuple(members))
        super().__init__(name, team, tools, found[-1], len(found), options)


@public
class Parallel(Team[OutT]):
    """Agents that get the same request at the same time."""

    @known_options("Parallel", TeamOptions.__annotations__)
    def __init__(
        self,
        name: str,
        *,
        agents: Sequence[Agent[Any] | Team[Any] | Stage | str],
        combine: Agent[Any] | Team[Any] | Stage | str | None = None,
        join: Join = "all",
        quorum: int | None = None,
        **options: Unpack[TeamOptions],
    ) -> None:
        """Declare a parallel team.

        Args:
            name: Letters, digits, "_" and "-"; no agent of the App has it.
            agents: Agents, teams, names of them, or Stages. With a ``join`` other than "all", Stages have neither
                ``fallbacks`` nor ``timeout``.
            combine: The agent that makes one reply of the results. Without it the reply has a section for each agent.
            join: ``"all"`` waits for every result, ``"first"`` for one, ``"quorum"`` for as many as ``quorum`` says.
                The other agents are cancelled. With "all" it is enough if one agent does not fail.
            quorum: The number of results for ``join="quorum"``.
            options: See ``TeamOptions``.

        Raises:
            InvalidDeclaration: An option is invalid; the detail says what to change.
        """
        where = _where("Parallel", name)
        found, last = _stages(agents, f"{where}: agents", 2), _last(combine, f"{where}: combine")
        if join == "all" and quorum is None:
            tools, members = _delegates([*found, *last], options)
        else:
            fan_out = _fan_out(found, join, quorum, options, where)
            tools, members = _delegates(last, options)
            tools.append(fan_out)
            members = [
                *(TeamMember(agent=_name(each), tool=fan_out.spec.name, task=each.task) for each in found),
                *members,
            ]
        team = TeamSpec(
            kind="parallel",
            members=tuple(members[: len(found)]),
            last=members[-1] if last else None,
            join=join,
        )
        super().__init__(name, team, tools, last[0] if last else None, 2, options)


@public
class Debate(Team[OutT]):
    """Agents that argue in rounds, each with what the others have written, and a judge who gives the answer."""

    @known_options("Debate", TeamOptions.__annotations__)
    def __init__(
        self,
        name: str,
        *,
        sides: Sequence[Agent[Any] | Team[Any] | Stage | str],
        judge: Agent[Any] | Team[Any] | Stage | str,
        rounds: int = 2,
        **options: Unpack[TeamOptions],
    ) -> None:
        """Declare a debate; the judge's reply is that of the team.

        Args:
            name: Letters, digits, "_" and "-"; no agent of the App has it.
            sides: Agents, teams, names of them, or Stages: two or more.
            judge: The agent that reads the debate and gives the answer.
            rounds: How often each side writes, from 1 to 10.
            options: See ``TeamOptions``.

        Raises:
            InvalidDeclaration: An option is invalid; the detail says what to change.
        """
        where = _where("Debate", name)
        found, last = _stages(sides, f"{where}: sides", 2), _last(judge, f"{where}: judge")
        tools, members = _delegates([*found, *last], options)
        team = TeamSpec(
            kind="debate",
            members=tuple(members[:-1]),
            last=members[-1],
            rounds=declare.whole(rounds, f"{where}: rounds", 1, 10),
        )
        super().__init__(name, team, tools, last[0], rounds + 1, options)


def _where(kind: str, name: str) -> str:
    return f"{kind} {declare.name(name, kind)!r}"


def _stages(given: Sequence[object], where: str, fewest: int) -> list[Stage]:
    if isinstance(given, str) or not fewest <= len(given) <= MAX_CHILDREN:
        raise InvalidDeclaration(f"{where}={given!r}; give a list of {fewest} to {MAX_CHILDREN} agents")
    return [each if isinstance(each, Stage) else Stage(cast("Any", each)) for each in given]


def _last(given: object, where: str) -> list[Stage]:
    return [] if given is None else _stages([given], where, 1)


def _name(stage: Stage) -> str:
    return stage.agent if isinstance(stage.agent, str) else stage.agent.name


def _delegates(stages: Sequence[Stage], options: TeamOptions) -> tuple[list[TeamTool], list[TeamMember]]:
    """A tool for each agent, and its member. Stages of the same agent with the same options share the tool."""
    tools: dict[str, TeamTool] = {}
    members: list[TeamMember] = []
    for place, stage in enumerate(stages, 1):
        tool = _delegate(stage, options, "")
        known = tools.setdefault(tool.spec.name, tool)
        if known.settings != tool.settings:
            tool = _delegate(stage, options, f"delegate_to_{_name(stage)}_{place}")
            tools[tool.spec.name] = tool
        members.append(TeamMember(agent=_name(stage), tool=tool.spec.name, task=stage.task))
    return list(tools.values()), members


def _delegate(stage: Stage, options: TeamOptions, name: str) -> TeamTool:
    return Delegate(
        stage.agent,
        name=name,
        fallbacks=stage.fallbacks,
        timeout=stage.timeout,
        trusted=options.get("trusted", False),
    )


def _fan_out(
    stages: Sequence[Stage], join: Join, quorum: int | None, options: TeamOptions, where: str
) -> TeamTool:
    if any(stage.fallbacks or stage.timeout is not None for stage in stages):
        raise InvalidDeclaration(
            f'{where} has join={join!r} and a Stage with fallbacks or timeout; leave them out, or use join="all"'
        )
    agents = [stage.agent for stage in stages]
    trusted = options.get("trusted", False)
    return FanOut(agents, name="fan_out", join=join, quorum=quorum, most=len(stages), trusted=trusted)
