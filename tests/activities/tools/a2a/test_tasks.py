"""Tasks of remote agents: sent once, waited for without a worker, answered, cancelled."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast import Session
from holdfast_temporal import DevServer

from ....a2a_servers.remote import remote_agent
from ....support import eventually
from .support import asking, asking_in, result, waits


async def test_the_reply_of_a_task_is_the_result_of_the_call(server: DevServer) -> None:
    async with remote_agent() as remote, asking(server, remote.url, "Paint it") as session:
        assert await result(session) == "done: Paint it"
        [(id, text)] = remote.messages
        assert (len(id), text) == (32, "Paint it")


async def test_a_slow_task_holds_no_worker_and_goes_on_after_the_wait(server: DevServer) -> None:
    async with remote_agent() as remote, asking_in(server, remote.url, "Slow") as (session, environment):
        await waits(session)
        handle = environment.temporal.get_workflow_handle(session.id)

        async def nothing_runs() -> bool:
            return not (await handle.describe()).raw_description.pending_activities

        await eventually(nothing_runs)
        remote.gate.set()
        assert await result(session) == "done: Slow"
        assert len(remote.messages) == 1


@pytest.mark.parametrize(("effect", "sent"), [("once", 1), ("idempotent", 2)])
async def test_a_lost_answer_repeats_no_task_that_must_happen_once(
    server: DevServer, effect: Any, sent: int
) -> None:
    async with remote_agent(deaf=1) as remote, asking(server, remote.url, "Paint", effect=effect) as session:
        assert await result(session) == "done: Paint"
        assert (await session.view()).inbox == ()
        assert [text for _, text in remote.messages] == ["Paint"] * sent
        assert len({id for id, _ in remote.messages}) == 1


async def test_a_task_that_cannot_be_found_again_needs_a_person(server: DevServer) -> None:
    options: dict[str, Any] = {"conversation": True}
    async with remote_agent(deaf=1) as remote, asking(server, remote.url, "Paint", **options) as session:
        item = await waiting(session)
        assert item.kind == "effect"
        await session.answer(item.id, "confirm", text="It is painted.")
        assert await result(session) == "It is painted."
        assert len(remote.messages) == 1


async def waiting(session: Session) -> Any:
    async def asked() -> bool:
        return bool((await session.view()).inbox)

    await eventually(asked)
    [item] = (await session.view()).inbox
    return item


@pytest.mark.parametrize("effect", ["once", "idempotent"])
async def test_what_the_agent_asks_is_answered_by_a_person(server: DevServer, effect: Any) -> None:
    async with remote_agent() as remote, asking(server, remote.url, "Ask me", effect=effect) as session:
        item = await waiting(session)
        assert item.kind == "elicitation"
        assert item.what == "the agent of 'ask_remote' asks: Which colour?"
        await session.answer(item.id, "confirm", text="red")
        assert await result(session) == "done: red"
        assert len(remote.messages) == 1


@pytest.mark.parametrize("effect", ["once", "idempotent"])
async def test_a_question_without_an_answer_cancels_the_task(server: DevServer, effect: Any) -> None:
    async with remote_agent() as remote, asking(server, remote.url, "Ask me", effect=effect) as session:
        await session.answer((await waiting(session)).id, "give_up")
        assert "the agent's task is canceled" in await result(session)
        assert len(remote.cancelled) == 1


@pytest.mark.parametrize("effect", ["once", "idempotent"])
async def test_a_cancelled_turn_cancels_the_agents_task(server: DevServer, effect: Any) -> None:
    async with remote_agent() as remote, asking(server, remote.url, "Slow", effect=effect) as session:
        await waits(session)
        assert (await session.cancel(timeout=40)).status == "cancelled"
        assert len(remote.cancelled) == 1


async def test_a_task_that_takes_too_long_is_cancelled(server: DevServer) -> None:
    async with remote_agent() as remote, asking(server, remote.url, "Slow", timeout=0.5) as session:
        text = await result(session)
        assert text == "error: it had no result within 0.5 s; the agent's task is canceled"
        assert len(remote.cancelled) == 1


async def test_a_failed_task_is_a_result_that_the_model_reads(server: DevServer) -> None:
    async with remote_agent() as remote, asking(server, remote.url, "Fail") as session:
        assert await result(session) == "error: the agent's task is failed: It is broken."
