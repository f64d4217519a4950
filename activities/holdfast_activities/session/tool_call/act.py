"""A tool call as an activity of its own; its activity type is the tool's name."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from temporalio import activity
from temporalio.common import RawValue

from holdfast_activities.debugging.recording import phase
from holdfast_activities.evaluation.recorded import instead
from holdfast_activities.resilience import Resilience, nap
from holdfast_activities.state.database import State
from holdfast_activities.teams.needed import OUTCOMES
from holdfast_activities.tools.questions import REMOTE
from holdfast_activities.tracing import PRIVATE, work_on
from holdfast_workflows.contracts.agent.app import INPUTS
from holdfast_workflows.contracts.errors import (
    ApprovalInvalid,
    BadInput,
    BreakerOpen,
    HoldfastError,
    StateUnavailable,
    ToolFailed,
    UnknownAgent,
    to_failure,
)
from holdfast_workflows.contracts.evaluation.forks import NOT_CARRIED_OUT
from holdfast_workflows.contracts.session.entries import ResultEntry
from holdfast_workflows.contracts.session.progress import ToolProgress
from holdfast_workflows.contracts.session.records import ledger_key
from holdfast_workflows.contracts.session.steps import DECISIONS, ActInput, ActResult, Wait
from holdfast_workflows.contracts.text.redaction import redact
from holdfast_workflows.contracts.text.unicode import preview
from holdfast_workflows.contracts.tools.tickets import TOKEN

from ..common import run_tool
from ..common.agents import LiveAgent, LiveAgents
from ..common.heartbeat import UNWATCHED, Heartbeat
from ..common.log_writes import away
from ..common.session_values import offer
from . import approvals, tickets
from .attempts import Attempts
from .ledger import Ledger
from .once import Once
from .repeatable import Repeatable
from .request import CallRequest, act_result, asked_for, call_of, prepare
from .resolution import GIVEN_UP, decided, in_doubt
from .same_calls import SameCalls
from .undo import Undo

_SHOWN = 500
"""Characters of a tool's progress message in a heartbeat."""

_DEFAULT_WAIT = 5.0
"""Seconds to wait for an open breaker that names no time."""

_DEPLOY = 600.0
"""Seconds for which a call waits for a worker that has its agent, during a deploy that adds it."""

_ELSEWHERE = (0.2, 1.0)  # seconds until the call is offered to the workers again

_SPREAD = 1.2
"""Runs that wait for the same breaker return within up to this multiple of the time."""


class _Elsewhere(Exception):
    """The call has to wait for a worker that has its agent."""

    def __init__(self, wait: Wait) -> None:
        super().__init__(wait.reason)
        self.wait = wait


