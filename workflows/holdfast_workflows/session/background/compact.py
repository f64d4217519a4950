"""Compaction: summarize the older part of a long conversation in the background, before it has to be cut."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError, CancelledError

from holdfast_workflows.contracts.agent.memory import CompactInput, CompactResult
from holdfast_workflows.contracts.session.steps import StepView

from ..state import activity_calls, budget_limits
from ..state.state import SessionState
from ..state.waiting import wait_until

_FEWEST = 8
"""Entries since the last compaction below which none starts."""

_FULL = 100
"""Percent of the prompt's budget, from which the next model call waits for a running compaction."""

_MAX_WAIT = 60.0
"""Seconds after its start that a model call waits for a compaction; then the prompt is cut instead."""


class Compaction:
    """Runs one compaction at a time; later model calls use its summary."""

    def __init__(self, state: SessionState) -> None:
        self._state = state
        self._since = state.summary
        self._began = 0.0
        self._handle: workflow.ActivityHandle[CompactResult] | None = None
        self._task: asyncio.Task[None] | None = None

    def consider(self, step: StepView) -> None:
        """Start a compaction if the step's prompt was full enough. Call it between steps: it takes a sequence number."""
        state = self._state
        assert state.spec is not None
        full = step.context >= 100 * state.spec.compact_at
        # After a reset the next sequence number is not known yet.
        if not full or self._busy or state.reset or step.seq - self._since < _FEWEST:
            return
        self._since, self._began = state.seq, workflow.time()
        self._task = asyncio.create_task(self._compact(self._request(step)))
        state.seq += 1

    async def before_thinking(self) -> None:
        """Wait for a running compaction if the last prompt did not fit."""
        state = self._state
        left = self._began + _MAX_WAIT - workflow.time()
        if self._busy and left > 0 and state.context >= _FULL:
            await wait_until(
                lambda: not self._busy or state.cancelled,
                left,
                "waits for the summary of what no longer fits",
            )

    async def cancel(self) -> None:
        """Cancel a running compaction, since the run ends; what it still writes is ignored."""
        if self._handle is not None and self._busy:
            self._handle.cancel()
            await workflow.wait_condition(lambda: not self._busy)

    @property
    def _busy(self) -> bool:
        return self._task is not None and not self._task.done()

    def _request(self, step: StepView) -> CompactInput:
        state, spec = self._state, self._state.spec
        assert spec is not None
        return CompactInput(
            session=workflow.info().workflow_id,
            agent=spec.agent,
            digest=spec.digest,
            seq=state.seq,
            # Entries before the last reply are in the log; results of its calls may not be.
            upto=step.seq,
            turn=state.turn.turn,
            step=state.turn.step,
            before=state.summary,
            tenant=state.start.tenant,
            model=state.turn.model,
            allowance=budget_limits.allowance(state),
        )

    async def _compact(self, request: CompactInput) -> None:
        state = self._state
        assert state.spec is not None
        self._handle = activity_calls.compact(state.spec, request, state.start.heartbeat_timeout)
        try:
            result: CompactResult = await self._handle
        except ActivityError as error:
            if isinstance(error.cause, CancelledError):
                return
            workflow.logger.warning("compaction failed: %s", error.cause)
            self._emit(request, f"not done: {error.cause}", "failed")
            return
        state.usage = state.usage + result.usage
        if result.to > 0:
            state.summary = request.seq
            self._emit(request, _describe(result), "ok")

    def _emit(self, request: CompactInput, text: str, status: str) -> None:
        self._state.emit("compacted", text, at=(request.turn, request.step), seq=request.seq, status=status)


def _describe(result: CompactResult) -> str:
    how = "extracts" if result.how == "extract" else "a summary"
    return (
        f"entries {result.start:,} to {result.to - 1:,} as {how}: "
        f"{result.before:,} tokens became {result.after:,}"
    )
