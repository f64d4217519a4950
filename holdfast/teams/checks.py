"""Checks of an App's teams: the agents that tools name are there, and fit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from holdfast_workflows.contracts.agent.fallbacks import OtherAgent
from holdfast_workflows.contracts.errors import InvalidDeclaration
from holdfast_workflows.contracts.teams.routing import Router
from holdfast_workflows.contracts.text.nearest import no_such

from .. import declare
from .delegate import TeamTool
from .team import Team

if TYPE_CHECKING:
    from ..agent import Agent


def teams_by_name(teams: Sequence[object], agents: Mapping[str, object]) -> dict[str, Team[Any]]:
    """Return the teams of an App by their names, which no agent has.

    Raises:
        InvalidDeclaration: Two have the same name, or one is not a team.
    """
    found: dict[str, Team[Any]] = {}
    for team in teams:
        if not isinstance(team, Team):
            raise InvalidDeclaration(
                f"App(teams=…) contains {team!r}; give Pipeline(…), Parallel(…) or Debate(…)"
            )
        if team.name in agents or team.name in found:
            raise InvalidDeclaration(
                f"the team {team.name!r} has the name of another team or agent; rename one"
            )
        found[team.name] = team
    return found


def check_members(agents: Mapping[str, Agent[Any] | Team[Any]]) -> None:
    """Check that the agents to which agents and teams give tasks are in the App.

    Raises:
        InvalidDeclaration: One is missing.
    """
    for agent in agents.values():
        what = "team" if isinstance(agent, Team) else "agent"
        for tool in agent.tools.values():
            if isinstance(tool, TeamTool):
                tool.check(agents, f"{what} {agent.name!r}")


def check_handoffs(agents: Mapping[str, Agent[Any]], teams: Mapping[str, object]) -> None:
    """Check the handoffs of all agents, and the agents that are fallbacks of others.

    Raises:
        InvalidDeclaration: A handoff is to an agent that the App does not have, or that replies in another shape.
    """
    for agent in agents.values():
        for tool in agent.spec.tools:
            if tool.handoff in teams:
                raise InvalidDeclaration(
                    f"agent {agent.name!r}, Handoff {tool.name!r}: a team takes tasks, not conversations; "
                    f"use Delegate({tool.handoff!r})"
                )
            if tool.handoff:
                _check(agent, f"Handoff {tool.name!r}", tool.handoff, agents)
        for fallback in agent.spec.fallbacks:
            if isinstance(fallback, OtherAgent):
                _check(agent, "OtherAgent", fallback.agent, agents)


def routers_by_name(routers: Sequence[object], agents: Mapping[str, Agent[Any]]) -> dict[str, Router]:
    """Return the routers of an App by their names.

    Raises:
        InvalidDeclaration: Two have the same name, a pattern is invalid, or no agent has a capability of its rules.
    """
    found: dict[str, Router] = {}
    known = {name for each in agents.values() if each.spec.routing for name in each.spec.routing.capabilities}
    for router in routers:
        if not isinstance(router, Router):
            raise InvalidDeclaration(f"App(routers=…) contains {router!r}; give Router(…)")
        where = f"router {declare.name(router.name, 'router')!r}"
        if router.name in found:
            raise InvalidDeclaration(f"two routers are named {router.name!r}; rename one of them")
        if router.model:
            declare.model(router.model, where)
        needed = [*router.otherwise]
        for rule in router.rules:
            needed += rule.capabilities
            try:
                re.compile(rule.pattern)
            except re.error as error:
                raise InvalidDeclaration(
                    f"{where}: the pattern {rule.pattern!r} is not a regular expression: {error}"
                ) from None
        if missing := [name for name in needed if name not in known]:
            raise InvalidDeclaration(f"{where}: {no_such('capability', missing, known)}")
        found[router.name] = router
    return found


def _check(agent: Agent[Any], what: str, target: str, agents: Mapping[str, Agent[Any]]) -> None:
    where = f"agent {agent.name!r}, {what}"
    if target not in agents:
        raise InvalidDeclaration(f"{where}: {no_such('agent', [target], agents)}")
    if target == agent.name:
        raise InvalidDeclaration(f"{where} is to the agent itself; name another agent")
    output, other = agent.spec.output, agents[target].spec.output
    if output is not None and (other is None or other.json_schema != output.json_schema):
        raise InvalidDeclaration(
            f"{where}: replies of {agent.name!r} have the shape {output.name!r}, those of {target!r} do not; "
            "give both the same output_type"
        )
