"""What a worker holds of a session: complete, in order, whole, and within the window."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast_activities.context import Conversation, Conversations, budget
from holdfast_activities.models import Models, ProviderConfig
from holdfast_activities.models.base import Fragment, Model
from holdfast_activities.state import State, open_state
from holdfast_workflows.contracts.session.entries import Entry, ReplyEntry, ResultEntry, ToolCall, UserEntry

MODEL: Model = Models({"openai": ProviderConfig("openai")}).get("openai:scripted")


def user(seq: int, text: str = "question") -> UserEntry:
    return UserEntry(seq=seq, text=text)


def reply(seq: int, calls: int = 0, text: str = "") -> ReplyEntry:
    made = tuple(ToolCall(id=f"c{seq}-{i}", name="look", arguments="{}") for i in range(calls))
    return ReplyEntry(seq=seq, text=text, calls=made, finish="tool_calls" if calls else "stop")


def result(seq: int, of: int, text: str = "seen") -> ResultEntry:
    return ResultEntry(seq=seq, call_id=f"c{of}-{seq - of - 1}", name="look", text=text)


def filled(entries: Sequence[Entry], upto: int) -> Conversation:
    conversation = Conversation(MODEL)
    conversation.complete(upto, entries)
    return conversation


def whole(kept: Sequence[Fragment]) -> bool:
    """Whether every result follows its reply, and every reply has all its results."""
    owed = 0
    for fragment in kept:
        if fragment.kind == "result":
            owed -= 1
        elif owed:
            return False
        else:
            owed = fragment.calls
        if owed < 0:
            return False
    return owed == 0


def test_a_call_without_a_result_gets_a_placeholder() -> None:
    kept = filled([user(1), reply(2, calls=2), result(3, of=2), user(5)], 6).within(10_000)
    assert [fragment.kind for fragment in kept] == ["user", "reply", "result", "result", "user"]
    assert b"not carried out" in kept[3].data


def test_a_result_without_a_call_is_left_out() -> None:
    kept = filled([user(1), result(2, of=1), user(3)], 4).within(10_000)
    assert [fragment.kind for fragment in kept] == ["user", "user"]


def test_the_message_of_the_running_turn_stays_when_the_window_slides() -> None:
    entries: list[Entry] = [user(1, "the task")]
    for n in range(2, 400, 2):
        entries += [reply(n, calls=1), result(n + 1, of=n, text="r" * 400)]
    conversation = filled(entries, 400)
    kept = conversation.within(2_000)
    assert b"the task" in kept[0].data
    assert sum(fragment.tokens for fragment in kept) <= 2_100
    assert kept[-1].seq == 399
    assert whole(kept)


def test_a_shortened_prompt_keeps_its_beginning_for_many_steps() -> None:
    """Providers' prompt caches want the same beginning again."""
    entries: list[Entry] = [user(1, "the task")]
    beginnings: set[int] = set()
    conversation = filled(entries, 2)
    for n in range(2, 600, 2):
        conversation.offer([reply(n, calls=1), result(n + 1, of=n, text="r" * 400)])
        assert conversation.missing(n + 2) is None
        kept = conversation.within(4_000)
        beginnings.add(kept[1].seq if len(kept) > 1 else 0)
    assert len(beginnings) < 40


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.integers(200, 3_000), st.data())
def test_a_prompt_is_whole_whatever_is_left_out(calls: list[int], budget: int, data: st.DataObject) -> None:
    entries: list[Entry] = [user(1)]
    seq = 2
    for count in calls:
        entries.append(reply(seq, calls=count, text="t" * 50))
        lost = data.draw(st.sets(st.integers(1, max(count, 1))))
        entries += [result(seq + i, of=seq, text="r" * 100) for i in range(1, count + 1) if i not in lost]
        seq += 1 + count
    kept = filled(entries, seq).within(budget)
    assert whole(kept)
    assert any(fragment.kind == "user" for fragment in kept)


@pytest.fixture
async def state(tmp_path: Path) -> AsyncIterator[State]:
    state = await open_state(f"sqlite:///{tmp_path}/state.db")
    yield state
    await state.close()


async def test_only_new_entries_are_read(state: State) -> None:
    await state.log.settle("s", [user(1), reply(2, text="one"), user(3)])
    cache = Conversations(state.log)
    first, _ = await cache.upto("s", MODEL, 4, [], look_ahead=False)
    cache.offer("s", [reply(4, text="two"), user(5)])
    # Never written to the log: had it been read again, they would be missing.
    second, _ = await cache.upto("s", MODEL, 6, [], look_ahead=False)
    assert second is first
    assert [fragment.seq for fragment in second.within(10_000)] == [1, 2, 3, 4, 5]


