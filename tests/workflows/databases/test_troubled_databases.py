"""A database in trouble: the run waits and says why, nothing acts twice, and it goes on when the trouble is over."""

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


class Shop:
    """An agent that pays once, and a model that may be held up."""

    def __init__(self) -> None:
        self.paid: list[str] = []
        self.asked = asyncio.Event()
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
        self.asked.set()
        await self.go.wait()
        return say("It is paid.") if request.results else call("pay", {})


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up and look again sooner than in production."""
    monkeypatch.setattr(log_writes, "HOLD_ON", 0.3)
    monkeypatch.setattr(log_writes, "_ASK_AGAIN", (0.1, 0.3))
    for module in (engines, postgres):
        monkeypatch.setattr(module, "COMMAND_SECONDS", 0.5)


@pytest.fixture
async def site(postgres_server: PostgresServer) -> Site:
    return await make_site(postgres_server)


async def endures(start: Start, url: str, place: Path | Site, trouble: Trouble, word: str) -> None:
    """Have a database in trouble while a model answers, and again before the next step."""
    shop = Shop()
    async with start(shop.script, shop.app, state_url=url) as it:
        # The write-ahead log is longer than anything else that this process writes.
        await it.holdfast.state.store_text("s", "large", "x" * 2_000_000)
        session = await it.holdfast.client.start("clerk", "Pay.")
        await shop.asked.wait()
        async with trouble(place):
            shop.go.set()

            async def is_waiting() -> bool:
                view = await session.view()
                return view.status == "waiting" and word in view.waiting_for

            await eventually(is_waiting)
            with pytest.raises(StateUnavailable):
                async with asyncio.timeout(5):
                    await it.holdfast.state.ping()
            assert shop.paid == []
        reply = await session.wait(raise_on_error=False)
        assert (reply.status, reply.text, len(shop.paid)) == ("done", "It is paid.", 1)
        [effect] = await session.effects()
        assert effect.status == "settled"
        await it.holdfast.state.ping()


@pytest.mark.parametrize(("trouble", "word"), SQLITE.values(), ids=SQLITE)
async def test_a_run_outlasts_a_file_in_trouble(
    start: Start, tmp_path: Path, trouble: Trouble, word: str
) -> None:
    file = tmp_path / "state.db"
    await endures(start, f"sqlite:///{file}?busy_seconds=0.1", file, trouble, word)


@pytest.mark.parametrize(("trouble", "word"), POSTGRES.values(), ids=POSTGRES)
async def test_a_run_outlasts_a_server_in_trouble(
    start: Start, site: Site, trouble: Trouble, word: str
) -> None:
    await endures(start, site.url, site, trouble, word)


@pytest.mark.slow
async def test_runs_end_and_pay_once_while_their_connections_are_killed_all_the_time(
    start: Start, site: Site
) -> None:
    shop = Shop()
    shop.go.set()

    async def kill() -> None:
        admin = await site.admin()
        try:
            while True:
                await site.kill(admin)
                await asyncio.sleep(0.1)
        finally:
            await admin.close()

    async with start(shop.script, shop.app, state_url=site.url) as it:
        killing = asyncio.create_task(kill())
        client = it.holdfast.client
        sessions = [await client.start("clerk", "Pay.") for _ in range(6)]
        replies = await asyncio.gather(*(session.wait(raise_on_error=False) for session in sessions))
        killing.cancel()
        with suppress(asyncio.CancelledError):
            await killing
        assert [reply.text for reply in replies] == ["It is paid."] * 6
        assert len(shop.paid) == len(set(shop.paid)) == 6
