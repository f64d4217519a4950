"""Undo the effects of a cancelled or failed turn, in reverse order, each call once."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.agent.spec import PinnedSpec, ToolPolicy
from holdfast_workflows.contracts.limits import DEFAULT_MAX_WAIT
from holdfast_workflows.contracts.session.session import Undoable
from holdfast_workflows.contracts.session.steps import ActInput, ActResult

from ..state import activity_calls, continue_as_new, lost_workers, waiting
from ..state.state import SessionState
from . import tool_execution
from .service_queue import QueueWait


class Undoing:
    """Undoes the calls of the running turn, the last one first; a continue-as-new keeps the position."""

    def __init__(self, state: SessionState, spec: PinnedSpec) -> None:
        self._state = state
        self._spec = spec

    async def run(self) -> bool:
        """Undo the remaining calls; False if the session must continue as new first."""
        state = self._state
        while state.turn.effects:
            if continue_as_new.due(state):
                return False
            call = state.turn.effects[-1]
            result = await self._outcome(call)
            state.change(effects=state.turn.effects[:-1])
            self._report(call, result)
        return True

    async def _outcome(self, call: Undoable) -> ActResult:
        """Undo one call and return the result; a failure does not stop the others.

        The activity is not part of ``InFlight``, whose activities are cancelled with the turn.
        """
        if made_by := call.made_by:
            undo, policy = made_by.undo, made_by.policy
        else:
            undo = self._spec.tools[call.name].undo
            policy = self._spec.tools.get(undo, ToolPolicy())
        request = self._request(call, undo)
        lost, waited = 0, 0.0
        queue = QueueWait(self._state, call.seq, policy, set(), DEFAULT_MAX_WAIT)
        while True:
            shown, timeout = f"undo {call.name} {call.preview}", self._state.start.heartbeat_timeout
            try:
                result: ActResult = await activity_calls.act(
                    self._spec, policy, request, shown, timeout, queue.within
                )
            except ActivityError as error:
                if lost_workers.unserved(error) and await queue.offered():
                    continue
                if lost_workers.worker_lost(error) and lost_workers.may_lose_more(lost):
                    lost += 1
                    request = request.model_copy(update={"again": True})
                    continue
                return ActResult(
                    status="failed", preview=str(activity_calls.typed(error, errors.ToolFailed).detail)
                )
            queue.taken()
            wait, left = result.wait, DEFAULT_MAX_WAIT - waited
            if result.unknown:
                return ActResult(status="failed", preview="it is unknown whether it was undone")
            if wait is None:
                return result
            if left <= 0:
                return ActResult(status="failed", preview=wait.reason)
            seconds = min(wait.seconds, left)
            waited += await waiting.on_timer(self._state, call.seq, wait, seconds, lambda: False)
            request = request.model_copy(update={"again": True})

    def _request(self, call: Undoable, undo: str) -> ActInput:
        request = tool_execution.request(
            self._state, self._spec, undo, call.seq, call.reply, call.call_id, arguments=call.arguments
        )
        # The tool may be one that the session's present agent does not have.
        changes = {"agent": call.made_by.agent, "digest": call.made_by.digest} if call.made_by else {}
        return request.model_copy(update={"mode": "undo", **changes})

    def _report(self, call: Undoable, result: ActResult) -> None:
        """Report an undone call to followers and to the model, which must not rely on it any more."""
        state, turn = self._state, self._state.turn
        what = f"{call.name} {call.preview}".strip()
        ended = "cancelled" if turn.ending == "cancelled" else "ended by an error"
        if result.status == "ok":
            note = f"Since the turn was {ended}, {what} was undone."
        else:
            # Without the tool's words: the model takes this for the user's.
            note = f"The turn was {ended}, but {what} could not be undone."
            workflow.logger.error("turn %d: %s could not be undone: %s", turn.turn, what, result.preview)
        state.write("steer", note)
        name, call_id, status = call.name, call.call_id, result.status
        state.emit("undone", result.preview, seq=call.seq, name=name, call_id=call_id, status=status)
