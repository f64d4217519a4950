"""A worker of scratch agents in this process, and sessions of them."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client, WorkflowFailureError
from temporalio.service import RPCError
from temporalio.worker import Worker

from holdfast_activities.models import Models
from holdfast_activities.models.config import ProviderConfig
from holdfast_activities.resilience import Resilience
from holdfast_activities.state import open_state
from holdfast_workers import wiring
from holdfast_workers.settings import Settings
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.contracts.agent.spec import AgentSpec, RetryPolicy
from holdfast_workflows.contracts.errors import from_failure
from holdfast_workflows.contracts.session.session import Message, StartInput, TaskResult

from .model import ScratchModel

TASK: Final = "holdfast-scratch-worker"
"""The name of the task in which the worker runs."""

_RETRY: Final = RetryPolicy(attempts=3, first_delay=0.1, max_delay=0.5, adaptive=False)
_LONGEST: Final = timedelta(seconds=60)
_PATHS: Final = ("steady", "flaky", "down", "held")
_MODELS: Final[Mapping[str, tuple[str, ...]]] = {
    "steady": ("steady:scratch",),
    "flaky": ("flaky:scratch",),
    "fallback": ("down:scratch", "steady:scratch"),
    "held": ("held:scratch",),
}


def registry() -> Registry:
    """The scratch agents."""
    agents = {
        name: AgentSpec(name=name, instructions="Say that you are fit.", models=models, model_retry=_RETRY)
        for name, models in _MODELS.items()
    }
    return Registry(agents=agents, tools={})


def providers(urls: Mapping[str, str], worker: str = "") -> dict[str, ProviderConfig]:
    """The scratch providers, by path."""
    headers = {"x-worker": worker} if worker else {}
    return {path: ProviderConfig(kind="openai", base_url=url, headers=headers) for path, url in urls.items()}


@dataclass(frozen=True)
class Ended:
    """A session that has ended: its reply or its error, and its seconds from the start."""

    said: str
    seconds: float


@dataclass(frozen=True)
class Place:
    """Where a scratch deployment is: its queue, the base URLs of its providers, and the folder of its database."""

    client: Client
    queue: str
    urls: Mapping[str, str]
    folder: Path

    async def run(self, agent: str) -> Ended:
        """Run one task of an agent, and delete its history."""
        began, id = time.monotonic(), f"{names.DOCTOR}{uuid.uuid4().hex[:12]}"
        message = Message(text="Are you fit?", id=uuid.uuid4().hex)
        try:
            result: TaskResult = await self.client.execute_workflow(
                names.WORKFLOW,
                StartInput(agent=agent, mode="task", message=message),
                id=id,
                task_queue=self.queue,
                execution_timeout=_LONGEST,
                result_type=TaskResult,
            )
            said = result.last.reply if result.last else "nothing"
        except WorkflowFailureError as error:
            said = f"error {getattr(from_failure(error), 'code', type(error.cause).__name__)}"
        finally:
            await self._delete(id)
        return Ended(said, time.monotonic() - began)

    async def _delete(self, id: str) -> None:
        # Operators should not find it in their lists; without the right to delete it stays until its retention ends.
        with suppress(RPCError):
            await self.client.workflow_service.delete_workflow_execution(
                DeleteWorkflowExecutionRequest(
                    namespace=self.client.namespace, workflow_execution=WorkflowExecution(workflow_id=id)
                )
            )


@dataclass(frozen=True)
class Scratch(Place):
    """A scratch deployment with its model."""

    model: ScratchModel


@asynccontextmanager
async def placed(client: Client, folder: Path) -> AsyncGenerator[Scratch]:
    """A scratch deployment without workers; its model answers until the end of the block."""
    async with ScratchModel() as model:
        urls = {path: model.url(path) for path in _PATHS}
        yield Scratch(client, f"{names.DOCTOR}{uuid.uuid4().hex[:12]}", urls, folder, model)


@asynccontextmanager
async def scratch(client: Client, settings: Settings, folder: Path) -> AsyncGenerator[Scratch]:
    """A scratch deployment whose worker runs in this process until the end of the block."""
    async with placed(client, folder) as made, serving(made, settings):
        yield made


@asynccontextmanager
async def serving(made: Place, settings: Settings, worker: str = "") -> AsyncGenerator[None]:
    """Serve the scratch agents in this process until the end of the block."""
    async with AsyncExitStack() as stack:
        state = await open_state(f"sqlite:///{made.folder.absolute() / 'state.db'}")
        stack.push_async_callback(state.close)
        models = Models(providers(made.urls, worker))
        stack.push_async_callback(models.close)
        resilience = Resilience(state)
        stack.push_async_callback(resilience.close)
        own = settings.model_copy(update={"task_queue": made.queue, "queues": ""})
        scratch_worker = wiring.build_worker(made.client, registry(), state, models, resilience, own)
        # Not entered as a block, which would cancel the doctor when the worker loses the server.
        running = asyncio.create_task(scratch_worker.run(), name=TASK)
        stack.push_async_callback(_stop, scratch_worker, running)
        yield


async def _stop(worker: Worker, running: asyncio.Task[None]) -> None:
    stopping = asyncio.create_task(worker.shutdown())
    await asyncio.wait([running])
    stopping.cancel()  # it would wait for a worker that has failed
    await asyncio.gather(running, stopping, return_exceptions=True)  # a check reports a failure
