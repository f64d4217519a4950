"""From what a model sends to what a function receives."""

from __future__ import annotations

import json
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

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
