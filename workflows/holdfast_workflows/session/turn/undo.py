"""Taking back what a turn did to the world when it was cancelled or failed: in reverse, each call once."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.limits import PATIENCE
from holdfast_workflows.contracts.session import Undoable
from holdfast_workflows.contracts.spec import PinnedSpec, ToolPolicy
from holdfast_workflows.contracts.steps import ActInput, ActResult

from ..state import activity_calls, continue_as_new, waiting
from ..state.state import SessionState
from . import tool_execution


class Undoing:
    """Undoes the calls of the running turn, the last one first; a roll-over goes on where it was."""

    def __init__(self, state: SessionState, spec: PinnedSpec) -> None:
        self._state = state
        self._spec = spec

    async def run(self) -> bool:
        """Undo all that is left to undo; False if the session must roll over first."""
        state = self._state
        while state.turn.effects:
            if continue_as_new.due(state):
                return False
            call = state.turn.effects[-1]
            result = await self._outcome(call)
            state.change(effects=state.turn.effects[:-1])
            self._tell(call, result)
        return True

    async def _outcome(self, call: Undoable) -> ActResult:
        """What came of undoing one call; whatever goes wrong is its result, and the rest goes on.

        It is not in the turn's flight, which is told to stop: this is what happens when it has.
        """
        undo = self._spec.tools[call.name].undo
        policy = self._spec.tools.get(undo, ToolPolicy())
        request = self._request(call, undo)
        lost, parked = 0, 0.0
        while True:
            handle = activity_calls.act(
                self._spec,
                policy,
                request,
                f"undo {call.name} {call.preview}",
                self._state.start.heartbeat_timeout,
            )
            try:
                result: ActResult = await handle
            except ActivityError as error:
                if activity_calls.worker_lost(error) and activity_calls.may_lose_more(lost):
                    lost += 1
                    request = request.model_copy(update={"again": True})
                    continue
                return ActResult(
                    status="failed", preview=str(activity_calls.typed(error, errors.ToolFailed).detail)
                )
            if result.unknown:
                return ActResult(status="failed", preview="nobody knows whether it was undone")
            if result.wait is None:
                return result
            left = PATIENCE - parked
            if left <= 0:
                return ActResult(status="failed", preview=result.wait.reason)
            parked += await waiting.wait(
                self._state, call.seq, result.wait, min(result.wait.seconds, left), lambda: False
            )
            request = request.model_copy(update={"again": True})

    def _request(self, call: Undoable, undo: str) -> ActInput:
        key = names.undo_key(names.call_key(workflow.info().workflow_id, call.seq))
        request = tool_execution.request(
            self._state, self._spec, undo, call.seq, call.reply, call.call_id, key
        )
        return request.model_copy(update={"mode": "undo"})

    def _tell(self, call: Undoable, result: ActResult) -> None:
        """Say what was undone to those who follow, and to the model, which must not count on it any more."""
        state, turn = self._state, self._state.turn
        what = f"{call.name} {call.preview}".strip()
        if result.status == "ok":
            note = f"Since the turn was {_word(turn.ending)}, {what} was undone."
        else:
            note = f"The turn was {_word(turn.ending)}, but {what} could not be undone: {result.preview}"
            workflow.logger.error("turn %d: %s could not be undone: %s", turn.turn, what, result.preview)
        state.write("steer", note)
        state.emit(
            "undone",
            result.preview,
            seq=call.seq,
            name=call.name,
            call_id=call.call_id,
            status=result.status,
        )


def _word(ending: str) -> str:
    return "cancelled" if ending == "cancelled" else "ended by an error"
