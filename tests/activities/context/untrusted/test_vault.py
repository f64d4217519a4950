"""Personal data: what is found, tokens in prompts, and the values in replies and arguments."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import InvalidDeclaration, PersonalData
from holdfast_activities.context.conversation import Conversation
from holdfast_activities.context.untrusted.vault import Vault
from holdfast_workflows.contracts.session.entries import (
    MemoryEntry,
    RecalledMemory,
    ReplyEntry,
    ResultEntry,
    SummaryEntry,
    ToolCall,
    UserEntry,
)
from holdfast_workflows.contracts.text.personal_data import find

from ..test_conversation import MODEL

MAIL, PHONE, CARD, IBAN = (
    "ann.lee+x@mail.example.org",
    "+49 (30) 123-4567",
    "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00",
)


@pytest.mark.parametrize(("kind", "value"), [
    ("email", MAIL), ("email", "a@b.io"), ("phone", PHONE), ("phone", "+14155550123"), ("phone", "0044 20 7946 0018"),
    ("card", CARD), ("card", "4111111111111111"), ("card", "378282246310005"), ("iban", IBAN),
    ("iban", "GB82WEST12345698765432"), ("iban", "NO9386011117947"),
])  # fmt: skip
def test_personal_data_is_found(kind: str, value: str) -> None:
    assert find(f"It is {value}, really.") == [(6, 6 + len(value), kind)]
    assert find(json.dumps({"value": value})) == [(11, 11 + len(value), kind)]


@pytest.mark.parametrize("text", [
    "4111 1111 1111 1112 and 1234567890123456 and 0000 0000 0000 0000", "DE88 3704 0044 0532 0130 00",
    "order 2026-11-28-1234, v1.2.3, 10.0.0.1, 1,234,567.89, +5, 00 is zero, a @ b, @handle, x@y",
    "id 123e4567-e89b-12d3-a456-426614174000, 2026-11-28T13:28:47Z, 3f786850e387550fdab836ed7e6dc881de23001b",
])  # fmt: skip
def test_other_numbers_are_left_alone(text: str) -> None:
    assert find(text) == []


def test_kinds_can_be_chosen_and_added() -> None:
    vault = Vault(PersonalData(kinds=("email",), patterns={"customer": r"\bC-\d{4}\b"}))
    hidden = vault.hidden(f"C-1234 has {MAIL} and {CARD}; C-9999, C-1234.")
    assert hidden == f"<CUSTOMER_1> has <EMAIL_1> and {CARD}; <CUSTOMER_2>, <CUSTOMER_1>."
    for patterns in ({"Email": "x"}, {"card": "x"}, {"own": "("}, {"own": "x*"}):
        with pytest.raises(InvalidDeclaration):
            PersonalData(patterns=patterns)


def test_values_come_back_and_unknown_tokens_stay() -> None:
    vault = Vault(PersonalData(patterns={"name": 'Ann "A" Lee'}))
    assert vault.hidden(f'{MAIL} Ann "A" Lee') == "<EMAIL_1> <NAME_1>"
    assert (
        vault.restored("To <EMAIL_1>, &lt;EMAIL_1&gt; and <EMAIL_2>.") == f"To {MAIL}, {MAIL} and <EMAIL_2>."
    )
    assert json.loads(vault.restored('{"to": "<NAME_1>"}', is_json=True)) == {"to": 'Ann "A" Lee'}
    assert Vault().hidden(MAIL) == MAIL


def test_a_streamed_token_is_not_shown_in_part() -> None:
    vault = Vault(PersonalData())
    vault.hidden(MAIL)
    text = "Write to <EMAIL_1> or <b>.. 1 < 2 &lt;EMAIL_1&gt; now"
    shown = [vault.partial(text[:length]) for length in range(len(text) + 1)]
    assert not any("EMAIL" in each or "_1" in each for each in shown)
    assert shown[-1] == f"Write to {MAIL} or <b>.. 1 < 2 {MAIL} now"


def entries() -> list[UserEntry | ReplyEntry | ResultEntry | MemoryEntry]:
    call = ToolCall(id="c", name="send", arguments=json.dumps({"to": MAIL}))
    return [
        MemoryEntry(seq=1, text=MAIL, memories=(RecalledMemory(id="m", text=f"mail {MAIL}", speaker=PHONE),)),
        UserEntry(seq=2, text=f"I am {MAIL}, call {PHONE}"),
        ReplyEntry(seq=3, text=f"Sending to {MAIL}", calls=(call,), finish="tool_calls", extra={"x": MAIL}),
        ResultEntry(seq=4, call_id="c", name="send", text=f"sent to {MAIL} with {CARD}"),
        UserEntry(seq=5, text="and " + f"{IBAN} " * 3_000),
    ]


def test_a_conversation_is_sent_without_values_and_equal_ones_have_one_token() -> None:
    conversations = [Conversation(MODEL, 500, pii=PersonalData()) for _ in range(2)]
    sent: list[bytes] = []
    for conversation in conversations:
        conversation.complete(6, entries())
        conversation.set_summary(9, SummaryEntry(seq=9, start=1, stop=2, text=f"It was about {MAIL}."))
        sent.append(b"".join(fragment.data for fragment in conversation.within(4_000)))
    assert sent[0] == sent[1]
    for value in (MAIL, PHONE, CARD, IBAN):
        assert value.encode() not in sent[0]
    assert b"EMAIL_1" in sent[0]
    assert b"EMAIL_2" not in sent[0]
    raw = Conversation(MODEL, 500)
    raw.complete(6, entries())
    assert MAIL.encode() in b"".join(fragment.data for fragment in raw.within(4_000))


@given(st.text(), st.text())
def test_any_text_comes_back_as_it_was(before: str, after: str) -> None:
    text = f"{before} {MAIL} {after}"
    if "_" not in before + after:
        vault = Vault(PersonalData())
        assert vault.restored(vault.hidden(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "a@" * 50_000,
        "1 " * 100_000,
        "+1" * 50_000,
        "DE89 " * 20_000,
        "a." * 60_000 + "@b",
        "x@" + "a." * 60_000,
        "<EMAIL_" * 20_000,
    ],
)
def test_a_hostile_text_takes_no_longer_than_its_length_allows(text: str) -> None:
    began = time.process_time()
    vault = Vault(PersonalData())
    vault.hidden(MAIL + text)
    vault.partial(text)
    assert time.process_time() - began < 2.0
