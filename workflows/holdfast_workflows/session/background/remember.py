"""Remember ended turns in the memory store, one after the other, in the background.

No client waits for it, and its errors fail no turn. A repeated activity remembers a turn once: the state
database keeps the outcome under the session and the turn.
"""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError

from holdfast_workflows.contracts.agent.memory import RememberInput, RememberResult
from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.session.session import TurnState
from holdfast_workflows.contracts.session.steps import TurnStatus

from ..state import activity_calls, budget_limits
from ..state.state import SessionState
from ..state.waiting import wait_until
from .settle import SettleQueue

CONTINUE_WAIT = 5.0
"""Seconds that a continue-as-new waits; unfinished turns are remembered by the next run."""

CLOSE_WAIT = 180.0
"""Seconds that the end of a session waits: time for an attempt whose worker is lost, and for the next one."""


def note(state: SessionState, turn: TurnState, status: TurnStatus) -> None:
    """Queue an ended turn, if it took a step or is done."""
    spec = state.spec
    if (
        state.start.fork is not None
        or spec is None
        or spec.memory is None
        or not turn.start
        or not (status == "done" or turn.step)
    ):
        return
    if len(state.unremembered) == state.unremembered.maxlen:
        workflow.logger.error("turn %d was not remembered: the queue is full", state.unremembered[0].turn)
    state.unremembered.append(
        RememberInput(
            untrusted=bool(state.untrusted),
            session=workflow.info().workflow_id,
            agent=spec.agent,
            digest=spec.digest,
            turn=turn.turn,
            start=turn.start,
            stop=state.seq,
            tenant=state.start.tenant,
            user=state.start.user,
            allowance=budget_limits.allowance(state),
            resets=state.resets,
            root=state.root,
        )
    )


class RememberQueue:
    """Remembers the turns in ``state.unremembered``, in order."""

    def __init__(self, state: SessionState, settle_queue: SettleQueue) -> None:
        self._state = state
        self._settle_queue = settle_queue
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the background task if turns are queued and it does not run."""
        if self._state.unremembered and not self._busy:
            self._task = asyncio.create_task(self._run())

    async def wait(self, seconds: float) -> bool:
        """Wait at most ``seconds`` until the queue is empty, and return whether it is."""
        self.start()
        return not self._busy or await wait_until(
            lambda: not self._busy, seconds, "turns are being remembered"
        )

    @property
    def _busy(self) -> bool:
        return self._task is not None and not self._task.done()

    async def _run(self) -> None:
        queue = self._state.unremembered
        while queue:
            # A failed turn is complete in the log only after it is settled.
            await self._settle_queue.wait()
            request = queue[0]
            used = await self._remember(request)
            # Read after the await, since turns that ended during it have added their usage.
            self._state.usage = self._state.usage + used
            if queue and queue[0] is request:
                queue.popleft()

    async def _remember(self, request: RememberInput) -> Usage:
        assert self._state.spec is not None
        try:
            result: RememberResult = await activity_calls.remember(
                self._state.spec, request, self._state.start.heartbeat_timeout
            )
        except ActivityError as error:
            workflow.logger.error("turn %d was not remembered: %s", request.turn, error.cause)
            return Usage()
        return result.usage
