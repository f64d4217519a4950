"""Wait for a worker of a service queue: visible after some seconds, and bounded.

Temporal does not tell a workflow whether an activity has begun. So a call is offered twice: for a moment, and
after that, as a wait that is shown, for the rest of its time.
"""

from datetime import UTC, datetime

from temporalio import workflow

from holdfast_workflows.contracts.agent.spec import PinnedSpec, ToolPolicy
from holdfast_workflows.contracts.limits import QUEUE_NOTICE

from ..state import waiting
from ..state.state import SessionState


class QueueWait:
    """The wait of one call, at ``seq``, for a worker of its service queue; without a queue there is no limit."""

    def __init__(
        self,
        state: SessionState,
        seq: int,
        of: PinnedSpec | ToolPolicy,
        unserved: set[str],
        timeout: float | None = None,
    ) -> None:
        """``unserved`` has the queues that no worker served before; ``timeout`` replaces that of the queue."""
        self.queue = of.queue
        self._state = state
        self._seq = seq
        self._unserved = unserved
        self._timeout = of.queue_timeout if timeout is None else timeout
        self._waited = 0.0
        self._reason = ""

    @property
    def within(self) -> float | None:
        """Seconds in which a worker has to begin the next attempt."""
        if not self.queue:
            return None
        return self._timeout - self._waited if self._waited else min(QUEUE_NOTICE, self._timeout)

    @property
    def problem(self) -> str:
        """Why the call was not made."""
        return f"no worker of queue {self.queue!r} took the call within {self._waited:g} s"

    async def offered(self) -> bool:
        """Note that no worker took the call; whether it may be offered again."""
        self.ended()
        self._waited += self.within or 0.0
        if self.queue in self._unserved or self._waited >= self._timeout:
            self._unserved.add(self.queue)
            return False
        await waiting.resumed(self._state)
        until = datetime.fromtimestamp(workflow.time() + self._timeout - self._waited, UTC)
        self._reason = f"{self.problem}; one may begin it until {until:%Y-%m-%d %H:%M:%S} UTC"
        self._state.waits[self._seq] = self._reason
        self._state.emit("waiting", self._reason, status="queue")
        waiting.show(self._state)
        return True

    def taken(self) -> None:
        """Note that a worker took the call, also if the worker was lost."""
        self.ended()
        self._waited = 0.0
        self._unserved.discard(self.queue)

    def ended(self) -> None:
        """Show the wait no longer."""
        if self._reason:
            del self._state.waits[self._seq]
            self._state.timeline.wait_ended(self._reason, workflow.time())
            self._reason = ""
            waiting.show(self._state)
