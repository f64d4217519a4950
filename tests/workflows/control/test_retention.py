"""Maintenance closes idle sessions and removes ended ones; what is open or under hold stays."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from holdfast import ContentRemoved, Session, UnderHold
from holdfast.testing import replay
from holdfast_activities.operations.maintenance import orphans

from ...support import eventually
from ..conftest import Running, Start
from .resets import APP, before_message, events, reset, script

AT_ONCE = timedelta(microseconds=1)


async def maintain(it: Running) -> int:
    (report,) = (await it.holdfast.client.maintenance.run("retention")).tasks
    assert report.error == ""
    return report.count


async def spoken(it: Running, tenant: str, *said: str) -> Session:
    """An open session with turns that have ended."""
    session = await it.holdfast.client.start("clerk", tenant=tenant)
    for text in said:
        await session.send(text)
    return session


async def closed(it: Running, session: Session) -> None:
    await session.close()
    await session.result()

    async def stored() -> bool:
        row = await it.holdfast.state.load_session(session.id)
        return row is not None and row.status == "closed"

    await eventually(stored)


async def status(it: Running, session: Session) -> str:
    row = await it.holdfast.state.load_session(session.id)
    return row.status if row else "gone"


async def forgotten(it: Running, session: Session) -> bool:
    """Whether the server has no history of a session."""
    try:
        await it.holdfast.temporal.get_workflow_handle(session.id).describe()
    except RPCError as error:
        return error.status == RPCStatusCode.NOT_FOUND
    return False


async def test_an_idle_session_is_closed_unless_it_is_under_hold(start: Start) -> None:
    async with start(script, APP) as it:
        client = it.holdfast.client
        await client.retention.set("idle", AT_ONCE)
        idle, held = await spoken(it, "acme", "one"), await spoken(it, "acme", "one")
        paused = await spoken(it, "acme", "one")
        await paused.pause()
        hold = await client.holds.add("session", held.id, reason="case 7")
        assert hold.tenant == "acme"
        assert await maintain(it) == 1
        await idle.result()
        assert (await held.view()).status == "idle"
        assert (await paused.view()).status == "paused"
        (record,) = await client.audit(session=idle.id, kind="operator")
        assert (record.record.action, record.record.reason) == ("closed", "idle")
        await replay(await it.holdfast.temporal.get_workflow_handle(idle.id).fetch_history())


async def test_an_idle_session_with_a_new_message_is_not_closed(start: Start) -> None:
    async with start(script, APP) as it:
        session = await spoken(it, "acme", "one", "two")
        handle: Any = it.holdfast.temporal.get_workflow_handle(session.id)
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update("close", 1)  # as maintenance that has read the row before the message
        assert (await session.view()).status == "idle"


async def test_an_ended_session_is_removed_with_its_history_and_show_says_so(start: Start) -> None:
    async with start(script, APP) as it:
        client = it.holdfast.client
        ended, held, running = [await spoken(it, "acme", "one") for _ in range(3)]
        for each in (ended, held):
            await closed(it, each)
        await client.retention.set("session", AT_ONCE)
        await client.holds.add("session", held.id, reason="case 7", id="h-1")
        with pytest.raises(UnderHold, match="case 7"):
            await client.memory.erase("tenant", tenant="acme", stop=True)
        assert await maintain(it) == 1
        assert (await status(it, ended), await status(it, held)) == ("gone", "closed")
        assert (await running.view()).status == "idle"  # the erasure was refused before it stopped anything
        (removed,) = await ended.removed()
        assert removed.kind == "session"
        assert await held.removed() == ()

        await eventually(lambda: forgotten(it, ended))
        await client.holds.remove("h-1", reason="closed")
        assert await maintain(it) == 1
        assert await status(it, held) == "gone"


async def test_the_next_run_finishes_the_removal_of_a_killed_one(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    async with start(script, APP, state_url=f"sqlite:///{file}") as it:
        session = await spoken(it, "acme", "a confidential text")
        await closed(it, session)
        await it.holdfast.client.retention.set("session", AT_ONCE)
        retention, rules = it.holdfast.state.retention, await it.holdfast.state.retention_rules.load()
        # A worker that is killed after it has removed the rows.
        assert await retention.remove(session.id, rules, time.time()) == ("session",)
        assert await maintain(it) == 0
        await eventually(lambda: forgotten(it, session))
        assert not any(b"a confidential text" in path.read_bytes() for path in tmp_path.glob("state.db*"))
        assert [each.kind for each in await session.removed()] == ["session"]
        assert await retention.unfinished() == []


async def test_a_session_that_was_reset_is_open_and_stays(start: Start) -> None:
    async with start(script, APP) as it:
        session = await spoken(it, "acme", "one", "two")
        await closed(it, session)
        await reset(it, session.id, before_message(await events(it, session.id), 2))
        await it.holdfast.client.retention.set("session", AT_ONCE)
        await it.holdfast.client.retention.set("log", AT_ONCE)
        assert await maintain(it) == 0
        assert await session.removed() == ()
        assert (await session.send("three")).text == "You said: three"


async def test_a_terminated_session_is_recorded_as_ended(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphans, "_SOON", -5.0)  # the server's clock may be ahead
    async with start(script, APP) as it:
        session, open_one = await spoken(it, "acme", "one"), await spoken(it, "acme", "one")
        await it.holdfast.temporal.get_workflow_handle(session.id).terminate()

        async def recorded() -> bool:  # the list of the server has it after a moment
            await it.holdfast.client.maintenance.run("orphans")
            return await status(it, session) == "cancelled"

        await eventually(recorded)
        assert await status(it, open_one) == "idle"
        await it.holdfast.client.retention.set("session", AT_ONCE)
        assert await maintain(it) == 1


async def test_a_session_that_begins_again_is_open_and_can_be_reset(start: Start) -> None:
    async with start(script, APP) as it:
        client = it.holdfast.client
        session = await spoken(it, "acme", "one")
        await closed(it, session)
        await client.retention.set("log", AT_ONCE)
        assert await maintain(it) == 1
        await it.holdfast.client._requests.delete(session.id)  # pyright: ignore[reportPrivateUsage] - as Temporal's retention does

        await eventually(lambda: forgotten(it, session))
        again = await client.start("clerk", "two", tenant="acme", id=session.id)
        assert (await again.wait()).text == "You said: two"
        assert await again.removed() == ()
        assert await maintain(it) == 0
        assert [entry.text async for entry in again.log()] == ["two", "You said: two"]


async def test_a_session_that_cannot_be_removed_does_not_keep_the_others(start: Start) -> None:
    async with start(script, APP) as it:
        broken, other = await spoken(it, "acme", "one"), await spoken(it, "acme", "one")
        for each in (broken, other):
            await closed(it, each)
        refuse = f"""CREATE TRIGGER broken BEFORE DELETE ON holdfast_log WHEN OLD.session = '{broken.id}'
            BEGIN SELECT RAISE(ABORT, 'this row is broken'); END"""
        async with it.holdfast.state.audit.transactions.begin() as db:
            await (await db.connection()).exec_driver_sql(refuse)
        await it.holdfast.client.retention.set("session", AT_ONCE)
        report, last = (await it.holdfast.client.maintenance.run("retention", "prune")).tasks
        assert broken.id in report.error
        assert "this row is broken" in report.error
        assert last.error == ""
        assert (await status(it, broken), await status(it, other)) == ("closed", "gone")


async def test_a_reset_after_a_removal_ends_with_what_was_removed(start: Start) -> None:
    async with start(script, APP) as it:
        session = await spoken(it, "acme", "one", "two")
        await closed(it, session)
        await it.holdfast.client.retention.set("log", AT_ONCE)
        assert await maintain(it) == 1
        assert [each async for each in session.log()] == []
        assert [turn.request async for turn in session.turns()] != []
        await reset(it, session.id, before_message(await events(it, session.id), 2), reapply=True)
        again = it.holdfast.client.session(session.id)
        with pytest.raises(ContentRemoved, match="log on 2"):
            await again.result()
        await replay(await it.holdfast.temporal.get_workflow_handle(session.id).fetch_history())
