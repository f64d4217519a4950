"""The child sessions of a tool call: started, awaited, cancelled, and replaced by their fallback agents."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import FailureError, WorkflowAlreadyStartedError

from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.agent.spec import PinnedSpec
from holdfast_workflows.contracts.limits import MAX_DEPTH, MAX_SESSION_CHILDREN
from holdfast_workflows.contracts.session.records import ledger_key
from holdfast_workflows.contracts.session.session import Message, StartInput
from holdfast_workflows.contracts.session.steps import ActInput
from holdfast_workflows.contracts.teams.children import (
    ChildOutcome,
    Children,
    ChildRequest,
    Parent,
    child_id,
)
from holdfast_workflows.contracts.teams.views import TeamView
from holdfast_workflows.contracts.text.unicode import preview

from ...teams import child_sessions
from ..state import budget_limits, team
from ..state.state import SessionState

_NOT_STARTED = "not started: other agents had answered, or the turn was cancelled"

_NO_FALLBACK = frozenset({errors.BudgetExhausted.code, errors.TurnCancelled.code})
"""Errors that a fallback agent would have as well, or that a person has caused."""


class ChildSessions:
    """Runs the child sessions of one call until all have ended, whatever their outcome."""

    def __init__(self, state: SessionState, spec: PinnedSpec, request: ActInput, children: Children) -> None:
        self._state = state
        self._seq = request.seq
        self._children = children
        self._enough = {"all": len(children.requests), "first": 1}.get(children.join, children.quorum)
        self._seq = request.seq
        self._stopped = False
        self._parent = _parent(state, spec, request)

    @property
    def refused(self) -> str:
        """Why the children may not be started; empty if they may."""
        if self._parent.depth > MAX_DEPTH:
            return (
                f"not started: there are {MAX_DEPTH} levels of agents above already; do the task without help"
            )
        wanted = self._state.children + len(self._children.requests)
        if wanted > MAX_SESSION_CHILDREN:
            return f"not started: a session has at most {MAX_SESSION_CHILDREN:,} tasks for other agents"
        return ""

    async def run(self) -> tuple[ChildOutcome, ...]:
        """Return the outcome of each request, once enough children are done and the others have ended."""
        self._state.children += len(self._children.requests)
        tasks = [asyncio.create_task(self._until_done(each)) for each in self._children.requests]
        await workflow.wait_condition(lambda: self._decided(tasks))
        self._stopped = True
        return tuple(await asyncio.gather(*tasks))

    def _decided(self, tasks: list[asyncio.Task[ChildOutcome]]) -> bool:
        """Whether the join has enough replies, or can no longer get them."""
        ended = [task.result().status == "done" for task in tasks if task.done()]
        done, left = sum(ended), len(tasks) - len(ended)
        return not left or done >= self._enough or done + left < self._enough

    async def _until_done(self, request: ChildRequest) -> ChildOutcome:
        """Give a task to its agent, and each time that one fails, to the next of its fallback agents."""
        outcome, tried = await self._attempt(request, request.agent, request.id), tuple[str, ...]()
        for place, agent in enumerate(request.fallbacks, 1):
            if outcome.status != "failed" or outcome.error_code in _NO_FALLBACK or self._over:
                break
            tried = (*tried, f"{outcome.agent}: {outcome.error_code}")
            outcome = await self._attempt(request, agent, child_id(request.id, place))
        return outcome.model_copy(update={"tried": tried})

    @property
    def _over(self) -> bool:
        return self._stopped or self._state.cancelled

    async def _attempt(self, request: ChildRequest, agent: str, id: str) -> ChildOutcome:
        """Run one child to its end and count what it has used."""
        if self._over:
            return ChildOutcome(id=id, agent=agent, status="cancelled", error=_NOT_STARTED)
        outcome, used = await self._outcome(request, agent, id)
        team.ended(self._state, outcome, used, self._seq)
        spending, more = self._state.spending, outcome.spending
        self._state.spending = spending.model_copy(
            update={"steps": spending.steps + more.steps, "tool_calls": spending.tool_calls + more.tool_calls}
        )
        return outcome

    async def _outcome(
        self, request: ChildRequest, agent: str, id: str
    ) -> tuple[ChildOutcome, TeamView | None]:
        """Start a child and wait for its end. It is cancelled when its time is up or its reply is not needed."""
        limit = child_sessions.Limit(lambda: self._over, self._children.timeout)
        team.started(self._state, id, agent, preview(request.text), self._seq)
        try:
            handle = await child_sessions.start(self._start(request, agent, id), id)
        except WorkflowAlreadyStartedError:
            # By a run of this session that was reset, or by an earlier attempt at the same call.
            return await child_sessions.follow(id, agent, limit), None
        except FailureError as error:
            failed = errors.from_failure(error) or errors.ChildFailed(f"not started: {error.cause or error}")
            text = preview(str(failed))
            return ChildOutcome(id=id, agent=agent, status="failed", error_code=failed.code, error=text), None
        return await child_sessions.ended(handle, agent, limit), child_sessions.used(handle)

    def _start(self, request: ChildRequest, agent: str, id: str) -> StartInput:
        start, left = self._state.start, budget_limits.left(self._state, len(self._children.requests))
        return StartInput(
            agent=agent,
            message=Message(text=preview(request.text), id=id, ref=request.ref, size=request.size),
            tenant=start.tenant,
            user=start.user,
            mode="task",
            max_steps=self._children.max_steps,
            continue_as_new_after=start.continue_as_new_after,
            heartbeat_timeout=start.heartbeat_timeout,
            parent=self._parent.model_copy(update={"budget": left}),
        )


def _parent(state: SessionState, spec: PinnedSpec, request: ActInput) -> Parent:
    session, above = workflow.info().workflow_id, state.start.parent
    allowance = budget_limits.allowance(state)
    return Parent(
        session=session,
        root=above.root if above else session,
        depth=above.depth + 1 if above else 1,
        call=ledger_key(request),
        untrusted=state.untrusted,
        allowance=allowance and allowance.model_copy(update={"above": True}),
        levels=child_sessions.inherited(spec.levels),
        principal=state.principal,
    )
