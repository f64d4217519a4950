"""The function of tools that hand a session off to another agent; the session's workflow changes the agent."""

from holdfast_activities.tools.contract_tool import ContractTool
from holdfast_workflows.contracts.agent.app import ToolContext
from holdfast_workflows.contracts.agent.spec import ToolSpec
from holdfast_workflows.contracts.errors import ToolArgumentsInvalid
from holdfast_workflows.contracts.limits import INLINE_TEXT
from holdfast_workflows.contracts.teams.handoff import Handoff, HandoffSettings
from holdfast_workflows.contracts.text.unicode import size


def handoff_tool(spec: ToolSpec, settings: HandoffSettings) -> ContractTool:
    """The binding of a tool that hands a session off."""

    async def hand_off(asked: Handoff, _: ToolContext) -> str:
        if size(asked.reason) > INLINE_TEXT:
            raise ToolArgumentsInvalid(f"the reason is too long; keep to {INLINE_TEXT:,} bytes")
        return f"{settings.agent} goes on with this conversation"

    return ContractTool(spec, Handoff, hand_off)
