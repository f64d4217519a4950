"""Send notifications about inbox items in the background; an answer does not wait for them."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError

from holdfast_workflows.contracts.control.notifications import Notification

from ..state import activity_calls
from ..state.state import SessionState
from ..state.waiting import wait_until

CONTINUE_WAIT = 5.0
"""Seconds that a continue-as-new waits; the next run sends the rest. The effect ledger sends each one once."""

CLOSE_WAIT = 60.0
"""Seconds that the end of a session waits."""


class NotifyQueue:
    """Sends the notifications in ``state.unsent``, in order."""

    def __init__(self, state: SessionState) -> None:
        self._state = state
        self._task: asyncio.Task[None] | None = None
        state.on_notification = self.start

    def start(self) -> None:
        """Start the background task if notifications are queued and it does not run."""
        if self._state.unsent and not self._busy:
            self._task = asyncio.create_task(self._run())

    async def wait(self, seconds: float) -> bool:
        """Wait at most ``seconds`` until the queue is empty, and return whether it is."""
        self.start()
        return not self._busy or await wait_until(lambda: not self._busy, seconds, "people are notified")

    @property
    def _busy(self) -> bool:
        return self._task is not None and not self._task.done()

    async def _run(self) -> None:
        queue = self._state.unsent
        while queue:
            await self._send(queue[0])
            queue.popleft()

    async def _send(self, notification: Notification) -> None:
        try:
            await activity_calls.notify(notification)
        except ActivityError as error:
            # The item stays in the inbox.
            workflow.logger.error("notification %s was not sent: %s", notification.id, error.cause)
