"""Running activities of a turn, and their cancellation."""

import asyncio
from typing import Any

from temporalio import workflow

from ..state.state import SessionState


class NeverBegan(Exception):
    """An activity was cancelled before a worker received it."""


class InFlight:
    """The running activities, so that the session's handlers can cancel them."""

    def __init__(self, state: SessionState) -> None:
        self._state = state
        self._handles: list[workflow.ActivityHandle[Any]] = []
        self.unserved: set[str] = set()
        """Service queues that no worker served in time in this turn; the next call waits only a moment."""
        self._inline_steps: workflow.ActivityHandle[Any] | None = None

    def stop(self) -> None:
        """Cancel all activities, since the turn is cancelled; the turn still waits for their end."""
        for handle in self._handles:
            handle.cancel()

    def yield_step_loop(self) -> None:
        """End inline steps after the current one, for a pause or steering.

        Running tools and single model calls are not cancelled.
        """
        if self._inline_steps is not None:
            self._inline_steps.cancel()

    async def run(
        self, handle: workflow.ActivityHandle[Any], *, inline: bool = False, uncancellable: bool = False
    ) -> Any:
        """Wait for an activity; in a cancelled turn it is cancelled at once, unless it is ``uncancellable``.

        Raises:
            ActivityError: It failed, or was cancelled while a worker had it.
            NeverBegan: It was cancelled before that.
        """
        if uncancellable:
            return await handle
        self._handles.append(handle)
        if inline:
            self._inline_steps = handle
        if self._state.cancelled:
            handle.cancel()
        try:
            return await handle
        except asyncio.CancelledError:
            # The SDK raises CancelledError instead of ActivityError for an activity that is cancelled in the
            # activation that schedules it. Unhandled, it would end the run like a cancelled workflow.
            task = asyncio.current_task()
            only_activity = task is None or task.cancelling() == 0
            if only_activity and workflow.patched("cancelled-before-begun"):
                raise NeverBegan from None
            raise
        finally:
            self._handles.remove(handle)
            if inline:
                self._inline_steps = None
