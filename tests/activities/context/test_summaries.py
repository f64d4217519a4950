"""Summaries and plans stand for what has left the prompt, on whatever worker it is made."""

from __future__ import annotations

import json

import pytest

from holdfast_activities.context import Conversation, Conversations
from holdfast_activities.models.base import Fragment
from holdfast_activities.state import State
from holdfast_workflows.contracts.names import UPDATE_PLAN, WRITE_NOTES
from holdfast_workflows.contracts.session.entries import (
    Entry,
    MemoryEntry,
    RecalledMemory,
    SummaryEntry,
    ToolCall,
)

from .prompt.test_builder import manifest, steps, strategies, tokens
from .test_conversation import MODEL, filled, reply, result, user, whole


def summary(seq: int, stop: int, text: str = "They looked.") -> SummaryEntry:
    return SummaryEntry(seq=seq, text=text, start=1, stop=stop)


def seqs(fragments: list[Fragment]) -> list[int]:
    return [fragment.seq for fragment in fragments]


def wrote(seq: int, tool: str, arguments: object, *, ok: bool = True) -> list[Entry]:
    call = ToolCall(id=f"c{seq}-0", name=tool, arguments=json.dumps(arguments))
    made = reply(seq).model_copy(update={"calls": (call,), "step": seq})
    text = result(seq + 1, of=seq, text="noted")
    return [made, text.model_copy(update={"name": tool, "status": "ok" if ok else "failed"})]


def plan(*texts: str) -> dict[str, object]:
    return {"items": [{"text": text, "status": "todo"} for text in texts]}


async def test_a_summary_is_used_only_when_it_is_set(state: State, session: str) -> None:
    entries = [user(1), *steps(2, 20), summary(42, 30), *steps(43, 2)]
    await state.log.settle(session, entries)
    cache = Conversations(state.log)
    conversation, _ = await cache.upto(session, MODEL, 47, [], look_ahead=False)
    assert b"They looked." not in b"".join(fragment.data for fragment in conversation.within(100_000))
    before = conversation.need
    conversation, _ = await cache.upto(session, MODEL, 47, [], look_ahead=False, summary=42)
    assert conversation.need < before * 0.6
    # It is there when it is needed, and what fits stays whole until then.
    assert seqs(conversation.within(100_000)) == [1, *range(2, 42), *range(43, 47)]
    kept = conversation.within(conversation.tokens - 100)
    assert seqs(kept) == [0, 1, *range(30, 42), *range(43, 47)]


async def test_a_worker_without_a_cache_builds_the_same_valid_prompt(state: State, session: str) -> None:
    entries = [user(1), *steps(2, 40), user(82), *steps(83, 10), summary(103, 60)]
    await state.log.settle(session, entries)
    warm, cold = Conversations(state.log), Conversations(state.log)
    await warm.upto(session, MODEL, 83, [], look_ahead=False)
    first, _ = await warm.upto(session, MODEL, 103, [], look_ahead=False, summary=103)
    other, _ = await cold.upto(session, MODEL, 103, [], look_ahead=False, summary=103)
    kept = first.within(5_000)
    assert kept == other.within(5_000)
    assert whole(kept)
    assert (kept[0].seq, kept[1].seq) == (0, 60)
    assert first.need == other.need
    assert strategies(first) == strategies(other) == ["compression"]


@pytest.mark.parametrize("summed_up", [True, False])
def test_a_worker_that_takes_over_shows_the_newest_results_whole(summed_up: bool) -> None:
    """What is left out anyway must not cost them their place, however much of it there is."""
    entries = [user(1), *steps(2, 1_000, "word " * 400)]
    cold = filled(entries, 2_002)
    if summed_up:
        cold.set_summary(2_002, summary(2_002, 1_970))
    kept = cold.within(20_000)
    cut = {fragment.seq for fragment in kept if b"left out" in fragment.data}
    assert not cut & set(range(1_980, 2_002))
    assert tokens(kept) > 0.35 * 20_000


def test_a_reply_and_its_results_are_covered_together_or_not_at_all() -> None:
    conversation = filled([user(1), reply(2, calls=3), *(result(n, 2, "word " * 200) for n in (3, 4, 5))], 6)
    conversation.complete(30, steps(6, 12))
    conversation.set_summary(40, summary(40, 4))
    kept = conversation.within(2_500)
    assert whole(kept)
    conversation.set_summary(41, summary(41, 10))
    assert whole(conversation.within(1_200))


