"""Run one tool call to its end: through lost workers, waits and unknown outcomes.

A call with ``effect="once"`` is safe to schedule again: its activity checks the effect ledger first and
runs the tool only if it never ran. If the ledger cannot tell, a person decides.
"""

from collections.abc import Callable

from temporalio import workflow
from temporalio.exceptions import ActivityError, CancelledError

from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.agent.spec import PinnedSpec, ToolPolicy
from holdfast_workflows.contracts.control.inbox import InboxItem, OpenTicket
from holdfast_workflows.contracts.evaluation.forks import NOT_CARRIED_OUT
from holdfast_workflows.contracts.limits import DEFAULT_MAX_WAIT
from holdfast_workflows.contracts.session import descriptions
from holdfast_workflows.contracts.session.entries import ResultStatus
from holdfast_workflows.contracts.session.steps import (
    DECISIONS,
    ActInput,
    ActResult,
    ToolInput,
    ToolQuestion,
    Wait,
)
from holdfast_workflows.contracts.teams.children import Children
from holdfast_workflows.contracts.text.unicode import preview

from ..inbox import waits
from ..state import activity_calls, lost_workers, waiting
from ..state.origin import fork
from ..state.state import SessionState
from .children import ChildSessions
from .inflight import InFlight, NeverBegan
from .service_queue import QueueWait

_CHECK_AGAIN = 5.0
"""Seconds until a ``once`` call with an unwritten end is checked again; doubled each time."""

_MAY_HAVE = "cancelled after its worker was lost, so it may have happened"

_UNKNOWN = "it is unknown whether it happened"

Void = Callable[[str, ResultStatus], ActResult]
"""Gives the call a result without an activity."""


