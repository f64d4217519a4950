"""Sessions, turns and specs, on both databases."""

import asyncio

import pytest

from holdfast_activities.state import State, open_state
from holdfast_workflows.contracts.errors import BadInput, VersionConflict
from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.session.steps import SettleInput, TurnRecord


def change(session: str, version: int, turn: int | None = None, status: str = "idle") -> SettleInput:
    record = None
    if turn is not None:
        usage = Usage(input_tokens=10, output_tokens=2, cached_tokens=1, cost=0.1)
        record = TurnRecord(
            turn=turn, status="done", request="q", reply="a", reply_seq=2, usage=usage, started=0.1
        )
    return SettleInput(
        session=session,
        agent="support",
        digest="d2",
        tenant="acme",
        version=version,
        status=status,
        seq=5,
        turns=turn or 0,
        usage=Usage(input_tokens=20, cost=0.2),
        turn=record,
    )


async def test_a_session_is_opened_once(state: State, session: str) -> None:
    assert await state.load_session(session) is None
    await state.open_session(session, "support", "d1", "acme")
    await state.open_session(session, "other", "d9", "other")
    row = await state.load_session(session)
    assert row is not None
    assert (row.agent, row.digest, row.tenant, row.version) == ("support", "d1", "acme", 0)
    assert row.usage == Usage()


async def test_a_turn_and_the_snapshot_are_written_together(state: State, session: str) -> None:
    await state.open_session(session, "support", "d1", "acme")
    first, second = change(session, 0, turn=1), change(session, 1, turn=2)
    assert await state.settle_turn(first) == 1
    assert await state.settle_turn(second) == 2
    assert await state.load_turns(session) == [first.turn, second.turn]
    row = await state.load_session(session)
    assert row is not None
    assert (row.digest, row.status, row.seq, row.turns, row.version) == ("d2", "idle", 5, 2, 2)
    assert row.usage == second.usage
    assert row.updated >= row.created


async def test_a_stale_writer_gets_a_version_conflict(state: State, session: str) -> None:
    await state.open_session(session, "support", "d1", "acme")
    await state.settle_turn(change(session, 0, turn=1))
    for stale in (change(session, 0, turn=2), change(session, 0, status="closed"), change(session, 7)):
        with pytest.raises(VersionConflict):
            await state.settle_turn(stale)
    row = await state.load_session(session)
    assert row is not None
    assert (row.status, row.version) == ("idle", 1)
    assert [turn.turn for turn in await state.load_turns(session)] == [1]


async def test_one_of_concurrent_writers_wins_and_others_conflict(
    state: State, url: str, session: str
) -> None:
    other = await open_state(url)
    await state.open_session(session, "support", "d1", "acme")
    writers = [(store, f"status {n}") for n in range(4) for store in (state, other)]
    outcomes = await asyncio.gather(
        *(store.settle_turn(change(session, 0, status=f"{status} {id(store)}")) for store, status in writers),
        return_exceptions=True,
    )
    await other.close()
    assert [outcome for outcome in outcomes if not isinstance(outcome, VersionConflict)] == [1]
    row = await state.load_session(session)
    assert row is not None
    assert row.version == 1


async def test_repeating_the_same_change_is_harmless(state: State, session: str) -> None:
    await state.open_session(session, "support", "d1", "acme")
    first, second = change(session, 0, turn=1), change(session, 1, status="closed")
    for repeated in (first, first, second, second, first):
        assert await state.settle_turn(repeated) == repeated.version + 1
    row = await state.load_session(session)
    assert row is not None
    assert (row.status, row.version) == ("closed", 2)
    assert await state.load_turns(session) == [first.turn]


def ended_at(settled: SettleInput, ended: float, **changes: object) -> SettleInput:
    assert settled.turn is not None
    turn = settled.turn.model_copy(update={"ended": ended})
    return settled.model_copy(update={"turn": turn, **changes})


async def test_a_turn_that_ends_again_later_replaces_what_was_stored(state: State, session: str) -> None:
    await state.open_session(session, "support", "d1", "acme")
    first = ended_at(change(session, 0, turn=1), 10.0)
    again = ended_at(first, 12.0, status="running", seq=9, turns=2)
    for settled in (first, again, first):  # the first is late, from a worker that was suspended
        assert await state.settle_turn(settled) == 1
    assert await state.load_turns(session) == [again.turn]
    row = await state.load_session(session)
    assert row is not None
    assert (row.status, row.seq, row.turns, row.version) == ("running", 9, 2, 1)


async def test_a_turn_that_ends_again_leaves_later_turns_alone(state: State, session: str) -> None:
    await state.open_session(session, "support", "d1", "acme")
    first, second = ended_at(change(session, 0, turn=1), 10.0), ended_at(change(session, 1, turn=2), 11.0)
    again = ended_at(first, 12.0, seq=9)
    assert [await state.settle_turn(settled) for settled in (first, second, again)] == [1, 2, 1]
    assert await state.load_turns(session) == [again.turn, second.turn]
    row = await state.load_session(session)
    assert row is not None
    assert (row.seq, row.turns, row.version) == (5, 2, 2)
    assert await state.settle_turn(ended_at(second, 13.0, seq=10)) == 2


async def test_a_turn_that_was_stored_at_another_version_is_a_conflict(state: State, session: str) -> None:
    await state.open_session(session, "support", "d1", "acme")
    await state.settle_turn(change(session, 0, turn=1))
    await state.settle_turn(change(session, 1, turn=2))
    with pytest.raises(VersionConflict):
        await state.settle_turn(ended_at(change(session, 0, turn=2), 99.0))


async def test_opening_says_whether_the_session_is_new(state: State, session: str) -> None:
    assert await state.open_session(session, "support", session, "acme", spec="{}")
    assert await state.load_spec(session) == "{}"
    assert not await state.open_session(session, "support", session, "acme", spec="{}")


async def test_a_session_that_was_never_opened_is_a_version_conflict(state: State, session: str) -> None:
    with pytest.raises(VersionConflict, match="not in the state database"):
        await state.settle_turn(change(session, 3, turn=1))
    assert await state.load_turns(session) == []


async def test_a_spec_is_kept_under_its_digest(state: State, session: str) -> None:
    digest = session
    assert await state.load_spec(digest) is None
    await state.save_spec(digest, '{"name": "ä"}')
    await state.save_spec(digest, '{"name": "ä"}')
    assert await state.load_spec(digest) == '{"name": "ä"}'


async def test_ids_that_cannot_be_keys_are_refused(state: State, session: str) -> None:
    for bad in ("", "a\0b", "\udfff"):
        for refused in (
            state.open_session(bad, "a", "d", "t"),
            state.load_session(bad),
            state.load_turns(bad),
            state.settle_turn(change(bad, 0)),
            state.save_spec(bad, "{}"),
            state.load_spec(bad),
            state.store_text(bad, "id", "text"),
            state.store_text(session, bad, "text"),
            state.load_text(session, bad),
        ):
            with pytest.raises(BadInput):
                await refused


async def test_a_database_that_answers_passes_the_ping(state: State) -> None:
    await state.ping()
