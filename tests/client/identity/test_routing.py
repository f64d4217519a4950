"""Routed sessions behind an identity provider: verified before they get a place, and owned by their principal."""

from __future__ import annotations

import asyncio

import pytest

from holdfast import Agent, App, InvalidCredential, Route, Routing, SessionNotFound
from holdfast.testing import say

from .conftest import Guarding

WORK = Route(capabilities=("work",))


def app() -> App:
    routing = Routing(capabilities=("work",), max_sessions=1)
    return App(agents=[Agent("only", model="openai:scripted", routing=routing)])


async def test_a_routed_session_belongs_to_its_principal_and_is_woken(guarding: Guarding) -> None:
    async with guarding([say("Done.")] * 3, app()) as it:
        client = await it.client("ann")
        async with asyncio.timeout(14):  # before a session that waits asks again
            answers = await asyncio.gather(*(client.run(WORK, "Go", id=f"s{n}") for n in range(3)))
        assert answers == ["Done."] * 3
        rows = [await it.environment.state.load_session(f"s{n}") for n in range(3)]
        assert {(row.agent, row.tenant, row.user) for row in rows if row} == {("only", "acme", "ann")}


async def test_a_start_without_a_credential_gets_no_place(guarding: Guarding) -> None:
    async with guarding([say("Done.")] * 3, app()) as it:
        with pytest.raises((InvalidCredential, SessionNotFound)):
            await (await it.client("")).run(WORK, "Go")
        assert await it.environment.state.assignments.loads() == {}
