"""A real server, worker processes, and three sources of evidence outside of them.

The evidence is the scripted model's list of requests, the ledger, and the log's file,
read without Holdfast's code.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, WorkflowHandle

from holdfast.testing import ScriptedModel
from holdfast_client import Session, connect
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.session.session import Message, Mode, StartInput, TaskResult

from ..workers.running import Running, started
from .ledger import Ledger

APP = "tests.kills.sample:app"
HEARTBEAT_TIMEOUT = 2.0
"""Seconds until the activities and workflow tasks of a killed worker are given to another."""

BOUND = 60.0
_SLICE = 0.002

Handle = WorkflowHandle[Any, TaskResult]


@dataclass
class World:
    """The environment of the workers. ``home`` is their folder."""

    address: str
    client: Client
    model: ScriptedModel
    ledger: Ledger
    home: Path

    def worker(
        self, queue: str, address: str = "", app: str = APP, **more: str
    ) -> AbstractAsyncContextManager[Running]:
        """Start a worker process. ``address`` replaces the server's, and ``more`` are settings."""
        providers = {"openai": {"kind": "openai", "base_url": self.model.openai_url}}
        return started(
            "worker",
            app,
            temporal_address=address or self.address,
            task_queue=queue,
            providers=json.dumps(providers),
            test_ledger=self.ledger.url,
            graceful_seconds="5",
            **more,
        )

    async def session(self, handle: Handle) -> Session:
        """Return the client's session."""
        return (await connect(temporal=self.client, timeout=BOUND)).session(handle.id)

    async def begin(
        self,
        queue: str,
        id: str,
        *,
        agent: str = "clerk",
        mode: Mode = "task",
        heartbeat_timeout: float = HEARTBEAT_TIMEOUT,
    ) -> Handle:
        """Start a session whose first message is its id."""
        start = StartInput(
            agent=agent, mode=mode, message=Message(id="first", text=id), heartbeat_timeout=heartbeat_timeout
        )
        return await self.client.start_workflow(
            names.WORKFLOW,
            start,
            id=id,
            task_queue=queue,
            result_type=TaskResult,
            task_timeout=timedelta(seconds=HEARTBEAT_TIMEOUT),
        )

    def log(self, session: str) -> list[dict[str, Any]]:
        """The log's rows of a session, in order."""
        with self._state() as db:
            rows = db.execute("SELECT body FROM holdfast_log WHERE session = ? ORDER BY seq", (session,))
            return [json.loads(body) for (body,) in rows.fetchall()]

    def lose(self, session: str, seq: int) -> None:
        """Delete a row of the log."""
        with self._state() as db:
            db.execute("DELETE FROM holdfast_log WHERE session = ? AND seq = ?", (session, seq))

    def asked(self, session: str) -> Counter[int]:
        """Count a session's model requests by step (the number of tool results in the prompt)."""
        return Counter(seen.results for seen in self.model.requests if seen.conversation == session)

    def _state(self) -> closing[sqlite3.Connection]:
        return closing(sqlite3.connect(self.home / "state.db", timeout=20, isolation_level=None))


async def stop_when(worker: Running, reached: Callable[[], Awaitable[bool]]) -> None:
    """Run a worker in slices of a few milliseconds until ``reached`` holds, and leave it stopped.

    The worker is stopped during each check, so it cannot go on between the check and the kill.
    """
    async with asyncio.timeout(BOUND):
        while True:
            worker.signal(signal.SIGSTOP)
            if await reached():
                return
            worker.signal(signal.SIGCONT)
            await asyncio.sleep(_SLICE)


async def kill(worker: Running) -> None:
    """End a worker by SIGKILL."""
    worker.signal(signal.SIGKILL)
    await worker.ended()


async def ready(worker: Running) -> Running:
    """Wait until a worker takes work."""
    await worker.said("worker started")
    return worker


async def polling(world: World, queue: str) -> None:
    """Wait until the server has a worker's poll for workflow tasks, which a worker sends after it started."""
    request = DescribeTaskQueueRequest(
        namespace=world.client.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    async with asyncio.timeout(BOUND):
        while not (await world.client.workflow_service.describe_task_queue(request)).pollers:  # noqa: ASYNC110 # the server reports no event
            await asyncio.sleep(0.02)


async def length(handle: Handle) -> int:
    """Return the number of events in the history."""
    return (await handle.describe()).history_length


async def pending(handle: Handle) -> list[str]:
    """Return the types of the pending activities."""
    found = (await handle.describe()).raw_description.pending_activities
    return [each.activity_type.name for each in found]


async def done(handle: Handle) -> TaskResult:
    """Wait for the result for at most ``BOUND`` seconds."""
    async with asyncio.timeout(BOUND):
        return await handle.result()
