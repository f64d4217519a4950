"""The values that a session's tools keep, read from outside."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from holdfast import Agent, App, Session, SessionNotFound, SessionValue, ToolContext, open_bundle, tool
from holdfast.testing import Environment, ScriptedModel, call, say
from holdfast_temporal import DevServer

from .command.test_command import holdfast, lines

TOKEN = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"


@tool
async def keep(many: int, ctx: ToolContext) -> str:
    """Keep values.

    Args:
        many: How many.
    """
    await ctx.state.write("cart", {"items": ["tea"], "token": TOKEN}, version=0)
    await ctx.state.update("cart", lambda cart: {**cart, "paid": True})
    await ctx.state.write("gone", 1, version=0)
    await ctx.state.write("gone", None, version=1)
    for number in range(many):
        await ctx.state.write(f"n/{number:03}", number, version=0)
    return "kept"


SHOP = App(agents=[Agent("clerk", model="openai:scripted", tools=[keep])])


@asynccontextmanager
async def _kept(server: DevServer, many: int) -> AsyncGenerator[tuple[Environment, Session]]:
    script = [call("keep", {"many": many}), say("Kept.")]
    async with (
        ScriptedModel(script) as model,
        Environment.start(SHOP, model, server=server.address) as environment,
    ):
        session = await environment.client.start("clerk", "Keep them.")
        await session.wait()
        yield environment, session


async def test_values_are_read_by_key_in_pages(server: DevServer) -> None:
    async with _kept(server, 60) as (environment, session):
        found = await session.state()
        assert [each.key for each in found] == ["cart", *(f"n/{number:03}" for number in range(60))]
        assert found[0].value["paid"] is True
        assert found[0].version == 2
        assert await session.state("n/007") == (SessionValue("n/007", 7, 1),)
        assert await session.state("n/") == ()
        with pytest.raises(SessionNotFound):
            await environment.client.session("unknown").state()


async def test_state_show_prints_values_without_secrets(server: DevServer, tmp_path: Path) -> None:
    async with _kept(server, 1) as (environment, session):
        _, out, _ = await holdfast(environment, "state", "show", session.id)
        assert "cart" in out
        assert "n/000" in out
        _, one, _ = await holdfast(environment, "state", "show", session.id, "cart")
        assert '"tea"' in one
        _, json, _ = await holdfast(environment, "state", "show", session.id, "--json")
        assert [(each["key"], each["version"]) for each in lines(json)] == [("cart", 2), ("n/000", 1)]
        code, _, err = await holdfast(environment, "state", "show", session.id, "basket")
        assert code == 2
        assert "has no value 'basket'" in err
        assert await session.export(tmp_path / "case.zip") == ()
        kept = await open_bundle(tmp_path / "case.zip").state()
        assert [each.key for each in kept] == ["cart", "n/000"]
        assert TOKEN not in out + one + json + str(kept)
