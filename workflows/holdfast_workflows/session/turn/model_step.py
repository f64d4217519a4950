"""Model steps: schedule ``think``, and update the session's state with the steps it returns."""

from collections.abc import Sequence

from temporalio import workflow
from temporalio.exceptions import ActivityError, CancelledError, RetryState

from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.agent.spec import PinnedSpec
from holdfast_workflows.contracts.limits import SEQ_GAP, SHOWN_CHARS
from holdfast_workflows.contracts.permissions import needs
from holdfast_workflows.contracts.session.steps import StepView, ThinkInput, ThinkMode, ThinkResult
from holdfast_workflows.contracts.text.unicode import preview

from ..inbox import handover
from ..permissions import past
from ..state import activity_calls, budget_limits, lost_workers, working_memory
from ..state.origin import fork, reset
from ..state.reporting import current_details
from ..state.state import SessionState
from .budget import BudgetTracker
from .inflight import InFlight, NeverBegan
from .service_queue import QueueWait

_NO_STEPS = ThinkResult(steps=())


class ModelStep:
    """Schedules the model calls of a turn. ``last`` is the last step settled in this run."""

    def __init__(
        self, state: SessionState, spec: PinnedSpec, flight: InFlight, budgets: BudgetTracker
    ) -> None:
        self._state = state
        self._spec = spec
        self._flight = flight
        self._budgets = budgets
        self.max_steps = state.start.max_steps or spec.max_steps
        self.last: StepView | None = None
        self._judged = needs.arguments(spec.levels, spec.tools) if spec.levels else {}
        self._named = needs.named(spec.levels, spec.tools) if spec.levels else {}

    async def think(self, *, fallback: int | None = None, answer: str = "") -> ThinkResult:
        """Run ``think`` and update the state; no steps if it was cancelled or has to wait.

        ``fallback`` is the index of the fallback to use, ``answer`` a person's answer, instead of a normal call.

        Raises:
            HoldfastError: The model call failed.
        """
        state, turn = self._state, self._state.turn
        began = state.thinking_since = workflow.time()
        workflow.set_current_details(current_details.render(state))
        mode: ThinkMode = "person" if answer else "final" if turn.final else "steps"
        several = mode == "steps" and fallback is None and self._spec.has_inline
        most = min(self._spec.max_inline_steps, self.max_steps - turn.step) if several else 1
        step = self._request(mode, self._budgets.max_steps(most), fallback, answer)
        # Only a settled step renews the reservation.
        state.change(reservation=None, tried=0)
        try:
            result = await self._schedule(step)
        finally:
            state.thinking_since = 0.0
        if result.wait is not None:
            state.change(tried=result.wait.tried)
        state.change(usage=state.turn.usage + result.unanswered)
        for settled, times in zip(result.steps, _times(result.steps, began, workflow.time()), strict=True):
            self._account(settled, *times)
        if result.steps:
            state.unwritten.clear()
        cancelled = not (result.steps or result.wait or result.spent)
        if cancelled or result.failed is not None:
            # The gap keeps late writes of the activity, or of a lost worker, apart.
            state.seq += SEQ_GAP
        return result

    def _request(self, mode: ThinkMode, max_steps: int, fallback: int | None, answer: str) -> ThinkInput:
        state, turn = self._state, self._state.turn
        allowance = budget_limits.allowance(state)
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
            mode=mode,
            max_steps=max_steps,
            streaming=state.streaming,
            allowance=allowance,
            reservation=turn.reservation,
            calls_left=self._budgets.calls_left(),
            # Without an account of the run or of a tenant nothing is reserved.
            keep_room_for_final=self._budgets.finishes and bool(allowance or state.start.tenant),
            model=turn.model,
            fallback=fallback,
            tried=turn.tried,
            answer=answer,
            summary=state.summary,
            settled=self._last_reply(),
            abandoned=state.abandoned,
            judged=self._judged,
            named=self._named,
            scheduled=self._spec.scheduled,
            root=state.root,
            fork=fork.source_of(state),
        )

    def _last_reply(self) -> int:
        ended = self._state.last_ended
        return self.last.seq if self.last else ended.reply_seq if ended else 0

    async def _schedule(self, step: ThinkInput) -> ThinkResult:
        """Schedule a request until it ends; after the loss of a worker another one continues it."""
        about, lost, queue = (
            self._about(),
            0,
            QueueWait(self._state, self._state.seq, self._spec, self._flight.unserved),
        )
        while True:
            seen = self._state.resets_seen
            try:
                result = await self._run(step, about, queue)
            except NeverBegan:
                queue.ended()
                return await self._settled(step, about)
            except ActivityError as error:
                if lost_workers.unserved(error):
                    if await queue.offered():
                        continue
                    self._state.seq += SEQ_GAP
                    raise errors.QueueUnserved(queue.problem) from error
                queue.taken()
                if reset.is_stale(self._state, seen):
                    step = await self._after_reset(step)
                    continue
                if lost_workers.worker_lost(error) and lost_workers.may_lose_more(lost):
                    # A paused session only takes over the settled steps.
                    max_steps = 1 if self._state.paused else step.max_steps
                    # The lost attempt does not count; failed attempts before it do.
                    lost, tried = lost + 1, max(step.tried, lost_workers.tried(error))
                    step = step.model_copy(update={"again": True, "max_steps": max_steps, "tried": tried})
                    continue
                # The server does not retry a failure after a cancellation request.
                cancelling = error.retry_state == RetryState.CANCEL_REQUESTED
                if cancelling or isinstance(error.cause, CancelledError):
                    return await self._settled(step, about)
                self._state.seq += SEQ_GAP  # keeps late writes of this activity apart
                raise activity_calls.typed(error, errors.ModelTransient) from error
            if not reset.is_stale(self._state, seen):
                return result
            step = await self._after_reset(step)

    async def _run(self, step: ThinkInput, about: str, queue: QueueWait) -> ThinkResult:
        """Run a request once, with the audit records that wait."""
        with self._state.trail.handing_over() as handed:
            if handed.records:
                step = step.model_copy(update={"audit": handed.records})
            handle = activity_calls.think(
                self._spec, step, about, self._state.start.heartbeat_timeout, queue.within
            )
            result: ThinkResult = await self._flight.run(handle, inline=step.max_steps > 1)
            queue.taken()
            handed.written = result.wait is None
        return result

    def _about(self) -> str:
        """The next step for people: the request that it begins with, or the size of the prompt before it."""
        turn = self._state.turn
        if not turn.step:
            return f"turn {turn.turn}: {preview(turn.request, SHOWN_CHARS)}"
        return f"{self.last.usage.input_tokens:,} tokens before" if self.last else ""

    async def _after_reset(self, step: ThinkInput) -> ThinkInput:
        """Return the request with new sequence numbers, since the old run may have used the old ones."""
        state = self._state
        await reset.settled(state)
        changes = {"seq": state.seq, "reservation": None, "again": False, "abandoned": state.abandoned}
        return step.model_copy(update=changes)

    async def _settled(self, step: ThinkInput, about: str) -> ThinkResult:
        """Return inline steps that were settled before a cancellation between two attempts."""
        if step.max_steps <= 1:
            return _NO_STEPS
        read = step.model_copy(update={"again": True, "mode": "read"})
        handle = activity_calls.think(self._spec, read, about, self._state.start.heartbeat_timeout)
        try:
            result: ThinkResult = await self._flight.run(handle, uncancellable=True)
        except ActivityError:
            return _NO_STEPS
        # Steps that could not all be read are dropped.
        return _NO_STEPS if result.wait else result

    def _account(self, step: StepView, began: float, ended: float) -> None:
        """Update counts, sequence numbers and events with a settled step."""
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
        self._budgets.count(steps=1, calls=sum(call.done and call.status != "invalid" for call in step.calls))
        self.last = step
        state.context = step.context
        self._note_model(step)
        self._emit(step, began, ended)

    def _emit(self, step: StepView, began: float, ended: float) -> None:
        """Emit the events of a settled step and of its inline calls."""
        state = self._state
        state.emit(
            "step",
            step.text,
            when=ended,
            seq=step.seq,
            name=step.model,
            size=step.size,
            status=step.finish,
            usage=step.usage,
            seconds=round(ended - began, 3),
        )
        for call in step.calls:
            if call.done:
                state.emit_call(
                    "call_ended",
                    call,
                    call.result,
                    when=ended + call.seconds,
                    size=call.size,
                    status=call.status,
                    seconds=round(call.seconds, 3),
                )
                working_memory.take(state, call, call.status)
                handover.take(state, call, call.status)
                past.read(state, call.name, call.status)

    def _note_model(self, step: StepView) -> None:
        """Emit an event when another model answers than before."""
        state = self._state
        # Answers of a person or the reply cache have their own event.
        if not step.model or step.model == "person" or step.model.startswith("cached "):
            return
        before, state.model = state.model or self._spec.model, step.model
        if step.model != before:
            first = step.model == self._spec.model
            why = step.instead or ("it answers again" if first else f"in place of {before}")
            state.emit("model_changed", why, name=step.model)


def _times(steps: Sequence[StepView], began: float, ended: float) -> list[tuple[float, float]]:
    """The start and the end of each model call of an activity, from how long each part took.

    The first one includes the time until a worker had the activity, and its earlier attempts.
    """
    times: list[tuple[float, float]] = []
    for step in reversed(steps):
        end = max(began, ended - max((call.seconds for call in step.calls), default=0.0))
        ended = max(began, end - step.seconds) if len(times) + 1 < len(steps) else began
        times.append((ended, end))
    return times[::-1]
