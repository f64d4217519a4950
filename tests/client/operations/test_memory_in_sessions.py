"""Memory across sessions, with real parts except the model."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from holdfast import Agent, App, Memory
from holdfast.testing import Environment, Reply, Request, ScriptedModel, call, say
from holdfast_client import PlanChanged, Recalled
from holdfast_temporal import DevServer
from holdfast_workflows.contracts.session.entries import MemoryEntry, UserEntry

from ...support import eventually

_APP = App(
    agents=[
        Agent("friend", model="openai:scripted", memory=Memory(facts=False)),
        Agent("planner", model="openai:scripted", working_memory=True),
    ]
)

Script = list[Reply]


@asynccontextmanager
async def running(server: DevServer, script: Script, **options: Any) -> AsyncGenerator[Environment]:
    async with (
        ScriptedModel(script) as model,
        Environment.start(_APP, model, server=server.address, **options) as holdfast,
    ):
        yield holdfast


async def remembered(holdfast: Environment, count: int, tenant: str = "") -> bool:
    return len([each async for each in holdfast.client.memory.list(tenant=tenant)]) >= count


async def test_one_session_recalls_the_messages_of_another(server: DevServer) -> None:
    async with running(server, [say("Noted."), say("In Lisbon."), say("I do not know.")]) as holdfast:
        client = holdfast.client
        await client.run("friend", "I moved to Lisbon last May.", tenant="acme", user="ann")
        await eventually(lambda: remembered(holdfast, 2, "acme"))
        session = await client.start("friend", "Where did I move?", tenant="acme", user="ann", streaming=True)
        events = [event async for event in session.stream() if isinstance(event, Recalled)]
        assert [(event.found > 0, event.away) for event in events] == [(True, False)]
        memory, message = [entry async for entry in session.log()][:2]
        assert isinstance(memory, MemoryEntry)
        assert isinstance(message, UserEntry)
        assert any("Lisbon" in each.text for each in memory.memories)
        manifest = await session.prompt(1)
        assert [item.part for item in manifest.items if item.part == "memory"] == ["memory"]
        other = await client.start("friend", "Where did I move?", tenant="rival", user="ann")
        await other.wait(raise_on_error=False)
        assert (await other.view()).memory == "nothing was recalled"


async def test_a_plan_is_stored_and_streamed(server: DevServer) -> None:
    plan = {"items": [{"text": "Ask", "status": "done"}, {"text": "Answer", "status": "doing"}]}
    async with running(server, [call("update_plan", plan), say("Planned.")]) as holdfast:
        session = await holdfast.client.start("planner", "Plan it.", streaming=True)
        events = [event async for event in session.stream()]
        assert [event.text for event in events if isinstance(event, PlanChanged)] == [
            "1 of 2 done; now: Answer"
        ]
        assert [item.status for item in (await session.view()).plan] == ["done", "doing"]


async def test_turns_answer_and_writes_wait_while_the_store_is_unavailable(
    server: DevServer,
) -> None:
    away = {"memory_url": "weaviate://127.0.0.1:1"}
    async with running(server, [say("One."), say("Two.")], **away) as holdfast:
        session = await holdfast.client.start("friend", "Hello.", user="ann")
        assert (await session.wait()).text == "One."
        assert (await session.send("Again.")).text == "Two."
        assert (await session.view()).memory == "memory is unavailable: answered without it"

        async def waiting() -> bool:
            return await holdfast.state.outbox.waiting() == 2

        await eventually(waiting)


async def test_erasing_a_user_removes_all_texts_of_only_this_user(server: DevServer) -> None:
    async with running(server, [say("Noted."), say("Noted, too."), say("I do not know.")]) as holdfast:
        client = holdfast.client
        session = await client.start_task("friend", "I moved to Lisbon.", tenant="acme", user="ann")
        await client.run("friend", "I moved to Porto.", tenant="acme", user="bob")
        await eventually(lambda: remembered(holdfast, 4, "acme"))
        await client.temporal.get_workflow_handle(session.id).result()
        done = await client.memory.erase("user", "ann", tenant="acme", by="ann herself")
        assert (done.memories, done.sessions) == (2, 1)
        assert done.entries > 0
        assert [entry async for entry in session.log()] == []
        left = json.dumps([each.text async for each in client.memory.list(tenant="acme")])
        assert "Lisbon" not in left
        assert "Porto" in left
        assert (await client.memory.erase("user", "ann", tenant="acme")).memories == 0
        assert (await client.memory.erase("session", session.id, tenant="acme")).memories == 0


async def test_an_added_fact_is_recalled_by_every_session(server: DevServer) -> None:
    async with running(server, [say("Closed on Mondays.")]) as holdfast:
        memory = holdfast.client.memory
        id = await memory.add("The shop is closed on Mondays.", scope="tenant", tenant="acme", by="joe")
        session = await holdfast.client.start("friend", "When is the shop closed?", tenant="acme")
        await session.wait(raise_on_error=False)
        assert (await session.view()).memory == "1 memory recalled"
        (found,) = await memory.search("When is the shop closed?", tenant="acme", kinds=["fact"])
        assert (found.id, found.trust, found.scope) == (id, "operator", "tenant")
        assert found.score >= 0.3
        assert await memory.forget(id, tenant="acme") == 1


async def test_maintenance_runs_its_tasks(server: DevServer) -> None:
    async with running(server, []) as holdfast:
        report = await holdfast.client.maintenance.run()
        assert [each.error for each in report.tasks] == [""] * len(report.tasks)
        stats = await holdfast.client.memory.stats()
        assert stats.store == "embedded"


async def test_a_long_conversation_is_summarised_in_the_background(server: DevServer) -> None:
    long = "The river carries the boats and the boats carry the grain. " * 30

    def answer(request: Request) -> Reply:
        return say(long)

    agent = Agent("talker", model="openai:scripted", context_window=8_000)
    async with (
        ScriptedModel(answer) as model,
        Environment.start(App(agents=[agent]), model, server=server.address) as holdfast,
    ):
        session = await holdfast.client.start("talker", "Tell me of the river. " + long)
        await session.wait(raise_on_error=False)

        manifest = await session.prompt()
        for _ in range(40):
            await session.send("Go on. " + long)
            manifest = await session.prompt()
            if "summary" in {item.part for item in manifest.items}:
                break
        # Once cutting long texts no longer helps, the summary stands for what it covers.
        assert "summary" in {item.part for item in manifest.items}
        assert manifest.estimated <= manifest.budget
        events = [event for event in (await session.view(0)).events if event.kind == "compacted"]
        assert events[0].status == "ok", events[0].text
