"""Rules that cannot work are refused when they are declared, with the nearest right name."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from holdfast import (
    Agent,
    App,
    InvalidDeclaration,
    Permissions,
    Rule,
    TenantLimits,
    allow,
    arg,
    ask,
    called,
    deny,
    tool,
)
from holdfast_workflows.contracts.permissions.checking import idle
from holdfast_workflows.contracts.permissions.conditions import MATCHED


@tool(effect="idempotent")
async def refund(order: str, cents: int, tags: list[str]) -> str:
    """Refund an order.

    Args:
        order: The order.
        cents: How much.
        tags: Its tags.
    """
    return "refunded"


def declare(*rules: Rule, **options: Any) -> None:
    Agent("helper", model="openai:m", tools=[refund], permissions=Permissions(rules=rules, **options))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: declare(deny("refnud")), "did you mean 'refund'"),
        (lambda: declare(deny("refund", when=called("refnud"))), "did you mean 'refund'"),
        (lambda: declare(deny("refund", when=arg("cent") > 5)), "did you mean 'cents'"),
        (lambda: declare(deny("refund", when=~(arg("orders.id") == "x"))), "did you mean 'order'"),
        (lambda: declare(deny("refund", when=arg("cents") > "5")), "is integer"),
        (lambda: declare(deny("refund", when=arg("order") == 5)), "is string"),
        (lambda: declare(deny("refund", when=arg("a..b") == 5)), "is not a path"),
        (lambda: declare(deny("refund", when=arg("order").in_domains())), "give 1 to"),
        (lambda: declare(deny("refund", when=arg("order").in_domains("bob@acme.com"))), "acme.com"),
        (lambda: declare(deny("refund", when=arg("order").matches("("))), "not a regular expression"),
        (lambda: declare(allow("refund", at_most=-1)), "whole number"),
        (lambda: declare(allow("refund", at_most=1, scope="tenant")), 'add per="day"'),
        (lambda: declare(allow("refund", per="day")), "add at_most"),
        (lambda: declare(deny("")), "name a tool"),
        (lambda: declare(deny("*a*b*c*")), "at most 3"),
        (lambda: deny("refund", when=True), "is not a condition"),  # type: ignore[arg-type]
        (lambda: deny("refund", whn=arg("cents") > 5), "did you mean 'when'"),  # type: ignore[call-arg]
        (lambda: declare(deny("refund", when=(arg("cents") > 1) and (arg("cents") < 5))), "& | ~"),
        (lambda: declare(deny("refund"), default="asks"), "default"),
        (lambda: declare(deny("refund"), defaults="ask"), "did you mean 'default'"),
        (
            lambda: Agent("a", model="openai:m", tools=[refund], permissions=[deny("refund")]),  # type: ignore[arg-type]
            "must be made by Permissions",
        ),
    ],
)
def test_an_invalid_rule_is_refused(make: Callable[[], None], says: str) -> None:
    with pytest.raises(InvalidDeclaration, match=re.escape(says)):
        make()


def test_tools_of_mcp_servers_may_be_named_before_they_are_known() -> None:
    rules = Permissions(
        rules=(deny("github__delete_repository"), ask("github__*", when=called("github__get_file")))
    )
    Agent("helper", model="openai:m", tools=[refund], permissions=rules)
    assert idle(rules, ["refund"]) == ["github__delete_repository"]
    assert idle(rules, ["refund", "github__delete_repository"]) == []


def test_rules_of_the_app_and_of_tenants_are_checked_too() -> None:
    agent = Agent("helper", model="openai:m", tools=[refund])
    wrong = Permissions(rules=(ask("refnud"),))
    with pytest.raises(InvalidDeclaration, match="did you mean 'refund'"):
        App(agents=[agent], permissions=wrong)
    with pytest.raises(InvalidDeclaration, match=r"tenant 'acme'.*did you mean 'refund'"):
        App(agents=[agent], tenants={"acme": TenantLimits(permissions=wrong)})


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+b",
        "(a|a)*b",
        r"(a*)*",
        r"(\w+)\1",
        "(?=a+)a",
        ".*.*.*.*x",
        "a?" * 40 + "a" * 40,
        "(?:a+)+",
        "(ab){2,}",
    ],
)
def test_a_pattern_that_could_be_slow_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidDeclaration, match="very long"):
        declare(deny("refund", when=arg("order").matches(pattern)))


@pytest.mark.parametrize(
    "pattern", [r"[a-z]+@acme\.com", r"/data/[^/]+/.*\.csv", r"\d{1,6}", "a*b*c*", "(a|b)x?", r"[)*+]+\(\*"]
)
def test_an_allowed_pattern_is_quick_on_the_worst_text(pattern: str) -> None:
    declare(deny("refund", when=arg("order").matches(pattern)))
    for text in ("a" * MATCHED, "/data/" + "/" * MATCHED, "1" * MATCHED, ")" * MATCHED):
        began = time.perf_counter()
        re.fullmatch(pattern, text[:MATCHED])
        assert time.perf_counter() - began < 1.0
