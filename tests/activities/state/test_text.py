"""Text that is not plain Unicode, on both databases."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast_activities.state import State
from holdfast_activities.state.log.rows import END, decode, encode
from holdfast_workflows.contracts.session.entries import (
    Entry,
    ReplyEntry,
    ResultEntry,
    ToolCall,
    Usage,
    UserEntry,
)
from holdfast_workflows.contracts.session.steps import SettleInput, TurnRecord

ODD = "a\0b \ud800 c\udfff \U0001f600 é\u2028\x7f\ufffe"


def joined(text: str) -> str:
    """The text with halves that stand side by side as the characters they make."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


# Every code point, with NUL and lone surrogates often.
any_character = st.characters(exclude_categories=()) | st.sampled_from(["\0", "\ud83d", "\ude00"])
texts = st.text(any_character).map(joined)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
replies = st.builds(
    ReplyEntry,
    seq=st.integers(0, END - 1),
    text=texts,
    calls=st.lists(st.builds(ToolCall, id=texts, name=texts, arguments=texts), max_size=2).map(tuple),
    extra=st.dictionaries(texts, json_values, max_size=3),
)


async def test_nul_and_lone_surrogates_in_an_entry_are_read_back_exactly(state: State, session: str) -> None:
    entries: list[Entry] = [
        UserEntry(seq=1, text=ODD),
        ReplyEntry(
            seq=2, text=ODD, calls=(ToolCall(id=ODD, name=ODD, arguments=ODD),), model=ODD, extra={ODD: [ODD]}
        ),
        ResultEntry(seq=3, call_id=ODD, name=ODD, text=ODD),
        UserEntry(seq=4, text="plain"),
    ]
    await state.log.settle(session, entries)
    assert await state.log.read(session, 0) == entries
    assert await state.log.settle(session, [UserEntry(seq=1, text="later")]) == entries[:1]


async def test_halves_of_a_character_side_by_side_are_read_back_as_the_character(
    state: State, session: str
) -> None:
    await state.log.settle(session, [UserEntry(seq=1, text="\ud83d\ude00 \ude00\ud83d")])
    assert await state.log.read(session, 1) == [UserEntry(seq=1, text="\U0001f600 \ude00\ud83d")]


async def test_a_text_of_10_mb_is_read_back_exactly(state: State, session: str) -> None:
    text = "0123456789 äöü €🙂\n" * 400_000
    assert len(text.encode()) > 10_000_000
    await state.log.settle(session, [ResultEntry(seq=1, call_id="c", name="n", text=text)])
    [entry] = await state.log.read(session, 1, 2)
    assert isinstance(entry, ResultEntry)
    assert entry.text == text
    assert await state.load_text(session, await state.store_text(session, "big", text)) == text


async def test_a_large_text_is_kept_exactly_and_the_first_of_an_id_stays(state: State, session: str) -> None:
    ref = await state.store_text(session, "m1", ODD)
    assert await state.store_text(session, "m1", "other") == ref
    assert await state.load_text(session, ref) == ODD
    assert await state.load_text(session, "m2") is None


async def test_previews_and_errors_of_a_turn_are_cleaned(state: State, session: str) -> None:
    await state.open_session(session, ODD, "digest", ODD)
    turn = TurnRecord(turn=1, status="failed", request=ODD, reply="\0", error_code="x", error="\ud800!")
    change = SettleInput(
        session=session,
        agent=ODD,
        digest="digest",
        tenant=ODD,
        version=0,
        status="idle",
        seq=2,
        turns=1,
        usage=Usage(),
        turn=turn,
    )
    assert await state.settle_turn(change) == 1
    assert await state.settle_turn(change) == 1
    [stored] = await state.load_turns(session)
    assert stored.request == "a\ufffdb \ufffd c\ufffd \U0001f600 é\u2028\x7f\ufffe"
    assert (stored.reply, stored.error) == ("\ufffd", "\ufffd!")


@given(entry=replies)
def test_any_entry_survives_its_row(entry: ReplyEntry) -> None:
    [(_, seq, body)] = encode("s", [entry])
    body.encode()
    assert "\0" not in body
    assert seq == entry.seq
    assert decode("s", [(1, body)]) == [entry]


# The state is shared by all examples, which differ by their number.
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entry=replies)
async def test_any_entry_is_stored_and_read_back(state: State, session: str, entry: ReplyEntry) -> None:
    [settled] = await state.log.settle(session, [entry])
    assert await state.log.read(session, entry.seq, entry.seq + 1) == [settled]
