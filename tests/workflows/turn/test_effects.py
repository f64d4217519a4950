"""The effect ledger and tool breakers as a session's user meets them."""

from __future__ import annotations

from holdfast import Agent, App, ToolContext, tool
from holdfast.testing import Reply, Request, call, say
from holdfast_workflows.contracts.names import call_key
from holdfast_workflows.contracts.session.entries import ResultEntry

from ...support import eventually
from ..conftest import Start
from ..limited import status


@tool(effect="idempotent", retries=0)
async def unship(order: str) -> str:
    """Call a parcel back.

    Args:
        order: Whose.
    """
    return f"{order}: called back"


@tool(effect="idempotent", retries=0, undo=unship)
async def ship(order: str, ctx: ToolContext) -> str:
    """Ship a parcel.

    Args:
        order: Whose.
    """
    if order.startswith("nobody"):
        raise ValueError(f"there is no order {order}")
    return f"{order}: shipped as {ctx.key.removeprefix(ctx.session)}"


@tool(effect="once")
async def charge(order: str) -> str:
    """Charge for an order.

    Args:
        order: Which.
    """
    return f"{order}: charged"


APP = App(
    agents=[
        Agent("helper", model="openai:scripted", instructions="Help.", tools=[ship, charge], max_steps=20)
    ]
)


async def test_what_calls_did_to_the_world_is_listed(start: Start) -> None:
    script = [
        call("ship", {"order": "42"}) + call("charge", {"order": "42"}),
        call("ship", {"order": "nobody"}),
        say("Shipped."),
    ]
    async with start(script, APP) as it:
        client = it.holdfast.client
        session = await client.start("helper", "Ship it.", tenant="acme")
        assert (await session.wait()).text == "Shipped."
        effects = await client.effects(session=session.id)
        assert [(e.seq, e.tool, e.effect, e.status, e.tenant) for e in effects] == [
            (3, "ship", "idempotent", "settled", "acme"),
            (4, "charge", "once", "settled", "acme"),
            (6, "ship", "idempotent", "failed", "acme"),
        ]
        assert effects[0].result == "42: shipped as -3"
        assert effects[0].key == call_key(session.id, 3)
        assert effects[2].result == "error: ValueError: there is no order nobody"
        assert await client.effects(session=session.id, status="unknown") == ()


async def test_a_tool_that_only_undoes_is_neither_shown_to_the_model_nor_called_by_it(start: Start) -> None:
    shown: list[list[str]] = []

    def script(request: Request) -> Reply:
        shown.append(request.tools)
        return call("unship", {"order": "42"}) if request.results == 0 else say("I cannot.")

    async with start(script, APP) as it:
        session = await it.holdfast.client.start("helper", "Call it back.")
        assert (await session.wait()).text == "I cannot."
        refused = [entry async for entry in session.log() if isinstance(entry, ResultEntry)]
        assert [entry.status for entry in refused] == ["invalid"]
        assert "tool 'unship' is unknown" in refused[0].text
        assert "unship" not in refused[0].text.partition("there are")[2]
        assert shown[0] == ["ship", "charge", "read_more"]


async def test_failures_in_a_row_open_a_tools_breaker_until_somebody_closes_it(start: Start) -> None:
    failing = [call("ship", {"order": f"nobody {n}"}) for n in range(5)]
    async with start(
        [sum(failing[1:], failing[0]), call("ship", {"order": "42"}), say("Shipped.")], APP
    ) as it:
        client = it.holdfast.client
        session = await client.start("helper", "Ship it.")
        view = await status(session, "waiting")
        assert "tool:ship" in view.waiting_for
        circuits = {view.name: view.state for view in await client.breakers()}
        assert circuits["tool:ship"] == "open"
        await client.set_breaker("tool:ship", "closed")

        async def closed() -> bool:
            return all(view.state == "closed" for view in await client.breakers())

        await eventually(closed)
