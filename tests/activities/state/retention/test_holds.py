"""What a hold protects is not removed, closed, pruned or erased."""

import asyncio

import pytest

from holdfast_activities.state import State
from holdfast_workflows.contracts.errors import BadInput, UnderHold
from holdfast_workflows.contracts.operations.retention import AddHold, HoldKind, SetRetention

from .ended import NOW, ended
from .test_removing import EVERYTHING, due, left, remove


async def hold(state: State, session: str, kind: HoldKind, subject: str) -> str:
    request = AddHold(
        id=f"h-{session}", kind=kind, subject=subject, tenant=session, reason="case 7", by="zoe"
    )
    return (await state.retention.holds.add(request)).id


@pytest.mark.parametrize("kind", ["session", "user", "tenant"])
async def test_a_hold_keeps_everything_until_it_is_removed(
    state: State, session: str, kind: HoldKind
) -> None:
    await ended(state, session, tenant=session, days=1_000)
    id = await hold(state, session, kind, {"session": session, "user": "ann", "tenant": ""}[kind])
    assert await due(state, session) == []
    assert await remove(state, session) == ()
    with pytest.raises(UnderHold, match="case 7"):
        await state.erasing.begin(session, NOW)
    assert await left(state, session) == EVERYTHING
    await state.retention.holds.remove(id)
    assert await remove(state, session) == ("session",)


async def test_a_sessions_hold_includes_the_sessions_that_it_started(state: State, session: str) -> None:
    child, other = f"{session}-12", f"{session}x"
    for each in (session, child, other):
        await ended(state, each, tenant=session, days=1_000)
    await hold(state, session, "session", session)
    assert await due(state, session) == [other]


async def test_an_idle_session_under_hold_is_not_closed(state: State, session: str) -> None:
    await ended(state, session, tenant=session, days=1_000, status="idle")
    rules = await state.retention_rules.load()

    async def idle() -> list[str]:
        found = await state.retention.idle(rules, NOW, limit=10_000)
        return [each.session for each in found if each.tenant == session]

    assert await idle() == [session]
    await hold(state, session, "tenant", "")
    assert await idle() == []


async def test_an_erasure_of_a_user_finds_holds_on_its_sessions(state: State, session: str) -> None:
    await ended(state, session, tenant=session, days=1, user="ann")
    await hold(state, session, "session", session)
    holds = state.retention.holds
    with pytest.raises(UnderHold):
        await holds.expect_none(tenant=session, user="ann")
    with pytest.raises(UnderHold):
        await holds.expect_none(tenant=session)
    await holds.expect_none(tenant=session, user="bob")
    await holds.expect_none(tenant="other")


async def test_old_versions_on_a_board_under_hold_are_not_pruned(state: State, session: str) -> None:
    from holdfast_workflows.contracts.names import board_of

    from ..test_boards import entry

    await ended(state, session, tenant=session, days=1)
    board = board_of("", session, "prices")
    await state.boards.write(entry(board, session, text="2", tenant=session, session=session, over=1))
    await hold(state, session, "tenant", "")
    await state.erasing.prune(NOW * 2)
    assert len(await state.boards.versions(board, session, limit=9)) == 2
    await state.retention.holds.remove(f"h-{session}")
    await state.erasing.prune(NOW * 2)
    assert len(await state.boards.versions(board, session, limit=9)) == 1


async def test_a_hold_and_a_removal_at_the_same_time_agree(state: State, session: str) -> None:
    rounds = 5
    names = [f"{session}{n}." for n in range(rounds)]
    for each in names:
        await ended(state, each, tenant=session, days=1_000)
    rules = await state.retention_rules.load()

    async def both(each: str) -> None:
        request = AddHold(id=f"h-{each}", kind="session", subject=each, tenant=session, reason="x")
        removed, held = await asyncio.gather(
            state.retention.remove(each, rules, NOW),
            state.retention.holds.add(request),
            return_exceptions=True,
        )
        # Either the hold came first and everything is there, or the session was gone and the hold is refused.
        if isinstance(held, BadInput):
            assert removed == ("session",)
        else:
            assert removed == ()
            assert await state.load_session(each) is not None

    await asyncio.gather(*(both(each) for each in names))


async def test_a_hold_needs_a_session_that_exists_and_an_id_of_its_own(state: State, session: str) -> None:
    with pytest.raises(BadInput, match="not in the state database"):
        await hold(state, session, "session", session)
    await hold(state, session, "user", "ann")
    assert await hold(state, session, "user", "ann") == f"h-{session}"
    with pytest.raises(BadInput, match="protects something else"):
        await hold(state, session, "user", "bob")
    with pytest.raises(BadInput, match="no hold"):
        await state.retention.holds.remove("nothing")
    with pytest.raises(BadInput, match="no hold"):
        await state.retention.holds.remove(f"h-{session}", "other")


async def test_the_rule_of_all_tenants_is_the_built_in_one_until_it_is_set(
    state: State, session: str
) -> None:
    await state.retention_rules.set(SetRetention(kind="idle", days=3.0, tenant=session, by="zoe"))
    rules = await state.retention_rules.load()
    assert rules.rule(session, "idle").days == 3.0
    assert rules.rule(session, "idle").by == "zoe"
    assert rules.rule("other", "idle").days == 365.0
    assert rules.of(session)[0].kind == "idle"
    assert rules.rule(session, "idle") in rules.of(None)
