"""Setting aside what a reset left behind, on both databases."""

from __future__ import annotations

from holdfast_activities.state import State
from holdfast_workflows.contracts.operations.resets import AsideInput, aside
from holdfast_workflows.contracts.session.entries import UserEntry


async def numbers(state: State, log: str) -> list[int]:
    return [entry.seq for entry in await state.log.read(log, 0)]


async def written(state: State, session: str, *seqs: int) -> None:
    await state.log.settle(session, [UserEntry(seq=seq, text=f"entry {seq}") for seq in seqs])


async def test_what_is_beyond_the_point_has_a_log_of_its_own(state: State, session: str) -> None:
    await written(state, session, 1, 2, 3, 4, 5)
    result = await state.resets.set_aside(AsideInput(session=session, seq=4, turn=2, open=(2,)))
    assert (result.seq, result.logs) == (6, 1)
    assert await numbers(state, session) == [1, 3]
    assert await numbers(state, aside(session, 1)) == [2, 4, 5]


async def test_each_reset_has_a_log_and_no_number_is_used_again(state: State, session: str) -> None:
    await written(state, session, 1, 2, 900)
    await state.resets.set_aside(AsideInput(session=session, seq=2, turn=1))
    await written(state, session, 5)
    result = await state.resets.set_aside(AsideInput(session=session, seq=2, turn=1))
    assert (result.seq, result.logs) == (901, 2)
    assert await numbers(state, aside(session, 2)) == [5]


async def test_where_nothing_is_beyond_the_point_no_log_is_made(state: State, session: str) -> None:
    await written(state, session, 1)
    result = await state.resets.set_aside(AsideInput(session=session, seq=2, turn=1))
    assert (result.seq, result.logs) == (2, 0)


async def test_late_writes_are_removed_and_nothing_else(state: State, session: str) -> None:
    await written(state, session, 1, 2, 1_005)
    await state.resets.sweep(session, 2, 1_005)
    assert await numbers(state, session) == [1, 1_005]


async def test_erasing_a_session_erases_every_log_of_its_resets(state: State, session: str) -> None:
    for number in (1, 2):
        await written(state, session, number)
        await state.resets.set_aside(AsideInput(session=session, seq=1, turn=1))
    await state.erasing.session(session, 1.0)
    assert [await numbers(state, aside(session, number)) for number in (1, 2)] == [[], []]
