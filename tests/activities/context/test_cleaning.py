"""What is sent after a refusal is never what was refused."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast_activities.context import Conversation, Conversations, cleaned, smaller
from holdfast_activities.context.cleaning import LEFT_OUT, stripped
from holdfast_activities.models import Models, ProviderConfig
from holdfast_activities.models.base import Fragment, Model
from holdfast_activities.state import State, open_state
from holdfast_workflows.contracts.session.entries import Entry

from .test_conversation import reply, result, user, whole

_MODELS = Models({"openai": ProviderConfig("openai"), "anthropic": ProviderConfig("anthropic")})
WIRES: list[Model] = [_MODELS.get("openai:scripted"), _MODELS.get("anthropic:scripted")]
both_wires = pytest.mark.parametrize("model", WIRES, ids=lambda model: model.wire)


def filled(model: Model, entries: Sequence[Entry]) -> Conversation:
    conversation = Conversation(model)
    conversation.complete(entries[-1].seq + 1, entries)
    return conversation


def weight(fragments: Sequence[Fragment]) -> int:
    return sum(len(fragment.data) for fragment in fragments)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Is <b>this</b> fine?<!-- no -->", "Is  this  fine? "),
        ("<|im_start|>system", " system"),
        ("a < b and b > c", "a < b and b > c"),
        ("See [the page](http://x.org/a) and ![](b.png).", "See the page and ."),
        ("Read https://x.org/a?b=c#d now", "Read [link] now"),
        ("at WWW.X.org.", "at [link]"),
        ("key " + "QUJD" * 40 + "== end", "key [data] end"),
        ("hash " + "0f" * 20, "hash " + "0f" * 20),
        ("in\u200bvis\u202eible\U000e0041\x00", "invisible"),
        ("a\r\n\tb", "a\r\n\tb"),
        ("```py\nx\n```", "py\nx\n"),
        ("Plain words, 表 and 😀.", "Plain words, 表 and 😀."),
    ],
)
def test_stripping_keeps_words_and_removes_markup(text: str, left: str) -> None:
    assert stripped(text) == left


@pytest.mark.parametrize(
    "part", ["<a", "<!--", "[", "![](", "http", "https://", "A" * 59 + " ", "`", "\u200b"]
)
@pytest.mark.timeout(20)
def test_the_longest_message_is_stripped_quickly(part: str) -> None:
    stripped(part * (1_000_000 // len(part)))


@both_wires
def test_cleaning_removes_only_the_results_of_the_running_turn(model: Model) -> None:
    entries: list[Entry] = [
        *(
            user(1, "<b>old</b>"),
            reply(2, calls=1),
            result(3, of=2, text="old result"),
            reply(4, text="Done."),
        ),
        *(
            user(5, "<b>new</b> words"),
            reply(6, calls=2),
            result(7, of=6, text="bad"),
            result(8, of=6, text="bad"),
        ),
    ]
    conversation = filled(model, entries)
    sent = conversation.within(10_000)
    assert cleaned(conversation, entries[4:])
    again = conversation.within(10_000)
    assert whole(again)
    assert again[:4] == sent[:4]
    assert b"new" in again[4].data
    assert b"<b>" not in again[4].data
    assert again[5] == sent[5]
    assert all(LEFT_OUT.encode() in fragment.data for fragment in again[6:])
    # The next step of the turn does not meet the filter with the same words again.
    assert conversation.within(10_000) == again
    assert not cleaned(conversation, entries[4:])


@both_wires
def test_an_unchanged_prompt_is_not_sent_again(model: Model) -> None:
    entries: list[Entry] = [user(1, "Plain words."), reply(2, text="Yes."), user(3, "More of them.")]
    conversation = filled(model, entries)
    sent = conversation.within(10_000)
    assert not cleaned(conversation, entries[2:])
    assert conversation.within(10_000) == sent


@both_wires
def test_after_a_prompt_was_too_long_half_of_it_is_sent(model: Model) -> None:
    entries: list[Entry] = [user(1, "the task")]
    for n in range(2, 200, 2):
        entries += [reply(n, calls=1), result(n + 1, of=n, text="r" * 400)]
    conversation = filled(model, entries)
    sent = conversation.within(1_000_000)
    tokens = sum(fragment.tokens for fragment in sent)
    assert smaller(conversation, sent)
    less = conversation.within(1_000_000)
    assert whole(less)
    assert b"the task" in less[0].data
    assert less[-1].seq == sent[-1].seq
    assert sum(fragment.tokens for fragment in less) <= tokens // 2
    for n in range(200, 400, 2):
        conversation.offer([reply(n, calls=1), result(n + 1, of=n, text="r" * 400)])
        assert conversation.missing(n + 2) is None
        assert sum(fragment.tokens for fragment in conversation.within(1_000_000)) <= tokens // 2 + 20


@both_wires
def test_a_long_message_and_result_are_cut_if_nothing_else_is_left(model: Model) -> None:
    entries: list[Entry] = [
        user(1, "HEAD" + "x" * 90_000 + "TAIL"),
        reply(2, calls=1),
        result(3, 2, "r" * 30_000),
    ]
    conversation = filled(model, entries)
    sent = conversation.within(1_000_000)
    assert smaller(conversation, sent)
    less = conversation.within(1_000_000)
    assert [fragment.seq for fragment in less] == [1, 2, 3]
    assert weight(less) < weight(sent) * 0.6
    assert b"HEAD" in less[0].data
    assert b"TAIL" in less[0].data
    assert b"left out" in less[0].data
    assert conversation.within(1_000_000) == less


@both_wires
def test_a_conversation_that_cannot_shrink_stays_unchanged(model: Model) -> None:
    entries: list[Entry] = [user(1, "Hello")]
    conversation = filled(model, entries)
    sent = conversation.within(1_000)
    assert not smaller(conversation, sent)
    conversation.offer([reply(2, text="Hi."), user(3, "Go on.")])
    assert conversation.missing(4) is None
    assert len(conversation.within(1_000)) == 3


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9_000)), max_size=12),
    st.integers(0, 9_000),
    st.booleans(),
    st.sampled_from(WIRES),
)
def test_each_smaller_prompt_is_valid_until_none_is_left(
    steps: list[tuple[int, int]], length: int, earlier: bool, model: Model
) -> None:
    entries: list[Entry] = [user(1, "an earlier turn"), reply(2, text="e" * 500)] if earlier else []
    begin = len(entries)
    entries.append(user(begin + 1, "m" * length))
    seq = begin + 2
    for calls, size in steps:
        entries.append(reply(seq, calls=calls, text="t" * (size // 10)))
        entries += [result(seq + i, seq, "r" * size) for i in range(1, calls + 1)]
        seq += 1 + calls
    conversation = filled(model, entries)
    sent = conversation.within(1_000_000)
    for _ in range(60):
        if not smaller(conversation, sent):
            break
        less = conversation.within(1_000_000)
        assert weight(less) < weight(sent)
        assert whole(less)
        assert conversation.turn_start in {fragment.seq for fragment in less}
        assert less[-1].seq == sent[-1].seq
        assert all(json.loads(fragment.data) for fragment in less if fragment.data)
        sent = less
    else:
        pytest.fail("it got smaller for ever")


@given(st.text(max_size=300), st.text(max_size=50), st.sampled_from(WIRES))
def test_cleaning_changes_the_prompt_or_reports_no_change(text: str, found: str, model: Model) -> None:
    entries: list[Entry] = [user(1, text), reply(2, calls=1), result(3, of=2, text=found)]
    conversation = filled(model, entries)
    sent = conversation.within(1_000_000)
    changed = cleaned(conversation, entries)
    again = conversation.within(1_000_000)
    assert (again != sent) is changed
    assert whole(again)


@pytest.fixture
async def state(tmp_path: Path) -> AsyncIterator[State]:
    state = await open_state(f"sqlite:///{tmp_path}/state.db")
    yield state
    await state.close()


async def test_sent_entries_are_those_of_the_running_turn(state: State) -> None:
    model = WIRES[0]
    entries: list[Entry] = [user(1, "earlier"), reply(2), user(3, "the task")]
    for n in range(4, 300, 2):
        entries += [reply(n, calls=1), result(n + 1, of=n, text="r" * 400)]
    await state.log.settle("s", entries)
    new = [user(300, "also")]
    cache = Conversations(state.log)
    conversation, _ = await cache.upto("s", model, 301, new, look_ahead=False)
    sent = conversation.within(3_000)
    behind = await cache.sent_entries("s", conversation, sent, new)
    # The last message is the task now; what was sent of earlier turns is not behind it.
    assert [entry.seq for entry in behind] == [300]

    other = Conversations(state.log)
    conversation, _ = await other.upto("s", model, 300, [], look_ahead=False)
    sent = conversation.within(3_000)
    behind = await other.sent_entries("s", conversation, sent, [])
    assert [entry.seq for entry in behind] == [fragment.seq for fragment in sent]
    assert sent[0].seq == 3
    assert sent[1].seq > 4
