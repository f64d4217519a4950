"""The turn loop: think, decide, act, until the model has answered."""

from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, CancelledError, RetryState

from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.limits import SEQ_GAP
from holdfast_workflows.contracts.session import Event, Problem, TurnState, TurnView
from holdfast_workflows.contracts.spec import PinnedSpec
from holdfast_workflows.contracts.steps import (
    NewEntry,
    StepView,
    ThinkInput,
    ThinkResult,
)
from holdfast_workflows.contracts.text import preview

from . import calls, details
from .acting import Acting
from .flight import Flight
from .state import SessionState

_STOPPED: dict[str, type[errors.ModelStopped]] = {
    "length": errors.OutputCutOff,
    "content_filter": errors.ContentFiltered,
    "refusal": errors.ModelRefused,
}


class TurnRunner:
    """Runs one turn of a session; a turn in progress goes on where a roll-over left it."""

    def __init__(self, state: SessionState) -> None:
        assert state.spec is not None
        self._state = state
        self._spec: PinnedSpec = state.spec
        self.flight = Flight(state)
        self._acting = Acting(state, state.spec, self.flight)
        self._last: StepView | None = None

    # The loop.

    async def run(self) -> bool:
        """Run to the end of the turn; False if the session must roll over first."""
        try:
            while True:
                await self._gate(or_roll_over=True)
                if roll_over_due(self._state):
                    return False
                if await self._step():
                    self._end("done")
                    return True
        except errors.TurnCancelled as error:
            self._end("cancelled", error)
        except errors.HoldfastError as error:
            self._end("failed", error)
        return True

    def begin(self) -> None:
        """Take the next message off the queue."""
        state = self._state
        turn, message = state.queue.popleft()
        request = preview(message.text)
        state.running = TurnState(turn=turn, request=request, started=workflow.time())
        state.tell(Event(n=0, kind="turn_started", turn=turn, text=request))
        self._write("message", text=message.text, ref=message.ref)

    async def _gate(self, *, or_roll_over: bool = False) -> None:
        """Let nothing new start while the session is paused or the turn is cancelled."""
        state = self._state
        if state.paused:
            await workflow.wait_condition(
                lambda: not state.paused or self._state.cancelled or (or_roll_over and roll_over_due(state))
            )
        if self._state.cancelled:
            raise errors.TurnCancelled(self._turn.cancelled)

    async def _step(self) -> bool:
        """One model call (or burst) and the tool calls it asked for; True when the model has answered."""
        if self._turn.step >= self._max_steps:
            raise errors.StepLimitReached(f"{self._max_steps} steps")
        self._take_steering()
        result = await self._think()
        for step in result.steps:
            self._account(step)
        if not result.steps:
            return False
        return await self._decide(result.steps[-1])

    async def _decide(self, step: StepView) -> bool:
        todo = [call for call in step.calls if not call.done]
        if step.finish in _STOPPED:
            self._acting.void(todo, "not run: the reply was cut off")
            raise _STOPPED[step.finish](preview(step.text))
        if todo:
            try:
                await self._gate()
            except errors.TurnCancelled:
                self._acting.void(todo, "not run: the turn was cancelled")
                raise
            await self._acting.act(step, todo)
        if step.calls:
            self._bound_invalid(step)
            return False
        if step.output_problem:
            self._bound_repairs(step)
            return False
        return not self._state.steering

    # Thinking.

    async def _think(self) -> ThinkResult:
        """The next steps. What a lost worker leaves is taken up by another; none when told to yield."""
        state, turn = self._state, self._turn
        workflow.set_current_details(details.render(state))
        burst = min(self._spec.burst, self._max_steps - turn.step) if self._spec.has_inline else 1
        step = ThinkInput(
            session=workflow.info().workflow_id,
            agent=self._spec.agent,
            digest=self._spec.digest,
            tenant=state.start.tenant,
            turn=turn.turn,
            step=turn.step + 1,
            seq=state.seq,
            new=tuple(state.unwritten),
            burst=burst,
            watched=state.watched,
        )
        tokens = self._last.usage.input_tokens if self._last else 0
        for lost in range(calls.LOST_WORKERS + 1):
            handle = calls.think(self._spec, step, tokens, self._state.start.silence)
            try:
                result: ThinkResult = await self.flight.land(handle, burst=burst > 1)
            except ActivityError as error:
                if calls.worker_lost(error) and lost < calls.LOST_WORKERS:
                    # A session that was paused meanwhile takes up what is settled, and no more.
                    burst = 1 if state.paused else burst
                    step = step.model_copy(update={"again": True, "burst": burst})
                    continue
                # Whatever wrote or still writes at these numbers is left behind.
                state.seq += SEQ_GAP
                # One that fails after it was asked to yield is not tried again by the server.
                asked = error.retry_state == RetryState.CANCEL_REQUESTED
                if asked or isinstance(error.cause, CancelledError):
                    return ThinkResult(steps=())
                raise calls.typed(error, errors.ModelTransient) from error
            state.unwritten.clear()
            return result
        raise AssertionError("unreachable: the last round raises")

    def _account(self, step: StepView) -> None:
        """Bring counts, sequence numbers and events up to date with a settled step."""
        state, turn = self._state, self._turn
        state.seq = step.seq + 1 + len(step.calls)
        wrong = bool(step.calls) and all(call.status == "invalid" for call in step.calls)
        turn = turn.model_copy(
            update={
                "step": turn.step + 1,
                "usage": turn.usage + step.usage,
                "invalid_steps": turn.invalid_steps + 1 if wrong else 0,
            }
        )
        state.running = turn
        self._last = step
        state.tell(
            Event(
                n=0,
                kind="step",
                turn=turn.turn,
                step=turn.step,
                seq=step.seq,
                text=step.text,
                size=step.size,
                status=step.finish,
                usage=step.usage,
            )
        )
        for call in step.calls:
            if call.done:
                state.tell_call("call_ended", call, call.status, call.result, call.size)

    # Bounds on what goes back to the model, and the end.

    def _bound_invalid(self, step: StepView) -> None:
        if self._turn.invalid_steps > self._spec.max_repairs:
            raise errors.ToolArgumentsInvalid(step.calls[0].result)

    def _bound_repairs(self, step: StepView) -> None:
        repairs = self._turn.output_repairs + 1
        if repairs > self._spec.output_repairs:
            raise errors.OutputInvalid(step.output_problem)
        self._state.running = self._turn.model_copy(update={"output_repairs": repairs})
        self._write("repair", text=step.output_problem)

    def _end(self, status: Any, error: errors.HoldfastError | None = None) -> None:
        state, turn, last = self._state, self._turn, self._last
        # What was said to this turn too late stands before the next one's message.
        self._take_steering()
        view = TurnView(
            turn=turn.turn,
            status=status,
            request=turn.request,
            reply=last.text if last else "",
            reply_seq=last.seq if last else 0,
            reply_size=last.size if last else 0,
            steps=turn.step,
            usage=turn.usage,
            error=Problem(code=error.code, message=str(error), detail=error.detail) if error else None,
            started=turn.started,
            ended=workflow.time(),
        )
        state.usage = state.usage + turn.usage
        state.running = None
        state.recent.append(view)
        text = str(error) if error else view.reply
        state.tell(
            Event(
                n=0,
                kind="turn_ended",
                turn=turn.turn,
                step=turn.step,
                seq=view.reply_seq,
                text=text,
                size=view.reply_size,
                status=status,
                usage=turn.usage,
            )
        )
        workflow.set_current_details(details.render(state))

    # Small parts.

    @property
    def _turn(self) -> TurnState:
        return self._state.turn

    @property
    def _max_steps(self) -> int:
        return self._state.start.max_steps or self._spec.max_steps

    def _take_steering(self) -> None:
        steering, self._state.steering[:] = tuple(self._state.steering), ()
        for text in steering:
            self._write("steer", text=text)

    def _write(self, kind: Any, *, text: str, ref: str = "") -> None:
        turn = self._turn.turn
        self._state.unwritten.append(NewEntry(seq=self._state.seq, kind=kind, text=text, ref=ref, turn=turn))
        self._state.seq += 1


def roll_over_due(state: SessionState) -> bool:
    """Whether the history has grown enough for the session to go on in a new run."""
    info = workflow.info()
    return (
        info.get_current_history_length() >= state.start.roll_over_events
        or info.is_continue_as_new_suggested()
    )
