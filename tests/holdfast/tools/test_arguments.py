"""From what a model sends to what a function receives."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from holdfast import tool
from holdfast_workflows.contracts.errors import ToolArgumentsInvalid


class Line(BaseModel):
    sku: str
    count: int


@tool
def order(lines: list[Line], note: str = "none", labels: dict[str, str] | None = None) -> None:
    """Order."""


@tool
def echo(value: Any) -> Any:
    """Echo."""
    return value


def refused(text: str) -> str:
    with pytest.raises(ToolArgumentsInvalid) as error:
        order.validate(text)
    return error.value.detail


def test_arguments_arrive_as_the_types_declared_with_defaults_filled() -> None:
    assert order.validate('{"lines": [{"sku": "a", "count": 2}]}') == {
        "lines": [Line(sku="a", count=2)],
        "note": "none",
        "labels": None,
    }


def test_a_default_is_not_shared_between_calls() -> None:
    @tool
    def collect(into: list[int] = []) -> None:  # noqa: B006 -- the mistake is the test
        """Collect."""

    collect.validate("")["into"].append(1)
    assert collect.validate("{}") == {"into": []}


@pytest.mark.parametrize("text", ["", "  ", "{}", "{\n}"])
def test_no_text_is_no_arguments(text: str) -> None:
    assert tool(lambda_free).validate(text) == {}


def lambda_free() -> None:
    """Nothing."""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"lines": [', "not valid JSON"),
        ('{"lines": NaN}', "not valid JSON: NaN"),
        ("[" * 100_000, "nested too deeply"),
        ("[1]", "must be a JSON object, not a list; its properties are: lines, note, labels"),
        ("null", "not null"),
        ("3", "not a number"),
        ("{}", "lines: required but missing"),
        ('{"lines": [], "colour": 1}', "colour: there is no such argument"),
        ('{"lines": [{"sku": "a", "count": "many"}]}', "lines.0.count: Input should be a valid integer"),
        ('{"lines": {"sku": "a"}}', "lines: Input should be a valid list, not an object"),
    ],
)
def test_a_refusal_tells_the_model_which_argument_and_what_was_expected(text: str, said: str) -> None:
    assert said in refused(text)


def test_a_refusal_stays_short_whatever_was_sent() -> None:
    wrong = {"lines": [{"sku": 1, "count": "x" * 10_000}] * 500, "k" * 5_000: "y" * 100_000}
    assert len(refused(json.dumps(wrong))) < 1_500


def test_nul_and_lone_surrogates_reach_the_function_as_they_were() -> None:
    assert order.validate('{"lines": [], "note": "a\\u0000b\\ud800"}')["note"] == "a\x00b\ud800"


def test_a_lone_surrogate_in_a_key_is_replaced_where_python_types_need_utf8() -> None:
    given = order.validate('{"lines": [], "labels": {"\\ud800": "\\udc00"}}')["labels"]
    assert set(given) <= {"\ud800"}


def test_a_lone_surrogate_in_text_of_bounded_length_is_replaced() -> None:
    @tool
    def short(text: Annotated[str, Field(max_length=5)]) -> None:
        """Short."""

    assert short.validate('{"text": "a\\ud800"}') == {"text": "a\ufffd"}


def test_raw_line_breaks_inside_strings_are_let_pass() -> None:
    assert order.validate('{"lines": [], "note": "a\nb"}')["note"] == "a\nb"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_any_json_value_passes_through_unchanged(value: object) -> None:
    assert echo.validate(json.dumps({"value": value})) == {"value": value}


@given(st.text(st.characters(exclude_categories=()), max_size=200) | JSON.map(json.dumps))
def test_any_text_is_read_or_refused_and_never_anything_else(text: str) -> None:
    problem = ""
    try:
        order.validate(text)
    except ToolArgumentsInvalid as error:
        problem = error.detail
    assert len(problem) < 1_500


class Colour(Enum):
    RED = "red"


@dataclass
class Point:
    x: int


class Visit(BaseModel):
    model_config = ConfigDict(strict=True)

    day: date
    id: UUID
    colour: Colour
    place: tuple[int, str]
    tags: frozenset[str]
    lasts: timedelta
    fee: Decimal


VISIT: dict[str, Any] = {
    "day": "2026-02-03",
    "id": "7a4c6b6e-8a41-4f0b-9d1a-6a4dd3f4b2c1",
    "colour": "red",
    "place": [4, "north"],
    "tags": ["a"],
    "lasts": "PT30S",
    "fee": "0.10",
}


def test_a_strict_model_takes_what_json_can_say_of_its_types() -> None:
    @tool
    def book(visit: Visit) -> None:
        """Book."""

    visit = book.validate(json.dumps({"visit": VISIT}))["visit"]
    assert (visit.day, visit.colour, visit.place) == (date(2026, 2, 3), Colour.RED, (4, "north"))
    assert (visit.id, visit.lasts, visit.fee) == (UUID(VISIT["id"]), timedelta(seconds=30), Decimal("0.10"))


DIGITS = "12345678901234567890.12345678901234567890123"


class Bill(BaseModel):
    total: Decimal
    parts: dict[str, list[Decimal | None]] = Field(default_factory=dict)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f'{{"bill": {{"total": {DIGITS}}}}}', Decimal(DIGITS)),
        ('{"bill": {"total": 0.1}}', Decimal("0.1")),
        ('{"bill": {"total": 1.10}}', Decimal("1.10")),
        ('{"bill": {"total": "1.10"}}', Decimal("1.10")),
        ('{"bill": {"total": 5}}', Decimal(5)),
        ('{"bill": {"total": 1e400}}', Decimal("1e400")),
        (f'{{"bill": "{{\\"total\\": {DIGITS}}}"}}', Decimal(DIGITS)),
    ],
)
def test_a_decimal_keeps_all_of_its_digits(text: str, found: Decimal) -> None:
    @tool
    def pay(bill: Bill) -> None:
        """Pay."""

    assert str(pay.validate(text)["bill"].total) == str(found)


class Exact(BaseModel):
    model_config = ConfigDict(strict=True)

    total: Annotated[Decimal, Field(ge=0, max_digits=40)]


def test_a_strict_decimal_keeps_its_digits_too() -> None:
    @tool
    def pay(bill: Exact | None = None, fee: Decimal | None = None) -> None:
        """Pay."""

    found = pay.validate('{"bill": {"total": 1.10}, "fee": 2.50}')
    assert (str(found["bill"].total), str(found["fee"])) == ("1.10", "2.50")


def test_decimals_within_lists_and_maps_keep_their_digits_and_floats_stay_floats() -> None:
    @tool
    def pay(bill: Bill, rate: float, extra: Any = None) -> None:
        """Pay."""

    number = "0.12345678901234567890123"
    found = pay.validate(
        f'{{"bill": {{"total": 1, "parts": {{"a": [{number}, null]}}}}, "rate": {number}, "extra": {number}}}'
    )
    assert found["bill"].parts == {"a": [Decimal(number), None]}
    assert (found["rate"], found["extra"]) == (float(number), float(number))


@pytest.mark.parametrize("text", ['{"value": 1e400}', '{"value": [-1e400]}', '{"value": Infinity}'])
def test_a_number_that_no_float_holds_is_refused(text: str) -> None:
    with pytest.raises(ToolArgumentsInvalid, match="not valid JSON"):
        echo.validate(text)


@tool
def take(
    items: list[int] | None = None,
    pair: tuple[int, str] | None = None,
    names: set[str] | None = None,
    at: Point | None = None,
    line: Line | None = None,
    table: dict[str, list[int]] | None = None,
    either: list[int] | dict[str, int] | None = None,
    free: str | list[int] = "",
    anything: Any = None,
) -> None:
    """Take."""


@pytest.mark.parametrize(
    ("name", "sent", "found"),
    [
        ("items", "[1, 2]", [1, 2]),
        ("pair", '[1, "a"]', (1, "a")),
        ("names", '["a"]', {"a"}),
        ("at", '{"x": 1}', Point(1)),
        ("line", '{"sku": "a", "count": 1}', Line(sku="a", count=1)),
        ("table", '{"a": "[1]"}', {"a": [1]}),
        ("table", {"a": "[1]", "b": [2]}, {"a": [1], "b": [2]}),
        ("either", '{"a": 1}', {"a": 1}),
        ("either", "[1]", [1]),
        ("items", '"[1]"', "refused"),
        ("items", "1, 2", "refused"),
        ("items", "[1, 2", "refused"),
        ("items", "[NaN]", "refused"),
        ("items", "{}", "refused"),
        ("free", "[1, 2]", "[1, 2]"),
        ("anything", "[1, 2]", "[1, 2]"),
    ],
)
def test_a_list_or_object_sent_as_text_is_read_where_one_is_wanted(name: str, sent: Any, found: Any) -> None:
    try:
        assert take.validate(json.dumps({name: sent}))[name] == found
    except ToolArgumentsInvalid:
        assert found == "refused"


def test_arguments_wrapped_in_a_json_string_are_read() -> None:
    assert take.validate(json.dumps(json.dumps({"items": [1]})))["items"] == [1]
    assert take.validate(json.dumps(json.dumps(json.dumps({"items": [1]}))))["items"] == [1]
    assert take.validate('""')["items"] is None
