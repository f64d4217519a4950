"""The activities of a turn that run now, and how they are told to stop."""

import asyncio
from typing import Any

from temporalio import workflow

from ..state.state import SessionState


class NeverBegan(Exception):
    """An activity was cancelled before any worker could have it."""


class InFlight:
    """What is in flight, so that the session's handlers can reach it."""

    def __init__(self, state: SessionState) -> None:
        self._state = state
        self._handles: list[workflow.ActivityHandle[Any]] = []
        self._burst: workflow.ActivityHandle[Any] | None = None

    def stop(self) -> None:
        """Tell all that the turn was cancelled; they are waited for."""
        for handle in self._handles:
            handle.cancel()

    def yield_step_loop(self) -> None:
        """Have a burst end with its current step, so that a pause or steering takes hold.

        Tools that run, and a model call that is no burst, are left to end by themselves.
        """
        if self._burst is not None:
            self._burst.cancel()

    async def run(
        self, handle: workflow.ActivityHandle[Any], *, burst: bool = False, to_the_end: bool = False
    ) -> Any:
        """Wait for an activity; one that starts in a cancelled turn is cancelled at once.

        One that goes ``to_the_end`` only writes what was decided, and is left to do so.

        Raises:
            ActivityError: It failed, or was cancelled while a worker had it.
            NeverBegan: It was cancelled before that.
        """
        if to_the_end:
            return await handle
        self._handles.append(handle)
        if burst:
            self._burst = handle
        if self._state.cancelled:
            handle.cancel()
        try:
            return await handle
        except asyncio.CancelledError:
            # The SDK raises this, and no ActivityError, for an activity that is cancelled in the moment
            # it is scheduled. Left alone it would end the run, as if the workflow were cancelled.
            task = asyncio.current_task()
            ours = task is None or task.cancelling() == 0
            if ours and workflow.patched("cancelled-before-begun"):
                raise NeverBegan from None
            raise
        finally:
            self._handles.remove(handle)
            if burst:
                self._burst = None
