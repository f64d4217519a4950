"""A connection to Temporal with the task queue of its workers, and the checks before a request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowHandle
from temporalio.exceptions import TemporalError, WorkflowAlreadyStartedError

from holdfast_temporal.identity import Grants
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.control.identity import LOCAL_OPERATOR, Principal
from holdfast_workflows.contracts.errors import NoWorker
from holdfast_workflows.contracts.session.session import TaskResult

from . import queues
from .bounded import bounded
from .errors import translate

T = TypeVar("T")

_POLL: Final = 65.0
"""Seconds: a worker asks the server for work at least this often."""


@dataclass(frozen=True)
class Connection:
    """A Temporal client with the task queue of its workers.

    Attributes:
        task_queue: If empty, the queue of the namespace's only app; looked up at first use.
        timeout: Seconds that a request may take.
        at_once: Fail a request that needs a worker before it is sent if no worker polls the queue.
            Otherwise it waits for a worker.
        grants: Those of the client's credential; None without one. Then requests are not signed.
    """

    temporal: Client
    task_queue: str
    timeout: float
    at_once: bool = False
    grants: Grants | None = field(default=None, compare=False, repr=False)
    _polled: set[str] = field(default_factory=set[str], compare=False)
    """Queues and sessions for which a worker was seen."""
    _found: list[str] = field(default_factory=list[str], compare=False, repr=False)

    async def principal(self) -> Principal:
        """Return the principal of the client's credential; the local operator without one."""
        return (await self.grants.current()).principal if self.grants else LOCAL_OPERATOR

    async def queue(self) -> str:
        """Return the workers' task queue; SettingsInvalid if none is set and there are several apps."""
        if self.task_queue:
            return self.task_queue
        if not self._found:
            found = await queues.find(self.temporal, self.polled)
            if found is None:
                return names.TASK_QUEUE  # the first worker may still come, with an app of another name
            self._found.append(found)
        return self._found[0]

    async def expect_worker(self, session: str = "", *, queue: str = "") -> None:
        """With ``at_once``, raise NoWorker unless a worker polls the queue of a request; cached."""
        if not self.at_once:
            return
        place = session or queue or await self.queue()
        if place in self._polled:
            return
        queue = (await self.describe(session)).task_queue if session else place
        looks = [0.4, 0.8]  # seconds; a worker that has just started needs a moment to be listed
        while not await self.polled(queue):
            if looks:
                await asyncio.sleep(looks.pop(0))
                continue
            server = self.temporal.service_client.config.target_host
            raise NoWorker(
                f"no worker polls task queue {queue!r} of namespace {self.temporal.namespace!r} at {server}"
                + await queues.owner(self.temporal, queue)
                + _age(await self._last_poll(queue))
            )
        self._polled.add(place)

    async def describe(self, session: str) -> WorkflowExecutionDescription:
        """Describe a session; needs no worker."""
        return await self.call(self.handle(session).describe(), session)

    def handle(self, session: str) -> WorkflowHandle[Any, TaskResult]:
        """Return the Temporal handle of a session."""
        return self.temporal.get_workflow_handle(session, result_type=TaskResult)

    async def polled(self, queue: str) -> bool:
        """Whether a worker polled a queue recently."""
        return time.time() - await self._last_poll(queue) < _POLL

    async def _last_poll(self, queue: str) -> int:
        """When a worker last polled a queue, by the server's clock; 0 if none did in the last minutes."""
        request = DescribeTaskQueueRequest(
            namespace=self.temporal.namespace, task_queue=TaskQueue(name=queue)
        )
        found = await self.call(self.temporal.workflow_service.describe_task_queue(request, retry=True))
        return max((poller.last_access_time.ToSeconds() for poller in found.pollers), default=0)

    async def call(
        self,
        call: Coroutine[Any, Any, T],
        session: str = "",
        *,
        by_worker: bool = False,
        seconds: float = 0.0,
    ) -> T:
        """Await a request with a time limit and translate its error."""
        try:
            return await bounded(call, seconds or self.timeout)
        except WorkflowAlreadyStartedError:
            raise
        except (TemporalError, TimeoutError) as error:
            raise translate(error, session, by_worker=by_worker) from error


def _age(poll: int) -> str:
    """Describe the last poll of a queue: a wrong clock of this machine makes a live worker look dead."""
    return f"; the last poll was {time.time() - poll:.0f} s ago by this machine's clock" if poll else ""
