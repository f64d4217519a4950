"""The state database against the histories: what is lost is found, and written again as far as it is known."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from holdfast import Agent, App, ToolContext, tool
from holdfast.testing import Reply, Request, call, say
from holdfast_activities.state import State
from holdfast_activities.state.verification.repairing import PARTLY, Repairs
from holdfast_client import Session
from holdfast_workers.verification.sessions import Verification, repair, verify
from holdfast_workflows.contracts.control.audit import AuditRecord
from holdfast_workflows.contracts.errors import SessionNotFound, StateBehind
from holdfast_workflows.contracts.session.entries import Entry, ReplyEntry, ResultEntry
from tests.activities.state.test_migrations import run

from ..conftest import Running, Start
from .test_older_copies import copied, restore

LONG = "long " * 2_000


@tool(effect="once")
async def pay(to: str, ctx: ToolContext) -> str:
    """Pay an amount.

    Args:
        to: Who.
    """
    return f"{to} is paid"


@tool
async def read(what: str) -> str:
    """Read something.

    Args:
        what: What.
    """
    return LONG if what == "long" else f"{what} is read"


def script(request: Request) -> Reply:
    """Pay in the first turn, read what the message says in the others."""
    if request.messages[-1]["role"] == "tool":
        return say("Done.")
    users = [message["content"] for message in request.messages if message["role"] == "user"]
    if len(users) == 1:
        return call("pay", {"to": "ann"})
    return call("read", {"what": str(users[-1])})


APP = App(agents=[Agent("helper", model="openai:a", tools=[pay, read])])


async def verified(it: Running, state: State | None = None, *ids: str) -> Verification:
    holdfast = it.holdfast
    return await verify(holdfast.temporal, [holdfast.task_queue], state or holdfast.state, ids)


async def repaired(it: Running, *, previews: bool = False) -> list[int]:
    holdfast = it.holdfast
    found = repair(holdfast.temporal, [holdfast.task_queue], holdfast.state, (), previews=previews, by="ann")
    return [done.entries async for _, done in found]


async def talk(it: Running, *messages: str) -> Session:
    first, *others = messages
    session = await it.holdfast.client.start("helper", first)
    await session.wait()
    for message in others:
        await session.send(message)
        await session.wait()
    return session


def untimed(entry: Entry) -> Entry:
    return entry.model_copy(update={"at": 0.0})


async def test_a_running_database_agrees_with_its_histories(start: Start) -> None:
    async with start(script, APP) as it:
        session = await talk(it, "Pay.", "this", "long")
        found = await verified(it)
        assert (found.sessions, found.findings, found.notes) == (1, [], [])
        assert found.entries == 12
        await session.close()
        await session.result()
        assert (await verified(it, None, session.id)).findings == []
        with pytest.raises(SessionNotFound):
            await verified(it, None, "unknown")


async def test_a_session_goes_on_after_its_rows_were_lost_and_repaired(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    async with start(script, APP, state_url=f"sqlite:///{file}", worker=False) as it:
        empty = copied(file)
        async with it.holdfast.worker():
            session = await talk(it, "Pay.", "this")
            before = await it.holdfast.state.log.read(session.id, 0)
        restore(file, empty)
        faults = {each.fault for each in (await verified(it)).findings}
        assert faults == {"session_missing", "entry_missing", "turn_missing", "effect_missing"}
        assert await repaired(it) == [8]
        left = await verified(it)
        # The spec of an agent is not in a history; a worker that serves the agent writes it again.
        assert {each.fault for each in left.findings} == {"spec_missing"}
        after = await it.holdfast.state.log.read(session.id, 0)
        # A history has no times of entries, only of the events after them.
        assert [untimed(entry) for entry in after] == [untimed(entry) for entry in before]
        [effect] = await it.holdfast.state.effects.list(session.id)
        assert (effect.tool, effect.status, effect.result) == ("pay", "settled", "ann is paid")
        async with it.holdfast.worker():
            await session.repin()
            await session.send("that")
            assert (await session.wait()).text == "Done."
        assert (await verified(it)).findings == []


async def test_a_repair_that_is_killed_is_recorded_and_completed_by_the_next(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "state.db"
    async with start(script, APP, state_url=f"sqlite:///{file}", worker=False) as it:
        empty = copied(file)
        async with it.holdfast.worker():
            session = await talk(it, "Pay.", "this")
        restore(file, empty)
        for place in ("_row", "_effect", "_turns", "_snapshot"):

            async def killed(*_: object) -> None:
                raise asyncio.CancelledError

            with monkeypatch.context() as patch:
                patch.setattr(Repairs, place, killed)
                with pytest.raises(asyncio.CancelledError):
                    await repaired(it)
            async with it.holdfast.worker():
                with pytest.raises(StateBehind):
                    await session.send("that")
        assert await repaired(it) == [0]
        assert {each.fault for each in (await verified(it)).findings} == {"spec_missing"}
        rows = await it.holdfast.state.audit.rows("")
        first, *_ = [AuditRecord.model_validate_json(row.body) for row in rows if row.session == session.id]
        assert (first.action, first.details) == ("repaired", {"entries": "8", "turns": "2", "effects": "1"})


async def test_a_text_that_the_history_does_not_have_is_restored_in_part_only_on_request(
    start: Start, tmp_path: Path
) -> None:
    file = tmp_path / "state.db"
    async with start(script, APP, state_url=f"sqlite:///{file}", worker=False) as it:
        async with it.holdfast.worker():
            session = await talk(it, "Pay.")
            older = copied(file)
            await session.send("long")
            await session.wait()
        restore(file, older)
        found = await verified(it)
        assert [(each.fault, each.repairable) for each in found.findings] == [
            ("entry_missing", True),
            ("entry_missing", False),
            ("snapshot_behind", True),
            ("turn_missing", True),
        ]
        assert await repaired(it) == [0]
        async with it.holdfast.worker():
            with pytest.raises(StateBehind):
                await session.send("this")


async def test_with_previews_a_session_goes_on_with_marked_texts(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    async with start(script, APP, state_url=f"sqlite:///{file}", worker=False) as it:
        async with it.holdfast.worker():
            session = await talk(it, "Pay.")
            older = copied(file)
            await session.send("long")
            await session.wait()
        restore(file, older)
        assert await repaired(it, previews=True) == [4]
        results = [
            entry.text
            for entry in await it.holdfast.state.log.read(session.id, 0)
            if isinstance(entry, ResultEntry)
        ]
        assert results[1].startswith(f"{PARTLY}long long")
        async with it.holdfast.worker():
            await session.send("this")
            assert (await session.wait()).text == "Done."


async def test_what_differs_is_reported_and_never_overwritten(start: Start, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    async with start(script, APP, state_url=url) as it:
        session = await talk(it, "Pay.")
        log = await it.holdfast.state.log.read(session.id, 0)
        reply = next(entry for entry in log if isinstance(entry, ReplyEntry) and entry.text == "Done.")
        await run(
            url, f"UPDATE holdfast_log SET body = replace(body, 'Done.', 'Gone.') WHERE seq = {reply.seq}"
        )
        [finding] = (await verified(it)).findings
        assert (finding.fault, finding.repairable) == ("entry_differs", False)
        assert await repaired(it) == [0]
        log = await it.holdfast.state.log.read(session.id, reply.seq)
        assert log[0].text == "Gone."


async def test_the_status_of_a_terminated_session_is_repaired(start: Start) -> None:
    async with start(script, APP) as it:
        session = await talk(it, "Pay.")
        await it.holdfast.temporal.get_workflow_handle(session.id).terminate("by an operator")
        [finding] = (await verified(it)).findings
        assert finding.fault == "status_stale"
        assert await repaired(it) == [0]
        row = await it.holdfast.state.load_session(session.id)
        assert row is not None
        assert row.status == "cancelled"
        assert (await verified(it)).findings == []
        [record] = [
            each
            for each in await it.holdfast.state.audit.rows("")
            if each.session == session.id and '"repaired"' in each.body
        ]
        assert record.principal == "ann"
