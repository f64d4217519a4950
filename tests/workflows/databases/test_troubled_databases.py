"""A faulty database: the run waits and reports the reason, no tool runs twice, and the run then continues."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from holdfast import Agent, App, ToolContext, tool
from holdfast.testing import Reply, Request, call, say
from holdfast_activities.session.common import log_writes
from holdfast_activities.state.log import postgres
from holdfast_activities.state.setup import engines
from holdfast_workflows.contracts.errors import StateUnavailable
from tests.postgres_server import PostgresServer

from ...support import eventually
from ..conftest import Start
from .troubles import POSTGRES, SQLITE, Site, Trouble, make_site


class PayingAgent:
    """An agent that pays once, and a model that answers when ``go`` is set."""

    def __init__(self) -> None:
        self.paid: list[str] = []
        self.called = asyncio.Event()
        self.go = asyncio.Event()

        async def was_paid(ctx: ToolContext) -> str | None:
            return "paid" if ctx.key in self.paid else None

        @tool(effect="once", probe=was_paid, timeout=1)
        async def pay(ctx: ToolContext) -> str:
            """Pay."""
            self.paid.append(ctx.key)
            return "paid"

        self.app = App(agents=[Agent("clerk", model="openai:a", tools=[pay])])

    async def script(self, request: Request) -> Reply:
        self.called.set()
        await self.go.wait()
        return say("It is paid.") if request.results else call("pay", {})


@pytest.fixture(autouse=True)
def short_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time out and retry sooner than in production."""
    monkeypatch.setattr(log_writes, "HOLD_ON", 0.3)
    monkeypatch.setattr(log_writes, "_ASK_AGAIN", (0.1, 0.3))
    for module in (engines, postgres):
        monkeypatch.setattr(module, "COMMAND_SECONDS", 0.5)


@pytest.fixture
async def site(postgres_server: PostgresServer) -> Site:
    return await make_site(postgres_server)


async def survives(start: Start, url: str, place: Path | Site, trouble: Trouble, word: str) -> None:
    """Run a session with a database that is faulty when the model answers and before the next step."""
    agent = PayingAgent()
    async with start(agent.script, agent.app, state_url=url) as it:
        # Make the write-ahead log longer than anything else that this process writes.
        await it.holdfast.state.store_text("s", "large", "x" * 2_000_000)
        session = await it.holdfast.client.start("clerk", "Pay.")
        await agent.called.wait()
        async with trouble(place):
            agent.go.set()

            async def is_waiting() -> bool:
                view = await session.view()
                return view.status == "waiting" and word in view.waiting_for

            await eventually(is_waiting)
            with pytest.raises(StateUnavailable):
                async with asyncio.timeout(5):
                    await it.holdfast.state.ping()
            assert agent.paid == []
        reply = await session.wait(raise_on_error=False)
        assert (reply.status, reply.text, len(agent.paid)) == ("done", "It is paid.", 1)
        [effect] = await session.effects()
        assert effect.status == "settled"
        await it.holdfast.state.ping()


@pytest.mark.parametrize(("trouble", "word"), SQLITE.values(), ids=SQLITE)
async def test_a_run_survives_a_faulty_sqlite_file(
    start: Start, tmp_path: Path, trouble: Trouble, word: str
) -> None:
    file = tmp_path / "state.db"
    await survives(start, f"sqlite:///{file}?busy_seconds=0.1", file, trouble, word)


@pytest.mark.parametrize(("trouble", "word"), POSTGRES.values(), ids=POSTGRES)
async def test_a_run_survives_a_faulty_postgresql_database(
    start: Start, site: Site, trouble: Trouble, word: str
) -> None:
    await survives(start, site.url, site, trouble, word)


_KILLS = 50


@pytest.mark.slow
async def test_runs_pay_once_while_connections_are_killed_repeatedly(start: Start, site: Site) -> None:
    agent = PayingAgent()
    agent.go.set()

    async def kill() -> None:
        async with site.admin() as admin:
            for _ in range(_KILLS):  # an end, since a busy machine gets nothing done in between
                await site.kill(admin)
                await asyncio.sleep(0.1)

    async with start(agent.script, agent.app, state_url=site.url) as it:
        killing = asyncio.create_task(kill())
        client = it.holdfast.client
        sessions = [await client.start("clerk", "Pay.") for _ in range(6)]
        replies = await asyncio.gather(*(session.wait(raise_on_error=False) for session in sessions))
        killing.cancel()
        with suppress(asyncio.CancelledError):
            await killing
        assert [reply.text for reply in replies] == ["It is paid."] * 6
        assert len(agent.paid) == len(set(agent.paid)) == 6
