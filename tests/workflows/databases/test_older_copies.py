"""A state database that was restored from an older copy: said, and never answered from half of a log."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from holdfast import Agent, App, ToolContext, tool
from holdfast.testing import Reply, Request, call, say
from holdfast_client import Session
from holdfast_workflows.contracts.agent.spec import Effect
from holdfast_workflows.contracts.errors import StateBehind

from ...support import eventually
from ..conftest import Running, Start


def copied(file: Path) -> sqlite3.Connection:
    """The database as it is now."""
    copy = sqlite3.connect(":memory:")
    with sqlite3.connect(file) as source:
        source.backup(copy)
    source.close()
    return copy


def restore(file: Path, copy: sqlite3.Connection) -> None:
    """Put a copy in the database's place."""
    with sqlite3.connect(file) as target:
        copy.backup(target)
    target.close()
    copy.close()


def echo(request: Request) -> Reply:
    """Say how many messages there are."""
    return say(f"{sum(message['role'] == 'user' for message in request.messages)} messages")


async def say_twice(it: Running, file: Path) -> tuple[Session, dict[str, sqlite3.Connection]]:
    """A session with two turns, and copies of the database from before each and after the first."""
    copies = {"before the session": copied(file)}
    async with it.holdfast.worker():
        session = await it.holdfast.client.start("helper", "One.")
        assert (await session.wait()).text == "1 messages"
        await session.close()
        session = await it.holdfast.client.start("helper", "One.")
        assert (await session.wait()).text == "1 messages"
        copies["after a turn"] = copied(file)
        await session.send("Two.")
        assert (await session.wait()).text == "2 messages"
        copies["after both"] = copied(file)
    return session, copies


@pytest.mark.parametrize("when", ["before the session", "after a turn"])
async def test_a_turn_on_an_older_copy_fails_and_asks_no_model(
    start: Start, tmp_path: Path, when: str
) -> None:
    file = tmp_path / "state.db"
    async with start(echo, state_url=f"sqlite:///{file}", worker=False) as it:
        session, copies = await say_twice(it, file)
        asked = len(it.model.requests)
        restore(file, copies[when])
        async with it.holdfast.worker():
            with pytest.raises(StateBehind, match=session.id if when == "after a turn" else "agent spec"):
                await session.send("Three.")
            assert len(it.model.requests) == asked


async def test_a_session_of_which_the_copy_has_all_goes_on(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    async with start(echo, state_url=f"sqlite:///{file}", worker=False) as it:
        session, copies = await say_twice(it, file)
        restore(file, copies["after both"])
        async with it.holdfast.worker():
            await session.send("Three.")
            assert (await session.wait()).text == "3 messages"


async def test_a_ledger_and_a_log_that_cannot_be_right_are_never_shown_as_empty(
    start: Start, tmp_path: Path
) -> None:
    file = tmp_path / "state.db"
    async with start(echo, state_url=f"sqlite:///{file}", worker=False) as it:
        session, copies = await say_twice(it, file)
        async with it.holdfast.worker():
            assert await session.effects() == ()
        restore(file, copies["before the session"])
        async with it.holdfast.worker():
            with pytest.raises(StateBehind, match=session.id):
                await session.effects()
            with pytest.raises(StateBehind, match=session.id):
                await it.holdfast.client.effects(session=session.id)
            with pytest.raises(StateBehind, match=session.id):
                [entry async for entry in session.log()]


@pytest.mark.parametrize("effect", ["once", "idempotent", "none"])
async def test_a_call_that_was_under_way_is_not_made_again_on_an_older_copy(
    start: Start, tmp_path: Path, effect: Effect
) -> None:
    file, begun, made = tmp_path / "state.db", asyncio.Event(), list[str]()

    @tool(effect=effect, timeout=30)
    async def pay(ctx: ToolContext) -> str:
        """Pay."""
        made.append(ctx.key)
        begun.set()
        await asyncio.sleep(60)
        return "paid"

    copies: list[sqlite3.Connection] = []

    def script(request: Request) -> Reply:
        # The session is in the copy; the reply that asks for the call, and its claim, are not.
        copies.append(copied(file))
        return call("pay", {}) if request.number == 1 else say("done")

    app = App(agents=[Agent("helper", model="openai:a", tools=[pay])])
    async with start(script, app, state_url=f"sqlite:///{file}", worker=False, graceful_seconds=0) as it:
        async with it.holdfast.worker():
            session = await it.holdfast.client.start("helper", "Pay.", heartbeat_timeout=2)
            await begun.wait()
        restore(file, copies[0])
        async with it.holdfast.worker():

            async def is_said() -> bool:
                view = await session.view()
                if effect == "once":
                    # Looked up again and again, in the end by a person.
                    return view.status == "waiting" and "the end of pay is not known" in view.waiting_for
                error = view.last.error if view.last else None
                return error is not None and error.code == "state_behind"

            await eventually(is_said)
        assert (len(made), len(it.model.requests)) == (1, 1)
