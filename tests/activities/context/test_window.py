"""The window when it is smaller than what just happened, and two attempts that share what a worker holds."""

from __future__ import annotations

from holdfast_workflows.contracts.session.entries import Entry

from .test_conversation import MODEL, filled, reply, result, user, whole


def test_the_newest_reply_keeps_its_results_over_the_budget() -> None:
    entries: list[Entry] = [user(1), reply(2, calls=3), *(result(seq, 2, "x" * 8_000) for seq in (3, 4, 5))]
    kept = filled(entries, 6).within(500)
    assert whole(kept)
    assert [fragment.seq for fragment in kept] == [1, 2, 3, 4, 5]


def test_a_prompt_begins_with_a_user_when_the_window_slid() -> None:
    entries: list[Entry] = [
        entry for n in range(20) for entry in (user(2 * n + 1), reply(2 * n + 2, text="y" * 400))
    ]
    for budget in range(500, 1_500, 50):
        kept = filled([*entries, user(41)], 42).within(budget)
        assert kept[0].kind == "user"


def test_entries_read_by_two_attempts_are_added_once() -> None:
    conversation = filled([user(1), reply(2)], 3)
    conversation.complete(3, [user(1), reply(2)])
    assert [fragment.seq for fragment in conversation.within(10_000)] == [1, 2]
    conversation.complete(2, [user(1)])
    assert conversation.position == 3
    assert MODEL.wire == "openai"
