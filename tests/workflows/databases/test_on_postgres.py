"""The same sessions on PostgreSQL: what it refuses in text must never fail a run."""

from __future__ import annotations

import asyncio
import threading
import uuid

from holdfast import Agent, App, Budget, ToolContext, tool
from holdfast.testing import Reply, Request, call, say
from holdfast_activities.state import upgrade
from holdfast_workflows.contracts.session.entries import ResultEntry, UserEntry
from tests.postgres_server import PostgresServer

from ...support import NUL_AND_SURROGATE
from ..conftest import Start


async def test_a_session_on_postgres_survives_strange_text_and_large_results(
    start: Start, postgres_server: PostgresServer
) -> None:
    def script(request: Request) -> Reply:
        if request.results == 0:
            both = call("babble", {}) + call("blow", {"size": 3_000_000})
            return both + say(NUL_AND_SURROGATE)
        return say(NUL_AND_SURROGATE)

    url = await postgres_server.create(f"session_{uuid.uuid4().hex}")
    await upgrade(url)
    async with start(script, state_url=url) as it:
        session = await it.holdfast.client.start("helper", NUL_AND_SURROGATE * 1_000, tenant="acme")
        reply = await session.wait(raise_on_error=False)
        assert (reply.status, reply.text) == ("done", "a\ufffdb\ufffdc\ufffdd")
        stored = await it.holdfast.state.log.read(session.id, 1)
        assert [e.text for e in stored if isinstance(e, UserEntry)] == [NUL_AND_SURROGATE * 1_000]
        results = [e.text for e in stored if isinstance(e, ResultEntry)]
        assert (results[0], len(results[1])) == (NUL_AND_SURROGATE, 3_000_000)
        await session.close()
        await session.result()
        turns = await it.holdfast.state.load_turns(session.id)
        assert turns[0].reply == "a\ufffdb\ufffdc\ufffdd"


async def test_what_was_paid_for_or_done_while_the_database_was_away_is_kept(
    start: Start, postgres_server: PostgresServer
) -> None:
    away: list[threading.Timer] = []
    charged: list[str] = []

    def leave() -> None:
        """Stop the database, and start it again while what was in hand waits to be written."""
        postgres_server.halt()
        away.append(threading.Timer(1.0, postgres_server.go_on))
        away[-1].start()

    @tool(effect="once")
    async def charge(ctx: ToolContext) -> str:
        """Charge the card."""
        charged.append(ctx.key)
        await asyncio.to_thread(leave)
        return "charged"

    def script(request: Request) -> Reply:
        if not away:
            leave()
            return call("charge", {})
        return say("It is done.")

    url = await postgres_server.create(f"session_{uuid.uuid4().hex}")
    await upgrade(url)
    agent = Agent("helper", model="openai:a", tools=[charge], budget=Budget(tokens=1_000_000))
    async with start(script, App(agents=[agent]), state_url=url) as it:
        session = await it.holdfast.client.start("helper", "Charge it.")
        reply = await session.wait(raise_on_error=False)
        (account,) = await it.holdfast.client.budgets(prefix="run:")
        (effect,) = await session.effects()
        asked = len(it.model.requests)
    for timer in away:
        await asyncio.to_thread(timer.join)
    assert (reply.status, reply.text) == ("done", "It is done.")
    assert (asked, len(charged), len(away), effect.status) == (2, 1, 2, "settled")
    assert account.tokens == reply.usage.input_tokens + reply.usage.output_tokens
