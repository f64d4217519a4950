"""The session as a workflow: its handlers, its queue of turns, its roll-over and its end."""

import asyncio
from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError

from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.limits import MAX_MESSAGE
from holdfast_workflows.contracts.session import (
    Accepted,
    Message,
    StartInput,
    Status,
    TaskResult,
    TurnView,
    WaitTurn,
)
from holdfast_workflows.contracts.steps import LoadInput
from holdfast_workflows.contracts.text import dump_json, size

from ..inputs import start_input
from . import validators
from .background import remember, settle
from .background.compact import Compaction
from .control import Control
from .state import activity_calls, continue_as_new, current_details, reset, search_attributes
from .state.state import SessionState
from .turn.turn import TurnRunner

_LONGEST_WAIT = 20.0
_INTERRUPTED = "interrupted by a new message"
_WORKFLOW_CANCELLED = "the workflow was cancelled"


# Input of a wrong shape fails what it came with, the run or the update; as an error of the
# workflow task it would be tried again for ever.
@workflow.defn(name=names.WORKFLOW, sandboxed=False, failure_exception_types=[ValidationError])
class AgentWorkflow(Control):
    """One durable conversation or task of one agent; its id is the session's id."""

    @workflow.init
    def __init__(self, *given: Any) -> None:
        """The state is there before the first handler runs."""
        # Without input there is no agent, which fails the run at once, with the agents there are.
        failure: ApplicationError | None = None
        try:
            start = start_input(StartInput, given)
        except ApplicationError as error:
            start, failure = StartInput(), error
        super().__init__(SessionState(start))
        reset.watch(self._state)
        self._settler = settle.SettleQueue(self._state)
        self._remembering = remember.RememberQueue(self._state, self._settler)
        self._compacting = Compaction(self._state)
        self._waiters = 0
        self._rolling = False
        self._failure = failure
        if start.message and not start.carry:
            self._state.accept(start.message)

    @workflow.run
    async def run(self, *given: Any) -> TaskResult:
        """Run turns until the session is closed, or the one task is done; takes one ``StartInput``."""
        try:
            await self._load()
            self._resets = asyncio.create_task(reset.follow(self._state))
            self._remembering.go_on()
            while await self._next_turn():
                if not self._rolling:
                    await self._run_turn()
                if self._rolling:
                    await self._roll_over()
        except asyncio.CancelledError:
            await self._cancelled()
            raise
        if self._failure is None:
            await self._finish("failed" if self._state.failed else "closed")
        await workflow.wait_condition(workflow.all_handlers_finished)
        if self._failure is not None:
            raise self._failure
        return self._result()

    # The life of the session.

    async def _load(self) -> None:
        state = self._state
        if self._failure is not None:
            state.ended = "failed"
            return
        if state.spec is not None:
            # What people see is a run's own; a session that went on in a new one shows it from the start.
            workflow.set_current_details(current_details.render(state))
            return
        message = state.start.message
        if message is not None and (weight := size(dump_json(message.text))) > MAX_MESSAGE:
            # It came with the start, past the validator, and fits no later payload together with others.
            said = f"{weight:,} bytes as JSON; at most {MAX_MESSAGE:,} with the start of a session"
            state.ended, self._failure = "failed", errors.to_failure(errors.MessageTooLarge(said))
            return
        load = LoadInput(
            session=workflow.info().workflow_id,
            agent=state.start.agent,
            tenant=state.start.tenant,
            output=state.start.output,
            user=state.start.user,
            first_run=workflow.info().first_execution_run_id,
        )
        try:
            loaded = await activity_calls.load_agent(load, state.start.heartbeat_timeout)
        except ActivityError as error:
            if isinstance(error.cause, CancelledError):
                raise asyncio.CancelledError from error  # it ends as one that is cancelled later
            state.ended = "failed"
            self._failure = errors.to_failure(activity_calls.typed(error, errors.HoldfastError))
            search_attributes.at_end(state)
            return
        state.resume_at(loaded.seq, loaded.turns, loaded.version)
        if loaded.abandoned:  # by a reset to the beginning, and set aside with that
            state.turns = max(state.turns, loaded.used)
            state.abandoned, state.resets = loaded.abandoned, loaded.resets
            state.resets_done = state.resets_past = state.resets_seen
        state.spec = loaded.spec
        state.budget = state.budget or loaded.spec.budget
        search_attributes.at_start(state)

    async def _next_turn(self) -> bool:
        """Wait for something to do; False when the session is over."""
        state = self._state
        if self._failure or (state.start.mode == "task" and state.recent):
            return False
        if state.running is None and not state.queue:
            await workflow.wait_condition(
                lambda: bool(state.queue) or state.closing or continue_as_new.due(state)
            )
            # Waiting, too, makes history: whoever looks on renews that, and pauses come and go.
            self._rolling = not (state.queue or state.closing)
        return bool(state.running or state.queue or self._rolling)

    async def _run_turn(self) -> None:
        """Run a turn in a task of its own: a cancelled workflow must be able to wait for its tools."""
        state = self._state
        state.take_next_spec()
        runner = self._runner = TurnRunner(state, self._compacting)
        if state.running is None:
            if self._settler.behind:
                await self._settler.wait()
            await reset.settled(state)
            if continue_as_new.due(state):
                self._rolling = True
                return
            runner.begin()
            if state.queue and self._state.policy(state.queue[0][1]) == "interrupt":
                state.cancel_turn(_INTERRUPTED)
            search_attributes.at_turn_start(state)
        turn = asyncio.create_task(runner.run())
        try:
            await workflow.wait_condition(turn.done)
        except asyncio.CancelledError:
            state.stopping = True
            self._cancel_turn(_WORKFLOW_CANCELLED)
            await workflow.wait_condition(turn.done)
            if state.running is None:
                self._turn_ended()
            raise
        self._runner = None
        self._rolling = not await turn
        if not self._rolling:
            search_attributes.at_turn_end(state)
            self._turn_ended()

    def _turn_ended(self) -> None:
        self._settler.turn_ended()
        self._remembering.go_on()

    async def _roll_over(self) -> None:
        """Go on in a new run; whoever waits for a turn is answered and asks again there."""
        await reset.settled(self._state)
        await self._settler.wait()
        await self._compacting.leave()
        await self._remembering.wait(remember.ROLLING)
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(
            # The spec that is carried has the message's place and the output's.
            self._state.start.model_copy(
                update={"carry": self._state.carried(), "message": None, "output": None}
            )
        )

    async def _cancelled(self) -> None:
        """The workflow was cancelled from outside: the turn has been stopped, say so and settle."""
        self._state.stopping = True
        if self._state.running is not None:
            # It was about to go over to another run.
            self._state.cancel_turn(_WORKFLOW_CANCELLED)
            await TurnRunner(self._state, self._compacting).run()
            self._turn_ended()
        await self._finish("cancelled")
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def _finish(self, status: Status) -> None:
        self._state.ended = status
        self._state.queue.clear()
        self._state.emit("closed", status=status)
        await self._compacting.leave()
        if not await self._remembering.wait(remember.LAST):
            workflow.logger.error("%d turns are not remembered", len(self._state.unremembered))
        search_attributes.at_end(self._state)
        workflow.set_current_details(current_details.render(self._state))
        self._settler.session_ended()
        await self._settler.wait()

    def _result(self) -> TaskResult:
        """The session's result; a task that failed fails the workflow with the turn's error."""
        failed = self._state.failed
        if failed and failed.error:
            problem = failed.error
            about = {"id": problem.id, "retryable": problem.retryable, "retry_after": problem.retry_after}
            raise ApplicationError(
                problem.message, problem.detail, about, type=problem.code, non_retryable=True
            )
        return TaskResult(last=self._state.last_ended, turns=self._state.turns, usage=self._state.usage)

    # Messages.

    @workflow.update(description="Send a message; answers with the turn that will take it.")
    async def send(self, message: Message) -> Accepted:
        """Queue a message as the session's policy says."""
        state = self._state
        await reset.before_message(state)
        new = message.id not in state.seen
        if new and state.running is not None and self._state.policy(message) == "interrupt":
            turn = state.accept(message, place=self._interrupting())
            self._cancel_turn(_INTERRUPTED)
        else:
            turn = state.accept(message)
        # The first answer waits for the agent, so that an unknown one is refused here.
        before = turn
        await workflow.wait_condition(lambda: state.spec is not None or state.ended is not None)
        if state.spec is None:
            raise self._failure or errors.to_failure(errors.SessionClosed())
        return Accepted(
            turn=state.seen.get(message.id, before),
            remembers=state.spec.memory is not None,
            paused=state.paused,
        )

    @send.validator
    def _validate_send(self, message: Message) -> None:
        validators.message(self._state, message)

    def _interrupting(self) -> int:
        """How many messages at the head of the queue interrupt: they keep their order among themselves."""
        found = 0
        for _, message in self._state.queue:
            if self._state.policy(message) != "interrupt":
                break
            found += 1
        return found

    @workflow.signal(description="Send a message without waiting for an answer.")
    async def post(self, message: Message | None = None) -> None:
        """Queue a message; one that ``send`` would refuse is dropped and said in the log."""
        if message is None:
            return
        try:
            self._validate_send(message)
        except ApplicationError as error:
            workflow.logger.warning("a posted message was dropped: %s", error.type)
            return
        await reset.before_message(self._state)
        self._state.accept(message)

    @workflow.update(description="Wait for a turn to end, for at most 20 seconds.")
    async def wait_turn(self, wait: WaitTurn) -> TurnView:
        """The turn as it stands when it ends, the time is up or the session rolls over."""
        state = self._state

        def over() -> bool:
            view = state.find_turn(wait.turn)
            ended = view is None or view.status not in {"queued", "running"}
            return ended or self._rolling or state.ended is not None

        self._waiters += 1
        try:
            await workflow.wait_condition(
                over,
                timeout=timedelta(seconds=max(0.0, min(wait.seconds, _LONGEST_WAIT))),
                timeout_summary="a client waits for the turn",
            )
        except TimeoutError:
            pass
        finally:
            self._waiters -= 1
        view = state.find_turn(wait.turn)
        if view is None:
            raise errors.to_failure(errors.NothingToDo(f"turn {wait.turn} is not known here"))
        return view

    @wait_turn.validator
    def _validate_wait(self, wait: WaitTurn) -> None:
        validators.wait(self._state, wait.turn, waiters=self._waiters, rolling=self._rolling)

    # Questions.

    @workflow.query(description="One turn, if it is still remembered.")
    def turn(self, turn: int) -> TurnView | None:
        """A turn as it stands."""
        return self._state.find_turn(turn)

    @workflow.query(description="What a burst that was asked to yield should do: finish its step, or abort.")
    def intent(self) -> str:
        """``abort`` when the turn is cancelled, else ``finish``."""
        running = self._state.running
        return "abort" if running is None or running.cancelled else "finish"
