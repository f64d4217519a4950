"""The prompt within its budget: shares by priority, strategies in order, replies never parted from their results."""

from __future__ import annotations

import json
from itertools import takewhile

from hypothesis import given
from hypothesis import strategies as st

from holdfast_activities.context import Conversation, budget
from holdfast_activities.context.prompt.strategies import STRATEGIES
from holdfast_activities.models.base import Fragment, Model
from holdfast_workflows.contracts.session.entries import (
    Entry,
    MemoryEntry,
    RecalledMemory,
    SummaryEntry,
    ToolCall,
    UserEntry,
)
from holdfast_workflows.contracts.session.manifests import ManifestItem

from ..test_cleaning import WIRES
from ..test_conversation import filled, reply, result, user, whole


def tokens(fragments: list[Fragment]) -> int:
    return sum(fragment.tokens for fragment in fragments)


def manifest(conversation: Conversation) -> list[ManifestItem]:
    return [item.listed(1.0) for item in conversation.items()]


def strategies(conversation: Conversation) -> list[str]:
    done = {item.reason.strategy for item in conversation.items() if item.reason}
    return [name for name in STRATEGIES if name in done]


def memory(seq: int, count: int = 3, words: int = 20) -> MemoryEntry:
    said = tuple(
        RecalledMemory(id=f"{seq}-{n}", text=f"memory{seq}-{n} " + "word " * words) for n in range(count)
    )
    return MemoryEntry(seq=seq, memories=said)


def steps(start: int, count: int, text: str = "word " * 80) -> list[Entry]:
    entries: list[Entry] = []
    for seq in range(start, start + 2 * count, 2):
        entries += [reply(seq, calls=1), result(seq + 1, of=seq, text=text)]
    return entries


def test_the_budget_is_the_calibrated_window_less_a_reserve() -> None:
    made = budget(10_000, ratio=2.0, instructions=500, tools=300)
    assert (made.reserve, made.tokens) == (2_000, 8_000)
    assert made.limit == 4_000 - 800
    assert made.share == 1_200
    # A reply that may be longer than a fifth of the window needs room, too.
    assert budget(10_000, reply=4_000).tokens == 6_000
    assert budget(1_000, instructions=5_000).limit == 500


def test_a_conversation_that_fits_is_sent_whole() -> None:
    entries = [memory(1), user(2, "word " * 1_000), *steps(3, 5)]
    conversation = filled(entries, 13)
    assert tokens(conversation.within(3_000)) == conversation.tokens
    assert {item.shown for item in manifest(conversation)} == {"whole"}
    assert strategies(conversation) == []
    assert [(item.part, item.count) for item in manifest(conversation)] == [
        ("memory", 1),
        ("task", 1),
        ("conversation", 10),
    ]


def test_a_message_over_its_share_is_cut_if_not_everything_fits() -> None:
    conversation = filled([user(1, "HEAD" + "word " * 2_000 + "TAIL"), *steps(2, 10)], 22)
    kept = conversation.within(3_000)
    assert kept[0].tokens <= 900
    for shown in (b"HEAD", b"TAIL", b"left out"):
        assert shown in kept[0].data
    assert strategies(conversation)[0] == "truncation"


def test_memories_are_limited_to_their_share_even_if_everything_fits() -> None:
    conversation = filled([memory(1, count=10, words=100), user(2)], 3)
    kept = conversation.within(2_000)
    assert tokens(kept) < 2_000
    assert kept[0].tokens <= 800
    assert b"memory1-0" in kept[0].data
    assert b"memory1-9" not in kept[0].data
    [item] = [item for item in manifest(conversation) if item.part == "memory"]
    assert (item.shown, item.start, item.stop) == ("cut", 1, 2)
    assert item.saved > 300


def test_memories_without_any_room_are_left_out() -> None:
    conversation = filled([memory(1, words=100), user(2, "word " * 470)], 3)
    assert [fragment.seq for fragment in conversation.within(620)] == [2]
    assert [item.shown for item in manifest(conversation) if item.part == "memory"] == ["left_out"]


def test_truncation_drops_old_memories_and_cuts_old_long_texts() -> None:
    long = "word " * 400
    entries = [
        *(memory(1), user(2, "first"), *steps(3, 3, long), reply(9, text="Done.")),
        *(memory(10), user(11, "second"), *steps(12, 3, long)),
    ]
    conversation = filled(entries, 18)
    kept = conversation.within(conversation.tokens - 200)
    assert [fragment.seq for fragment in kept] == list(range(2, 18))
    cut = [fragment.seq for fragment in kept if b"left out" in fragment.data]
    assert cut == [4, 6, 8]
    assert strategies(conversation) == ["truncation"]
    why = {item.why for item in manifest(conversation) if item.shown == "left_out"}
    assert why == {"memories of an earlier turn"}
    # The running turn's come last, and the newest step's not at all.
    kept = filled(entries, 18).within(2_400)
    assert [fragment.seq for fragment in kept if b"left out" in fragment.data] == [4, 6, 8, 13, 15]


def test_compression_replaces_entries_by_their_summary() -> None:
    entries = [user(1, "first"), *steps(2, 20), reply(42, text="Done."), user(43, "second"), *steps(44, 5)]
    conversation = filled(entries, 54)
    conversation.set_summary(60, SummaryEntry(seq=60, text="They looked around.", start=1, stop=43))
    kept = conversation.within(2_000)
    assert b"They looked around." in kept[0].data
    assert b"Entries 1 to 42" in kept[0].data
    assert [fragment.seq for fragment in kept[1:]] == list(range(43, 54))
    assert strategies(conversation) == ["compression"]


