"""Our workflows run outside the SDK's sandbox for speed; here they run inside it, to show that they could."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import (
    RestrictedWorkflowAccessError,
    SandboxedWorkflowRunner,
    SandboxRestrictions,
)

from holdfast.testing import Environment, ScriptedModel, call, say
from holdfast_activities import Activities
from holdfast_activities.resilience import Resilience
from holdfast_temporal import DevServer
from holdfast_workflows.maintenance import MaintenanceWorkflow
from holdfast_workflows.session import AgentWorkflow

from ..support import make_app
from .careless import AsksTheClock, RollsDice

# pydantic makes its models with what the sandbox forbids workflows; the contracts are made of them.
_RUNNER = SandboxedWorkflowRunner(
    restrictions=SandboxRestrictions.default.with_passthrough_modules(
        "pydantic", "pydantic_core", "annotated_types", "typing_extensions", "holdfast_workflows.contracts"
    )
)


@asynccontextmanager
async def sandboxed(
    model: ScriptedModel, server: DevServer, more: Sequence[type] = ()
) -> AsyncGenerator[Environment]:
    """A Holdfast whose worker puts into the sandbox what says that it needs none."""
    app = make_app()
    async with Environment.start(app, model, server=server.address, worker=False) as holdfast:
        resilience = Resilience(holdfast.state)
        holdfast._stack.push_async_callback(resilience.close)
        activities = Activities(app.registry(), holdfast.state, holdfast._models, resilience)
        worker = Worker(
            holdfast.temporal,
            task_queue=holdfast.task_queue,
            workflows=[AgentWorkflow, MaintenanceWorkflow, *more],
            activities=activities.all(),
            unsandboxed_workflow_runner=_RUNNER,
            workflow_failure_exception_types=[RestrictedWorkflowAccessError],
        )
        async with activities.running(), worker:
            yield holdfast


async def test_a_session_runs_inside_the_sandbox(server: DevServer) -> None:
    replies = [
        call("look", {"at": "left"}) + call("look", {"at": "right"}),
        call("peek", {"at": "it"}),
        say("Seen."),
        say("Still there."),
    ]
    async with ScriptedModel(replies) as model, sandboxed(model, server) as holdfast:
        session = await holdfast.client.start("helper", "Look around.", continue_as_new_after=40)
        assert (await session.wait()).text == "Seen."
        assert (await session.send("And now?")).text == "Still there."
        await session.close()
        assert (await session.result()).text == "Still there."


@pytest.mark.parametrize(
    ("careless", "forbidden"), [(AsksTheClock, "datetime.now"), (RollsDice, "random.random")]
)
async def test_the_sandbox_catches_what_a_replay_would_decide_otherwise(
    server: DevServer, careless: type, forbidden: str
) -> None:
    async with ScriptedModel([]) as model, sandboxed(model, server, [careless]) as holdfast:
        with pytest.raises(WorkflowFailureError) as caught:
            await holdfast.temporal.execute_workflow(
                careless.__name__, id=uuid.uuid4().hex, task_queue=holdfast.task_queue
            )
    assert forbidden in str(caught.value.cause)
