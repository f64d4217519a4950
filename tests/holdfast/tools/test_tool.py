"""Declaring tools."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

import pytest

from holdfast import InvalidDeclaration, RetryPolicy, Tool, tool
from holdfast_workflows.contracts.agent.spec import TOOL_RETRY
from holdfast_workflows.contracts.names import RESERVED


def plain(x: int) -> int:
    """Plain."""
    return x + 1


def test_a_tool_is_still_the_function() -> None:
    made = tool(plain)
    assert made(1) == 2
    assert made.__doc__ == "Plain."
    assert made.spec.name == "plain"
    assert made.spec.retry == TOOL_RETRY


def test_options_reach_the_spec() -> None:
    made = tool(name="add-one", effect="idempotent", timeout=timedelta(minutes=2), retries=3)(plain)
    assert (made.spec.name, made.spec.effect, made.spec.timeout) == ("add-one", "idempotent", 120.0)
    assert made.spec.retry.attempts == 4
    assert tool(inline=True, timeout=0.5)(plain).spec.inline
    assert not tool(breaker=False)(plain).spec.breaker
    assert tool(allow_repeats=True)(plain).spec.allow_repeats


def test_a_whole_retry_policy_can_be_given() -> None:
    policy = RetryPolicy(attempts=5, first_delay=0.1, max_delay=1, backoff=1)
    assert tool(retries=policy)(plain).spec.retry == policy


def test_what_must_happen_once_is_tried_once() -> None:
    assert tool(effect="once")(plain).spec.retry.attempts == 1
    assert tool(effect="once", retries=0)(plain).spec.retry.attempts == 1


def yields() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_names_of_our_own_activities_are_refused(name: str) -> None:
    with pytest.raises(InvalidDeclaration, match="choose another with name=…"):
        tool(name=name)(plain)


@pytest.mark.parametrize(
    ("options", "function", "said"),
    [
        ({"name": "add one"}, plain, "letters, digits"),
        ({"name": ""}, plain, "letters, digits"),
        ({"name": "é"}, plain, "letters, digits"),
        ({"name": "x\n"}, plain, "letters, digits"),
        ({"name": "x" * 65}, plain, "letters, digits"),
        ({}, lambda: 1, "letters, digits"),
        ({}, functools.partial(plain, 1), "write a function"),
        ({}, int, "write a function"),
        ({}, "plain", "write a function"),
        ({}, yields, "return a list"),
        ({"effect": "some"}, plain, "none, idempotent, once"),
        ({"inline": True, "effect": "idempotent"}, plain, "only tools without effects may be inline"),
        ({"inline": True, "effect": "once"}, plain, "only tools without effects may be inline"),
        ({"timeout": 0}, plain, "timeout=0"),
        ({"timeout": float("nan")}, plain, "timeout=nan"),
        ({"timeout": timedelta(days=365)}, plain, "timeout="),
        ({"timeout": True}, plain, "timeout=True"),
        ({"retries": -1}, plain, "retries=-1"),
        ({"retries": RetryPolicy(attempts=0)}, plain, "attempts=0"),
        ({"retries": RetryPolicy(first_delay=60)}, plain, "max_delay=30"),
        ({"retries": RetryPolicy(backoff=0.5)}, plain, "backoff=0.5"),
        ({"effect": "once", "retries": 1}, plain, "ToolContext.key"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused_with_the_remedy(
    options: dict[str, Any], function: object, said: str
) -> None:
    with pytest.raises(InvalidDeclaration) as refused:
        tool(**options)(cast("Any", function))
    assert said in str(refused.value)


def test_methods_can_be_tools() -> None:
    class Shop:
        def price(self, sku: str) -> str:
            """The price."""
            return sku

    made: Tool[[str], str] = tool(Shop().price)
    assert list(made.spec.parameters["properties"]) == ["sku"]
    assert made("a") == "a"
