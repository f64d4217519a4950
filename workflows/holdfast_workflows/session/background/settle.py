"""Write turns and snapshots to the state database in order, in the background."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError

from holdfast_workflows.contracts.errors import HoldfastError
from holdfast_workflows.contracts.session.records import turn_record
from holdfast_workflows.contracts.session.steps import SettleInput, TurnRecord

from ..state import activity_calls
from ..state.origin import reset
from ..state.state import SessionState

_MOST_WAITING = 20


class SettleQueue:
    """Writes one change after the other. Only a continue-as-new and the session's end wait for it."""

    def __init__(self, state: SessionState) -> None:
        self._state = state
        self._changes: list[SettleInput] = []
        self._task: asyncio.Task[None] | None = None
        self._local = True

    @property
    def behind(self) -> bool:
        """Whether the queue is so long that the next turn should wait for it."""
        return len(self._changes) > _MOST_WAITING

    def turn_ended(self) -> None:
        """Write the turn that ended last; the turn of a task is written with the session's end."""
        if not self._with_the_end:
            self._add(self._last_turn())

    def session_ended(self) -> None:
        """Write the session's last status."""
        self._add(self._last_turn() if self._with_the_end else None)

    async def wait(self) -> None:
        """Wait until everything is written."""
        if self._task is not None:
            await workflow.wait_condition(self._task.done)

    @property
    def _with_the_end(self) -> bool:
        """Whether the turn is written with the session's end: a task's, unless it is remembered first."""
        spec = self._state.spec
        return self._state.start.mode == "task" and (spec is None or spec.memory is None)

    def _last_turn(self) -> TurnRecord | None:
        last = self._state.last_ended
        return turn_record(last) if last else None

    def _add(self, turn: TurnRecord | None) -> None:
        state = self._state
        if state.spec is None:
            return
        self._changes.append(
            SettleInput(
                session=workflow.info().workflow_id,
                agent=state.spec.agent,
                digest=state.spec.digest,
                tenant=state.start.tenant,
                version=0,
                status=state.status,
                seq=state.seq,
                turns=state.turns,
                usage=state.usage,
                turn=turn,
                new=tuple(state.unwritten),
                routed=state.spec.routed,
            )
        )
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._settle())

    async def _settle(self) -> None:
        while self._changes:
            await reset.settled(self._state)
            # With all audit records, those of running activities too: it may be the session's last activity.
            update = {"version": self._state.version, "audit": self._state.trail.waiting}
            change = self._changes.pop(0).model_copy(update=update)
            try:
                version = await self._write(change)
                # After a reset the state may have a higher version than a result that was under way.
                self._state.version = max(self._state.version, version)
                self._state.mark_written(change.new)
                self._state.trail.written(change.audit)
            except (ActivityError, HoldfastError) as error:
                # The log has the content and Temporal the decisions, so the session continues without it.
                cause = error.cause if isinstance(error, ActivityError) else error
                workflow.logger.error("a turn could not be written to the state database: %s", cause)

    async def _write(self, change: SettleInput) -> int:
        """Write a change locally, within the workflow task that runs anyway; else in an activity with retries."""
        seconds = self._state.start.heartbeat_timeout
        # A lost workflow task runs again and may decide otherwise. A turn then ends later, which the state database
        # accepts; but a conversation that was closed may go on, so its end is not written before it is decided.
        if self._local and (change.turn is not None or self._state.start.mode == "task"):
            version = await activity_calls.settle_turn_locally(change, seconds)
            if version is not None:
                return version
            # If the database is away, each later reply would wait for an attempt that fails.
            self._local = False
        return await activity_calls.settle_turn(change, seconds)
