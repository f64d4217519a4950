"""Checks of an App's teams: the agents that tools name are there, and fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from holdfast_workflows.contracts.errors import InvalidDeclaration
from holdfast_workflows.contracts.text.nearest import no_such

if TYPE_CHECKING:
    from ..agent import Agent


def check_handoffs(agents: Mapping[str, Agent[Any]]) -> None:
    """Check the handoffs of all agents.

    Raises:
        InvalidDeclaration: A handoff is to an agent that the App does not have, or that replies in another shape.
    """
    for agent in agents.values():
        for tool in agent.spec.tools:
            if tool.handoff:
                _check(agent, tool.name, tool.handoff, agents)


def _check(agent: Agent[Any], tool: str, target: str, agents: Mapping[str, Agent[Any]]) -> None:
    where = f"agent {agent.name!r}, Handoff {tool!r}"
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
