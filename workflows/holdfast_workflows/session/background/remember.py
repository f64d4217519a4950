"""Remembering: turns that have ended are kept beyond the session, one after the other, behind its back.

No client waits for it and no turn fails for it. A turn is remembered once, whoever begins with it
again: what becomes of it is decided in the state database under the session and the turn.
"""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

from holdfast_workflows.contracts.entries import Usage
from holdfast_workflows.contracts.memory import RememberInput, RememberResult
from holdfast_workflows.contracts.session import TurnState
from holdfast_workflows.contracts.steps import TurnStatus

from ..state import activity_calls
from ..state.budget import BudgetTracker
from ..state.state import SessionState
from .settle import SettleQueue

ROLLING = 5.0
"""Seconds that a roll-over waits; what is not done by then goes on in the new run."""

LAST = 180.0
"""Seconds that a session's end waits: for one attempt whose worker was lost, and the one after it."""


def note(state: SessionState, turn: TurnState, status: TurnStatus) -> None:
    """A turn has ended: it is to be remembered, if it came to anything."""
    spec = state.spec
    if spec is None or spec.memory is None or not turn.start or not (status == "done" or turn.step):
        return
    if len(state.unremembered) == state.unremembered.maxlen:
        workflow.logger.error("turn %d is not remembered: too many wait", state.unremembered[0].turn)
    state.unremembered.append(
        RememberInput(
            session=workflow.info().workflow_id,
            agent=spec.agent,
            digest=spec.digest,
            turn=turn.turn,
            start=turn.start,
            stop=state.seq,
            tenant=state.start.tenant,
            user=state.start.user,
            allowance=BudgetTracker(state).allowance(),
            resets=state.resets,
        )
    )


class RememberQueue:
    """Remembers what waits in the state, in order."""

    def __init__(self, state: SessionState, settler: SettleQueue) -> None:
        self._state = state
        self._settler = settler
        self._task: asyncio.Task[None] | None = None

    def go_on(self) -> None:
        """See that what waits is being remembered."""
        if self._state.unremembered and not self._busy:
            self._task = asyncio.create_task(self._run())

    async def wait(self, seconds: float) -> bool:
        """Wait until nothing waits, for so long at most; whether nothing does."""
        self.go_on()
        if self._busy:
            try:
                await workflow.wait_condition(
                    lambda: not self._busy,
                    timeout=timedelta(seconds=seconds),
                    timeout_summary="turns are being remembered",
                )
            except TimeoutError:
                return False
        return True

    @property
    def _busy(self) -> bool:
        return self._task is not None and not self._task.done()

    async def _run(self) -> None:
        waiting = self._state.unremembered
        while waiting:
            # A turn that failed is in the log only when it is settled.
            await self._settler.wait()
            request = waiting[0]
            used = await self._remember(request)
            # Read after the wait: turns that ended meanwhile have added theirs.
            self._state.usage = self._state.usage + used
            if waiting and waiting[0] is request:
                waiting.popleft()

    async def _remember(self, request: RememberInput) -> Usage:
        assert self._state.spec is not None
        try:
            result: RememberResult = await activity_calls.remember(
                self._state.spec, request, self._state.start.heartbeat_timeout
            )
        except ActivityError as error:
            workflow.logger.error("turn %d is not remembered: %s", request.turn, error.cause)
            return Usage()
        return result.usage
