"""Models without a price are named, and fail where they are refused."""

from __future__ import annotations

import pytest

from holdfast import Agent, App, Budget, TenantLimits

from .conftest import Examining, run


def _app(model: str, budget: Budget | None = None, tenants: dict[str, TenantLimits] | None = None) -> App:
    agent = Agent("clerk", model=model, instructions="Answer.", budget=budget)
    return App(name="priced", agents=[agent], tenants=tenants or {})


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key, without which a model's client cannot be made."""
    monkeypatch.setenv("OPENAI_API_KEY", "test")


async def test_known_prices_are_ok(examining: Examining) -> None:
    found = await run(examining(_app("openai:gpt-5-mini", Budget(dollars=1))), "prices")
    assert (found.status, found.text) == ("ok", "the price of every model is known (1)")


async def test_a_model_without_a_price_is_named_with_the_setting(examining: Examining) -> None:
    found = await run(examining(_app("openai:house", Budget(tokens=1_000))), "prices")
    assert (found.status, found.text) == ("warning", "openai:house has no price, so its calls count as free")
    assert "HOLDFAST_PRICES" in found.remedy
    own = examining(_app("openai:house"), prices='{"openai:house": {"input": 0, "output": 0}}')
    assert (await run(own, "prices")).status == "ok"


async def test_prices_that_cannot_be_read_fail(examining: Examining) -> None:
    found = await run(examining(_app("openai:gpt-5-mini"), prices="/nowhere.json"), "prices")
    assert (found.status, "HOLDFAST_PRICES" in found.text) == ("failed", True)


async def test_a_model_without_a_price_fails_under_a_budget_in_dollars(examining: Examining) -> None:
    found = await run(examining(_app("openai:house", Budget(dollars=1))), "prices")
    assert (found.status, "use it: clerk; each of its calls is refused" in found.text) == ("failed", True)
    limits = {"acme": TenantLimits(dollars_per_day=5)}
    found = await run(examining(_app("openai:house", tenants=limits)), "prices")
    assert (found.status, "refused for tenants" in found.text) == ("warning", True)
