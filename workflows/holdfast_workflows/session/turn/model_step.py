"""Asking the model: scheduling ``think``, and taking the steps it settled into the session's state."""

from temporalio import workflow
from temporalio.exceptions import ActivityError, CancelledError, RetryState

from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.limits import SEQ_GAP
from holdfast_workflows.contracts.spec import PinnedSpec
from holdfast_workflows.contracts.steps import StepView, ThinkInput, ThinkResult

from ..state import activity_calls, current_details, reset, working_memory
from ..state.budget import BudgetTracker
from ..state.state import SessionState
from .inflight import InFlight, NeverBegan


class ModelStep:
    """The model's side of a turn. ``last`` is the last step that this run has seen settled."""

    def __init__(
        self, state: SessionState, spec: PinnedSpec, flight: InFlight, budgets: BudgetTracker
    ) -> None:
        self._state = state
        self._spec = spec
        self._flight = flight
        self._budgets = budgets
        self.last: StepView | None = None

    @property
    def max_steps(self) -> int:
        """Model calls that a turn may take."""
        return self._state.start.max_steps or self._spec.max_steps

    async def think(self, *, resort: int | None = None, answer: str = "") -> ThinkResult:
        """The next steps, taken into the state; none when told to yield, or where something stands in the way.

        Args:
            resort: The last resort that this is, by its place in the agent's list.
            answer: A person's answer in the model's place.

        Raises:
            HoldfastError: The model could not be asked.
        """
        workflow.set_current_details(current_details.render(self._state))
        single = resort is not None or bool(answer) or self._state.turn.final or not self._spec.has_inline
        most = 1 if single else min(self._spec.max_inline_steps, self.max_steps - self._state.turn.step)
        step = self._request(self._budgets.max_steps(most)).model_copy(
            update={"fallback": resort, "answer": answer}
        )
        # What was held is kept by a step that is settled, and by nothing else.
        self._state.change(reservation=None, tried=0)
        result = await self._landed(step)
        if result.wait is not None:
            self._state.change(tried=result.wait.tried)
        self._state.change(usage=self._state.turn.usage + result.unanswered)
        for taken in result.steps:
            self._account(taken)
        if result.steps:
            self._state.unwritten.clear()
        elif result.wait is None and result.spent is None:
            # It was told to stop: whatever it has written all the same is left behind.
            self._state.seq += SEQ_GAP
        if result.failed is not None:
            # So is what a lost worker may still write for the step that failed here.
            self._state.seq += SEQ_GAP
        return result

    def _request(self, burst: int) -> ThinkInput:
        state, turn = self._state, self._state.turn
        return ThinkInput(
            session=workflow.info().workflow_id,
            agent=self._spec.agent,
            digest=self._spec.digest,
            tenant=state.start.tenant,
            user=state.start.user,
            turn=turn.turn,
            step=turn.step + 1,
            seq=state.seq,
            new=tuple(state.unwritten),
            max_steps=burst,
            streaming=state.streaming,
            allowance=self._budgets.allowance(),
            reservation=turn.reservation,
            calls_left=self._budgets.calls_left(),
            keep_room_for_final=self._budgets.finishes,
            final=turn.final,
            model=turn.model,
            tried=turn.tried,
            summary=state.summary,
            settled=self._last_reply(),
            abandoned=state.abandoned,
        )

    def _last_reply(self) -> int:
        ended = self._state.last_ended
        return self.last.seq if self.last else ended.reply_seq if ended else 0

    async def _landed(self, step: ThinkInput) -> ThinkResult:
        """What became of a request. What a lost worker leaves is taken up by another."""
        tokens = self.last.usage.input_tokens if self.last else 0
        lost = 0
        while True:
            seen = self._state.resets_seen
            handle = activity_calls.think(self._spec, step, tokens, self._state.start.heartbeat_timeout)
            try:
                result: ThinkResult = await self._flight.run(handle, burst=step.max_steps > 1)
            except NeverBegan:
                return await self._settled(step, tokens)
            except ActivityError as error:
                if reset.is_stale(self._state, seen):
                    step = await self._after_reset(step)
                    continue
                if activity_calls.worker_lost(error) and activity_calls.may_lose_more(lost):
                    # A session that was paused meanwhile takes up what is settled, and no more.
                    burst = 1 if self._state.paused else step.max_steps
                    # The lost attempt counts for nothing, those that failed before it count on.
                    lost, tried = lost + 1, max(step.tried, activity_calls.tried(error))
                    step = step.model_copy(update={"again": True, "max_steps": burst, "tried": tried})
                    continue
                # One that fails after it was asked to yield is not tried again by the server.
                asked = error.retry_state == RetryState.CANCEL_REQUESTED
                if asked or isinstance(error.cause, CancelledError):
                    return await self._settled(step, tokens)
                # Whatever wrote or still writes at these numbers is left behind.
                self._state.seq += SEQ_GAP
                raise activity_calls.typed(error, errors.ModelTransient) from error
            if not reset.is_stale(self._state, seen):
                return result
            step = await self._after_reset(step)

    async def _after_reset(self, step: ThinkInput) -> ThinkInput:
        """The request anew: what stands at its old numbers may be the old run's, whoever answered it."""
        await reset.settled(self._state)
        return step.model_copy(
            update={
                "seq": self._state.seq,
                "reservation": None,
                "again": False,
                "abandoned": self._state.abandoned,
            }
        )

    async def _settled(self, step: ThinkInput, tokens: int) -> ThinkResult:
        """What a burst had settled before it was told to stop between two attempts: it is used and counts."""
        if step.max_steps <= 1:
            return ThinkResult(steps=())
        look = step.model_copy(update={"again": True, "max_steps": 0})
        handle = activity_calls.think(self._spec, look, tokens, self._state.start.heartbeat_timeout)
        try:
            result: ThinkResult = await self._flight.run(handle, to_the_end=True)
        except ActivityError:
            return ThinkResult(steps=())
        # What could not all be read is left behind.
        return ThinkResult(steps=()) if result.wait else result

    def _account(self, step: StepView) -> None:
        """Bring counts, sequence numbers and events up to date with a settled step."""
        state, turn = self._state, self._state.turn
        state.seq = step.seq + 1 + len(step.calls)
        wrong = bool(step.calls) and all(call.status == "invalid" for call in step.calls)
        state.change(
            step=turn.step + 1,
            usage=turn.usage + step.usage,
            invalid_steps=turn.invalid_steps + 1 if wrong else 0,
            reservation=step.reservation,
            waited_for_providers=0.0,
        )
        self._budgets.count_step(sum(call.done and call.status != "invalid" for call in step.calls))
        self.last = step
        state.context = step.context
        self._answered_by(step)
        state.emit("step", step.text, seq=step.seq, size=step.size, status=step.finish, usage=step.usage)
        for call in step.calls:
            if call.done:
                state.emit_call("call_ended", call, call.status, call.result, call.size)
                working_memory.take(state, call, call.status)

    def _answered_by(self, step: StepView) -> None:
        """Tell that another model answers than before, and why: the next in order, or the first again."""
        state = self._state
        before = state.model or self._spec.model
        # A person and a kept reply are no models; that they answered is told as the last resort it is.
        if not step.model or step.model == "person" or step.model.startswith("cached "):
            return
        state.model = step.model
        if step.model == before:
            return
        first = step.model == self._spec.model
        why = step.instead or ("it answers again" if first else f"in place of {before}")
        state.emit("model_changed", why, name=step.model)
