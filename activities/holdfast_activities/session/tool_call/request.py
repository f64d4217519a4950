"""A tool call as its activity executes it: the request, the tool and its row in the ledger."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from temporalio import activity

from holdfast_activities import clock
from holdfast_activities.state.coordination.approvals import Use
from holdfast_activities.state.database import State
from holdfast_workflows.contracts.agent.app import ToolBinding
from holdfast_workflows.contracts.agent.spec import Effect, ToolSpec
from holdfast_workflows.contracts.errors import StateBehind, StateError, ToolArgumentsInvalid, ToolFailed
from holdfast_workflows.contracts.operations.effects import EffectStatus, EffectView
from holdfast_workflows.contracts.session.entries import ReplyEntry, ResultEntry, ToolCall
from holdfast_workflows.contracts.session.steps import ActInput, ActResult
from holdfast_workflows.contracts.text.unicode import digest, preview, size

from ..common import run_tool
from ..common.agents import LiveAgent
from ..common.judged import CHANGED, has_changed


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A call that can be executed.

    ``arguments`` are validated. ``in_log`` is false for an undo: only the ledger records it.
    """

    request: ActInput
    call: run_tool.ToolRun
    spec: ToolSpec
    binding: ToolBinding
    arguments: Mapping[str, Any]
    heartbeat: Callable[[str], None]
    in_log: bool = True
    use: Use | None = None
    """The use of the call's approval, until it is recorded."""
    began: float = field(default_factory=clock.now)

    def effect(self, status: EffectStatus, result: str = "", by: str = "") -> EffectView:
        """The call's row with the current time."""
        settled = 0.0 if status in ("claimed", "unknown") else clock.now()
        update = {"result": preview(result), "by": by, "claimed": self.began, "settled": settled}
        return effect_row(self.call, self.spec.effect, status).model_copy(update=update)


def effect_row(call: run_tool.ToolRun, effect: Effect, status: EffectStatus) -> EffectView:
    """A new row of the ledger for a call."""
    return EffectView(
        key=call.key,
        session=call.session,
        seq=call.seq,
        turn=call.turn,
        agent=call.agent,
        tenant=call.tenant,
        tool=call.name,
        effect=effect,
        status=status,
        arguments=preview(call.arguments),
    )


def prepare(
    agent: LiveAgent, request: ActInput, call: run_tool.ToolRun, heartbeat: Callable[[str], None]
) -> CallRequest | ResultEntry:
    """The call with its tool, or the result for the model if it cannot be made."""
    binding, spec = agent.binding(call.name), agent.tools.get(call.name)
    if binding is None or spec is None:
        return run_tool.failed(call, ToolFailed(agent.no_tool(call.name)))
    try:
        arguments = binding.validate(call.arguments)
    except ToolArgumentsInvalid as error:
        return run_tool.result(call, error.detail, "invalid")
    if has_changed(request, arguments):
        return run_tool.result(call, CHANGED, "invalid")
    return CallRequest(request, call, spec, binding, arguments, heartbeat)


def call_of(request: ActInput, name: str, arguments: str, key: str) -> run_tool.ToolRun:
    """The call of a request, for the tool ``name``."""
    call = ToolCall(id=request.call_id, name=name, arguments=arguments)
    return run_tool.ToolRun.of(request, request.seq, request.step, call, key, activity.info().attempt)


async def asked_for(state: State, request: ActInput) -> ToolCall:
    """The call as the model asked for it."""
    found = await state.log.read(request.session, request.reply, request.reply + 1)
    if not found:
        raise StateBehind(f"reply {request.reply} of session {request.session} is not in the log")
    if not isinstance(found[0], ReplyEntry):
        raise StateError(f"number {request.reply} of the log holds a {found[0].kind}, not a reply")
    return found[0].calls[request.seq - request.reply - 1]


def act_result(entry: ResultEntry) -> ActResult:
    """A settled call's result for the workflow."""
    return ActResult(
        status=entry.status,
        preview=preview(entry.text),
        size=size(entry.text),
        seconds=entry.seconds,
        digest=digest(entry.text),
    )