def test_a_newer_summary_replaces_the_older_one() -> None:
    conversation = filled([user(1), *steps(2, 40)], 82)
    conversation.set_summary(90, summary(90, 30, "The first."))
    assert b"The first." in conversation.within(4_400)[0].data
    conversation.complete(122, steps(82, 20))
    conversation.set_summary(130, summary(130, 80, "The second."))
    kept = conversation.within(4_400)
    said = b"".join(fragment.data for fragment in kept)
    assert b"The second." in said
    assert b"The first." not in said
    [item] = [item for item in manifest(conversation) if item.part == "summary"]
    assert (item.start, item.count) == (130, 1)


def test_a_summary_that_would_save_nothing_is_not_used() -> None:
    conversation = filled([user(1), *steps(2, 40)], 82)
    conversation.set_summary(90, summary(90, 4, "word " * 1_000))
    assert kept_parts(conversation, 3_000) == {"task", "conversation"}


def test_a_missing_summary_is_ignored() -> None:
    conversation = filled([user(1), *steps(2, 40)], 82)
    conversation.set_summary(90, None)
    assert conversation.summary == 90
    assert kept_parts(conversation, 3_000) == {"task", "conversation"}


def kept_parts(conversation: Conversation, limit: int) -> set[str]:
    conversation.within(limit)
    return {item.part for item in manifest(conversation) if item.shown != "left_out"}


def test_need_counts_everything_that_no_summary_covers() -> None:
    entries = [user(1), *steps(2, 60)]
    narrow, wide = filled(entries, 122), filled(entries, 122)
    narrow.within(1_000)
    wide.within(1_000_000)
    assert narrow.need == wide.need == wide.tokens
    for conversation in (narrow, wide):
        conversation.set_summary(200, summary(200, 100))
    assert narrow.need == wide.need < 22 * 150


def test_the_plan_is_repeated_when_its_step_is_left_out() -> None:
    entries = [
        user(1),
        *wrote(2, UPDATE_PLAN, plan("Look", "Leap")),
        *wrote(4, WRITE_NOTES, {"text": "It is red."}),
    ]
    conversation = filled(entries, 6)
    assert seqs(conversation.within(3_000)) == [1, 2, 3, 4, 5]
    conversation.complete(86, steps(6, 40))
    kept = conversation.within(3_000)
    assert seqs(kept)[:3] == [0, 0, 1]
    assert b"- [todo] Look" in kept[0].data
    assert b"It is red." in kept[1].data
    assert {item.part for item in manifest(conversation)} >= {"plan", "task"}
    # A newer plan is in the conversation, and what stands before it stays the same until it has to be shortened.
    conversation.complete(88, wrote(86, UPDATE_PLAN, plan("Land")))
    again = conversation.within(3_000)
    assert again[: len(kept)] == kept
    conversation.complete(128, steps(88, 20))
    later = conversation.within(3_000)
    assert any(b"Land" in fragment.data for fragment in later)
    assert not any(b"Look" in fragment.data for fragment in later)


def test_only_successful_calls_change_the_plan() -> None:
    entries = [
        user(1),
        *wrote(2, UPDATE_PLAN, plan("Look")),
        *wrote(4, UPDATE_PLAN, plan("Leap"), ok=False),
        *wrote(6, UPDATE_PLAN, {"items": "none"}),
    ]
    conversation = filled([*entries, *steps(8, 40)], 88)
    assert b"Look" in conversation.within(3_000)[0].data
    conversation.complete(170, [*wrote(88, UPDATE_PLAN, plan()), *steps(90, 40)])
    assert conversation.within(3_000)[0].seq == 1


def test_memories_stand_before_their_message_and_stay_with_it() -> None:
    recalled = MemoryEntry(seq=42, memories=(RecalledMemory(id="1", text="Ann likes tea."),))
    conversation = filled([user(1), *steps(2, 20), recalled, user(43), *steps(44, 40)], 124)
    kept = conversation.within(3_000)
    assert seqs(kept)[:2] == [42, 43]
    assert b"Ann likes tea." in kept[0].data
    assert conversation.turn_start == 42
