"""Long texts are shown by head, tail and a reference by which the rest can be read."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast_activities.context.prompt.truncation import CAP, Truncations, cap, cut
from holdfast_activities.models.base import Fragment, Model
from holdfast_workflows.contracts.session.entries import (
    Entry,
    MemoryEntry,
    RecalledMemory,
    ReplyEntry,
    ToolCall,
)

from ..test_cleaning import WIRES, both_wires
from ..test_conversation import MODEL, reply, result, user


def text_of(fragment: Fragment) -> str:
    """What a message says, in OpenAI's form."""
    said: str = json.loads(fragment.data)["content"]
    return said


def test_a_large_result_is_cut_to_head_and_tail_with_a_reference() -> None:
    text = "HEAD" + "word " * 20_000 + "TAIL"
    piece = Truncations(MODEL).piece(result(7, of=6, text=text))
    said = text_of(piece.fragment)
    assert said.startswith("HEAD")
    assert said.endswith("TAIL")
    note = re.search(
        r"\[… ([\d,]+) of 100,008 characters left out; read_more\(result=7, offset=(\d+)\)", said
    )
    assert note is not None
    head, tail = said.split(note[0])[0].rstrip("\n"), said.split("shows them]\n")[1]
    assert int(note[2]) == len(head)
    assert int(note[1].replace(",", "")) == len(text) - len(head) - len(tail)
    assert CAP // 2 < piece.tokens <= CAP
    assert piece.reason is not None
    assert abs(piece.full - len(text) // 4) < 200
    assert piece.short is not None
    assert MODEL.fragment(piece.short).tokens < 200


def test_a_result_within_the_cap_is_shown_whole() -> None:
    piece = Truncations(MODEL).piece(result(7, of=6, text="word " * 1_000))
    assert "left out" not in text_of(piece.fragment)
    assert piece.reason is None


def test_no_reference_is_given_without_the_tool_that_reads_the_rest() -> None:
    piece = Truncations(MODEL, reference=False).piece(result(7, of=6, text="word " * 20_000))
    assert "left out]" in text_of(piece.fragment)


@pytest.mark.parametrize(("room", "tokens"), [(6_000, 1_500), (25_000, 2_500), (100_000, CAP), (10, 150)])
def test_a_small_window_shows_less_of_a_result(room: int, tokens: int) -> None:
    assert cap(room) == tokens


@given(
    st.text(max_size=3_000),
    st.integers(0, 400),
    st.sampled_from(["message", "result", "reply"]),
    st.sampled_from(WIRES),
)
def test_a_cut_entry_fits_its_limit(text: str, tokens: int, kind: str, model: Model) -> None:
    made: dict[str, Entry] = {
        "message": user(3, text),
        "result": result(3, of=2, text=text),
        "reply": ReplyEntry(
            seq=3, text=text, calls=(ToolCall(id="c", name="look", arguments=json.dumps({"text": text})),)
        ),
    }
    entry, forms = made[kind], Truncations(model)
    whole, fragment = model.fragment(entry), forms.fitted(entry, tokens)
    json.loads(fragment.data)
    # A text can be cut to nothing but the note, and a message's frame always stays.
    assert fragment.tokens <= max(tokens, min(whole.tokens, 130))
    assert fragment == whole or whole.tokens > tokens


def test_the_truncation_note_is_correct_for_every_length() -> None:
    text = "".join(f"{n:05d}" for n in range(400))
    for chars in range(0, 1_900, 7):
        head, note, tail = re.split(r"\n?(\[….*\])\n?", cut(text, chars, 3, reference=True))
        assert text.startswith(head)
        assert text.endswith(tail)
        assert f"{len(text) - len(head) - len(tail):,} of 2,000" in note
        assert f"offset={len(head)})" in note


def test_the_last_memories_are_dropped_until_the_rest_fits() -> None:
    recalled = tuple(RecalledMemory(id=str(n), text=f"memory{n} " + "word " * 50) for n in range(10))
    entry, forms = MemoryEntry(seq=4, memories=recalled), Truncations(MODEL)
    said = text_of(forms.fitted(entry, 300))
    assert [n for n in range(10) if f"memory{n} " in said] == [0, 1, 2]
    assert forms.fitted(entry, 300).tokens <= 300
    assert forms.fitted(entry, 100).tokens <= 100
    assert forms.fitted(entry, 10_000) == forms.piece(entry).fragment


@both_wires
def test_a_cut_reply_loses_its_extra(model: Model) -> None:
    made = reply(2, calls=1, text="word " * 1_000)
    made = made.model_copy(update={"extra": {"anthropic": {"content": [{"type": "text", "text": "all"}]}}})
    fragment = Truncations(model).fitted(made, 200)
    assert fragment.tokens <= 200
    assert fragment.calls == 1
    assert b'"all"' not in fragment.data


def test_figures_and_encoded_data_count_double() -> None:
    words = MODEL.fragment(user(1, "plain words " * 100)).tokens
    assert words < 320
    for dense in ("0123456789" * 120, "QUJD4kRG" * 150, "3f2a9c1e-aaaa-4bcd-9eef-0123456789ab " * 32):
        assert MODEL.fragment(user(1, dense)).tokens > words * 1.7


@both_wires
def test_no_reference_is_given_to_a_reply(model: Model) -> None:
    """The tool reads results and messages."""
    fragment = Truncations(model).fitted(reply(2, calls=1, text="word " * 1_000), 200)
    assert b"characters left out]" in fragment.data
    assert b"read_more" not in fragment.data
