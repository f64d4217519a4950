"""A turn that is cancelled while a worker is lost: the turn ends, never its session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from temporalio.client import Client as TemporalClient
from temporalio.worker import Worker

from holdfast_workflows.contracts import errors, names
from holdfast_workflows.contracts.agent.fallbacks import SimplifiedReply
from holdfast_workflows.contracts.agent.memory import Memory
from holdfast_workflows.contracts.agent.spec import Effect, PinnedSpec, RetryPolicy, ToolPolicy
from holdfast_workflows.contracts.session.session import Message, StartInput, TaskResult, TurnView, WaitTurn
from holdfast_workflows.contracts.session.steps import ActInput, ThinkInput
from holdfast_workflows.session import AgentWorkflow

from ...support import WAIT, eventually
from ..played import Played, Think, calls, fails, playing

SILENCE = 2.0
Begun = Any  # the overloads of a workflow's handle are partly untyped
_PLAIN = PinnedSpec(agent="a", digest="d")


def acting(effect: Effect, undo: str = "") -> PinnedSpec:
    """An agent whose tool has such an effect."""
    return _PLAIN.model_copy(update={"tools": {"look": ToolPolicy(effect=effect, undo=undo)}})


def both(request: ThinkInput) -> Any:
    """A model that calls the tool twice at once."""
    step = calls("look")(request)
    (one,) = step.calls
    two = one.model_copy(update={"id": "other", "seq": one.seq + 1})
    return step.model_copy(update={"calls": (one, two)})


LOOKS: list[Think] = [calls("look")]
CASES: dict[str, tuple[str, PinnedSpec, list[Think]]] = {
    "model call": (names.THINK, _PLAIN, []),
    "burst": (
        names.THINK,
        _PLAIN.model_copy(update={"has_inline": True, "tools": {"look": ToolPolicy()}}),
        [],
    ),
    "tool": ("look", _PLAIN, LOOKS),
    "idempotent tool": ("look", acting("idempotent"), LOOKS),
    "once tool": ("look", acting("once"), LOOKS),
    "two tools": ("look", _PLAIN, [both]),
    "two once tools": ("look", acting("once"), [both]),
    "recall": (names.RECALL, _PLAIN.model_copy(update={"memory": Memory()}), []),
    "compaction": (names.COMPACT, _PLAIN, [*[calls("look")] * 4, calls("look", context=120)]),
}


async def begin(client: TemporalClient, queue: str) -> Begun:
    """A session with a message that is being answered and one that waits."""
    start = StartInput(agent="a", message=Message(id="first", text="Look."), heartbeat_timeout=SILENCE)
    return await client.start_workflow(
        names.WORKFLOW, start, id=f"s-{queue}", task_queue=queue, result_type=TaskResult
    )


async def ended(session: Begun, turn: int) -> TurnView:
    """The turn when it has ended."""
    async with asyncio.timeout(WAIT):
        while True:
            view: TurnView = await session.execute_update(
                "wait_turn", WaitTurn(turn=turn, seconds=10), result_type=TurnView
            )
            if view.status not in {"queued", "running"}:
                return view


async def cancelled_and_answered(session: Begun, played: Played, name: str, *, settled: bool = False) -> None:
    """Cancel the turn whose worker is lost; the turn ends, and the message that waits is answered."""
    await session.execute_update("send", Message(id="second", text="And?"))
    before = len(played.asked)
    await session.execute_update("cancel_turn", "enough")
    turn = asyncio.create_task(ended(session, 1))

    async def over() -> bool:
        # A call in doubt is looked up by another worker, which is not lost.
        return turn.done() or len(played.asked) > before

    await eventually(over)
    played.gates.pop(name).set()
    # What a burst had settled before its worker was lost counts.
    assert (await turn).status == ("done" if settled else "cancelled")
    assert (await ended(session, 2)).status == "done"
    await session.execute_update("close")
    async with asyncio.timeout(WAIT):
        await session.result()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.replace(" ", "_"))
async def test_a_turn_cancelled_while_its_worker_is_lost_ends_and_the_next_is_answered(
    client: TemporalClient, task_queue: str, case: str
) -> None:
    name, spec, thinks = CASES[case]
    # An activity that waits at its gate gives no sign of life, as that of a lost worker.
    played = Played([*thinks], spec, gates={name: asyncio.Event()})
    async with playing(client, task_queue, played):
        session = await begin(client, task_queue)
        await played.reached(name)
        await cancelled_and_answered(session, played, name, settled=spec.has_inline)


async def test_a_last_resort_whose_worker_is_lost_can_be_cancelled(
    client: TemporalClient, task_queue: str
) -> None:
    once = RetryPolicy(attempts=1, adaptive=False)
    spec = _PLAIN.model_copy(update={"fallbacks": (SimplifiedReply(),), "model_retry": once})
    gate = asyncio.Event()

    def refused(request: ThinkInput) -> Any:
        played.gates[names.THINK] = gate
        return fails(errors.ModelTransient("down"))(request)

    played = Played([refused], spec)
    async with playing(client, task_queue, played):
        session = await begin(client, task_queue)

        async def resorting() -> bool:
            return len(played.of(ThinkInput)) == 2

        await eventually(resorting)
        await cancelled_and_answered(session, played, names.THINK)


async def test_an_undo_whose_worker_is_lost_is_taken_up_by_another(
    client: TemporalClient, task_queue: str
) -> None:
    gate = asyncio.Event()

    def undone(request: ThinkInput) -> Any:
        played.gates["look"] = gate
        return fails(errors.ModelRefused("no"))(request)

    once = RetryPolicy(attempts=1, adaptive=False)
    spec = acting("idempotent", undo="look").model_copy(update={"model_retry": once})
    played = Played([calls("look"), undone], spec)
    async with playing(client, task_queue, played):
        session = await begin(client, task_queue)

        async def undoing() -> bool:
            return [each.mode for each in played.of(ActInput)][1:] == ["undo"]

        await eventually(undoing)
        await session.execute_update("send", Message(id="second", text="And?"))
        await session.execute_update("cancel_turn", "enough")

        async def again() -> bool:
            return len(played.of(ActInput)) == 3

        await eventually(again)
        gate.set()
        assert (await ended(session, 1)).status == "failed"
        assert (await ended(session, 2)).status == "done"


@asynccontextmanager
async def deciding(client: TemporalClient, queue: str, played: Played) -> AsyncGenerator[None]:
    """A worker that only decides, and runs what is attempted within a workflow task."""
    async with Worker(
        client,
        task_queue=queue,
        workflows=[AgentWorkflow],
        activities=played.activities(),
        no_remote_activities=True,
        max_cached_workflows=0,
    ):
        yield


async def test_a_call_that_ends_in_the_moment_of_the_cancel_keeps_its_result(
    client: TemporalClient, task_queue: str
) -> None:
    gate = asyncio.Event()
    played = Played([calls("look")], acting("idempotent", undo="look"), gates={"look": gate})
    async with Worker(client, task_queue=task_queue, activities=played.activities()):
        async with deciding(client, task_queue, played):
            session = await begin(client, task_queue)
            await played.reached("look")
        # Nobody decides now: the end of the call and the cancel come together.
        cancel = asyncio.create_task(session.execute_update("cancel_turn", "enough"))
        gate.set()

        async def over() -> bool:
            events = [event async for event in session.fetch_history_events()]
            ended = [each for each in events if each.HasField("activity_task_completed_event_attributes")]
            return len(ended) == 2  # think and look; load_agent leaves a marker

        await eventually(over)
        async with deciding(client, task_queue, played):
            await cancel
            assert (await ended(session, 1)).status == "cancelled"
            assert [each.mode for each in played.of(ActInput)] == ["call", "undo"]
            await session.execute_update("send", Message(id="second", text="And?"))
            assert (await ended(session, 2)).status == "done"