async def test_missing_entries_of_another_worker_are_read(state: State) -> None:
    cache = Conversations(state.log)
    await cache.upto("s", MODEL, 2, [user(1)], look_ahead=False)
    await state.log.settle("s", [user(1), reply(2, calls=1), result(3, of=2)])
    conversation, ahead = await cache.upto("s", MODEL, 4, [], look_ahead=False)
    assert [fragment.seq for fragment in conversation.within(10_000)] == [1, 2, 3]
    assert ahead == {}


async def test_a_retry_finds_what_was_settled_ahead(state: State) -> None:
    await state.log.settle("s", [user(1), reply(2, calls=1), result(3, of=2)])
    cache = Conversations(state.log)
    conversation, ahead = await cache.upto("s", MODEL, 2, [user(1)], look_ahead=True)
    assert [fragment.seq for fragment in conversation.within(10_000)] == [1]
    assert sorted(ahead) == [2, 3]


async def test_unused_numbers_are_skipped(state: State) -> None:
    await state.log.settle("s", [user(1), user(1_002)])
    cache = Conversations(state.log)
    conversation, _ = await cache.upto("s", MODEL, 1_003, [], look_ahead=False)
    assert [fragment.seq for fragment in conversation.within(10_000)] == [1, 1_002]


async def test_long_logs_are_read_in_pages(state: State) -> None:
    await state.log.settle("s", [user(n) for n in range(1, 232)])
    cache = Conversations(state.log)
    conversation, ahead = await cache.upto("s", MODEL, 200, [], look_ahead=True)
    assert len(conversation.within(100_000)) == 199
    assert sorted(ahead) == list(range(200, 232))


async def test_reading_a_long_log_does_not_block_other_work(state: State) -> None:
    """Held up as long as the whole takes, heartbeats would stop, and the session be given up as lost."""
    entries: list[Entry] = [user(1)]
    for n in range(2, 802, 2):
        entries += [reply(n, calls=1), result(n + 1, of=n, text="word " * 4_000)]
    await state.log.settle("s", entries)
    cache = Conversations(state.log)
    seen = [1]

    async def others() -> None:
        while True:
            await asyncio.sleep(0)
            seen.extend(each.position for each in cache._sessions.get("s", {}).values())

    beside = asyncio.create_task(others())
    conversation, _ = await cache.upto("s", MODEL, 802, [], look_ahead=False)
    beside.cancel()
    at_once = [after - before for before, after in pairwise([*seen, conversation.position])]
    assert sum(at_once) == 801
    assert max(at_once) < 801 / 4


async def test_the_least_recently_used_session_goes_first(state: State) -> None:
    await state.log.settle("a", [user(1, "x" * 1_000)])
    await state.log.settle("b", [user(1, "x" * 1_000)])
    cache = Conversations(state.log, max_bytes=1_500)
    first, _ = await cache.upto("a", MODEL, 2, [], look_ahead=False)
    await cache.upto("b", MODEL, 2, [], look_ahead=False)
    again, _ = await cache.upto("a", MODEL, 2, [], look_ahead=False)
    assert again is not first
    assert [fragment.seq for fragment in again.within(10_000)] == [1]


async def test_a_larger_window_shows_what_a_smaller_one_left_out(state: State) -> None:
    """A fallback that answers once does not cost the first model its conversation."""
    models = Models({"openai": ProviderConfig("openai")})
    small, large = models.get("openai:gpt-4"), models.get("openai:gpt-4o")
    assert (small.wire, small.window) == (large.wire, 8_192)
    await state.log.settle("s", [user(n, "word " * 500) for n in range(1, 21)])
    cache = Conversations(state.log)
    shown: list[int] = []
    for model in (large, small, large):
        conversation, _ = await cache.upto("s", model, 21, [], look_ahead=False)
        shown.append(sum(fragment.tokens for fragment in conversation.within(budget(model.window).limit)))
    assert shown[1] < 8_192 < shown[0] == shown[2]


@pytest.mark.parametrize(("count", "text"), [(700, "question"), (2, "word " * 100_000)])
async def test_the_conversation_of_an_unused_model_is_dropped(state: State, count: int, text: str) -> None:
    models = Models({"anthropic": ProviderConfig("anthropic")})
    other = models.get("anthropic:scripted")
    cache = Conversations(state.log)
    first, _ = await cache.upto("s", other, 2, [user(1)], look_ahead=False)
    position = 2 + count
    for n in range(2, position):
        cache.offer("s", [user(n, text)])
    await state.log.settle("s", [user(1), *(user(n, text) for n in range(2, position))])
    await cache.upto("s", MODEL, position, [], look_ahead=False)
    again, _ = await cache.upto("s", other, position, [], look_ahead=False)
    assert again is not first
    assert again.waiting == 0
    assert len(again.within(1_000_000)) == position - 1
