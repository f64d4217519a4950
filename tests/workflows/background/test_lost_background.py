"""A worker that is lost while it works beside the turns: another takes its work up soon."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.client import Client as TemporalClient
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import CancelledError

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.memory import CompactInput, RememberInput
from holdfast_workflows.contracts.session.session import Message, StartInput, TaskResult

from ...support import WAIT, eventually
from ..played import Played, Think, calls, playing, says

SILENCE = 2.0
Begun = WorkflowHandle[object, TaskResult]


async def begin(client: TemporalClient, queue: str) -> Begun:
    """A task whose activities may be silent for a second."""
    start = StartInput(
        agent="a", mode="task", message=Message(id="first", text="Look."), heartbeat_timeout=SILENCE
    )
    return await client.start_workflow(
        names.WORKFLOW, start, id=f"s-{queue}", task_queue=queue, result_type=TaskResult
    )


@pytest.mark.parametrize(
    ("name", "asked", "context"),
    [(names.COMPACT, CompactInput, 120), (names.REMEMBER_TURN, RememberInput, 0)],
)
async def test_what_a_lost_worker_left_is_begun_again_after_its_silence(
    client: TemporalClient, task_queue: str, name: str, asked: type[object], context: int
) -> None:
    thinks: list[Think] = [*[calls("look")] * 4, calls("look", context=context), says("Done.")]
    # An activity that waits at its gate gives no sign of life, as that of a lost worker.
    played = Played(thinks, gates={name: asyncio.Event()})
    async with playing(client, task_queue, played):
        session = await begin(client, task_queue)

        async def begun_again() -> bool:
            return len(played.of(asked)) == 2

        await eventually(begun_again)
        played.gates[name].set()
        result = await session.result()
    assert result.last is not None
    assert result.last.status == "done"
    assert len(played.of(asked)) == 2


@pytest.mark.parametrize("name", [names.LOAD_AGENT, names.COMPACT, names.REMEMBER_TURN])
async def test_a_workflow_that_is_cancelled_meanwhile_ends_so(
    client: TemporalClient, task_queue: str, name: str
) -> None:
    thinks: list[Think] = [*[calls("look")] * 4, calls("look", context=120), says("Done.")]
    played = Played(thinks, gates={name: asyncio.Event()})
    async with playing(client, task_queue, played):
        session = await begin(client, task_queue)
        await played.reached(name)
        await session.cancel()
        if name == names.REMEMBER_TURN:
            played.gates[name].set()
        async with asyncio.timeout(WAIT):
            with pytest.raises(WorkflowFailureError) as failure:
                await session.result()
        played.gates[name].set()
    assert isinstance(failure.value.cause, CancelledError)


async def test_a_session_is_closed_though_a_compaction_never_ends(
    client: TemporalClient, task_queue: str
) -> None:
    thinks: list[Think] = [*[calls("look")] * 4, calls("look", context=80), says("Done.")]
    played = Played(thinks, gates={names.COMPACT: asyncio.Event()})
    async with playing(client, task_queue, played) as holdfast:
        session = await holdfast.start("a", "Look.")
        assert (await session.wait()).text == "Done."
        await session.close()
        async with asyncio.timeout(WAIT):
            result = await client.get_workflow_handle(session.id, result_type=TaskResult).result()
        played.gates[names.COMPACT].set()
    assert result.turns == 1
