from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ValidationError
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import ActivitySerializationContext, DataConverter

from holdfast_temporal import data_converter
from holdfast_temporal.converter import PayloadConverter
from holdfast_workflows.contracts.operations.content import LogPage
from holdfast_workflows.contracts.session.entries import ReplyEntry, ToolCall, UserEntry
from holdfast_workflows.contracts.session.session import Message
from holdfast_workflows.contracts.session.steps import CallView, StepView, ThinkInput, ThinkResult

HALF = "before \ud800 after"
STEP = ThinkResult(
    steps=(
        StepView(seq=44, finish="tool_calls", calls=(CallView(id="call_1", name="lookup", seq=45),), size=0),
    )
)
THINK = ThinkInput(session="s", agent="a", digest="d" * 64, turn=1, step=12, seq=44, max_steps=8)


@dataclasses.dataclass
class Plain:
    name: str
    when: dt.datetime


class Users(BaseModel):
    """A model that is not a contract: a user's own."""

    name: str = "nobody"
    count: int = 0


class Unhashable:
    """An annotation that cannot be hashed, and with it every hint that carries it."""

    __hash__ = None  # type: ignore[assignment] # this is how Python spells it


def through(value: Any, hint: Any, converter: DataConverter = data_converter) -> Any:
    return converter.payload_converter.from_payload(encode(value, converter), hint)


def encode(value: Any, converter: DataConverter = data_converter) -> Payload:
    return converter.payload_converter.to_payload(value)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (None, None),
        (b"\x00\xff", bytes),
        ("plain", str),
        ("NUL \x00 and é and 😀", str),
        ({"a": [1, 2.5, None, True]}, dict[str, Any]),
        (uuid.UUID(int=7), uuid.UUID),
        (Plain("x", dt.datetime(2026, 1, 2, tzinfo=dt.UTC)), Plain),
        ([Users(name="n"), Users()], list[Users]),
        (THINK, ThinkInput),
        (STEP, ThinkResult),
    ],
)
def test_values_come_back_as_they_were(value: Any, hint: Any) -> None:
    assert through(value, hint) == value


def test_only_contracts_omit_defaults() -> None:
    assert b"tenant" not in encode(THINK).data
    assert b'"count":0' in encode(Users(name="x")).data


def test_a_contract_whose_parts_are_told_apart_by_a_default_keeps_them() -> None:
    page = LogPage(entries=(UserEntry(seq=1, text="hi"), ReplyEntry(seq=2, text="ho")))
    assert through(page, LogPage) == page


def test_a_lone_surrogate_anywhere_comes_back_exactly() -> None:
    message = Message(id="1", text=HALF)
    page = LogPage(
        entries=(
            UserEntry(seq=1, text=HALF),
            ReplyEntry(
                seq=2, calls=(ToolCall(id="1", name="t", arguments=HALF),), extra={HALF: [HALF, {"x": 1}]}
            ),
        )
    )
    assert through(message, Message) == message
    assert through(page, LogPage) == page
    assert through(HALF, str) == HALF
    assert through([Users(name=HALF)], list[Users]) == [Users(name=HALF)]
    assert through({HALF: (HALF, Users(name=HALF))}, dict[str, Any]) == {
        HALF: [HALF, {"name": HALF, "count": 0}]
    }


def test_a_lone_surrogate_is_what_the_sdks_own_converter_fails_on() -> None:
    with pytest.raises(Exception, match="surrogates not allowed"):
        encode(Message(id="1", text=HALF), pydantic_data_converter)


def test_adjacent_surrogates_come_back_as_one_character() -> None:
    assert through("\ud83d\ude00", str) == "😀"


def test_a_value_that_does_not_fit_its_type_is_refused() -> None:
    with pytest.raises(ValidationError):
        through({"seq": "many"}, ThinkInput)
    with pytest.raises(ValidationError):
        through({"seq": HALF}, ThinkInput)


def test_a_type_hint_that_cannot_be_hashed_still_works() -> None:
    assert through(2, Annotated[int, Unhashable()]) == 2


def test_making_a_converter_costs_nothing_and_context_changes_nothing() -> None:
    one, two = PayloadConverter(), PayloadConverter()
    assert one.converters is two.converters
    context = ActivitySerializationContext(
        namespace="default",
        activity_id="1",
        activity_type="t",
        activity_task_queue="q",
        workflow_id="w",
        workflow_type="W",
        is_local=False,
    )
    assert one.with_context(context) is one
    assert data_converter.with_context(context) is data_converter


def test_payloads_of_a_step_are_smaller_than_the_sdks() -> None:
    ours = sum(len(encode(value).data) for value in (THINK, STEP))
    theirs = sum(len(encode(value, pydantic_data_converter).data) for value in (THINK, STEP))
    assert ours < theirs * 0.8
    for value in (THINK, STEP):  # and theirs can still be read
        payload = encode(value, pydantic_data_converter)
        assert data_converter.payload_converter.from_payload(payload, type(value)) == value
