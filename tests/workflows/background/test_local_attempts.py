"""Loading and settling within the workflow task that runs anyway, and what happens when that fails."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from temporalio.client import Client as TemporalClient
from temporalio.client import WorkflowFailureError

from holdfast.testing import say
from holdfast_client.operations.stored import content
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.agent.spec import PinnedSpec
from holdfast_workflows.contracts.errors import HoldfastError, StateUnavailable, UnknownAgent, to_failure
from holdfast_workflows.contracts.session.session import Message, StartInput, TaskResult
from holdfast_workflows.contracts.session.steps import LoadInput, SettleInput
from holdfast_workflows.session import AgentWorkflow

from ...support import WAIT
from ..conftest import Start
from ..played import Played, playing

TASK = StartInput(agent="a", mode="task", message=Message(id="first", text="Hi"))


@dataclass
class Failing(Played):
    """Played activities of which the first attempts fail."""

    failures: dict[str, list[HoldfastError]] = field(default_factory=dict[str, list[HoldfastError]])

    async def _enter(self, name: str, request: Any) -> None:
        await super()._enter(name, request)
        if self.failures.get(name):
            raise to_failure(self.failures[name].pop(0))


async def scheduled(client: TemporalClient, session: str) -> Counter[str]:
    """The activities that were scheduled, and the markers by summary."""
    found: Counter[str] = Counter()
    async for event in client.get_workflow_handle(session).fetch_history_events():
        if event.HasField("activity_task_scheduled_event_attributes"):
            found[event.activity_task_scheduled_event_attributes.activity_type.name] += 1
        elif event.HasField("marker_recorded_event_attributes"):
            found[event.user_metadata.summary.data.decode().strip('"')] += 1
    return found


@pytest.mark.parametrize("name", [names.LOAD_AGENT, names.SETTLE_TURN])
async def test_an_activity_with_retries_follows_a_local_attempt_that_failed(
    client: TemporalClient, task_queue: str, name: str
) -> None:
    away: list[HoldfastError] = [StateUnavailable("away"), StateUnavailable("away")]
    played = Failing(spec=PinnedSpec(agent="a", digest="d"), failures={name: away})
    async with playing(client, task_queue, played):
        result: TaskResult = await client.execute_workflow(
            names.WORKFLOW, TASK, id=f"s-{task_queue}", task_queue=task_queue, result_type=TaskResult
        )
        found = await scheduled(client, f"s-{task_queue}")
    assert result.last is not None
    assert result.last.status == "done"
    assert len(played.of(LoadInput if name == names.LOAD_AGENT else SettleInput)) == 3
    assert found[name] == 1


async def test_an_unknown_agent_is_refused_by_the_local_attempt(
    client: TemporalClient, task_queue: str
) -> None:
    played = Failing(failures={names.LOAD_AGENT: [UnknownAgent("a")]})
    async with playing(client, task_queue, played):
        with pytest.raises(WorkflowFailureError):
            await client.execute_workflow(
                names.WORKFLOW, TASK, id=f"s-{task_queue}", task_queue=task_queue, result_type=TaskResult
            )
        assert (await scheduled(client, f"s-{task_queue}"))[names.LOAD_AGENT] == 0
    assert len(played.of(LoadInput)) == 1


async def test_only_one_reply_waits_for_a_database_that_hangs(
    client: TemporalClient, task_queue: str
) -> None:
    gate = asyncio.Event()
    played = Played(gates={names.SETTLE_TURN: gate})
    async with playing(client, task_queue, played) as holdfast, asyncio.timeout(WAIT):
        session = await holdfast.start("a", "Hi")
        assert (await session.wait()).text == "Done."
        gate.set()
        assert (await session.send("Again")).text == "Done."
        await session.close()
        await session.result()
        found = await scheduled(client, session.id)
    assert (found["settle turn 1 done"], found["settle turn 2 done"]) == (1, 0)
    assert found[names.SETTLE_TURN] == 3  # two turns and the end


async def test_a_turn_settled_in_a_lost_workflow_task_is_stored_as_it_ends_finally(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lost: list[float] = []
    result_of = AgentWorkflow._result

    def lose_first(self: AgentWorkflow) -> TaskResult:
        last = self._state.last_ended
        assert last is not None
        lost.append(last.ended)
        if len(lost) == 1:
            raise RuntimeError("this workflow task is lost after it has settled the turn")
        return result_of(self)

    monkeypatch.setattr(AgentWorkflow, "_result", lose_first)
    async with start([say("Hello.")]) as it:
        session = await it.holdfast.client.start_task("helper", "Hi")
        assert (await session.result()).text == "Hello."
        stored = await content.turn(it.holdfast.client._requests, session.id, 1)
    assert stored is not None
    assert lost[0] < lost[1] == stored.ended
    assert "could not be written" not in caplog.text
