"""Declaring budgets, last fallbacks, patience and the limits of tenants."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import pytest

from holdfast import (
    Agent,
    App,
    AskHuman,
    Budget,
    CachedReply,
    ErrorReply,
    InvalidDeclaration,
    SimplifiedReply,
    TenantLimits,
)
from holdfast_workflows.contracts.agent.fallbacks import Fallback

MODEL = "openai:gpt-5-mini"


def test_budget_fallbacks_and_max_wait_reach_the_spec() -> None:
    budget = Budget(dollars=0.5, when_spent="degrade", cheaper="openai:gpt-5-nano")
    fallbacks: list[Fallback] = [
        CachedReply(max_age=60),
        SimplifiedReply(model="anthropic:c"),
        AskHuman(),
        ErrorReply(),
    ]
    spec = Agent("a", model=MODEL, budget=budget, fallbacks=fallbacks, max_wait=timedelta(minutes=1)).spec
    assert spec.budget == budget
    assert spec.fallbacks == tuple(fallbacks)
    assert spec.max_wait == 60.0
    assert Agent("a", model=MODEL, max_wait=0).spec.max_wait == 0.0


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (Budget(), "limits nothing"),
        (Budget(when_spent="ask"), "limits nothing"),
        (Budget(tokens=0), "tokens=0"),
        (Budget(dollars=0), "dollars=0"),
        (Budget(dollars=float("nan")), "dollars=nan"),
        (Budget(dollars=float("inf")), "dollars=inf"),
        (Budget(steps=-1), "steps=-1"),
        (Budget(tool_calls=0), "tool_calls=0"),
        (Budget(seconds=0), "seconds=0"),
        (Budget(steps=1, when_spent="degrade"), "belong together"),
        (Budget(steps=1, cheaper="openai:x"), "belong together"),
        (Budget(steps=1, when_spent="degrade", cheaper="x"), "provider:model"),
        (Budget.model_construct(steps=1, when_spent=cast("Any", "wait")), "finish, degrade, ask, stop"),
    ],
)
def test_a_budget_that_cannot_work_is_refused_with_the_remedy(budget: Budget, said: str) -> None:
    with pytest.raises(InvalidDeclaration) as refused:
        Agent("a", model=MODEL, budget=budget)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"fallbacks": [CachedReply]}, "use CachedReply, SimplifiedReply, AskHuman, OtherAgent, ErrorReply"),
        ({"fallbacks": [CachedReply(max_age=0)]}, "max_age=0"),
        ({"fallbacks": [SimplifiedReply(model="gpt")]}, "provider:model"),
        ({"fallbacks": [ErrorReply(text="")]}, "1 to 4,096 bytes"),
        ({"fallbacks": [ErrorReply(text="x" * 5_000)]}, "1 to 4,096 bytes"),
        ({"fallbacks": [ErrorReply(), AskHuman()]}, "put it last"),
        ({"max_wait": -1}, "max_wait=-1"),
        ({"max_wait": float("nan")}, "max_wait=nan"),
    ],
)
def test_fallbacks_and_max_wait_that_cannot_work_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidDeclaration) as refused:
        Agent("a", model=MODEL, **options)
    assert said in str(refused.value)


def test_an_app_gives_its_workers_the_limits_of_tenants() -> None:
    limits = {"acme": TenantLimits(dollars_per_day=5, weight=2), "*": TenantLimits(requests_per_minute=60)}
    assert App(agents=[Agent("a", model=MODEL)], tenants=limits).registry().tenants == limits
    assert App(agents=[Agent("a", model=MODEL)]).registry().tenants == {}


@pytest.mark.parametrize(
    ("tenants", "said"),
    [
        ({"": TenantLimits()}, "an invalid name"),
        ({"x" * 201: TenantLimits()}, "an invalid name"),
        ({"a": TenantLimits(tokens_per_day=0)}, "tokens_per_day=0"),
        ({"a": TenantLimits(dollars_per_day=0)}, "dollars_per_day=0"),
        ({"a": TenantLimits(requests_per_minute=0)}, "requests_per_minute=0"),
        ({"a": TenantLimits(tokens_per_minute=-1)}, "tokens_per_minute=-1"),
        ({"a": TenantLimits(weight=0)}, "weight=0"),
    ],
)
def test_limits_of_a_tenant_that_cannot_work_are_refused(tenants: Any, said: str) -> None:
    with pytest.raises(InvalidDeclaration) as refused:
        App(agents=[Agent("a", model=MODEL)], tenants=tenants)
    assert said in str(refused.value)
