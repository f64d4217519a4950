"""The turn loop: model step, decision, tool calls, until the model has answered."""

from temporalio import workflow

from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.agent.spec import PinnedSpec, ToolPolicy
from holdfast_workflows.contracts.limits import DEFAULT_MAX_WAIT
from holdfast_workflows.contracts.problems import error_of
from holdfast_workflows.contracts.session.session import TurnState
from holdfast_workflows.contracts.session.steps import ActResult, CallView, StepView, ThinkResult, Wait
from holdfast_workflows.contracts.text.unicode import preview

from ..background.compact import Compaction
from ..state import continue_as_new, waiting
from ..state.origin import reset
from ..state.reporting import metrics
from ..state.state import SessionState
from . import ending, handoff, loop_detection, recall
from .budget import BudgetTracker
from .fallbacks import Fallbacks
from .inflight import InFlight
from .model_step import ModelStep
from .person import PersonStep
from .tool_calls import ToolCalls, with_digests
from .undo import Undoing

_STOPPED: dict[str, type[errors.ModelStopped]] = {
    "length": errors.OutputCutOff,
    "content_filter": errors.ContentFiltered,
    "refusal": errors.ModelRefused,
}

_NO_CALLS_LEFT = "not run: the budget of tool calls is used up; answer with what you have"

_CANCELLED = "not run: the turn was cancelled"

_BEFORE_OTHERS = 5.0
"""Seconds that a turn waits for its agent's models if another agent of its route could go on."""

_LOOP_WARNING = (
    "You repeat yourself: {names} with the same outcome again and again. "
    "Try another way, or answer with what you have."
)


