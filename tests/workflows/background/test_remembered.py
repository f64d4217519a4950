"""Sessions that remember, on real parts: what one said the next recalls, and a store that is down fails no turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from holdfast import Agent, App, Memory
from holdfast.testing import Environment, Reply, Request, ScriptedModel, call, say
from holdfast_activities.memory import Memories
from holdfast_activities.memory.embedded import open_embedded
from holdfast_activities.resilience import Resilience
from holdfast_temporal import DevServer
from holdfast_workers.settings import Settings
from holdfast_workers.wiring import build_worker
from holdfast_workflows.contracts.agent.memory import MemoryQuery
from tests.activities.session.memory.memory_worker import SwitchableMemories

from ...support import eventually

TURNS = 30


def app(*, facts: bool = False) -> App:
    return App(
        agents=[
            Agent("friend", model="openai:scripted", memory=Memory(facts=facts), working_memory=True),
        ]
    )


@asynccontextmanager
async def friend(
    server: DevServer, model: ScriptedModel, folder: Path, *, facts: bool = False
) -> AsyncGenerator[tuple[Environment, SwitchableMemories]]:
    """A Holdfast whose memories can be switched off."""
    async with Environment.start(app(facts=facts), model, server=server.address, worker=False) as holdfast:
        memories = Memories(await open_embedded(folder / "memory.db", synchronous="NORMAL"))
        switched = SwitchableMemories(memories)
        resilience = Resilience(holdfast.state)
        worker = build_worker(
            holdfast.temporal,
            holdfast._registry,
            holdfast.state,
            holdfast._models,
            resilience,
            Settings.load(task_queue=holdfast.task_queue),
            cast("Memories", switched),
        )
        async with worker:
            yield holdfast, switched
        await memories.close()
        await resilience.close()


async def everything(memory: SwitchableMemories) -> list[str]:
    page = await memory.list(MemoryQuery(tenant="acme", limit=500))
    return sorted(view.text for view in page.memories)


async def test_what_a_user_said_is_recalled_in_his_next_session_and_in_nobody_elses(
    server: DevServer, tmp_path: Path
) -> None:
    said = [say("Nice dog."), say("Rex."), say("I do not know.")]
    async with ScriptedModel(said) as model, friend(server, model, tmp_path) as (holdfast, memory):
        first = await holdfast.client.start("friend", "My dog is called Rex.", tenant="acme", user="ann")
        await first.wait(raise_on_error=False)

        async def kept() -> bool:
            return len(await everything(memory)) == 2

        await eventually(kept)
        second = await holdfast.client.start("friend", "How is my dog called?", tenant="acme", user="ann")
        await second.wait(raise_on_error=False)
        assert "recalled" in (await second.view()).memory
        other = await holdfast.client.start("friend", "How is my dog called?", tenant="acme", user="bob")
        await other.wait(raise_on_error=False)
        bodies = [request.body.decode() for request in model.requests]
        assert "My dog is called Rex." in bodies[1]
        assert "Rex" not in bodies[2]


async def test_with_the_store_down_every_turn_is_answered_and_afterwards_all_is_there_once(
    server: DevServer, tmp_path: Path
) -> None:
    def answer(request: Request) -> Reply:
        return say(f"answer {request.number}")

    async with ScriptedModel(answer) as model, friend(server, model, tmp_path) as (holdfast, memory):
        memory.down, memory.retry_after = True, 60.0

        async def talk(n: int) -> list[str]:
            session = await holdfast.client.start("friend", f"said {n}.0", tenant="acme", user="ann")
            replies = [await session.wait(raise_on_error=False)]
            replies += [await session.send(f"said {n}.{turn}") for turn in (1, 2)]
            assert "unavailable" in (await session.view()).memory
            return [reply.text for reply in replies]

        async with asyncio.timeout(60):
            answers = await asyncio.gather(*(talk(n) for n in range(TURNS // 3)))
        replies = sorted(text for part in answers for text in part)
        assert len(replies) == TURNS

        async def decided() -> bool:
            return await holdfast.state.outbox.waiting() == TURNS

        await eventually(decided)
        memory.down = False
        expected = sorted([f"said {n}.{turn}" for n in range(TURNS // 3) for turn in range(3)] + replies)

        async def caught_up() -> bool:
            return await holdfast.state.outbox.waiting() == 0

        await eventually(caught_up)
        assert await everything(memory) == expected


async def test_what_the_agent_writes_down_is_kept_by_its_session(server: DevServer, tmp_path: Path) -> None:
    items = [{"text": "look", "status": "done"}, {"text": "answer", "status": "doing"}]
    said = [
        call("update_plan", {"items": items}) + call("write_notes", {"text": "17 orders"}),
        call("remember", {"text": "Ann orders on Mondays."}),
        say("Done."),
    ]
    async with ScriptedModel(said) as model, friend(server, model, tmp_path) as (holdfast, memory):
        session = await holdfast.client.start("friend", "Go.", tenant="acme", user="ann")
        await session.wait(raise_on_error=False)
        view = await session.view()
        assert [(item.text, item.status) for item in view.plan] == [("look", "done"), ("answer", "doing")]
        assert view.notes == "17 orders"
        assert "Ann orders on Mondays." in await everything(memory)
        [effect] = [row for row in await session.effects() if row.tool == "remember"]
        assert effect.status == "settled"
