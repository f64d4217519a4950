"""Another agent for a session that goes on: the same log, plan, counts and budget, with that agent's spec."""

from typing import Literal

from temporalio import workflow

from holdfast_workflows.contracts.agent.spec import PinnedSpec, ToolPolicy
from holdfast_workflows.contracts.session.session import FormerAgent, Undoable
from holdfast_workflows.contracts.session.steps import LoadInput
from holdfast_workflows.contracts.text.unicode import preview

from . import activity_calls
from .reporting import search_attributes
from .state import SessionState


async def load(state: SessionState, agent: str, *, failed: bool = False) -> PinnedSpec:
    """Return the newest spec of an agent for this session. ``failed``: the present one's models do not answer.

    Raises:
        HoldfastError: It cannot be loaded.
    """
    assert state.spec is not None
    request = LoadInput(
        session=workflow.info().workflow_id,
        agent=agent,
        tenant=state.start.tenant,
        user=state.start.user,
        again=True,
        handoff=agent != state.agent,
        failed=failed,
        routed=state.spec.routed,
        output_of=state.spec.digest if state.own_output else "",
        permissions=state.start.permissions,
        parent=state.start.parent,
    )
    return (await activity_calls.load_agent(request, state.start.heartbeat_timeout)).spec


def change_agent(
    state: SessionState, spec: PinnedSpec, reason: str, kind: Literal["handoff", "fallback"] = "handoff"
) -> None:
    """Let the running turn go on with another agent's spec; the turn loop takes it up before its next step."""
    before = state.spec
    assert before is not None
    turn = state.turn
    state.spec, state.next_spec = spec, None
    state.budget = state.budget or spec.budget
    state.model = ""
    state.change(
        # The turn's memories, if any, stand before its message in the log.
        recalled=True,
        effects=tuple(_of(call, before) for call in turn.effects),
        trail=(),
        warned=False,
        invalid_steps=0,
        output_repairs=0,
        fallback=None,
        problem=None,
        tried=0,
        waited_for_providers=0.0,
    )
    details = {"from": before.agent, "to": spec.agent, "spec": spec.digest, "why": kind}
    state.audit("operator", "agent_changed", details=details, by="")
    state.emit("agent_changed", preview(reason), name=spec.agent, status="ok")
    search_attributes.agent(state)


def _of(call: Undoable, spec: PinnedSpec) -> Undoable:
    """Return a call that can be undone by the agent that made it."""
    if call.made_by is not None:
        return call
    undo = spec.tools[call.name].undo
    policy = spec.tools.get(undo, ToolPolicy())
    made_by = FormerAgent(agent=spec.agent, digest=spec.digest, undo=undo, policy=policy)
    return call.model_copy(update={"made_by": made_by})
