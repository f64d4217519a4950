"""The cost of a call, divided among tools."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast_activities.models import Models, ProviderConfig
from holdfast_activities.models.own_prices import OwnPrice
from holdfast_activities.session.model_call.cost_shares import ToolShares, apportioned, divided
from holdfast_activities.state.log.extras import ModelCost
from holdfast_workflows.contracts.session.entries import ToolCall, Usage

_PRICES = {"local:paid": OwnPrice(input=1, output=10, context_window=9_000)}
_MODELS = Models({"local": ProviderConfig("openai", "http://127.0.0.1:9/v1")}, {}, _PRICES)
PAID, UNPRICED = _MODELS.get("local:paid"), _MODELS.get("local:unpriced")


def call(name: str, arguments: str) -> ToolCall:
    return ToolCall(id=name, name=name, arguments=arguments)


def rows(found: tuple[ModelCost, ...]) -> Iterator[tuple[str, int, int, int]]:
    return ((each.tool, each.input_tokens, each.output_tokens, each.micros) for each in found)


def test_a_tool_takes_its_results_of_the_prompt_and_its_calls_of_the_reply() -> None:
    # Half of the prompt are results of search; of the reply three quarters are a call of post.
    shares = ToolShares({"search": 500}, 1_000, [call("post", "12345678")], "text")
    used = Usage(input_tokens=2_000, output_tokens=400, cost=0.006)
    found = divided(PAID, used, shares)
    assert list(rows(found)) == [
        ("", 1_000, 100, 2_000),
        ("post", 0, 300, 3_000),
        ("search", 1_000, 0, 1_000),
    ]
    assert [(each.model_calls, each.tool_calls) for each in found] == [(1, 0), (0, 1), (0, 0)]


def test_a_call_without_tools_is_one_row() -> None:
    used = Usage(input_tokens=10, output_tokens=5, cost=0.00006)
    whole = [("", 10, 5, 60)]
    assert list(rows(divided(PAID, used, None))) == whole
    assert list(rows(divided(PAID, used, ToolShares({}, 10, [], "Hi")))) == whole


def test_tokens_of_a_model_without_a_price_are_counted_as_unpriced() -> None:
    used = Usage(input_tokens=10, output_tokens=5)
    assert [each.unpriced_tokens for each in divided(UNPRICED, used, None)] == [15]
    assert [each.unpriced_tokens for each in divided(PAID, used, None)] == [0]


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1).filter(any))
def test_the_parts_of_a_whole_are_exactly_the_whole(total: int, weights: list[int]) -> None:
    parts = apportioned(total, weights)
    assert sum(parts) == total
    assert all(
        abs(part - total * weight / sum(weights)) <= 1 for part, weight in zip(parts, weights, strict=True)
    )


@pytest.mark.parametrize("cost", [0.0, 1e-9, 0.1234567])
def test_the_parts_of_a_call_add_up_to_its_usage(cost: float) -> None:
    shares = ToolShares({"a": 7, "b": 11}, 31, [call("b", "x"), call("c", "yy"), call("c", "")], "")
    used = Usage(input_tokens=997, output_tokens=101, cached_tokens=501, cost=cost)
    found = divided(PAID, used, shares)
    assert sum(each.micros for each in found) == round(cost * 1e6)
    assert sum(each.input_tokens for each in found) == 997
    assert sum(each.output_tokens for each in found) == 101
    assert sum(each.cached_tokens for each in found) == 501
    assert {each.tool: each.tool_calls for each in found} == {"": 0, "a": 0, "b": 1, "c": 2}