class Act:
    """The activity of every tool."""

    def __init__(self, state: State, agents: LiveAgents, ledger: Ledger, resilience: Resilience) -> None:
        self._state = state
        self._agents = agents
        self._ledger = ledger
        self._metrics = resilience.metrics
        attempts = Attempts(resilience)
        self._once = Once(ledger, attempts)
        self._repeatable = Repeatable(ledger, attempts)
        self._same = SameCalls(state)
        self._undo = Undo(state, ledger, self._once, self._repeatable, self._same)

    @activity.defn(dynamic=True)
    async def act(self, args: Sequence[RawValue]) -> ActResult:
        """Execute one call, or what its mode says, and settle the result. A settled call is not executed again."""
        request = _request(args)
        work_on(request)
        progress = ""

        def heartbeat(detail: str) -> None:
            nonlocal progress
            progress = preview(redact(detail[: _SHOWN * 8]), _SHOWN)

        try:
            with Heartbeat(UNWATCHED, lambda: ToolProgress(name=request.name, detail=progress)):
                result = await self._act(request, heartbeat)
        except _Elsewhere as elsewhere:
            return ActResult(wait=elsewhere.wait)
        except BreakerOpen as error:
            result = ActResult(wait=_breaker_wait(error))
        except StateUnavailable as error:
            return ActResult(wait=away(error))
        except HoldfastError as error:
            raise to_failure(error) from error
        if result.wait is not None:
            self._metrics.count("holdfast_waits_total", kind=result.wait.kind)
        return result

    async def _act(self, request: ActInput, heartbeat: Callable[[str], None]) -> ActResult:
        offer(self._state.boards)
        # Before the call: no effect without a record of the decision that allowed it.
        await self._state.append_audit(*request.audit)
        if request.mode == "undo":
            return await self._undone(request, heartbeat)
        with phase("ledger"):
            known = await self._ledger.settled(request)
        if known is not None:
            return act_result(known)
        if request.mode in DECISIONS:
            return await self._decided(await self._same.known(request))
        INPUTS.set({each.question: each.text for each in request.inputs})
        OUTCOMES.set(request.children)
        TOKEN.set(tickets.token_of(self._state, request))
        REMOTE.set(request.remote)
        agent = await self._agents.get(request.digest)
        PRIVATE.set(agent.spec.pii is not None)
        await self._expect_here(agent, request)
        arguments = request.arguments
        if not arguments or request.again or activity.info().attempt > 1:
            # A retry relies on the ledger. An older copy of the database lacks the claim, and usually the
            # reply too: reading the reply detects that.
            asked = await asked_for(self._state, request)
            arguments = arguments or asked.arguments
        if request.resets:
            answer, request = await self._again_after_reset(agent, request, arguments)
            if answer is not None:
                return answer
        return await self._call(agent, request, arguments, heartbeat)

    async def _undone(self, request: ActInput, heartbeat: Callable[[str], None]) -> ActResult:
        if request.fork is not None:
            return ActResult(status="failed", preview=NOT_CARRIED_OUT)
        agent = await self._agents.get(request.digest)
        PRIVATE.set(agent.spec.pii is not None)
        await self._expect_here(agent, request)
        return await self._undo.carry_out(agent, request, heartbeat)

    async def _call(
        self, agent: LiveAgent, request: ActInput, arguments: str, heartbeat: Callable[[str], None]
    ) -> ActResult:
        """Make a call that is not settled, or settle why it is not made."""
        call = call_of(request, request.name, arguments, request.key)
        work: CallRequest | ResultEntry | None = None
        if request.fork is not None:
            work = await instead(self._state.log, request.fork, call, agent)
        work = work or prepare(agent, request, call, heartbeat)
        if isinstance(work, ResultEntry):
            return act_result(await self._ledger.settle(work, None, request.session))
        return await self._permitted(request, work, arguments)

    async def _permitted(self, request: ActInput, work: CallRequest, arguments: str) -> ActResult:
        """Carry a call out if people have approved it, and it has its places in the quotas of its permission."""
        try:
            with phase("approval and quotas"):
                work = replace(work, use=await approvals.check(self._state, request, work.spec, arguments))
                used_up = await self._state.quotas.take(request.quotas, request.key)
            if used_up:
                return ActResult(used_up=used_up)
            if work.spec.effect == "once":
                return await self._once.carry_out(work)
            if work.use is not None:
                await self._state.approvals.record(work.use)
        except ApprovalInvalid as error:
            entry = run_tool.failed(work.call, error)
            return act_result(await self._ledger.settle(entry, None, request.session))
        return await self._repeatable.carry_out(work)

    async def _again_after_reset(
        self, agent: LiveAgent, request: ActInput, arguments: str
    ) -> tuple[ActResult | None, ActInput]:
        """The result of the same call before a reset, else the request with that call's key."""
        spec = agent.tools.get(request.name)
        before = await self._same.before(request, spec.effect if spec else "none", arguments)
        if before.doubt and request.mode == "call":
            return ActResult(unknown=True, preview=before.doubt), request
        if before.result is not None:
            entry = _moved(before.result, request)
            return act_result(await self._ledger.settle(entry, None, request.session)), request
        if before.key:
            request = request.model_copy(update={"key": before.key, "again": True})
        return None, request

    async def _expect_here(self, agent: LiveAgent, request: ActInput) -> None:
        """Pass the call to another worker if this one lacks the agent, for a limited time after the reply.

        Raises _Elsewhere to have the workflow schedule the call again; after that UnknownAgent, which is retried.
        """
        if agent.binding(request.name) is not None or not await agent.elsewhere():
            return
        reply = await self._state.log.read(request.session, request.reply, request.reply + 1)
        if not reply or time.time() - reply[0].at > _DEPLOY:
            return
        reason = f"this worker does not have agent {request.agent!r} yet; another one does"
        if request.elsewhere:
            raise UnknownAgent(reason, retryable=True)
        seconds = random.uniform(*_ELSEWHERE)
        raise _Elsewhere(Wait(seconds=seconds, reason=reason, kind="state", error_code=UnknownAgent.code))

    async def _refused(self, request: ActInput) -> ActResult:
        """Settle a call that waited for a person and was not made."""
        call = call_of(request, request.name, request.arguments, request.key)
        entry = run_tool.failed(call, ToolFailed(request.text))
        now = await self._ledger.standing(request.key)
        row = None if now is None else tickets.failed_row(now.row, request.text)
        return act_result(await self._ledger.settle(entry, row, request.session))

    async def _decided(self, request: ActInput) -> ActResult:
        """Settle a call of unknown outcome by a person's decision, or because its turn no longer waits for one.

        Or settle one that was refused by a person, and not made.
        """
        if request.mode == "refuse":
            return await self._refused(request)
        settle = request.mode == "confirm"
        text = await tickets.text_of(self._state, request) if settle else GIVEN_UP
        call = call_of(request, request.name, request.arguments, request.key)
        entry = run_tool.result(call, text, "ok" if settle else "failed")
        row = await tickets.row_of(self._ledger, request)
        if row is None:
            decision = None
        elif request.undecided:
            decision = in_doubt(row)
        else:
            decision = decided(row, "confirm" if settle else "give_up", text, request.by)
        return act_result(await self._ledger.settle(entry, decision, request.session))


def _moved(before: ResultEntry, request: ActInput) -> ResultEntry:
    """The earlier result under this call's number."""
    return before.model_copy(
        update={name: getattr(request, name) for name in ("seq", "turn", "step", "call_id")}
    )


def _request(args: Sequence[RawValue]) -> ActInput:
    try:
        [given] = args
        request = activity.payload_converter().from_payload(given.payload, ActInput)
        request = ActInput.model_validate(request)  # a payload need not be JSON
    except (ValueError, KeyError, RuntimeError) as error:
        raise to_failure(BadInput(f"a call is one ActInput: {preview(str(error))}")) from error
    return request.model_copy(update={"key": ledger_key(request)})


def _breaker_wait(error: BreakerOpen) -> Wait:
    seconds = error.retry_after or _DEFAULT_WAIT
    return Wait(
        seconds=seconds * random.uniform(1.0, _SPREAD),
        reason=str(error),
        kind="breaker",
        error_code=error.code,
        nap=nap(),
    )
