"""The session workflow: run method, message handlers, continue-as-new and end."""

import asyncio
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from temporalio import workflow
from temporalio.exceptions import ApplicationError

from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.evaluation.starting import fork_digest
from holdfast_workflows.contracts.limits import MAX_MESSAGE, SHOWN_CHARS
from holdfast_workflows.contracts.session.session import (
    Accepted,
    Message,
    StartInput,
    Status,
    TaskResult,
    TurnView,
    WaitTurn,
)
from holdfast_workflows.contracts.session.steps import LoadInput
from holdfast_workflows.contracts.teams.outcomes import spent
from holdfast_workflows.contracts.text.unicode import dump_json, preview, size

from ..inputs import start_input
from . import routing, validators
from .background import audit, notify, remember, settle
from .background.compact import Compaction
from .handlers import ControlHandlers
from .principal import actor, signed_start
from .state import activity_calls, budget_limits, continue_as_new, debug_mode, waiting
from .state.origin import fork, position, reset, schedule
from .state.reporting import current_details, metrics, search_attributes
from .state.state import SessionState
from .turn.turn import TurnRunner

_LONGEST_WAIT = 20.0
_INTERRUPTED = "interrupted by a new message"
_WORKFLOW_CANCELLED = "the workflow was cancelled"


# Invalid input fails the run or the update. As an error of the workflow task it would be retried for ever.
@workflow.defn(name=names.WORKFLOW, sandboxed=False, failure_exception_types=[ValidationError])
class AgentWorkflow(ControlHandlers):
    """One durable conversation or task of one agent. The workflow id is the session id."""

    @workflow.init
    def __init__(self, *given: Any) -> None:
        """Create the state before the first handler runs."""
        # Without input the agent's name is empty; loading it fails the run and lists the known agents.
        failure: ApplicationError | None = None
        try:
            start = start_input(StartInput, given)
            if start.carry and not workflow.info().continued_run_id:
                raise errors.to_failure(errors.BadInput("carry is set by a session that continues as new"))
        except ApplicationError as error:
            start, failure = StartInput(), error
        super().__init__(SessionState(start))
        if start.carry is None:
            self._state.signed = signed_start(start)
        reset.watch(self._state)
        self._settle_queue = settle.SettleQueue(self._state)
        self._remember_queue = remember.RememberQueue(self._state, self._settle_queue)
        self._notify_queue = notify.NotifyQueue(self._state)
        self._compaction = Compaction(self._state)
        self._waiters = 0
        self._continuing = False
        self._failure = failure
        if start.fork and not start.carry:
            fork.begin(self._state, start.fork)
        if start.message and not start.carry and start.scheduled is None:
            self._state.accept(start.message.model_copy(update={"by": ""}))

    @workflow.run
    async def run(self, *given: Any) -> TaskResult:
        """Run turns until the session is closed or the task is done. Takes one ``StartInput``."""
        try:
            await self._load()
            if not workflow.info().continued_run_id:
                metrics.session_started(self._failure)
            self._resets = asyncio.create_task(reset.follow(self._state))
            self._audit = asyncio.create_task(audit.follow(self._state))
            self._remember_queue.start()
            self._notify_queue.start()
            while await self._next_turn():
                if not self._continuing:
                    await self._run_turn()
                if self._continuing:
                    await self._continue_as_new()
        except asyncio.CancelledError:
            await self._cancelled()
            raise
        if self._failure is None:
            await self._finish("failed" if self._state.failed else "closed")
        await workflow.wait_condition(workflow.all_handlers_finished)
        if self._failure is not None:
            raise self._failure
        return self._result()

    @property
    def first_message(self) -> str:
        """The id of the message that came with the start; empty without one."""
        return self._state.start.message.id if self._state.start.message else ""

    @property
    def turns_of_messages(self) -> Mapping[str, int]:
        """The turns of recent messages, by message id."""
        return self._state.seen

    @property
    def running_turn(self) -> int:
        """The number of the running turn; 0 between turns."""
        return self._state.running.turn if self._state.running else 0

    @property
    def debug_until(self) -> float:
        """Until when debug mode is on; 0 while it is off."""
        return debug_mode.until(self._state) if self._state.debug else 0.0

    def log_fields(self) -> dict[str, object]:
        """Return what log lines of the workflow say besides the session: the turn and step, tenant and agent."""
        turn, start = self._state.running, self._state.start
        found = {"turn": turn and turn.turn, "step": turn and turn.step, "tenant": start.tenant}
        return {name: value for name, value in (found | {"agent": start.agent}).items() if value}

    # The life of the session.

    async def _load(self) -> None:
        state = self._state
        if self._failure is not None:
            state.ended = "failed"
            return
        if state.spec is not None:
            # Current details belong to a run, so a continued one sets them again.
            workflow.set_current_details(current_details.render(state))
            return
        message = state.start.message
        if message is not None and (weight := size(dump_json(message.text))) > MAX_MESSAGE:
            # A start input does not pass the validator of `send`.
            detail = f"{weight:,} bytes as JSON; at most {MAX_MESSAGE:,} with the start of a session"
            state.ended, self._failure = "failed", errors.to_failure(errors.MessageTooLarge(detail))
            return
        load = self._load_input()
        try:
            if state.start.route is not None:
                await routing.choose(state, state.start.route, load)
                load = self._load_input()
            loaded = await activity_calls.load_agent(load, state.start.heartbeat_timeout)
        except errors.HoldfastError as error:
            state.ended = "failed"
            once = {"again": False, "delay": None} if error.retry_after else None
            self._failure = errors.to_failure(error, once)
            search_attributes.with_totals(state)
            if isinstance(error, errors.InvalidCredential | errors.NotPermitted):
                search_attributes.disown()
            return
        state.verified(loaded.principal, loaded.owner)
        position.resume(state, loaded)
        state.spec = loaded.spec
        state.budget = budget_limits.narrowed(state.budget or loaded.spec.budget, state.start.parent)
        schedule.accept(state, loaded)
        search_attributes.at_start(state)

    def _load_input(self) -> LoadInput:
        state = self._state
        given = LoadInput(
            session=workflow.info().workflow_id,
            agent=state.start.agent,
            tenant=state.start.tenant,
            output=state.start.output,
            user=state.start.user,
            first_run=workflow.info().first_execution_run_id,
            permissions=state.start.permissions,
            identity=state.signed,
            settings=(state.start.budget, state.start.max_steps) != (None, None),
            account=state.start.account,
            parent=state.start.parent,
            fork=state.start.fork,
            start_digest=fork_digest(state.start),
        )
        return schedule.load_input(given, state.start)

    async def _next_turn(self) -> bool:
        """Wait for a turn to run or a continue-as-new; False when the session is over."""
        state = self._state
        if self._failure or (state.start.mode == "task" and state.recent):
            return False
        if state.running is None and not state.queue:
            await workflow.wait_condition(
                lambda: bool(state.queue) or state.closing or continue_as_new.due(state)
            )
            # The history also grows while idle, by signals, updates and pauses.
            self._continuing = not (state.queue or state.closing)
        return bool(state.running or state.queue or self._continuing)

    async def _run_turn(self) -> None:
        """Run a turn in its own task, so that a cancelled workflow can wait for the turn's tools."""
        state = self._state
        state.take_next_spec()
        runner = self._runner = TurnRunner(state, self._compaction)
        if state.running is None:
            if self._settle_queue.behind:
                await self._settle_queue.wait()
            await reset.settled(state)
            if continue_as_new.due(state):
                self._continuing = True
                return
            runner.begin()
            if state.queue and self._state.policy(state.queue[0][1]) == "interrupt":
                state.cancel_turn(_INTERRUPTED)
            search_attributes.status(state)
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
        self._continuing = not await turn
        if not self._continuing:
            if state.start.mode == "conversation":  # a task does this at its end
                search_attributes.with_totals(state)
            self._turn_ended()
            await reset.cancel_orphans(state)

    def _turn_ended(self) -> None:
        self._settle_queue.turn_ended()
        self._remember_queue.start()

    async def _continue_as_new(self) -> None:
        """Continue in a new run. Pending waits for a turn return first; clients repeat them there."""
        await reset.settled(self._state)
        await self._settle_queue.wait()
        await self._compaction.cancel()
        await self._remember_queue.wait(remember.CONTINUE_WAIT)
        await self._notify_queue.wait(notify.CONTINUE_WAIT)
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(
            # Not needed any more: the carried state holds the message and the pinned spec.
            self._state.start.model_copy(
                update={"carry": self._state.carried(), "message": None, "output": None}
            )
        )

    async def _cancelled(self) -> None:
        """End the session after a cancellation of the workflow: end the turn, then settle."""
        self._state.stopping = True
        if self._state.running is not None:
            # The run was about to continue as new.
            self._state.cancel_turn(_WORKFLOW_CANCELLED)
            await TurnRunner(self._state, self._compaction).run()
            self._turn_ended()
        await self._finish("cancelled")
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def _finish(self, status: Status) -> None:
        self._state.ended = status
        self._state.queue.clear()
        self._state.emit("closed", status=status)
        await self._compaction.cancel()
        await reset.cancel_orphans(self._state)
        if not await self._remember_queue.wait(remember.CLOSE_WAIT):
            workflow.logger.error("%d turns were not remembered", len(self._state.unremembered))
        await self._notify_queue.wait(notify.CLOSE_WAIT)
        search_attributes.with_totals(self._state)
        workflow.set_current_details(current_details.render(self._state))
        self._settle_queue.session_ended()
        await self._settle_queue.wait()
        if self._state.trail.at_once and self._state.trail.waiting:
            await audit.write(self._state)

    def _result(self) -> TaskResult:
        """Return the session's result; a failed task fails the workflow with the turn's error."""
        failed = self._state.failed
        if failed and failed.error:
            problem = failed.error
            about: dict[str, Any] = problem.model_dump(include={"id", "retryable", "retry_after"})
            if self._state.start.parent is not None:
                about |= spent(self._state.usage, self._state.spending)
                about["team"] = self._state.team and self._state.team.model_dump()
            raise ApplicationError(
                problem.message, problem.detail, about, type=problem.code, non_retryable=True
            )
        state = self._state
        return TaskResult(
            last=state.last_ended,
            turns=state.turns,
            usage=state.usage,
            spending=state.spending,
            team=state.team,
        )

    # Messages.

    @workflow.update(description="Send a message; returns its turn.")
    async def send(self, message: Message) -> Accepted:
        """Queue a message according to its ``when_busy`` policy."""
        state = self._state
        message = message.model_copy(update={"by": actor()})
        await reset.before_message(state)
        new = message.id not in state.seen
        if new and state.running is not None and self._state.policy(message) == "interrupt":
            turn = state.accept(message, place=self._count_interrupting())
            self._cancel_turn(_INTERRUPTED)
        else:
            turn = state.accept(message)
        # The first send waits until the agent is loaded, so that it fails for an unknown agent; not for a place.
        await workflow.wait_condition(lambda: bool(state.spec or state.ended or state.waits))
        if state.spec is None and state.ended:
            raise self._failure or errors.to_failure(errors.SessionClosed())
        return Accepted(
            text=preview(message.text, SHOWN_CHARS),
            turn=state.seen.get(message.id, turn),
            remembers=state.spec is not None and state.spec.memory is not None,
            paused=state.paused,
        )

    @send.validator
    def _validate_send(self, message: Message) -> None:
        validators.message(self._state, message)

    def _count_interrupting(self) -> int:
        """Count the interrupting messages at the head of the queue; they keep their order."""
        count = 0
        for _, message in self._state.queue:
            if self._state.policy(message) != "interrupt":
                break
            count += 1
        return count

    @workflow.signal(description="Send a message without waiting for an answer.")
    async def post(self, message: Message | None = None) -> None:
        """Queue a message; one that ``send`` would refuse is dropped with a warning."""
        if message is None:
            return
        try:
            sender = await self._sender("post", message)
            self._validate_send(message)
        except ApplicationError as error:
            workflow.logger.warning("a posted message was dropped: %s", error.type)
            return
        await reset.before_message(self._state)
        self._state.accept(message.model_copy(update={"by": sender}))

    @workflow.update(description="Wait for a turn to end, for at most 20 seconds.")
    async def wait_turn(self, wait: WaitTurn) -> TurnView:
        """Return the turn when it ends, the time is up or the session continues as new."""
        state = self._state

        def ready() -> bool:
            view = state.find_turn(wait.turn)
            ended = view is None or view.status not in {"queued", "running"}
            return ended or self._continuing or state.ended is not None

        self._waiters += 1
        try:
            seconds = max(0.0, min(wait.seconds, _LONGEST_WAIT))
            await waiting.wait_until(ready, seconds, "a client waits for the turn")
        finally:
            self._waiters -= 1
        view = state.find_turn(wait.turn)
        if view is None:
            raise errors.to_failure(errors.NothingToDo(f"the workflow no longer keeps turn {wait.turn}"))
        return view

    @wait_turn.validator
    def _validate_wait(self, wait: WaitTurn) -> None:
        validators.wait(self._state, wait.turn, waiters=self._waiters, continuing=self._continuing)

    # Queries.

    @workflow.query(description="One turn, if the workflow still keeps it.")
    def turn(self, turn: int) -> TurnView | None:
        """Return a queued, running or recent turn."""
        return self._state.find_turn(turn)

    @workflow.query(
        description="What inline steps that were asked to yield should do: finish the step, or abort."
    )
    def intent(self) -> str:
        """``abort`` when the turn is cancelled, else ``finish``."""
        running = self._state.running
        return "abort" if running is None or running.cancelled else "finish"
