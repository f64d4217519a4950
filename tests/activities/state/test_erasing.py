"""Erasing sessions and tenants, and what is past its age, on both databases."""

import time
import uuid

import pytest

from holdfast_activities.state import State
from holdfast_activities.state.coordination.outbox import OutboxItem
from holdfast_activities.state.log.extras import CachedReplyRow, LogExtras
from holdfast_activities.state.setup.location import SqliteLocation, locate
from holdfast_workflows.contracts.errors import VersionConflict
from holdfast_workflows.contracts.names import board_of
from holdfast_workflows.contracts.session.entries import Usage, UserEntry
from holdfast_workflows.contracts.session.steps import SettleInput, TurnRecord

from .charges import effect, reserve
from .test_boards import entry
from .test_manifests import manifest


def settle(session: str, version: int, text: str, tenant: str = "acme") -> SettleInput:
    return SettleInput(
        session=session, agent="a", digest="d", tenant=tenant, version=version, status="idle", seq=9,
        turns=1, usage=Usage(input_tokens=1), turn=TurnRecord(turn=1, status="done", request=text, reply=text),
    )  # fmt: skip


async def fill(state: State, session: str, text: str, *, tenant: str = "acme", user: str = "ann") -> None:
    """A session with something in every table, and the text in each that holds texts."""
    await state.open_session(session, "a", "d", tenant, user)
    row = effect(f"{session}:2", session=session, result=text)
    extras = LogExtras(
        charge=reserve(session, f"run:{session}", 1_000, 30, spent=20),
        effects=[row],
        cached=CachedReplyRow(f"{tenant}/a/{session}", f'{{"text": "{text}"}}', time.time()),
        manifest=manifest(session, 2),
    )
    entries = [UserEntry(seq=n, text=f"{text} " * 200) for n in range(1, 4)]
    await state.log.settle_with(session, entries, extras)
    await state.store_text(session, "t", text * 1_000)
    await state.settle_turn(settle(session, 0, text, tenant))
    await state.outbox.add(OutboxItem(f"{session}:1", tenant, session, 1.0, text))
    for board in (board_of(session, tenant), board_of("", tenant, "prices")):
        await state.boards.write(entry(board, session, text=text, tenant=tenant, session=session))


async def test_nothing_of_an_erased_session_is_left(state: State, session: str) -> None:
    await fill(state, session, "secret")
    assert await state.erasing.session(session, 5.0) == 3
    assert await state.log.read(session, 0) == []
    assert await state.load_session(session) is None
    assert await state.load_turns(session) == []
    assert await state.load_text(session, "t") is None
    for board in (board_of(session, "acme"), board_of("", "acme", "prices")):
        assert await state.boards.read(board, [session]) == {}
    assert await state.manifests.list(session) == []
    assert await state.effects.list(session=session) == []
    assert await state.budgets.list(f"run:{session}") == []
    assert await state.replies.find(f"acme/a/{session}", 0.0) is None
    assert await state.outbox.get(f"{session}:1") is None
    assert await state.erasing.session(session, 6.0) == 0


async def test_what_was_erased_is_not_in_the_file(state: State, url: str, session: str) -> None:
    location = locate(url)
    if not isinstance(location, SqliteLocation):
        pytest.skip("PostgreSQL clears its own files")
    canary = f"canary{uuid.uuid4().hex}"
    for n in range(20):
        await fill(state, f"{session}-{n}", canary, tenant=session)
        await state.outbox.failed(f"{session}-{n}:1", canary)
    erasing = state.erasing
    for id in await erasing.sessions(user="ann", tenant=session):
        await erasing.session(id, 5.0)
    await erasing.scrub()
    held = b"".join(path.read_bytes() for path in location.path.parent.glob(f"{location.path.name}*"))
    assert canary.encode() not in held
    assert session.encode() in held  # the rows that say what was erased


async def test_an_interrupted_erasure_is_resumed(state: State, session: str) -> None:
    await fill(state, session, "secret", tenant=session)
    erasing = state.erasing
    await erasing.begin(session, 5.0)
    assert await state.outbox.get(f"{session}:1") is None
    assert await state.outbox.add(OutboxItem(f"{session}:2", session, session, 1.0, "{}")) is None
    assert session in await erasing.since(5.0)
    assert await erasing.sessions(tenant=session) == [session]
    assert await erasing.session(session, 6.0) == 3
    assert await erasing.sessions(tenant=session) == []


async def test_writes_after_an_erasure_are_pruned(state: State, session: str) -> None:
    await fill(state, session, "secret")
    await state.erasing.session(session, 5.0)
    await state.log.settle(session, [UserEntry(seq=7, text="late")])
    await state.erasing.prune(1.0)
    assert await state.log.read(session, 0) == []


