"""The turn loop: think, decide, act, until the model has answered."""

from temporalio import workflow

from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.limits import PATIENCE
from holdfast_workflows.contracts.problems import error_of
from holdfast_workflows.contracts.session import TurnState
from holdfast_workflows.contracts.spec import PinnedSpec, ToolPolicy
from holdfast_workflows.contracts.steps import ActResult, CallView, StepView, ThinkResult, Wait
from holdfast_workflows.contracts.text import preview

from ..background.compact import Compaction
from ..state import continue_as_new, reset, waiting
from ..state.budget import BudgetTracker
from ..state.state import SessionState
from . import ending, loop_detection, recall
from .fallbacks import Fallbacks
from .inflight import InFlight
from .model_step import ModelStep
from .tool_calls import ToolCalls
from .undo import Undoing

_STOPPED: dict[str, type[errors.ModelStopped]] = {
    "length": errors.OutputCutOff,
    "content_filter": errors.ContentFiltered,
    "refusal": errors.ModelRefused,
}

_OVER_BUDGET = "not run: the budget of tool calls is used up; answer with what you have"

_TOLD = (
    "You repeat yourself: {names} with the same outcome again and again. "
    "Try another way, or answer with what you have."
)


class TurnRunner:
    """Runs one turn of a session; a turn in progress goes on where a roll-over left it."""

    def __init__(self, state: SessionState, compacting: Compaction) -> None:
        assert state.spec is not None
        self._state = state
        self._spec: PinnedSpec = state.spec
        self.flight = InFlight(state)
        self._budgets = BudgetTracker(state)
        self._compacting = compacting
        self._thinking = ModelStep(state, state.spec, self.flight, self._budgets)
        self._acting = ToolCalls(state, state.spec, self.flight)
        self._resorts = Fallbacks(state, state.spec, self._thinking)

    # The loop.

    async def run(self) -> bool:
        """Run to the end of the turn; False if the session must roll over first."""
        if not self._turn.ending:
            try:
                if not await self._answered():
                    return False
            except errors.HoldfastError as error:
                ending.failing(self._state, error)
        if self._turn.ending and not await Undoing(self._state, self._spec).run():
            return False
        await reset.settled(self._state)
        # What was said to this turn too late stands before the next one's message.
        self._take_steering()
        ending.end(self._state, self._thinking.last)
        return True

    def begin(self) -> None:
        """Take the next message off the queue."""
        state = self._state
        turn, message = state.queue.popleft()
        request = preview(message.text)
        state.running = TurnState(turn=turn, request=request, started=workflow.time())
        state.emit("turn_started", request)
        recall.begin(state)
        state.write("message", message.text, ref=message.ref)

    async def _answered(self) -> bool:
        """Take steps until the model has answered; False if the session must roll over first."""
        while True:
            await self._compacting.before_thinking()
            await self._gate(or_roll_over=True)
            await reset.settled(self._state)
            if continue_as_new.due(self._state):
                return False
            if recall.due(self._state):
                await recall.recall(self._state, self._spec, self.flight)
            elif await self._step():
                return True

    async def _gate(self, *, or_roll_over: bool = False) -> None:
        """Let nothing new start while the session is paused or the turn is cancelled."""
        state = self._state
        if state.paused:
            state.pause_clock()
            await workflow.wait_condition(
                lambda: not state.paused or state.cancelled or (or_roll_over and continue_as_new.due(state))
            )
            state.resume_clock()
        if state.cancelled:
            raise errors.TurnCancelled(self._turn.cancelled)

    async def _step(self) -> bool:
        """One model call (or burst) and the tool calls it asked for; True when the model has answered."""
        self._take_steering()
        if self._turn.fallback is not None:
            result = await self._resorts.reply()
        elif (spent := self._budgets.spent()) is not None:
            await self._budgets.apply(spent)
            return False
        else:
            result = await self._think()
        if result.steps:
            self._compacting.consider(result.steps[-1])
            if await self._decide(result):
                return True
        if result.failed is not None:
            self._resorts.begin(error_of(result.failed))
        elif result.wait is not None:
            await self._wait(result.wait)
        elif result.spent is not None:
            await self._budgets.apply(result.spent)
        return False

    async def _think(self) -> ThinkResult:
        if self._turn.step >= self._thinking.max_steps:
            raise errors.StepLimitReached(f"{self._thinking.max_steps} steps")
        try:
            return await self._thinking.think()
        except errors.HoldfastError as error:
            self._resorts.begin(error)
            return ThinkResult(steps=())

    async def _wait(self, park: Wait) -> None:
        """Wait until a provider may be asked again, as long as the turn's patience lasts."""
        state, turn = self._state, self._turn
        # The agent's patience is with providers. No last resort stands in for the database, or for what
        # others have reserved of a budget.
        ours = park.kind == "state" or park.error_code == errors.BudgetExhausted.code
        left = (
            max(PATIENCE, self._spec.max_wait) if ours else self._spec.max_wait
        ) - turn.waited_for_providers
        if left <= 0:
            cls = errors.tree().get(park.error_code, errors.ModelTransient)
            self._resorts.begin(cls(park.reason, retry_after=park.seconds))
            return

        def disturbed() -> bool:
            return state.cancelled or state.paused or bool(state.steering) or continue_as_new.due(state)

        waited = await waiting.wait(state, state.seq, park, min(park.seconds, left), disturbed)
        state.change(waited_for_providers=turn.waited_for_providers + waited)

    # What the model asked for.

    async def _decide(self, result: ThinkResult) -> bool:
        step = result.steps[-1]
        todo = [call for call in step.calls if not call.done]
        if step.finish in _STOPPED:
            self._acting.void(todo, "not run: the reply was cut off")
            raise _STOPPED[step.finish](preview(step.text))
        if self._turn.final:
            self._acting.void(todo, _OVER_BUDGET)
            if step.output_problem:
                raise errors.OutputInvalid(step.output_problem)
            return True
        self._bound_circles(result, await self._acted(step, todo))
        if step.calls:
            self._bound_invalid(step)
            return False
        if step.output_problem:
            self._bound_repairs(step)
            return False
        return not self._state.steering

    async def _acted(self, step: StepView, todo: list[CallView]) -> dict[int, ActResult]:
        """Carry out what may be carried out; the rest is told why not."""
        if not todo:
            return {}
        try:
            await self._gate()
            allowed = await self._budgets.allow_calls(len(todo))
        except errors.TurnCancelled:
            self._acting.void(todo, "not run: the turn was cancelled")
            raise
        except errors.BudgetExhausted:
            self._acting.void(todo, _OVER_BUDGET)
            raise
        self._acting.void(todo[allowed:], _OVER_BUDGET)
        if not allowed:
            return {}
        self._budgets.count_calls(allowed)
        return await self._acting.act(step, todo[:allowed])

    # Bounds on what goes back to the model.

    def _bound_circles(self, result: ThinkResult, ended: dict[int, ActResult]) -> None:
        """Tell a model that goes round in circles, once; one that goes on ends the turn."""
        trail, found = self._turn.trail, tuple[str, ...]()
        for step in result.steps:
            done = [_ended(call, ended.get(call.seq)) for call in step.calls]
            if any(self._spec.tools.get(call.name, ToolPolicy()).allow_repeats for call in done):
                trail = ()  # where repeating is meant, what stands between is no circle either
                continue
            trail = loop_detection.longer(trail, loop_detection.mark(done))
            found = found or (loop_detection.circle(trail) if done else ())
        names = ", ".join(found)
        if names and self._turn.warned:
            raise errors.LoopDetected(names)
        self._state.change(trail=trail, warned=self._turn.warned or bool(names))
        if names:
            self._state.write("repair", _TOLD.format(names=names))

    def _bound_invalid(self, step: StepView) -> None:
        if self._turn.invalid_steps > self._spec.max_repairs:
            raise errors.ToolArgumentsInvalid(step.calls[0].result)

    def _bound_repairs(self, step: StepView) -> None:
        repairs = self._turn.output_repairs + 1
        if repairs > self._spec.output_repairs:
            raise errors.OutputInvalid(step.output_problem)
        self._state.change(output_repairs=repairs)
        self._state.write("repair", step.output_problem)

    # Small parts.

    @property
    def _turn(self) -> TurnState:
        return self._state.turn

    def _take_steering(self) -> None:
        steering, self._state.steering[:] = tuple(self._state.steering), ()
        for text in steering:
            self._state.write("steer", text)
            # Whoever steers says something new, so that trying again may be meant.
            self._state.change(trail=(), warned=False)


def _ended(call: CallView, result: ActResult | None) -> CallView:
    """The call as it ended."""
    if result is None:
        return call
    return call.model_copy(update={"status": result.status, "result_digest": result.digest})
