"""Every prompt is accounted for: what went in and what did not, tokens each, and why."""

from __future__ import annotations

import pytest

from holdfast_activities.context import PromptAccount, budget
from holdfast_workflows.contracts.session.entries import Entry, MemoryEntry, RecalledMemory

from ..test_conversation import filled, reply, user
from .test_builder import steps


def account(entries: list[Entry], window: int, ratio: float = 1.0) -> PromptAccount:
    conversation = filled(entries, entries[-1].seq + 1)
    made = budget(window, ratio=ratio, instructions=100, tools=50)
    conversation.within(made.limit, made.share)
    return PromptAccount("openai:scripted", made, conversation.items(), conversation.need)


@pytest.mark.parametrize("ratio", [0.5, 1.0, 1.37])
def test_a_manifest_adds_up_and_stays_short_however_long_the_session(ratio: float) -> None:
    recalled = MemoryEntry(seq=1, memories=(RecalledMemory(id="1", text="Ann likes tea."),))
    entries = [recalled, user(2), *steps(3, 1_000, "word " * 400)]
    made = account(entries, 8_000, ratio)
    manifest = made.manifest("s", reply(2_003), 4_321)
    assert (manifest.context_window, manifest.reserve, manifest.budget) == (8_000, 1_600, 6_400)
    assert manifest.estimated == sum(item.tokens for item in manifest.items)
    assert manifest.estimated == pytest.approx(made.estimated * ratio, abs=len(manifest.items))
    assert manifest.estimated <= manifest.budget
    assert (manifest.reported, manifest.seq, manifest.ratio) == (4_321, 2_003, ratio)
    assert manifest.strategies == ("truncation", "sliding window")
    assert [item.part for item in manifest.items[:4]] == ["instructions", "tools", "memory", "task"]
    assert len(manifest.items) < 10
    listed_entries = sum(item.count for item in manifest.items if item.stop)
    assert listed_entries == len(entries)
    assert all(item.why for item in manifest.items if item.shown != "whole")
    assert sum(item.saved for item in manifest.items) > 400_000 * ratio


def test_the_fill_level_counts_the_complete_conversation() -> None:
    assert account([user(1)], 8_000).context == 0
    half = account([user(1), *steps(2, 30)], 8_000)
    assert 50 <= half.context < 100
    over = account([user(1), *steps(2, 200)], 8_000)
    assert over.context > 300
    assert account([user(1), *steps(2, 30)], 8_000, ratio=2.0).context > half.context * 1.9


def test_long_instructions_do_not_fill_the_conversation() -> None:
    """No summary makes them shorter, so they alone must not have one made again and again."""
    conversation = filled([user(1)], 2)
    for instructions in (5_200, 9_000):
        made = budget(8_000, instructions=instructions)
        assert PromptAccount("openai:scripted", made, conversation.items(), conversation.need).context == 0
    conversation.complete(42, steps(2, 20))
    assert PromptAccount("openai:scripted", made, conversation.items(), conversation.need).context > 100


def test_an_account_does_not_change_with_later_entries() -> None:
    conversation = filled([user(1)], 2)
    conversation.within(1_000)
    before = conversation.items()
    conversation.complete(4, steps(2, 1))
    assert sum(item.count for item in before) == 1
    assert sum(item.count for item in conversation.items()) == 3


def test_a_message_alone_is_accounted_for_with_the_omitted_rest() -> None:
    conversation = filled([user(1, "earlier"), *steps(2, 3), user(8, "word " * 2_000)], 9)
    fragments, items = conversation.alone(1_000)
    assert [fragment.seq for fragment in fragments] == [8]
    assert sum(fragment.tokens for fragment in fragments) <= 1_000
    assert [(item.part, item.shown, item.count) for item in items] == [
        ("conversation", "left_out", 7),
        ("task", "cut", 1),
    ]
    # That was for one reply: the conversation goes on with all of it.
    assert len(conversation.within(100_000)) == 8
