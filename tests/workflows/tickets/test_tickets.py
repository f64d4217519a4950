"""Tool calls whose result comes later, from another system or from the client."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from holdfast import (
    Agent,
    App,
    NothingToDo,
    NotPermitted,
    Session,
    Ticket,
    Tool,
    ToolContext,
    client_tool,
    tool,
)
from holdfast.testing import call, say
from holdfast_client.tickets.webhook import http_app
from holdfast_workflows.contracts.control.inbox import InboxItem
from holdfast_workflows.contracts.session.entries import ResultEntry

from ...support import eventually
from ..conftest import Start

_SCRIPT = [call("render", {"scene": "a beach"}), say("Here it is.")]


def render_tool(tokens: list[str] | None = None, **options: Any) -> Tool[..., Any]:
    """A tool that gives its work to another system."""
    deadline = options.pop("deadline", 3_600.0)

    @tool(name="render", **options)
    async def render(scene: str, context: ToolContext) -> Ticket:
        """Render a scene."""
        if tokens is not None:
            tokens.append(context.ticket_token)
        return Ticket(what="a rendering", reference=f"job of {scene}", deadline=deadline)

    return render


def app_of(*tools: Tool[..., Any]) -> App:
    return App(agents=[Agent("artist", model="openai:test", tools=tools)])


async def ticket_of(session: Session) -> InboxItem:
    """The session's ticket, once it waits."""

    async def waits() -> bool:
        return bool(await session.tickets())

    await eventually(waits)
    [found] = await session.tickets()
    return found


async def results(session: Session) -> list[tuple[str, str]]:
    return [(each.status, each.text) async for each in session.log() if isinstance(each, ResultEntry)]


@pytest.mark.parametrize("effect", ["none", "idempotent", "once"])
async def test_a_call_with_a_ticket_gets_its_result_later(start: Start, effect: Any) -> None:
    async with start(_SCRIPT, app_of(render_tool(effect=effect))) as it:
        session = await it.holdfast.client.start("artist", "Draw")
        item = await ticket_of(session)
        assert item.what == "a rendering (job of a beach)"
        assert 3_500 < item.deadline - item.since <= 3_600
        assert [row.status for row in await session.effects()] == (["waiting"] if effect == "once" else [])
        long = "pixels " * 2_000
        await session.settle(item.id, long, by="the farm")
        assert (await session.wait()).text == "Here it is."
        assert long in it.model.requests[1].body.decode()
        rows = [(row.status, row.effect, row.by) for row in await session.effects()]
        assert rows == ([] if effect == "none" else [("settled", effect, "person: the farm")])


async def test_a_ticket_is_settled_once(start: Start) -> None:
    async with start(_SCRIPT, app_of(render_tool(effect="once"))) as it:
        session = await it.holdfast.client.start("artist", "Draw")
        item = await ticket_of(session)
        given = await asyncio.gather(
            *(session.settle(item.id, f"picture {number}") for number in range(8)), return_exceptions=True
        )
        refused = [each for each in given if isinstance(each, NothingToDo)]
        assert len(refused) == 7
        await session.wait()
        [won] = [number for number, each in enumerate(given) if not isinstance(each, BaseException)]
        assert await results(session) == [("ok", f"picture {won}")]


async def test_a_failed_ticket_is_an_error_that_the_model_reads(start: Start) -> None:
    async with start(_SCRIPT, app_of(render_tool())) as it:
        session = await it.holdfast.client.start("artist", "Draw")
        item = await ticket_of(session)
        await session.settle(item.id, "the farm burnt down", failed=True)
        await session.wait()
        assert await results(session) == [("failed", "error: the farm burnt down")]


async def test_a_call_without_an_effect_fails_at_its_deadline(start: Start) -> None:
    async with start(_SCRIPT, app_of(render_tool(deadline=0.5))) as it:
        session = await it.holdfast.client.start("artist", "Draw")
        await session.wait()
        [(status, text)] = await results(session)
        assert (status, "no result before the deadline" in text) == ("failed", True)


async def test_a_person_decides_about_a_call_that_must_happen_once_at_its_deadline(start: Start) -> None:
    async with start(_SCRIPT, app_of(render_tool(effect="once", deadline=0.5))) as it:
        session = await it.holdfast.client.start("artist", "Draw")

        async def asked() -> bool:
            return [item.kind for item in (await session.view()).inbox] == ["effect"]

        await eventually(asked)
        await session.answer("effect-3", "confirm", text="It was rendered.")
        await session.wait()
        assert await results(session) == [("ok", "It was rendered.")]


async def test_a_cancelled_call_that_must_happen_once_stays_unknown(start: Start) -> None:
    async with start(_SCRIPT, app_of(render_tool(effect="once"))) as it:
        session = await it.holdfast.client.start("artist", "Draw")
        item = await ticket_of(session)
        await session.cancel()
        [row] = await session.effects()
        assert row.status == "unknown"
        with pytest.raises(NothingToDo):
            await session.settle(item.id, "too late")


async def test_the_webhook_settles_the_ticket_of_its_token_only(start: Start) -> None:
    tokens: list[str] = []
    async with start(_SCRIPT, app_of(render_tool(tokens))) as it:
        client = it.holdfast.client
        session = await client.start("artist", "Draw")
        item = await ticket_of(session)
        transport = httpx.ASGITransport(app=http_app(client))
        async with httpx.AsyncClient(transport=transport, base_url="http://hooks") as web:
            [token] = tokens
            place, mac = token.rsplit(".", 1)
            forged = f"{place}.{mac[:-1]}{'A' if mac[-1] != 'A' else 'B'}"
            assert (await web.post(f"/tickets/{forged}", content="forged")).status_code == 404
            assert (await web.post("/tickets/nonsense", content="x")).status_code == 404
            with pytest.raises(NotPermitted):
                await session.settle(item.id, "forged", token="of another ticket")
            assert (await web.post(f"/tickets/{token}", content="a picture")).json() == {"settled": True}
            assert (await session.wait()).text == "Here it is."
            assert (await web.post(f"/tickets/{token}", content="another")).status_code == 410
        assert await results(session) == [("ok", "a picture")]


async def test_a_client_carries_out_its_own_tools(start: Start) -> None:
    @client_tool(deadline=60)
    def open_file(path: str) -> str:
        """Read a file of the user's machine."""
        raise AssertionError

    script = [call("open_file", {"path": "a" * 1_000}), say("Read.")]
    async with start(script, app_of(open_file)) as it:
        session = await it.holdfast.client.start("artist", "Read it")
        item = await ticket_of(session)
        assert (item.tool, item.arguments) == ("open_file", '{"path":"' + "a" * 1_000 + '"}')
        assert [each.session for each in await _of_all(it.holdfast.client)] == [session.id]
        await session.settle(item.id, "its text")
        assert (await session.wait()).text == "Read."
        assert await results(session) == [("ok", "its text")]


async def _of_all(client: Any) -> list[InboxItem]:
    found: list[InboxItem] = []

    async def listed() -> bool:
        found[:] = await client.tickets(agent="artist")
        return bool(found)

    await eventually(listed)
    return found
