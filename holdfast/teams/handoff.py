"""Hand a session off to another agent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from holdfast_workflows.contracts.agent.declared import known_options
from holdfast_workflows.contracts.agent.spec import ToolSpec
from holdfast_workflows.contracts.errors import InvalidDeclaration
from holdfast_workflows.contracts.public import public
from holdfast_workflows.contracts.teams.handoff import HandoffSettings
from holdfast_workflows.contracts.tools.sources import ProvidedTool

from .. import declare

if TYPE_CHECKING:
    from ..agent import Agent

_PARAMETERS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "reason": {
            "type": "string",
            "description": "Why, and what the other agent has to know, in a few sentences.",
            "default": "",
        }
    },
    "required": [],
    "additionalProperties": False,
}


@public
class Handoff(ProvidedTool):
    """A tool for ``Agent(tools=[…])`` by which the session goes on with another agent of the App.

    The other agent continues the running turn, and the turns after it, with its own instructions, models and tools.
    The conversation, the plan, the budget and the user stay the same.
    """

    @known_options("Handoff")
    def __init__(
        self,
        agent: Agent[Any] | str,
        *,
        name: str = "",
        description: str = "",
        approval: Literal["", "ask"] = "",
        aliases: Sequence[str] = (),
    ) -> None:
        """Declare a handoff.

        Args:
            agent: The agent that goes on with the session, or its name; it must be in the same App.
            name: The name that the model sees; "handoff_to_" and the agent's name by default.
            description: When to hand off; the model sees it. By default from the agent's description.
            approval: "ask" if each handoff waits for a person's approval.
            aliases: Earlier names of the tool.

        Raises:
            InvalidDeclaration: An option is invalid; the detail says what to change.
        """
        target = agent if isinstance(agent, str) else agent.name
        declare.name(target, "Handoff: agent")
        name = name or f"handoff_to_{target}"
        where = declare.tool_name(name, "Handoff")
        if approval not in ("", "ask"):
            raise InvalidDeclaration(f'{where} has approval={approval!r}; use "ask", or leave it out')
        about = "" if isinstance(agent, str) else agent.spec.description
        spec = ToolSpec(
            name=name,
            description=description or _described(target, about),
            parameters=_PARAMETERS,
            timeout=30.0,
            breaker=False,
            trusted=True,
            approval=approval,
            handoff=target,
        )
        super().__init__(spec, HandoffSettings(agent=target), declare.aliases(aliases, name))


def _described(agent: str, about: str) -> str:
    what = f"Hand this conversation off to {agent}, which replies to the user from then on."
    return f"{what} {agent}: {about.strip()}" if about.strip() else what
