"""``think``: read the conversation from the log, call the model, settle its reply and inline tool results."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

from temporalio import activity
from temporalio.client import WorkflowQueryFailedError
from temporalio.service import RPCError

from holdfast_activities import clock
from holdfast_activities.debugging.recording import phase
from holdfast_activities.teams.team_step import take_step
from holdfast_activities.tracing import PRIVATE
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import HoldfastError, StateUnavailable, to_failure
from holdfast_workflows.contracts.operations.breakers import TenantLimits
from holdfast_workflows.contracts.session import descriptions
from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.session.steps import StepView, ThinkInput, ThinkResult, Wait
from holdfast_workflows.contracts.text.unicode import preview

from ..common.agents import LiveAgents
from ..common.heartbeat import UNWATCHED, WATCHED, Heartbeat
from ..common.log_writes import away, new_entries
from ..common.run_tool import cancelled_by_session
from ..common.session_values import offer
from .reservation import limits_of
from .step_loop import StepLoop, WorkerDependencies, attempts_before

_QUERY_INTERVAL = 1.0
"""Seconds between queries whether the session still needs the current step."""


class Think:
    """The activity that calls the model."""

    def __init__(
        self, tenants: Mapping[str, TenantLimits], agents: LiveAgents, dependencies: WorkerDependencies
    ) -> None:
        self._tenants = tenants
        self._agents = agents
        self._dependencies = dependencies

    @activity.defn(name=names.THINK)
    async def think(self, step: ThinkInput) -> ThinkResult:
        """Take one step, and further ones while they call inline tools only; none if it has to wait.

        A retry reads the log first and returns what an earlier attempt settled.
        """
        loop: StepLoop | None = None
        try:
            with phase("agent"):
                agent = await self._agents.get(step.digest)
            PRIVATE.set(agent.spec.pii is not None)
            state = self._dependencies.state
            await state.append_audit(*step.audit)
            offer(state.boards)
            if agent.spec.routing is not None and step.step == 1:
                await state.assignments.claim(step.session, step.turn, agent.spec.name, clock.now())
            if agent.spec.team is not None:
                return await take_step(state, step, agent, agent.spec.team)
            loop = StepLoop(
                step,
                agent,
                self._dependencies,
                await new_entries(state, step.session, step.new, turn=step.turn, step=step.step),
                tenant=limits_of(self._tenants, step.tenant),
                look_ahead=step.again or activity.info().attempt > 1,
            )
            await self._run(step, loop)
        except StateUnavailable as error:
            return self._waiting(away(error), step)
        except HoldfastError as error:
            if loop is None or loop.choice is None:
                raise to_failure(error) from error
            raise self._dependencies.resilience.retries.failure(error, loop.choice) from error
        stopped = loop.stopped_by
        if isinstance(stopped, Wait):
            return self._waiting(stopped, step, loop.steps, loop.unanswered)
        return ThinkResult(
            decided=_decided(loop.steps, loop.failed.message if loop.failed else ""),
            steps=tuple(loop.steps),
            spent=stopped,
            failed=loop.failed,
            unanswered=loop.unanswered,
        )

    def _waiting(
        self,
        wait: Wait,
        step: ThinkInput,
        steps: Sequence[StepView] = (),
        unanswered: Usage = Usage(),  # noqa: B008 - it is immutable
    ) -> ThinkResult:
        """The settled steps and the wait, with the attempts so far: waiting does not reset their count."""
        self._dependencies.resilience.metrics.count("holdfast_waits_total", kind=wait.kind)
        wait = wait.model_copy(update={"tried": attempts_before(step)})
        decided = _decided(steps, f"has to wait: {wait.reason}")
        return ThinkResult(decided=decided, steps=tuple(steps), wait=wait, unanswered=unanswered)

    async def _run(self, step: ThinkInput, loop: StepLoop) -> None:
        work = asyncio.ensure_future(loop.run())
        # On a retry report the count of attempts at once, in case this worker is lost too.
        at_once = activity.info().attempt > 1
        with Heartbeat(WATCHED if step.streaming else UNWATCHED, loop.partial, at_once=at_once):
            try:
                await asyncio.shield(work)
            except asyncio.CancelledError:
                if not cancelled_by_session():
                    await _stop(work)
                    raise
                await self._yield(loop, work)

    async def _yield(self, loop: StepLoop, work: "asyncio.Future[None]") -> None:
        """Let the step end after a pause or steering; abort it once the turn is cancelled.

        An activity receives only one cancel request, but a paused turn may be cancelled later,
        so the session is queried repeatedly.
        """
        loop.stop()
        try:
            while not work.done():
                if await _intent() == "abort":
                    return await _stop(work)
                await asyncio.wait([work], timeout=_QUERY_INTERVAL)
            await work
        except asyncio.CancelledError:
            await _stop(work)
            raise


def _decided(steps: Sequence[StepView], end: str = "") -> tuple[str, ...]:
    """The steps for people who read the history, and why no further one was taken."""
    lines = tuple(map(descriptions.decided, steps))
    return (*lines, preview(end)) if end else lines


async def _intent() -> str:
    """What the session wants of an interrupted ``think``; ``abort`` if the query fails."""
    info = activity.info()
    assert info.workflow_id is not None
    session = activity.client().get_workflow_handle(info.workflow_id, run_id=info.workflow_run_id)
    try:
        answer: str = await session.query("intent", result_type=str, rpc_timeout=timedelta(seconds=3))
    except (RPCError, WorkflowQueryFailedError):
        return "abort"
    return answer


async def _stop(work: "asyncio.Future[None]") -> None:
    work.cancel()
    await asyncio.wait([work])
    if not work.cancelled() and (error := work.exception()) is not None:
        raise error
