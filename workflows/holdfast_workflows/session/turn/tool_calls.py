"""The tool calls of a step: run in parallel, each with a result in the log."""

import asyncio
from collections.abc import Mapping
from functools import partial

from temporalio import workflow

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.spec import PinnedSpec, ToolPolicy
from holdfast_workflows.contracts.permissions.rules import Verdict
from holdfast_workflows.contracts.session import descriptions
from holdfast_workflows.contracts.session.entries import ResultStatus
from holdfast_workflows.contracts.session.session import Undoable
from holdfast_workflows.contracts.session.steps import ActInput, ActResult, CallView, NewEntry, StepView
from holdfast_workflows.contracts.text.unicode import digest, preview

from ..inbox import approvals, handover
from ..permissions import past
from ..permissions.gate import Denied, PermissionGate
from ..state import working_memory
from ..state.origin import reset
from ..state.reporting import current_details
from ..state.state import SessionState
from . import handoff, tool_execution
from .inflight import InFlight, NeverBegan
from .tool_execution import ToolExecution

_CANCELLED = "not run: the turn was cancelled"

_EDITED = "Before {tool} was called, a person changed its arguments to {arguments}. Its result is for these."


class ToolCalls:
    """Runs the tool calls of a step."""

    def __init__(self, state: SessionState, spec: PinnedSpec, flight: InFlight) -> None:
        self._state = state
        self._spec = spec
        self._flight = flight
        self._gate = PermissionGate(state, spec)
        self._edited: dict[int, str] = {}
        """Arguments that approvers have edited, by the call's number."""

    async def act(
        self, step: StepView, todo: list[CallView], *, resumed: bool = False
    ) -> dict[int, ActResult]:
        """Run calls of a step in parallel and return their results by sequence number.

        Calls that still wait for people when the session has to continue as new have none; the turn's ``unfinished``
        step then has them.
        """
        # Calls with an effect stay settled by their keys, also after a reset.
        without_effect = [
            call.seq for call in todo if self._spec.tools.get(call.name, ToolPolicy()).effect == "none"
        ]
        await reset.settled(self._state, without_effect)
        for call in todo:
            self._state.active[call.seq] = call.name
            if not resumed:
                self._state.emit_call("call_started", call, descriptions.given(call))
        refused = handoff.refused(self._state, self._spec, todo)
        # In order and before any of them runs, so that counts do not depend on which one ends first.
        verdicts = [self._gate.judge(call) if self._spec.levels else None for call in todo]
        workflow.set_current_details(current_details.render(self._state))
        if len(todo) == 1:
            results = [await self._call(step, todo[0], verdicts[0], refused)]
        else:
            calls = zip(todo, verdicts, strict=True)
            results = await asyncio.gather(
                *(self._call(step, call, verdict, refused) for call, verdict in calls)
            )
        ended: dict[int, ActResult] = {}
        for call, result in zip(todo, results, strict=True):
            if result is not None:
                ended[call.seq] = result
                working_memory.take(self._state, call, result.status)
                handover.take(self._state, call, result.status)
                past.read(self._state, call.name, result.status)
        if len(ended) < len(todo):
            kept = tuple(with_digests(call, ended.get(call.seq)) for call in step.calls)
            self._state.change(unfinished=step.model_copy(update={"calls": kept}))
        self._note_undoable(
            step, [call for call in todo if call.seq in ended and ended[call.seq].status == "ok"]
        )
        return ended

    async def _call(
        self, step: StepView, call: CallView, verdict: Verdict | None, refused: Mapping[int, str]
    ) -> ActResult | None:
        """Run a call and return its result; None if it waits for people while the session continues as new."""
        if why := refused.get(call.seq):
            result: ActResult | None = self._void_one(call, why, "failed")
        else:
            result = await self._outcome(call, verdict, self._request(step, call))
        del self._state.active[call.seq]
        if result is not None:
            self._state.emit_call(
                "call_ended",
                call,
                result.preview,
                size=result.size,
                status=result.status,
                seconds=round(result.seconds, 3),
            )
        return result

    async def _outcome(self, call: CallView, verdict: Verdict | None, request: ActInput) -> ActResult | None:
        """Run a call if it is permitted; decide again when a counted permission is used up."""
        used_up = frozenset[str]()
        while True:
            try:
                why = self._gate.asks(call, verdict) if request.approval is None else ""
                if why and request.fork is not None:
                    # No person is asked: the call gets a recorded result, or is not made.
                    request = request.model_copy(
                        update={"fork": request.fork.model_copy(update={"reads": "recorded"})}
                    )
                elif why:
                    asked = await self._approval(request, call, why)
                    if asked.interrupted:
                        return None
                    call, request = self._approved(call, request, asked)
                    if verdict is not None:
                        verdict = self._gate.judge_approved(call, used_up)
                result = await self._run(call, self._gate.admit(call, verdict, request))
            except Denied as denied:
                return self._void_one(call, str(denied), "denied")
            except NeverBegan:
                return self._void_one(call, _CANCELLED, "cancelled")
            if not result.used_up:
                return result
            used_up |= {result.used_up}
            verdict = self._gate.judge(call, used_up)

    async def _approval(self, request: ActInput, call: CallView, why: str) -> approvals.Outcome:
        judged = self._gate.looks_at(call.name)
        return await approvals.approve(self._state, request, call, why, judged, self._flight.run)

    def _approved(
        self, call: CallView, request: ActInput, asked: approvals.Outcome
    ) -> tuple[CallView, ActInput]:
        """Return the call and its request as people approved them.

        Raises:
            Denied: They did not.
        """
        if asked.cancelled:
            raise NeverBegan
        if asked.proof is None:
            raise Denied(asked.refused)
        request = request.model_copy(update={"approval": asked.proof})
        if asked.edited:
            call = approvals.with_edits(call, asked)
            request = request.model_copy(update={"arguments": asked.edited})
            self._edited[call.seq] = asked.edited
            self._state.write("steer", _EDITED.format(tool=call.name, arguments=asked.edited))
        return call, request

    async def _run(self, call: CallView, request: ActInput) -> ActResult:
        shown, void = descriptions.given(call), partial(self._void_one, call)
        return await ToolExecution(self._state, self._spec, self._flight, request, shown, void).outcome()

    def _request(self, step: StepView, call: CallView) -> ActInput:
        request = tool_execution.request(
            self._state, self._spec, call.name, call.seq, step.seq, call.id, arguments=call.arguments
        )
        if call.name == names.REMEMBER and self._state.untrusted:
            request = request.model_copy(update={"untrusted": True})
        return request

    def _note_undoable(self, step: StepView, settled: list[CallView]) -> None:
        """Keep calls that can be undone, in case the turn fails. A fork has made none."""
        if self._state.start.fork is not None:
            return
        undoable = tuple(
            Undoable(
                seq=call.seq,
                reply=step.seq,
                name=call.name,
                call_id=call.id,
                preview=descriptions.given(call),
                arguments=self._edited.get(call.seq, ""),
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


def with_digests(call: CallView, result: ActResult | None) -> CallView:
    """Return a call that has ended with its result's status and the digests of both."""
    if result is None:
        return call
    digests = {"digest": call.digest or digest(call.name, call.arguments), "result_digest": result.digest}
    return call.model_copy(update={"done": True, "status": result.status, **digests})
