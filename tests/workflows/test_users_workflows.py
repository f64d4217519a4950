"""A user's own workflow on the same worker: sandboxed, and able to start and ask an agent."""

from __future__ import annotations

from holdfast import Agent, App
from holdfast.testing import say

from .conftest import Start
from .night import Night, file_away


async def test_a_users_workflow_runs_an_agent_as_a_child(start: Start) -> None:
    helper = Agent("helper", model="openai:scripted", instructions="Help.")
    app = App(agents=[helper], workflows=[Night], activities=[file_away])
    async with start([say("42")], app) as it:
        answer = await it.holdfast.temporal.execute_workflow(
            Night.run, "What?", id=it.holdfast.task_queue, task_queue=it.holdfast.task_queue
        )
        assert answer == "filed: 42"
