"""A model call whose workers are lost, one after the other."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext

import pytest
from temporalio.client import Client as TemporalClient
from temporalio.client import WorkflowFailureError

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.errors import ModelTransient, from_failure
from holdfast_workflows.contracts.session.session import Message, StartInput, TaskResult
from holdfast_workflows.contracts.session.steps import ThinkInput

from ...support import eventually
from ..played import Played, playing, says

SILENCE = 2.0
SURVIVED = 5
"""Workers that a call may be lost with."""


@pytest.mark.parametrize("saved", [True, pytest.param(False, marks=pytest.mark.slow)])
async def test_a_call_outlives_five_lost_workers_and_ends_with_the_sixth(
    client: TemporalClient, task_queue: str, saved: bool
) -> None:
    # An activity that waits at its gate gives no sign of life, as that of a lost worker.
    gate = asyncio.Event()
    played = Played([says("Done.")] * (SURVIVED + 1), gates={names.THINK: gate})
    async with playing(client, task_queue, played):
        start = StartInput(
            agent="a", mode="task", message=Message(id="first", text="Hi"), heartbeat_timeout=SILENCE
        )
        session = await client.start_workflow(
            names.WORKFLOW, start, id=f"s-{task_queue}", task_queue=task_queue, result_type=TaskResult
        )

        async def begun() -> bool:
            return len(played.of(ThinkInput)) == SURVIVED + 1

        await eventually(begun)
        if saved:
            gate.set()
        with nullcontext() if saved else pytest.raises(WorkflowFailureError) as failed:
            await session.result()
        gate.set()
    if failed is not None:
        error = from_failure(failed.value)
        assert isinstance(error, ModelTransient)
    assert [each.again for each in played.of(ThinkInput)] == [False] + [True] * SURVIVED
