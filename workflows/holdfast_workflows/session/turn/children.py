"""The child sessions of a tool call: started, awaited, cancelled, and replaced by their fallback agents."""

import asyncio

from temporalio import workflow

from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.agent.spec import PinnedSpec
from holdfast_workflows.contracts.session.session import Message, StartInput
from holdfast_workflows.contracts.session.steps import ActInput
from holdfast_workflows.contracts.teams.children import (
    ChildOutcome,
    Children,
    ChildRequest,
    Parent,
    child_id,
)
from holdfast_workflows.contracts.text.unicode import preview

from ...teams import child_sessions
from ..state import team, waiting
from ..state.state import SessionState

_NOT_STARTED = "not started: other agents had answered, or the turn was cancelled"

_NO_FALLBACK = frozenset({errors.BudgetExhausted.code, errors.TurnCancelled.code})
"""Errors that a fallback agent would have as well, or that a person has caused."""


class ChildSessions:
    """Runs the child sessions of one call until all have ended, whatever their outcome."""

    def __init__(self, state: SessionState, spec: PinnedSpec, request: ActInput, children: Children) -> None:
        self._state = state
        self._children = children
        self._enough = {"all": len(children.requests), "first": 1}.get(children.join, children.quorum)
        self._seq = request.seq
        self._stopped = False
        session, above = workflow.info().workflow_id, state.start.parent
        self._parent = Parent(
            session=session,
            root=above.root if above else session,
            depth=above.depth + 1 if above else 1,
            call=request.key or names.call_key(session, request.seq),
            untrusted=state.untrusted,
            levels=child_sessions.inherited(spec.levels),
        )

    async def run(self) -> tuple[ChildOutcome, ...]:
        """Return the outcome of each request, once enough children are done and the others have ended."""
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
        """Run one child to its end. It is cancelled when its time is up or its reply is not needed any more."""
        if self._over:
            return ChildOutcome(id=id, agent=agent, status="cancelled", error=_NOT_STARTED)
        handle = await child_sessions.start(self._start(request, agent, id), id)
        team.started(self._state, id, agent, preview(request.text), self._seq)
        seconds = self._children.timeout
        in_time = await waiting.wait_until(lambda: handle.done() or self._over, seconds, f"time of {agent}")
        if not handle.done():
            handle.cancel()
            await workflow.wait_condition(handle.done)
        outcome = self._outcome(handle, agent, in_time=in_time)
        team.ended(self._state, outcome, child_sessions.used(handle), self._seq)
        return outcome

    def _outcome(self, handle: child_sessions.ChildHandle, agent: str, *, in_time: bool) -> ChildOutcome:
        outcome = child_sessions.outcome(handle, agent)
        if outcome.status == "cancelled" and not in_time:
            error = errors.ChildTimedOut(f"{agent} had {self._children.timeout:g} s")
            failed = {"status": "failed", "error_code": error.code, "error": str(error)}
            return outcome.model_copy(update=failed)
        return outcome

    def _start(self, request: ChildRequest, agent: str, id: str) -> StartInput:
        start = self._state.start
        return StartInput(
            agent=agent,
            message=Message(text=preview(request.text), id=id, ref=request.ref, size=request.size),
            tenant=start.tenant,
            user=start.user,
            mode="task",
            max_steps=self._children.max_steps,
            continue_as_new_after=start.continue_as_new_after,
            heartbeat_timeout=start.heartbeat_timeout,
            parent=self._parent,
        )