async def test_other_sessions_are_left_alone(state: State, session: str) -> None:
    other = f"{session}-other"
    await fill(state, session, "mine", user="ann")
    await fill(state, other, "his", user="bob")
    await state.erasing.session(session, 5.0)
    assert len(await state.log.read(other, 0)) == 3
    assert len(await state.load_turns(other)) == 1
    assert await state.outbox.get(f"{other}:1") is not None


async def test_sessions_are_found_by_user_and_tenant_until_they_are_erased(
    state: State, session: str
) -> None:
    erasing, tenant = state.erasing, session
    for id, user in (("1", "ann"), ("2", "bob"), ("3", "ann")):
        await state.open_session(session + id, "a", "d", tenant, user)
    await state.open_session(f"{session}4", "a", "d", f"{tenant}-other", "ann")
    assert await erasing.sessions(user="ann", tenant=tenant) == [f"{session}1", f"{session}3"]
    assert len(await erasing.sessions(tenant=tenant)) == 3
    assert await erasing.sessions(tenant=tenant, limit=1) == [f"{session}1"]
    await erasing.session(f"{session}1", 5.0)
    assert await erasing.sessions(user="ann", tenant=tenant) == [f"{session}3"]


async def test_workers_see_which_sessions_were_erased_since_a_time(state: State, session: str) -> None:
    erasing = state.erasing
    await state.open_session(session, "a", "d", "acme", "ann")
    assert session not in await erasing.since(0.0)
    await erasing.session(session, 50.0)
    assert session in await erasing.since(50.0)
    assert session not in await erasing.since(50.1)


async def test_a_worker_that_still_ran_an_erased_session_cannot_settle_it(state: State, session: str) -> None:
    await fill(state, session, "secret")
    await state.erasing.session(session, 5.0)
    for version in (0, 1):
        with pytest.raises(VersionConflict):
            await state.settle_turn(settle(session, version, "secret"))
    assert await state.load_turns(session) == []


async def test_another_session_may_begin_under_the_id_of_an_erased_one(state: State, session: str) -> None:
    await fill(state, session, "secret")
    await state.erasing.session(session, 5.0)
    await state.open_session(session, "b", "e", "acme", "bob")
    row = await state.load_session(session)
    assert row is not None
    assert (row.agent, row.user, row.version, row.seq) == ("b", "bob", 0, 0)
    assert session not in await state.erasing.since(0.0)
    assert await state.settle_turn(settle(session, 0, "new")) == 1


async def test_opening_a_session_again_changes_nothing(state: State, session: str) -> None:
    await state.open_session(session, "a", "d", "acme", "ann")
    await state.open_session(session, "b", "e", "other", "bob")
    row = await state.load_session(session)
    assert row is not None
    assert (row.agent, row.user, row.tenant) == ("a", "ann", "acme")


async def test_only_that_tenants_accounts_and_cached_replies_are_erased(state: State, session: str) -> None:
    tenants = [session, f"{session}:x", f"{session}/x"]
    for tenant in tenants:
        charge = reserve(tenant, f"tenant:{tenant}:2026-01-31", 1_000, 30, spent=20)
        kept = CachedReplyRow(f"{tenant}/a/{'0' * 40}", "{}", time.time())
        await state.log.settle_with(tenant, [], LogExtras(charge=charge, cached=kept))
    await state.erasing.tenant(session)
    left = [view.account for view in await state.budgets.list(f"tenant:{session}")]
    assert left == [f"tenant:{tenant}:2026-01-31" for tenant in sorted(tenants[1:])]
    kept_of = [await state.replies.find(f"{tenant}/a/{'0' * 40}", 0.0) for tenant in tenants]
    assert kept_of == [None, "{}", "{}"]


async def test_what_is_past_its_age_is_removed_and_the_rest_stays(state: State, session: str) -> None:
    hour = 3_600.0
    old, now = time.time() - 90 * 24 * hour, time.time()
    for name, at in (("old", old), ("new", now)):
        extras = LogExtras(cached=CachedReplyRow(f"{session}-{name}", "{}", at))
        await state.log.settle_with(session, [], extras)
        await state.outbox.add(OutboxItem(f"{session}-{name}", "t", session, at, "{}"))
        await state.outbox.applied(f"{session}-{name}", at)
    await state.outbox.add(OutboxItem(f"{session}-waits", "t", session, old, "{}"))
    assert await state.erasing.prune(now - hour) >= 2
    assert await state.replies.find(f"{session}-old", 0.0) is None
    assert await state.replies.find(f"{session}-new", 0.0) == "{}"
    ids = [id for id in ("old", "new", "waits") if await state.outbox.get(f"{session}-{id}")]
    assert ids == ["new", "waits"]
    await state.outbox.erase(session=session)
