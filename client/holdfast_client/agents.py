"""Agents as the client sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from typing_extensions import TypeVar

from holdfast_workflows.contracts.agent.output import OutputShape
from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.teams.routing import Route

OutT_co = TypeVar("OutT_co", default=Any, covariant=True)


@public
class DeclaredAgent(Protocol[OutT_co]):
    """An agent as the client needs it: ``holdfast.Agent``, which the client does not import."""

    @property
    def name(self) -> str:
        """The agent's name."""
        ...

    @property
    def output_type(self) -> type[OutT_co] | Mapping[str, Any] | None:
        """The type of its final replies; None for text."""
        ...


TextAgent = str | Route
"""The name of an agent, or what an agent must be able to do: without an output type ``run`` returns text."""

AnyAgent = TextAgent | DeclaredAgent[Any]
"""An agent, its name, or what an agent must be able to do."""


def gives_text(agent: AnyAgent, output_type: OutputShape | None) -> bool:
    """Whether ``run`` returns text, since neither the agent nor the caller gives a type."""
    return isinstance(agent, str | Route) and output_type is None


def name_and_shape(agent: object, given: OutputShape | None) -> tuple[str, OutputShape | None]:
    """Return an agent's name and the output type: the one given, or the agent's own.

    Raises:
        BadInput: ``agent`` is neither a name nor an agent.
    """
    if isinstance(agent, str):
        name: object = agent
    else:
        name = getattr(agent, "name", None)
        given = getattr(agent, "output_type", None) if given is None else given
    if not isinstance(name, str):
        raise BadInput(f"agent={agent!r} is neither an Agent nor the name of one; give one of them")
    if not name:
        raise BadInput("the agent's name is empty; give the name of an agent that the workers serve")
    return name, given
