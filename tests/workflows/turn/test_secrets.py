"""Secrets that tools use: read in the worker, by reference, and only those that the tool declares."""

from __future__ import annotations

import re

import pytest
from temporalio.common import SearchAttributeKey

from holdfast import Agent, App, InvalidDeclaration, ToolContext, tool
from holdfast.testing import call, say
from holdfast_temporal import DevServer, connect
from holdfast_workflows.contracts.session.entries import ResultEntry

from ..conftest import Start

KEYWORDS = ("Agent", "Tenant", "User", "Status")
VALUE = "s3cr3t-value-of-the-tool"


@tool(secrets=["env:TOOL_KEY", "env:LOST_KEY"], retries=0)
async def charge(reference: str, ctx: ToolContext) -> str:
    """Use a key.

    Args:
        reference: Which key.
    """
    return f"{len(ctx.secret(reference))} characters"


async def test_a_tool_reads_the_secrets_that_it_declares_and_no_other(
    start: Start, server: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOL_KEY", VALUE)
    monkeypatch.setenv("OTHER_KEY", "a-key-of-another-tool")
    asked = [call("charge", {"reference": f"env:{name}_KEY"}) for name in ("TOOL", "OTHER", "LOST")]
    app = App(agents=[Agent("clerk", model="openai:scripted", tools=[charge])])
    async with start([*asked, say("Done.")], app) as it:
        session = await it.holdfast.client.start("clerk", "Go")
        assert (await session.wait()).text == "Done."
        results = [entry.text async for entry in session.log() if isinstance(entry, ResultEntry)]
        client = await connect(server.address)
        history = await client.get_workflow_handle(session.id).fetch_history()
    assert results[0] == f"{len(VALUE)} characters"
    assert "declare it with @tool(secrets=['env:OTHER_KEY'])" in results[1]
    assert "variable LOST_KEY is not set" in results[2]
    assert VALUE not in history.to_json()


@tool(secrets=["env:TOOL_KEY"])
async def dump(ctx: ToolContext) -> str:
    """Return a long text with a key in it."""
    return f"{'line ' * 60_000}{ctx.secret('env:TOOL_KEY')}"


async def test_a_long_result_is_redacted_too(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOL_KEY", VALUE)
    app = App(agents=[Agent("clerk", model="openai:scripted", tools=[dump])])
    async with start([call("dump", {}), say("Done.")], app) as it:
        session = await it.holdfast.client.start("clerk", "Go")
        await session.wait()
        entries = await it.holdfast.state.log.read(session.id, 1)
    [text] = [entry.text for entry in entries if isinstance(entry, ResultEntry)]
    assert text.endswith("line [redacted:secret]")


def test_a_secret_is_declared_by_reference() -> None:
    def charged() -> str:
        """Charge."""
        return ""

    with pytest.raises(InvalidDeclaration, match="not a reference"):
        tool(secrets=[VALUE])(charged)
    with pytest.raises(InvalidDeclaration, match="give a list"):
        tool(secrets="env:TOOL_KEY")(charged)


async def test_workflow_ids_and_search_attributes_hold_nothing_of_a_message(
    start: Start, server: DevServer
) -> None:
    async with start([say("Your card 4111 is fine.")]) as it:
        session = await it.holdfast.client.start("helper", "I am ann@mail.example", tenant="acme", user="u-7")
        await session.wait()
        described = await (await connect(server.address)).get_workflow_handle(session.id).describe()
    attributes = described.typed_search_attributes
    texts = {name: attributes.get(SearchAttributeKey.for_keyword(f"Holdfast{name}")) for name in KEYWORDS}
    assert texts == {"Agent": "helper", "Tenant": "acme", "User": "u-7", "Status": "idle"}
    own = {pair.key.name for pair in attributes.search_attributes if pair.key.name.startswith("Holdfast")}  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # of any type
    assert own == {f"Holdfast{name}" for name in (*KEYWORDS, "Cost", "Turns")}
    assert re.fullmatch("helper-[a-z0-9]{20}", described.id)