class ToolExecution:
    """Schedules one call until it has a result, and never more often than is safe."""

    def __init__(
        self,
        state: SessionState,
        spec: PinnedSpec,
        flight: InFlight,
        request: ActInput,
        shown: str,
        void: Void,
    ) -> None:
        self._state = state
        self._flight = flight
        self._spec = spec
        self._policy = spec.tools.get(request.name, ToolPolicy())
        self._request = request
        self._shown = shown
        self._void = void
        self._queue = QueueWait(state, request.seq, self._policy, flight.unserved)
        self._lost = 0
        self._waited = 0.0

    async def outcome(self) -> ActResult:
        """Return the call's result; one that no activity could write is written by the next step."""
        while True:
            result = await self._schedule()
            if result is None:
                continue
            if result.wait is not None:
                result = await self._wait_for(result.wait)
            elif self._request.fork is not None and _needs_others(result):
                return self._void(NOT_CARRIED_OUT, "failed")
            elif result.unknown:
                result = await self._ask_person()
            elif result.asks is not None:
                result = await self._ask_input(result.asks)
            elif result.children is not None:
                result = await self._run_children(result.children)
            elif result.ticket is not None:
                result = await self._await_ticket(result.ticket)
            if result is not None:
                return result

    # These return the call's result, or None if the current request is to be scheduled.

    async def _schedule(self) -> ActResult | None:
        try:
            return await self._run()
        except NeverBegan:
            self._queue.ended()
            return self._cancelled()
        except ActivityError as error:
            if lost_workers.unserved(error):
                return await self._unserved()
            self._queue.taken()
            if isinstance(error.cause, CancelledError):
                return self._cancelled()
            return await self._failed(error)

    async def _run(self) -> ActResult:
        """Run the request once, with the audit records that wait."""
        stops = self._request.remote is not None and self._request.remote.stop
        writes = stops or self._request.mode in DECISIONS
        with self._state.trail.handing_over() as handed:
            request = (
                self._request.model_copy(update={"audit": handed.records})
                if handed.records
                else self._request
            )
            handle = activity_calls.act(
                self._spec,
                self._policy,
                request,
                self._shown,
                self._state.start.heartbeat_timeout,
                self._queue.within,
            )
            result: ActResult = await self._flight.run(handle, uncancellable=writes)
            self._queue.taken()
            handed.written = result.wait is None or result.remote is not None
        if result.remote is not None:
            self._change(remote=result.remote)
        return result

    def _cancelled(self) -> ActResult | None:
        if self._stop_remote():
            return None
        doubt = self._request.again and self._policy.effect == "once"
        if doubt and self._request.mode != "give_up":
            # This attempt never began, so the outcome of the one before is still unknown.
            self._give_up()
            return None
        return self._void(_MAY_HAVE if self._lost else "cancelled", "cancelled")

    async def _failed(self, error: ActivityError) -> ActResult | None:
        gone, once = lost_workers.worker_lost(error), self._policy.effect == "once"
        text = str(activity_calls.typed(error, errors.ToolFailed).detail)
        if once:
            return await self._check_again(text, gone=gone)
        if gone and lost_workers.may_lose_more(self._lost):
            self._lost += 1
            self._change(again=True)
            return None
        if gone:
            # Tool failures are results. Reaching this line means the outcome could not be recorded.
            text = f"its worker was lost, so its outcome is unknown: {text}"
        return self._void(text, "failed")

    async def _unserved(self) -> ActResult | None:
        """Offer a call that no worker of its service queue took once more; then give up on it."""
        if await self._queue.offered():
            return None
        if self._request.again and self._policy.effect == "once":
            return ActResult(unknown=True)  # an attempt before may have made it
        before = "its worker was lost, and " if self._lost else "not run: "
        return self._void(before + self._queue.problem, "failed")

    async def _check_again(self, text: str, *, gone: bool) -> ActResult | None:
        """Check the ledger again for a ``once`` call whose end is not known; after several losses ask a person."""
        if self._request.mode == "give_up":
            return self._void(f"{_UNKNOWN}: {text}", "failed")
        if not lost_workers.may_lose_more(self._lost):
            return ActResult(unknown=True)
        self._lost += 1
        if not gone:
            seconds = _CHECK_AGAIN * 2 ** (self._lost - 1)
            reason = Wait(
                seconds=seconds, reason=f"the end of {self._request.name} is not known", kind="effect"
            )
            await self._wait(reason, seconds)
        if self._state.cancelled:
            self._give_up()
        else:
            # A person's "retry" covered only the attempt that was lost; its outcome is open again.
            mode = "call" if self._request.mode == "retry" else self._request.mode
            self._change(again=True, mode=mode)
        return None

    async def _wait_for(self, wait: Wait) -> ActResult | None:
        if wait.kind == "remote":
            return await self._wait_for_remote(wait)
        # The database may have failed after the tool ran, so the call is checked when it is back.
        away = wait.kind == "state"
        doubt = wait.kind == "effect" or (away and self._policy.effect == "once")
        max_wait = DEFAULT_MAX_WAIT + self._policy.timeout if away or doubt else self._spec.max_wait
        left = max_wait - self._waited
        unseen = f"its outcome could not be recorded: {wait.reason}" if away else f"not run: {wait.reason}"
        if left <= 0:
            return await self._ask_person() if doubt else self._void(unseen, "failed")
        self._waited += await self._wait(wait, min(wait.seconds, left))
        if wait.error_code == errors.UnknownAgent.code:
            self._change(elsewhere=True)
        if self._state.cancelled and not doubt:
            return self._void(unseen if away else "not run: the turn was cancelled", "cancelled")
        if self._state.cancelled and away and self._request.mode == "give_up":
            return self._void(_UNKNOWN, "failed")
        if self._state.cancelled:
            self._give_up()
        elif away and self._request.mode == "retry":
            # A person's "retry" covered only the earlier attempt; the outcome of this one is open.
            self._change(again=True, mode="call")
        elif away or doubt:
            self._change(again=True)
        return None

    async def _wait_for_remote(self, wait: Wait) -> ActResult | None:
        """Wait until the remote agent is looked at again; in a cancelled turn, have it cancel its task."""
        await self._wait(wait, wait.seconds)
        if not self._state.cancelled:
            self._change(again=True, mode="call")
        elif not self._stop_remote():
            return self._void("not run: the turn was cancelled", "cancelled")
        return None

    async def _ask_person(self) -> ActResult | None:
        """Ask a person what to do about a call with an unknown outcome."""
        if self._request.mode == "give_up":
            return self._void(_UNKNOWN, "failed")
        what = f"it is unknown whether {descriptions.call(self._request.name, self._shown)} happened"
        # Not the call's key: it contains the session's id, which differs in a replay.
        item = InboxItem(
            id=f"effect-{self._request.seq}",
            kind="effect",
            what=what,
            tool=self._request.name,
            call=names.call_key(workflow.info().workflow_id, self._request.seq),
            arguments=preview(self._shown),
        )
        answer = await waits.ask(self._state, item)
        await waiting.resumed_off_clock(self._state)
        self._lost, self._waited = 0, 0.0
        if answer is None:
            self._give_up()
        else:
            self._change(again=True, mode=answer.action, text=answer.text, by=answer.by)
        return None

    async def _ask_input(self, question: ToolQuestion) -> ActResult | None:
        """Ask a person for what the tool's server needs, then make the call with it, or refuse the call."""
        item = InboxItem(
            id=f"{question.kind}-{self._request.seq}",
            kind=question.kind,
            what=question.what,
            tool=self._request.name,
            call=names.call_key(workflow.info().workflow_id, self._request.seq),
            arguments=preview(self._shown),
            form=question.form,
        )
        answer = await waits.ask(self._state, item)
        await waiting.resumed_off_clock(self._state)
        self._lost, self._waited = 0, 0.0
        if answer is None or answer.action == "give_up":
            if self._stop_remote():
                return None
            text = answer.text if answer else "the turn was cancelled"
            self._change(again=True, mode="refuse", text=f"not run: {text or 'a person refused'}")
            return None
        given = ToolInput(question=question.digest, text=answer.text)
        inputs = (*self._request.inputs, given) if question.kind == "elicitation" else self._request.inputs
        self._change(again=True, mode="retry", inputs=inputs, by=answer.by)
        return None

    async def _await_ticket(self, ticket: OpenTicket) -> ActResult | None:
        """Wait for the result that a ticket promises, then settle the call with it."""
        what = ticket.what or descriptions.call(self._request.name, self._shown)
        item = InboxItem(
            id=f"ticket-{self._request.seq}",
            kind="ticket",
            what=f"{what} ({ticket.reference})" if ticket.reference else what,
            tool=self._request.name,
            call=names.call_key(workflow.info().workflow_id, self._request.seq),
            arguments=ticket.arguments or preview(self._shown),
            ticket=ticket,
        )
        answer, item = await waits.ask_item(self._state, item)
        late = answer is not None and workflow.time() >= item.deadline
        await waiting.resumed_off_clock(self._state)
        self._lost, self._waited, once = 0, 0.0, self._policy.effect == "once"
        self._change(late=self._policy.effect)
        if answer is None and not once:
            return self._void("cancelled before its ticket was settled", "cancelled")
        if answer is None:
            self._give_up()
        elif late and once:
            return await self._ask_person()
        elif answer.action == "give_up":
            text = f"no result before the deadline of {item.what}" if late else answer.text
            self._change(again=True, mode="refuse", text=text or "there is no result", by=answer.by)
        else:
            self._change(again=True, mode="confirm", text=answer.text, ref=answer.ref, by=answer.by)
        return None

    async def _run_children(self, children: Children) -> ActResult | None:
        """Run the child sessions that the call needs, then make the call with their outcomes."""
        sessions = ChildSessions(self._state, self._spec, self._request, children)
        if sessions.refused:
            return self._void(sessions.refused, "failed")
        outcomes = await sessions.run()
        await waiting.resumed(self._state)
        if not self._state.cancelled:
            self._change(children=outcomes)
        elif self._policy.effect == "none":
            return self._void("cancelled", "cancelled")
        else:
            self._change(mode="refuse", text="cancelled with the turn")
        return None

    async def _wait(self, wait: Wait, seconds: float) -> float:
        """Wait on a timer, and then until a paused session is resumed."""
        state = self._state
        waited = await waiting.on_timer(state, self._request.seq, wait, seconds, lambda: state.cancelled)
        await waiting.resumed(state)
        return waited

    def _stop_remote(self) -> bool:
        """Have the next attempt cancel the task of the remote agent; False without such a task."""
        remote = self._request.remote
        if remote is None or not remote.id or remote.stop:
            return False
        self._change(again=True, mode="call", remote=remote.model_copy(update={"stop": True}))
        return True

    def _give_up(self) -> None:
        if self._stop_remote():
            return
        self._change(again=True, mode="give_up", text="the turn was cancelled", undecided=True)

    def _change(self, **changes: object) -> None:
        self._request = self._request.model_copy(update=changes)


def request(
    state: SessionState,
    spec: PinnedSpec,
    tool: str,
    seq: int,
    reply: int,
    call_id: str,
    *,
    arguments: str = "",
) -> ActInput:
    """Build the activity input for the call at ``seq`` of the reply at ``reply``."""
    return ActInput(
        session=workflow.info().workflow_id,
        agent=spec.agent,
        digest=spec.digest,
        tenant=state.start.tenant,
        turn=state.turn.turn,
        step=state.turn.step,
        seq=seq,
        reply=reply,
        call_id=call_id,
        name=tool,
        arguments=arguments,
        user=state.start.user,
        resets=state.resets,
        since=state.abandoned[-1][1] if state.abandoned else 0,
        root=state.root,
        fork=fork.source_of(state),
    )


def _needs_others(result: ActResult) -> bool:
    """Whether a call needs people, or other sessions, before it has a result."""
    return bool(result.unknown or result.asks or result.children or result.ticket)
