"""``think``: read the log by reference, call the model, settle its reply; in bursts with inline tools."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from temporalio import activity
from temporalio.client import WorkflowQueryFailedError
from temporalio.service import RPCError

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.app import Registry
from holdfast_workflows.contracts.entries import Usage
from holdfast_workflows.contracts.errors import HoldfastError, StateUnavailable, to_failure
from holdfast_workflows.contracts.steps import StepView, ThinkInput, ThinkResult, Wait

from ..common.agents import LiveAgents
from ..common.heartbeat import UNWATCHED, WATCHED, Heartbeat
from ..common.log_writes import away
from . import new_entries
from .dependencies import WorkerDependencies
from .reservation import limits_of
from .step_loop import StepLoop, attempts_before

_ASKED_EVERY = 1.0
"""Seconds between questions whether a step that was to be the last still matters."""


class Think:
    """The model's activity."""

    def __init__(self, registry: Registry, agents: LiveAgents, means: WorkerDependencies) -> None:
        self._tenants = registry.tenants
        self._agents = agents
        self._means = means

    @activity.defn(name=names.THINK)
    async def think(self, step: ThinkInput) -> ThinkResult:
        """Take one step, or as many as the burst allows; none if none can be taken now.

        A retry first looks into the log: what an earlier attempt settled is returned, not
        asked for again.
        """
        try:
            return await self._think(step)
        except StateUnavailable as error:
            return self._parked((), away(error), step)
        except HoldfastError as error:
            raise to_failure(error) from error

    async def _think(self, step: ThinkInput) -> ThinkResult:
        agent = await self._agents.get(step.digest)
        state = self._means.state
        new = await new_entries.entries(state, step.session, step.new, turn=step.turn, step=step.step)
        burst = StepLoop(
            step,
            agent,
            self._means,
            new,
            tenant=limits_of(self._tenants, step.tenant),
            look_ahead=step.again or activity.info().attempt > 1,
        )
        try:
            await self._run(step, burst)
        except HoldfastError as error:
            if burst.choice is None:
                raise
            raise self._means.resilience.retries.failure(error, burst.choice) from error
        stopped = burst.stopped_by
        if isinstance(stopped, Wait):
            return self._parked(burst.steps, stopped, step, burst.unanswered)
        return ThinkResult(
            steps=tuple(burst.steps), spent=stopped, failed=burst.failed, unanswered=burst.unanswered
        )

    def _parked(
        self, steps: Sequence[StepView], park: Wait, step: ThinkInput, unanswered: Usage | None = None
    ) -> ThinkResult:
        """The steps before one that has to wait, and the attempts that were made until then, so that parking begins no new count."""
        self._means.resilience.meters.parked(park.kind)
        park = park.model_copy(update={"tried": attempts_before(step)})
        return ThinkResult(steps=tuple(steps), wait=park, unanswered=unanswered or Usage())

    async def _run(self, step: ThinkInput, burst: StepLoop) -> None:
        work = asyncio.ensure_future(burst.run())
        # What failed before is told at once, so that it is not forgotten with the worker.
        at_once = activity.info().attempt > 1
        with Heartbeat(WATCHED if step.streaming else UNWATCHED, burst.partial, at_once=at_once):
            try:
                await asyncio.shield(work)
            except asyncio.CancelledError:
                if not _asked_to_yield():
                    await _stop(work)
                    raise
                await self._yield(burst, work)

    async def _yield(self, burst: StepLoop, work: "asyncio.Future[None]") -> None:
        """Pause and steering let the step end; a cancelled turn does not wait for the model.

        The turn may be cancelled after it was paused, and an activity is told of a cancel
        only once, so the session is asked again.
        """
        burst.stop()
        try:
            while not work.done():
                if await _intent() == "abort":
                    return await _stop(work)
                await asyncio.wait([work], timeout=_ASKED_EVERY)
            await work
        except asyncio.CancelledError:
            await _stop(work)
            raise


def _asked_to_yield() -> bool:
    """Whether the workflow cancelled the activity; else the worker stops, or the server gave it up."""
    details = activity.cancellation_details()
    return details is not None and details.cancel_requested


async def _intent() -> str:
    """What the session wants of a burst it interrupted; ``abort`` if it cannot be asked."""
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
