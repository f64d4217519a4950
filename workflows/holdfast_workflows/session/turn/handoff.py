"""Handoffs: the session goes on with the spec of another agent, after a call of a tool for that."""

from collections.abc import Mapping, Sequence

from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.agent.spec import PinnedSpec, ToolPolicy
from holdfast_workflows.contracts.limits import MAX_HANDOFFS
from holdfast_workflows.contracts.session.steps import ActResult, CallView, StepView
from holdfast_workflows.contracts.teams.handoff import HANDOFF
from holdfast_workflows.contracts.text.unicode import preview

from ..state import agent_change
from ..state.state import SessionState

_DONE = "{before} has handed this conversation off to you, {agent}. Go on with it; the user does not see this note."

_FAILED = "The handoff to {agent} has failed: {error} Go on without it."


def agent_of(spec: PinnedSpec, call: CallView) -> str:
    """Return the agent that a call hands the session off to; empty for other calls."""
    return spec.tools.get(call.name, ToolPolicy()).handoff


def refused(state: SessionState, spec: PinnedSpec, todo: Sequence[CallView]) -> dict[int, str]:
    """Return why calls may not run, by number: one step hands off once, and a turn not endlessly."""
    calls = [call for call in todo if agent_of(spec, call)]
    if calls and state.turn.handoffs >= MAX_HANDOFFS:
        return {call.seq: f"refused: {MAX_HANDOFFS} handoffs in one turn; answer yourself" for call in calls}
    return {call.seq: "refused: another handoff was made in the same step" for call in calls[1:]}


async def take(state: SessionState, spec: PinnedSpec, step: StepView, ended: Mapping[int, ActResult]) -> None:
    """Change the session's agent if a call of the step, whose calls have all ended, has handed it off."""
    for call in step.calls:
        status = ended[call.seq].status if call.seq in ended else call.status
        if status == "ok" and (agent := agent_of(spec, call)):
            await _hand_off(state, agent, _reason(call))
            return


async def _hand_off(state: SessionState, agent: str, reason: str) -> None:
    before = state.agent
    state.change(handoffs=state.turn.handoffs + 1)
    try:
        loaded = await agent_change.load(state, agent)
    except errors.HoldfastError as error:
        state.emit("agent_changed", preview(str(error)), name=agent, status="failed")
        state.write("repair", _FAILED.format(agent=agent, error=error))
        return
    agent_change.change_agent(state, loaded, reason)
    # Without the reason, which may repeat untrusted content; the call's arguments have it.
    state.write("repair", _DONE.format(before=before, agent=agent))


def _reason(call: CallView) -> str:
    try:
        return HANDOFF.read(call.arguments or "{}").reason
    except (ValueError, RecursionError):
        return ""  # a worker of another build may accept more