def test_the_sliding_window_leaves_out_whole_steps() -> None:
    conversation = filled([user(1, "first"), *steps(2, 40)], 82)
    kept = conversation.within(2_000)
    assert kept[0].seq == 1
    assert whole(kept)
    assert tokens(kept) <= 1_500
    assert strategies(conversation) == ["sliding window"]
    [item] = [item for item in manifest(conversation) if item.shown == "left_out"]
    assert (item.start, item.stop) == (2, kept[1].seq)
    assert item.count == kept[1].seq - 2


def test_minimal_context_keeps_message_and_newest_step_and_cuts_them() -> None:
    entries = [*(memory(1), user(2, "word " * 300)), *steps(3, 5)]
    entries += [reply(13, calls=4), *(result(13 + n, of=13, text="word " * 500) for n in range(1, 5))]
    conversation = filled(entries, 18)
    kept = conversation.within(700)
    assert tokens(kept) <= 700
    assert [fragment.seq for fragment in kept if fragment.kind != "memory"] == [2, *range(13, 18)]
    assert strategies(conversation)[-1] == "minimal context"


def test_arguments_too_long_for_the_window_are_cut_last() -> None:
    long = ToolCall(id="c", name="write", arguments=json.dumps({"text": "word " * 2_000}))
    entries: list[Entry] = [user(1, "go"), reply(2).model_copy(update={"calls": (long,)})]
    entries.append(result(3, of=2).model_copy(update={"call_id": "c"}))
    for model in WIRES:
        conversation = Conversation(model)
        conversation.complete(4, entries)
        kept = conversation.within(600)
        assert tokens(kept) <= 600
        assert whole(kept)
        assert b"characters of arguments" in kept[1].data


def test_a_prompt_begins_the_same_for_many_steps() -> None:
    """Providers' prompt caches want the same beginning again."""
    conversation = filled([user(1, "the task")], 2)
    breaks, same, all_, before = 0, 0, 0, list[bytes]()
    for seq in range(2, 202, 2):
        conversation.offer([reply(seq, calls=1), result(seq + 1, of=seq, text="word " * 400)])
        assert conversation.missing(seq + 2) is None
        sent = [fragment.data for fragment in conversation.within(16_000)]
        breaks += sent[: len(before)] != before
        common = takewhile(lambda pair: pair[0] == pair[1], zip(sent, before, strict=False))
        same += sum(len(data) for data, _ in common)
        all_ += sum(map(len, sent))
        before = sent
    assert breaks <= 12
    assert same / all_ > 0.85


both = st.sampled_from(WIRES)
sizes = st.integers(0, 6_000)
turns = st.lists(
    st.tuples(
        sizes,  # of the message
        st.integers(0, 8),  # memories
        st.lists(
            st.tuples(st.integers(0, 3), sizes), max_size=6
        ),  # steps: calls, and the size of each result
    ),
    min_size=1,
    max_size=5,
)


def log_of(turns: list[tuple[int, int, list[tuple[int, int]]]]) -> list[Entry]:
    entries: list[Entry] = []
    seq = 1
    for length, memories, made in turns:
        if memories:
            entries.append(memory(seq, memories))
            seq += 1
        entries.append(UserEntry(seq=seq, text="m" * length))
        seq += 1
        for calls, size in made:
            entries.append(reply(seq, calls=calls, text="t" * (size // 10)))
            entries += [result(seq + i, seq, "r" * size) for i in range(1, calls + 1)]
            seq += 1 + calls
    return entries


@given(turns, st.integers(700, 8_000), st.integers(0, 3), both, st.data())
def test_every_prompt_is_in_budget_ordered_and_accounted_for(
    turns: list[tuple[int, int, list[tuple[int, int]]]],
    limit: int,
    summaries: int,
    model: Model,
    data: st.DataObject,
) -> None:
    entries = log_of(turns)
    conversation = Conversation(model, cap=2_000)
    announced = data.draw(st.sets(st.integers(0, len(entries) - 1), max_size=summaries))
    for at, entry in enumerate(entries):
        conversation.complete(entry.seq + 1, [entry])
        if at in announced:
            stop = data.draw(st.integers(2, entry.seq + 1))
            made = SummaryEntry(seq=10_000 + at, text="sum " * 50, start=1, stop=stop)
            conversation.set_summary(made.seq, made)
        # A model is asked once all results of a reply are there, and after a message.
        following = entries[at + 1] if at + 1 < len(entries) else None
        if entry.kind == "memory" or (following is not None and following.kind == "result"):
            continue
        kept = conversation.within(limit)
        assert tokens(kept) <= limit
        assert whole(kept)
        seqs = [fragment.seq for fragment in kept if fragment.seq]
        assert seqs == sorted(set(seqs))
        task = max(each.seq for each in entries[: at + 1] if each.kind == "user")
        assert task in seqs
        assert kept[0].kind in {"user", "memory"}
        shown = [item for item in manifest(conversation) if item.shown != "left_out"]
        assert sum(item.tokens for item in shown) == tokens(kept) == conversation.tokens
        assert sum(item.count for item in shown) == len(kept)
        assert len(manifest(conversation)) < 25
        assert conversation.bytes == sum(len(fragment.data) for fragment in kept)
