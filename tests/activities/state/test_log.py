"""The log, on both databases."""

import asyncio

import pytest

from holdfast_activities.state import State, open_state
from holdfast_activities.state.log.rows import END
from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.session.entries import (
    Entry,
    ReplyEntry,
    ResultEntry,
    ToolCall,
    Usage,
    UserEntry,
)


def user(seq: int, text: str = "hello") -> Entry:
    return UserEntry(seq=seq, turn=1, text=text)


async def test_entries_of_every_kind_are_read_back_as_they_were(state: State, session: str) -> None:
    call = ToolCall(id="c1", name="look", arguments='{"at": "Ünïcödé 🙂"}')
    entries: list[Entry] = [
        UserEntry(seq=1, turn=1, at=1.25, role="steer", text="look"),
        ReplyEntry(
            seq=2,
            turn=1,
            step=1,
            calls=(call,),
            finish="tool_calls",
            usage=Usage(input_tokens=3, output_tokens=1, cost=0.1),
            model="openai:m",
            seconds=0.30000000000000004,
            extra={"signed": [{"a": None, "b": 10**30}]},
        ),
        ResultEntry(seq=3, turn=1, step=1, call_id="c1", name="look", text="seen", status="failed"),
    ]
    assert await state.log.settle(session, entries) == entries
    assert await state.log.read(session, 0) == entries


async def test_the_first_writer_of_a_number_wins(state: State, session: str) -> None:
    await state.log.settle(session, [user(1, "first")])
    assert await state.log.settle(session, [user(1, "second"), user(2, "new")]) == [
        user(1, "first"),
        user(2, "new"),
    ]
    assert await state.log.read(session, 1) == [user(1, "first"), user(2, "new")]


async def test_the_first_writer_wins_over_another_connection(state: State, url: str, session: str) -> None:
    other = await open_state(url)
    texts = [f"writer {n}" for n in range(20)]
    told = await asyncio.gather(
        *(store.log.settle(session, [user(1, text)]) for text in texts for store in (state, other))
    )
    await other.close()
    stored = await state.log.read(session, 1, 2)
    assert all(answer == stored for answer in told)


async def test_a_number_given_twice_in_one_settle_keeps_the_first(state: State, session: str) -> None:
    assert await state.log.settle(session, [user(1, "a"), user(1, "b")]) == [user(1, "a"), user(1, "a")]


async def test_the_same_entry_settled_again_is_one_entry(state: State, session: str) -> None:
    for _ in range(3):
        assert await state.log.settle(session, [user(1)]) == [user(1)]
    assert await state.log.read(session, 0) == [user(1)]


async def test_ranges_are_in_order_and_leave_out_what_was_never_written(state: State, session: str) -> None:
    for seq in (12, 3, 7, 100, 9):
        await state.log.settle(session, [user(seq)])
    assert [e.seq for e in await state.log.read(session, 0)] == [3, 7, 9, 12, 100]
    assert [e.seq for e in await state.log.read(session, 7, 12)] == [7, 9]
    assert [e.seq for e in await state.log.read(session, 4, 7)] == []
    assert [e.seq for e in await state.log.read(session, 101)] == []


async def test_sessions_do_not_see_each_other(state: State, session: str) -> None:
    await state.log.settle(session, [user(1)])
    assert await state.log.read(session + "x", 0) == []


async def test_nothing_to_settle_is_nothing(state: State, session: str) -> None:
    assert await state.log.settle(session, []) == []


async def test_200_concurrent_settles_are_all_stored(state: State, session: str) -> None:
    entries = [user(seq, f"text {seq}") for seq in range(200)]
    await asyncio.gather(*(state.log.settle(session, [entry]) for entry in entries))
    assert await state.log.read(session, 0) == entries


async def test_500_entries_in_one_settle_are_all_stored(state: State, session: str) -> None:
    entries = [user(seq, f"text {seq}") for seq in range(500)]
    assert await state.log.settle(session, entries) == entries
    assert await state.log.read(session, 0) == entries


async def test_large_settles_at_once_are_all_stored(state: State, session: str) -> None:
    # Together more than one SQLite statement takes.
    blocks = [[user(seq) for seq in range(n, n + 1_000)] for n in range(0, 12_000, 1_000)]
    assert await asyncio.gather(*(state.log.settle(session, block) for block in blocks)) == blocks
    assert len(await state.log.read(session, 0)) == 12_000


async def test_a_cancelled_caller_does_not_affect_others(state: State, session: str) -> None:
    leaver = asyncio.create_task(state.log.settle(session, [user(1)]))
    await asyncio.sleep(0)  # let it hand in its job
    leaver.cancel()
    assert await state.log.settle(session, [user(2)]) == [user(2)]
    with pytest.raises(asyncio.CancelledError):
        await leaver


async def test_what_cannot_be_a_key_is_refused(state: State, session: str) -> None:
    for bad in ("", "a\0b", "a\ud800"):
        with pytest.raises(BadInput):
            await state.log.settle(bad, [user(1)])
        with pytest.raises(BadInput):
            await state.log.read(bad, 0)
    for seq in (-1, END, 2**70):
        with pytest.raises(BadInput):
            await state.log.settle(session, [user(seq)])
    with pytest.raises(BadInput):
        await state.log.settle(session, [user(seq) for seq in range(1_001)])
