"""Boards on both databases: of writers over the same version one succeeds, and a repeated call writes once."""

from __future__ import annotations

import asyncio

import pytest

from holdfast_activities import clock
from holdfast_activities.state import State
from holdfast_activities.state.coordination.boards import BoardWrite
from holdfast_workflows.contracts import limits
from holdfast_workflows.contracts.errors import BoardConflict, BoardFull
from holdfast_workflows.contracts.names import board_of


def entry(
    board: str,
    key: str = "plan",
    *,
    text: str = "Look.",
    over: int = 0,
    call: str = "",
    tenant: str = "",
    session: str = "s",
    agent: str = "writer",
) -> BoardWrite:
    """A write; by default each version has its own call."""
    call = call or f"{session}-{key}-{over}"
    return BoardWrite(board, key, text, over, call, tenant, session, agent)


async def test_an_entry_is_read_as_it_was_written(state: State, session: str) -> None:
    await state.boards.write(entry(session, text="First.\x00\ud800"))
    written = await state.boards.write(entry(session, text="Second.", over=1, agent="critic"))
    assert (written.version, written.agent, written.size) == (2, "critic", 7)
    read = (await state.boards.read(session, ["plan", "other"]))["plan"]
    assert read == written
    assert [each.text for each in await state.boards.versions(session, "plan", 9)] == [
        "Second.",
        "First.\x00\ud800",
    ]


async def test_of_writers_over_the_same_version_one_succeeds(state: State, session: str) -> None:
    await state.boards.write(entry(session))
    writes = [
        state.boards.write(entry(session, text=f"By {n}.", over=1, call=f"{session}-{n}", agent=f"w{n}"))
        for n in range(8)
    ]
    ended = await asyncio.gather(*writes, return_exceptions=True)
    [won] = [each for each in ended if not isinstance(each, BaseException)]
    lost = [each for each in ended if isinstance(each, BoardConflict)]
    assert len(lost) == 7
    assert (await state.boards.read(session, ["plan"]))["plan"] == won
    assert all(won.text in each.detail and "version=2" in each.detail for each in lost)


async def test_a_repeated_call_writes_once_even_after_later_writes(state: State, session: str) -> None:
    first = await state.boards.write(entry(session, call=f"{session}-1"))
    await state.boards.write(entry(session, over=1, text="Later.", call=f"{session}-2"))
    assert await state.boards.write(entry(session, call=f"{session}-1")) == first
    assert [each.version for each in await state.boards.versions(session, "plan", 9)] == [2, 1]


@pytest.mark.parametrize("over", [1, 5])
async def test_a_version_that_never_was_is_a_conflict(state: State, session: str, over: int) -> None:
    with pytest.raises(BoardConflict, match="no entry 'plan'"):
        await state.boards.write(entry(session, over=over))
    assert await state.boards.versions(session, "plan") == []
    await state.boards.write(entry(session))
    with pytest.raises(BoardConflict, match="version=1"):
        await state.boards.write(entry(session, over=over + 1))


async def test_a_removed_entry_is_not_listed_and_can_be_written_again(state: State, session: str) -> None:
    await state.boards.write(entry(session))
    await state.boards.write(entry(session, "notes/a"))
    await state.boards.write(entry(session, text="", over=1))
    assert [each.key for each in await state.boards.entries(session)] == ["notes/a"]
    with pytest.raises(BoardConflict, match=r"writer removed 'plan'.*version=2"):
        await state.boards.write(entry(session, call=f"{session}-again"))
    assert (await state.boards.write(entry(session, over=2))).version == 3


async def test_a_list_has_the_present_versions_without_their_texts(state: State, session: str) -> None:
    for key in ("notes/b", "notes/a", "plan"):
        await state.boards.write(entry(session, key))
    await state.boards.write(entry(session, "notes/a", text="Longer text.", over=1))
    found = await state.boards.entries(session, "notes/")
    assert [(each.key, each.version, each.size, each.text) for each in found] == [
        ("notes/a", 2, 12, ""),
        ("notes/b", 1, 5, ""),
    ]


async def test_boards_are_apart(state: State, session: str) -> None:
    boards = [board_of(session, "t"), board_of("", session, "x"), board_of("", f"{session}2", "x")]
    for board in boards:
        await state.boards.write(entry(board, text=board, call=board))
    assert [(await state.boards.read(board, ["plan"]))["plan"].text for board in boards] == boards


async def test_a_full_board_takes_no_further_entry(
    state: State, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast_activities.state.coordination.boards.MAX_BOARD_ENTRIES", 2)
    assert limits.MAX_BOARD_ENTRIES > 2
    await state.boards.write(entry(session, "a"))
    await state.boards.write(entry(session, "b"))
    with pytest.raises(BoardFull):
        await state.boards.write(entry(session, "c"))
    await state.boards.write(entry(session, "b", over=1))
    await state.boards.write(entry(session, "a", text="", over=1))
    await state.boards.write(entry(session, "c"))


async def test_pruning_keeps_present_versions_and_no_removed_entry_returns(
    state: State, session: str
) -> None:
    for over in range(3):
        await state.boards.write(entry(session, text=f"{over}", over=over))
        await state.boards.write(entry(session, "gone", text="" if over == 2 else "here", over=over))
    await state.erasing.prune(clock.now() + 1)
    assert [each.version for each in await state.boards.versions(session, "plan", 9)] == [3]
    assert await state.boards.versions(session, "gone", 9) == []
