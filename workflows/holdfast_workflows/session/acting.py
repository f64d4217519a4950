"""The tool calls of a step: carried out in parallel, each to an end that the conversation holds."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError, CancelledError

from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.spec import PinnedSpec, ToolPolicy
from holdfast_workflows.contracts.steps import ActInput, ActResult, CallView, NewEntry, StepView
from holdfast_workflows.contracts.text import preview

from . import calls, details
from .flight import Flight
from .state import SessionState


class Acting:
    """Carries out what the model asked for."""

    def __init__(self, state: SessionState, spec: PinnedSpec, flight: Flight) -> None:
        self._state = state
        self._spec = spec
        self._flight = flight

    async def act(self, step: StepView, todo: list[CallView]) -> None:
        """Carry out the calls of a step at the same time."""
        for call in todo:
            self._state.active[call.seq] = call.name
            self._state.tell_call("call_started", call, "", _shown(call), 0)
        workflow.set_current_details(details.render(self._state))
        if len(todo) == 1:
            await self._call(step, todo[0])
        else:
            await asyncio.gather(*(self._call(step, call) for call in todo))

    async def _call(self, step: StepView, call: CallView) -> None:
        policy = self._spec.tools.get(call.name, ToolPolicy())
        turn = self._state.turn
        session = workflow.info().workflow_id
        request = ActInput(
            session=session,
            agent=self._spec.agent,
            digest=self._spec.digest,
            tenant=self._state.start.tenant,
            turn=turn.turn,
            step=turn.step,
            seq=call.seq,
            reply=step.seq,
            index=call.seq - step.seq - 1,
            call_id=call.id,
            name=call.name,
            key=names.call_key(session, call.seq),
            arguments=call.arguments,
            attempts=calls.attempts(policy).attempts,
        )
        result = await self._outcome(policy, call, request)
        del self._state.active[call.seq]
        self._state.tell_call("call_ended", call, result.status, result.preview, result.size)

    async def _outcome(self, policy: ToolPolicy, call: CallView, request: ActInput) -> ActResult:
        """Run a call to its end; an end that the activity could not write is written by the next step."""
        for lost in range(calls.LOST_WORKERS + 1):
            try:
                result: ActResult = await self._flight.land(
                    calls.act(policy, request, _shown(call), self._state.start.silence)
                )
            except ActivityError as error:
                if isinstance(error.cause, CancelledError):
                    return self.void([call], "cancelled")
                gone = calls.worker_lost(error)
                if gone and policy.effect != "once" and lost < calls.LOST_WORKERS:
                    request = request.model_copy(update={"again": True})
                    continue
                text = str(calls.typed(error, errors.ToolFailed).detail)
                if gone or policy.effect == "once":
                    # A tool's own failure is a result; this one's end, whatever it was, could not be written.
                    text = f"its end was not seen, so its outcome is unknown: {text}"
                return self.void([call], text, status="failed")
            return result
        raise AssertionError("unreachable: the last round returns")

    def void(self, unrun: list[CallView], reason: str, *, status: str = "cancelled") -> ActResult:
        """Give calls without a result one, so that the conversation stays whole."""
        failed = status == "failed"
        for call in unrun:
            self._state.unwritten.append(
                NewEntry(
                    seq=call.seq,
                    kind="failed" if failed else "cancelled",
                    text=reason,
                    call_id=call.id,
                    name=call.name,
                    turn=self._state.turn.turn,
                )
            )
        return ActResult(status="failed" if failed else "cancelled", preview=preview(reason))


def _shown(call: CallView) -> str:
    """The call's arguments for people; the history holds them once where they are small."""
    return call.preview or preview(call.arguments)