class TurnRunner:
    """Runs one turn of a session, or continues one after a continue-as-new."""

    def __init__(self, state: SessionState, compaction: Compaction) -> None:
        assert state.spec is not None
        self._state = state
        self.flight = InFlight(state)
        state.stop_calls = self.flight.stop
        self._budgets = BudgetTracker(state)
        self._compaction = compaction
        self._use(state.spec)

    def _use(self, spec: PinnedSpec, last: StepView | None = None) -> None:
        """Take the steps with a spec from now on: at the turn's start, and after a change of the agent."""
        state = self._state
        self._spec = spec
        self._model_step = ModelStep(state, spec, self.flight, self._budgets)
        self._model_step.last = last
        self._tool_calls = ToolCalls(state, spec, self.flight)
        self._fallbacks = Fallbacks(state, spec, self._model_step)
        self._person = PersonStep(state, self._model_step)

    # The loop.

    async def run(self) -> bool:
        """Run to the end of the turn; False if the session must continue as new first."""
        if not self._turn.ending:
            try:
                if not await self._answered():
                    return False
            except errors.HoldfastError as error:
                self._void_unfinished()
                ending.fail(self._state, error)
        if self._turn.ending and not await Undoing(self._state, self._spec).run():
            return False
        await reset.settled(self._state)
        # Late steering of this turn comes before the next turn's message.
        late = bool(self._state.steering)
        self._take_steering()
        if not late:
            self._state.steered_by = ()
        ending.end(self._state, self._model_step.last)
        return True

    def begin(self) -> None:
        """Start the turn of the next queued message."""
        state = self._state
        turn, message = state.queue.popleft()
        request = preview(message.text)
        state.running = TurnState(
            turn=turn, request=request, started=workflow.time(), by=message.by or state.started_by
        )
        state.emit("turn_started", request)
        recall.begin(state)
        state.write("message", message.text, ref=message.ref)

    async def _answered(self) -> bool:
        """Take steps until the model has answered; False if the session must continue as new first."""
        while True:
            if self._state.spec is not None and self._state.spec is not self._spec:
                self._use(self._state.spec, self._model_step.last)
            await self._compaction.before_thinking()
            await self._gate(or_continue_as_new=True)
            await reset.settled(self._state)
            reset.expect_content(self._state)
            if continue_as_new.due(self._state):
                return False
            if self._turn.unfinished is not None:
                await self._finish(self._turn.unfinished)
            elif recall.due(self._state):
                await recall.recall(self._state, self._spec, self.flight)
            elif await self._step():
                return True

    async def _finish(self, step: StepView) -> None:
        """Run the calls of a step that waited for people when the session continued as new."""
        self._state.change(unfinished=None)
        ended = await self._tool_calls.act(step, [call for call in step.calls if not call.done], resumed=True)
        if self._turn.unfinished is None:
            self._check_loop(ThinkResult(steps=(step,)), ended)
            await handoff.take(self._state, self._spec, step, ended)

    def _void_unfinished(self) -> None:
        """Give the calls of an unfinished step a result, since the turn ends."""
        if (step := self._turn.unfinished) is not None:
            self._tool_calls.void([call for call in step.calls if not call.done], _CANCELLED)
            self._state.change(unfinished=None)

    async def _gate(self, *, or_continue_as_new: bool = False) -> None:
        """Wait while the session is paused.

        Raises:
            TurnCancelled: The turn was cancelled.
        """
        state = self._state
        await waiting.resumed_off_clock(
            state, or_ready=lambda: or_continue_as_new and continue_as_new.due(state)
        )
        if state.cancelled:
            raise errors.TurnCancelled(self._turn.cancelled)

    async def _step(self) -> bool:
        """Run one ``think`` and its tool calls; True when the model has answered."""
        self._take_steering()
        if self._state.handover is not None:
            result = await self._person.reply()
        elif self._turn.fallback is not None:
            result = await self._fallbacks.reply()
        elif (spent := self._budgets.spent()) is not None:
            await self._budgets.apply(spent)
            return False
        else:
            result = await self._think()
        metrics.steps_ended(self._state, result)
        if result.steps:
            self._compaction.consider(result.steps[-1])
            if await self._decide(result):
                return True
        if result.failed is not None:
            self._fallbacks.begin(error_of(result.failed))
        elif result.wait is not None:
            await self._wait(result.wait)
        elif result.spent is not None:
            await self._budgets.apply(result.spent)
        return False

    async def _think(self) -> ThinkResult:
        if self._turn.step >= self._model_step.max_steps:
            raise errors.StepLimitReached(f"{self._model_step.max_steps} steps")
        try:
            return await self._model_step.think()
        except errors.HoldfastError as error:
            if not isinstance(error, errors.TurnCancelled):
                metrics.step_failed(self._state)
            self._fallbacks.begin(error)
            return ThinkResult(steps=())

    async def _wait(self, wait: Wait) -> None:
        """Wait until the model can be called again, at most as long as the turn may wait in all."""
        state, turn = self._state, self._turn
        # `max_wait` is for providers. Fallbacks do not help against an unavailable database or a budget
        # that other calls have reserved.
        most = self._spec.max_wait
        if self._fallbacks.next_agent:
            most = min(most, _BEFORE_OTHERS)
        if wait.kind == "state" or wait.error_code == errors.BudgetExhausted.code:
            most = max(DEFAULT_MAX_WAIT, most)
        left = most - turn.waited_for_providers
        if left <= 0:
            cls = errors.tree().get(wait.error_code, errors.ModelTransient)
            self._fallbacks.begin(cls(wait.reason, retry_after=wait.seconds))
            return

        def ready() -> bool:
            changed = state.cancelled or state.paused or bool(state.steering) or state.handover is not None
            return changed or continue_as_new.due(state)

        waited = await waiting.on_timer(state, state.seq, wait, min(wait.seconds, left), ready)
        state.change(waited_for_providers=turn.waited_for_providers + waited)

    # Tool calls.

    async def _decide(self, result: ThinkResult) -> bool:
        step = result.steps[-1]
        todo = [call for call in step.calls if not call.done]
        if step.finish in _STOPPED:
            self._tool_calls.void(todo, "not run: the reply was cut off")
            raise _STOPPED[step.finish](preview(step.text))
        if self._turn.final:
            self._tool_calls.void(todo, _NO_CALLS_LEFT)
            if step.output_problem:
                raise errors.OutputInvalid(step.output_problem)
            return True
        ended = await self._run_calls(step, todo)
        if self._turn.unfinished is not None:
            return False
        self._check_loop(result, ended)
        await handoff.take(self._state, self._spec, step, ended)
        if step.calls:
            if self._turn.invalid_steps > self._spec.max_repairs:
                raise errors.ToolArgumentsInvalid(step.calls[0].result)
            return False
        if step.output_problem:
            self._check_repairs(step)
            return False
        return not self._state.steering

    async def _run_calls(self, step: StepView, todo: list[CallView]) -> dict[int, ActResult]:
        """Run the calls that the budget allows; the others get a result that says why not."""
        if not todo:
            return {}
        try:
            await self._gate()
            allowed = await self._budgets.allow_calls(len(todo))
        except errors.TurnCancelled:
            self._tool_calls.void(todo, _CANCELLED)
            raise
        except errors.BudgetExhausted:
            self._tool_calls.void(todo, _NO_CALLS_LEFT)
            raise
        self._tool_calls.void(todo[allowed:], _NO_CALLS_LEFT)
        if not allowed:
            return {}
        self._budgets.count(calls=allowed)
        return await self._tool_calls.act(step, todo[:allowed])

    # Limits on repeated mistakes of the model.

    def _check_loop(self, result: ThinkResult, ended: dict[int, ActResult]) -> None:
        """Warn a model that loops once; a loop after the warning fails the turn."""
        trail, found = self._turn.trail, tuple[str, ...]()
        for step in result.steps:
            done = [with_digests(call, ended.get(call.seq)) for call in step.calls]
            if any(self._spec.tools.get(call.name, ToolPolicy()).allow_repeats for call in done):
                trail = ()
                continue
            trail = loop_detection.extend(trail, loop_detection.mark(done))
            found = found or (loop_detection.loop(trail) if done else ())
        names = ", ".join(found)
        if names and self._turn.warned:
            raise errors.LoopDetected(names)
        self._state.change(trail=trail, warned=self._turn.warned or bool(names))
        if names:
            self._state.write("repair", _LOOP_WARNING.format(names=names))

    def _check_repairs(self, step: StepView) -> None:
        repairs = self._turn.output_repairs + 1
        if repairs > self._spec.output_repairs:
            raise errors.OutputInvalid(step.output_problem)
        self._state.change(output_repairs=repairs)
        self._state.write("repair", step.output_problem)

    # Helpers.

    @property
    def _turn(self) -> TurnState:
        return self._state.turn

    def _take_steering(self) -> None:
        steering, self._state.steering[:] = tuple(self._state.steering), ()
        for text in steering:
            self._state.write("steer", text)
            # After new instructions a repeated call can make sense.
            self._state.change(trail=(), warned=False)
