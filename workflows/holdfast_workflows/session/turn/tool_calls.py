"""The tool calls of a step: run in parallel, each with a result in the log."""

import asyncio
from functools import partial

from temporalio import workflow

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.spec import PinnedSpec, ToolPolicy
from holdfast_workflows.contracts.permissions.rules import Verdict
from holdfast_workflows.contracts.session import descriptions
from holdfast_workflows.contracts.session.entries import ResultStatus
from holdfast_workflows.contracts.session.session import Undoable
from holdfast_workflows.contracts.session.steps import ActInput, ActResult, CallView, NewEntry, StepView
from holdfast_workflows.contracts.text.unicode import preview

from ..inbox import handover
from ..permissions import past
from ..permissions.gate import Denied, PermissionGate
from ..state import current_details, reset, working_memory
from ..state.state import SessionState
from . import tool_execution
from .inflight import InFlight
from .tool_execution import ToolExecution


class ToolCalls:
    """Runs the tool calls of a step."""

    def __init__(self, state: SessionState, spec: PinnedSpec, flight: InFlight) -> None:
        self._state = state
        self._spec = spec
        self._flight = flight
        self._gate = PermissionGate(state, spec)

    async def act(self, step: StepView, todo: list[CallView]) -> dict[int, ActResult]:
        """Run calls of a step in parallel and return their results by sequence number."""
        # Calls with an effect stay settled by their keys, also after a reset.
        without_effect = [
            call.seq for call in todo if self._spec.tools.get(call.name, ToolPolicy()).effect == "none"
        ]
        await reset.settled(self._state, without_effect)
        for call in todo:
            self._state.active[call.seq] = call.name
            self._state.emit_call("call_started", call, descriptions.given(call))
        # In order and before any of them runs, so that counts do not depend on which one ends first.
        verdicts = [self._gate.judge(call) if self._spec.levels else None for call in todo]
        workflow.set_current_details(current_details.render(self._state))
        if len(todo) == 1:
            results = [await self._call(step, todo[0], verdicts[0])]
        else:
            calls = zip(todo, verdicts, strict=True)
            results = await asyncio.gather(*(self._call(step, call, verdict) for call, verdict in calls))
        ended = {call.seq: result for call, result in zip(todo, results, strict=True)}
        for call in todo:
            working_memory.take(self._state, call, ended[call.seq].status)
            handover.take(self._state, call, ended[call.seq].status)
            past.read(self._state, call.name, ended[call.seq].status)
        self._note_undoable(step, [call for call in todo if ended[call.seq].status == "ok"])
        return ended

    async def _call(self, step: StepView, call: CallView, verdict: Verdict | None) -> ActResult:
        request = self._request(step, call)
        if verdict is None:
            result = await self._run(call, request)
        else:
            result = await self._run_permitted(call, verdict, request)
        del self._state.active[call.seq]
        self._state.emit_call(
            "call_ended",
            call,
            result.preview,
            size=result.size,
            status=result.status,
            seconds=round(result.seconds, 3),
        )
        return result

    async def _run(self, call: CallView, request: ActInput) -> ActResult:
        shown, void = descriptions.given(call), partial(self._void_one, call)
        return await ToolExecution(self._state, self._spec, self._flight, request, shown, void).outcome()

    async def _run_permitted(self, call: CallView, verdict: Verdict, request: ActInput) -> ActResult:
        """Run a call if it is permitted; decide again when a counted permission is used up."""
        used_up = frozenset[str]()
        while True:
            try:
                result = await self._run(call, await self._gate.admit(call, verdict, request))
            except Denied as denied:
                return self._void_one(call, str(denied), "denied")
            if not result.used_up:
                return result
            used_up |= {result.used_up}
            verdict = self._gate.judge(call, used_up)

    def _request(self, step: StepView, call: CallView) -> ActInput:
        request = tool_execution.request(
            self._state, self._spec, call.name, call.seq, step.seq, call.id, arguments=call.arguments
        )
        if call.name == names.REMEMBER and self._state.untrusted:
            request = request.model_copy(update={"untrusted": True})
        return request

    def _note_undoable(self, step: StepView, settled: list[CallView]) -> None:
        """Keep calls that can be undone, in case the turn fails."""
        undoable = tuple(
            Undoable(
                seq=call.seq,
                reply=step.seq,
                name=call.name,
                call_id=call.id,
                preview=descriptions.given(call),
            )
            for call in settled
            if self._spec.tools.get(call.name, ToolPolicy()).undo
        )
        if undoable:
            self._state.change(effects=(*self._state.turn.effects, *undoable))

    def void(self, unrun: list[CallView], reason: str, *, status: ResultStatus = "cancelled") -> None:
        """Give calls that did not run a result; providers require one for every call."""
        for call in unrun:
            self._void_one(call, reason, status)

    def _void_one(self, call: CallView, reason: str, status: ResultStatus) -> ActResult:
        self._state.unwritten.append(
            NewEntry(
                seq=call.seq,
                kind=status if status in ("failed", "denied") else "cancelled",
                text=reason,
                call_id=call.id,
                name=call.name,
                turn=self._state.turn.turn,
            )
        )
        return ActResult(status=status, preview=preview(reason))
